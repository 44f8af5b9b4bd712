package configs

import (
	"fmt"
	"strconv"
	"strings"
)

// Origin says where a value came from. The zero value is the default.
type Origin struct {
	// File and Line are set for a value of the configuration file.
	File string
	Line int
	// Variable is set for a value of the environment.
	Variable string
}

// String is "ringonce.yaml:12", the variable's name, or "default".
func (o Origin) String() string {
	switch {
	case o.Variable != "":
		return o.Variable
	case o.File != "" && o.Line > 0:
		return o.File + ":" + strconv.Itoa(o.Line)
	case o.File != "":
		return o.File
	default:
		return "default"
	}
}

// Mistake is one thing that is wrong with a configuration. It never holds a
// secret.
type Mistake struct {
	// Origin is where the offending value stands; zero for one that is missing.
	Origin Origin
	// Key is the setting's full key, such as "retry.max_delay"; empty for a
	// mistake that is about no key, such as a file that is not YAML.
	Key string
	// Rule says what is wrong, Fix what to do about it.
	Rule, Fix string
}

// String is the mistake on one line.
func (m Mistake) String() string {
	text := m.Rule + "; " + m.Fix
	if m.Key != "" {
		text = m.Key + ": " + text
	}
	if m.Origin != (Origin{}) {
		text = m.Origin.String() + ": " + text
	}
	return text
}

// Mistakes is the error that Load, Check and Validate return: everything
// that is wrong, in the order in which it was found.
type Mistakes []Mistake

// Error is one mistake per line.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, mistake := range m {
		lines[i] = mistake.String()
	}
	return strings.Join(lines, "\n")
}

// err is nil if there is no mistake: an empty list in an error is not nil.
func (m Mistakes) err() error {
	if len(m) == 0 {
		return nil
	}
	return m
}

// fault is a mistake in a single value, before it is known whose value it is.
type fault struct{ rule, fix string }

// quote shows a value or name that came from outside: on one line and bounded.
func quote(text string) string {
	const longest = 48
	if len(text) > longest {
		return fmt.Sprintf("%q…", text[:longest])
	}
	return strconv.Quote(text)
}
