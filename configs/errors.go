package configs

import (
	"fmt"
	"strconv"
	"strings"
)

// Source is where a value came from. The zero value is the default.
type Source struct {
	// File and Line are set for a value of the configuration file.
	File string
	Line int
	// Variable is set for a value of the environment.
	Variable string
}

// String returns "ringonce.yaml:12", the variable's name, or "default".
func (s Source) String() string {
	switch {
	case s.Variable != "":
		return s.Variable
	case s.File != "" && s.Line > 0:
		return s.File + ":" + strconv.Itoa(s.Line)
	case s.File != "":
		return s.File
	default:
		return "default"
	}
}

// ValidationError is one error in a configuration. It never holds a secret.
type ValidationError struct {
	// Source is where the invalid value is; zero for a missing one.
	Source Source
	// Key is the setting's full key, such as "retry.max_delay"; empty for an
	// error of the whole file.
	Key string
	// Rule is what is wrong, Fix what to do about it.
	Rule, Fix string
}

// String returns the error on one line.
func (e ValidationError) String() string {
	text := e.Rule + "; " + e.Fix
	if e.Key != "" {
		text = e.Key + ": " + text
	}
	if e.Source != (Source{}) {
		text = e.Source.String() + ": " + text
	}
	return text
}

// ValidationErrors is the error that Load, Check and Validate return: all that
// is wrong, in the order in which it was found.
type ValidationErrors []ValidationError

// Error returns one error per line.
func (e ValidationErrors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// err returns nil for an empty list, which is not nil in an error.
func (e ValidationErrors) err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}

// problem is what is wrong with a single value, whatever its key.
type problem struct{ rule, fix string }

// quote shows a value or name from outside on one line, and bounded.
func quote(text string) string {
	const maxSize = 48
	if len(text) > maxSize {
		return fmt.Sprintf("%q…", text[:maxSize])
	}
	return strconv.Quote(text)
}
