package configs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxValueSize = 4096 // bytes
	// maxDuration bounds every duration, so that sums of them cannot overflow.
	maxDuration = 10 * 365 * 24 * time.Hour
)

// rule restricts the values of a setting. Every duration is more than 0 and at
// most maxDuration; an empty text is "not set" where that is the default.
type rule struct {
	choices []string
	// min and max bound a number; orZero also allows 0.
	orZero   bool
	min, max float64
	// format checks a text. Its problem contains none of a secret.
	format func(text string) *problem
	// file checks the file that a path names.
	file func(path string) error
}

func oneOf(choices ...string) rule { return rule{choices: choices} }

func setDefaults(settings []setting) {
	for _, s := range settings {
		_ = s.parse(s.defaultValue) // a test checks that each can be parsed
	}
}

// parse sets the field from the text of the file or the environment. It checks
// the syntax only; check checks the value. The problem never contains a secret or
// the address of a webhook.
func (s setting) parse(text string) *problem {
	_, isSecret := s.target.(*Secret)
	if p := cmp.Or(s.checkEmpty(text), checkText(text, isSecret)); p != nil {
		return p
	}
	switch target := s.target.(type) {
	case *Secret:
		*target = NewSecret(text)
	case *CallbackURL:
		*target = CallbackURL{text}
	case *time.Duration:
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return &problem{"has no unit: " + quote(text), "add one, as in 500ms, 30s, 5m or 24h"}
		}
		return parseInto(target, time.ParseDuration, text, "a duration", "write it like 500ms, 30s, 5m or 24h; there is no unit for days")
	case *int:
		return parseInto(target, strconv.Atoi, text, "a whole number", "write digits only, without a unit")
	case *float64:
		number := func(text string) (float64, error) { return strconv.ParseFloat(text, 64) }
		return parseInto(target, number, text, "a number", "write it like 10 or 0.5")
	case *[]string:
		list, p := parseList(text)
		if p != nil {
			return p
		}
		*target = list
	case *bool:
		if text != "true" && text != "false" {
			return &problem{"must be true or false, is " + quote(text), "write true or false"}
		}
		*target = text == "true"
	default: // string types
		reflect.ValueOf(target).Elem().SetString(text)
	}
	return nil
}

func parseInto[T any](target *T, parse func(string) (T, error), text, what, fix string) *problem {
	value, err := parse(text)
	if err != nil {
		return &problem{"must be " + what + ", is " + quote(text), fix}
	}
	*target = value
	return nil
}

// text returns the value as written in a file, secrets included.
func (s setting) text() string {
	switch target := s.target.(type) {
	case *Secret:
		return target.Reveal()
	case *CallbackURL:
		return target.Reveal()
	case *time.Duration:
		return duration(*target).String()
	case *[]string:
		return formatList(*target)
	default:
		return fmt.Sprint(reflect.ValueOf(target).Elem())
	}
}

// displayText returns the text, or the masked form of a secret.
func (s setting) displayText() string {
	if masked, ok := s.target.(fmt.Stringer); ok && s.isText() {
		return masked.String()
	}
	return s.text()
}

// isText reports whether the value is a text or list, for which "" is "not set".
func (s setting) isText() bool {
	kind := reflect.TypeOf(s.target).Elem().Kind()
	return kind == reflect.String || kind == reflect.Struct || kind == reflect.Slice
}

// parseList parses a JSON list, or one text.
func parseList(text string) ([]string, *problem) {
	if text == "" {
		return nil, nil
	}
	if !strings.HasPrefix(text, "[") {
		return []string{text}, nil
	}
	var list []string
	if json.Unmarshal([]byte(text), &list) != nil {
		return nil, &problem{"is neither a string nor a JSON list of strings", `write it like ["one", "another"]`}
	}
	if len(list) == 0 {
		return nil, nil
	}
	return list, nil
}

func formatList(list []string) string {
	if len(list) == 0 {
		return ""
	}
	text, err := json.Marshal(list)
	if err != nil { // strings can always be marshalled
		return ""
	}
	return string(text)
}

func (s setting) checkEmpty(text string) *problem {
	if text == "" && s.defaultValue != "" {
		return &problem{"is empty", "set a value, or remove it to use the default, " + s.defaultValue}
	}
	return nil
}

// check rejects a value that is invalid by itself.
func (s setting) check() *problem {
	text := s.text()
	if text == "" {
		return s.checkEmpty(text)
	}
	if s.rule.choices != nil && !slices.Contains(s.rule.choices, text) {
		return &problem{
			"must be one of " + strings.Join(s.rule.choices, ", ") + ", is " + quote(text),
			suggest(text, s.rule.choices, "choose one of them"),
		}
	}
	switch target := s.target.(type) {
	case *time.Duration:
		if *target <= 0 {
			return &problem{"must be more than 0, is " + text, "set a positive duration, such as 30s"}
		}
		if *target > maxDuration {
			return &problem{"must be at most " + duration(maxDuration).String() + " (ten years), is " + text, "shorten it"}
		}
	case *int:
		return s.rule.checkRange(float64(*target), text)
	case *float64:
		return s.rule.checkRange(*target, text)
	}
	if s.rule.format != nil {
		return s.rule.format(text)
	}
	return nil
}

// checkRange also rejects NaN, for which every comparison is false.
func (r rule) checkRange(n float64, text string) *problem {
	if r.max == 0 || n >= r.min && n <= r.max || r.orZero && n == 0 {
		return nil
	}
	or := ""
	if r.orZero {
		or = "0 or "
	}
	return &problem{fmt.Sprintf("must be %sfrom %g to %g, is %s", or, r.min, r.max, text), "choose a number in that range"}
}

var (
	// placeholder matches a text that is a name to be replaced, and unexpanded a
	// text that contains one. Percent-encoding in a URL, two hexadecimal digits
	// after each sign, is neither.
	placeholder = regexp.MustCompile(`^(\$\{.*\}|\$\(.*\)|\{\{.*\}\}|\$[A-Z_][A-Z0-9_]*|%[A-Z_][A-Z0-9_]*%|<[^<>]*>)$`)
	unexpanded  = regexp.MustCompile(`^~/|\$\{|\$\(|\{\{|\$[A-Z_][A-Z0-9_]|%[A-F]?[G-Z_][A-Z0-9_]*%`)
	quoted      = regexp.MustCompile("^(\".*\"|'.*'|`.*`|“.*”|„.*[“”]|‘.*’|«.*»)$")
)

// checkText rejects what is invalid for every setting. A secret may be almost
// anything, so fewer checks apply to it.
func checkText(text string, secret bool) *problem {
	switch {
	case len(text) > maxValueSize:
		return &problem{fmt.Sprintf("is longer than %d bytes", maxValueSize), "shorten it"}
	case !utf8.ValidString(text):
		return &problem{"is not UTF-8", "save it as UTF-8"}
	case strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\r"):
		return &problem{"ends in a line break", "remove the line break"}
	case strings.ContainsFunc(text, unicode.IsControl):
		return &problem{"contains a control character", "remove it"}
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Cf, r) || r == '\u00a0' }):
		return &problem{"contains an invisible character", "type it again instead of copying it"}
	case quoted.MatchString(text):
		return &problem{"has quotes around it that are part of the value", "remove the quotes"}
	case placeholder.MatchString(text), !secret && unexpanded.MatchString(text):
		return &problem{"contains an unexpanded placeholder, such as ${NAME} or ~", "write the value itself; placeholders are not expanded"}
	case !secret && strings.TrimSpace(text) != text:
		return &problem{"begins or ends with a space", "remove it"}
	}
	return nil
}

// duration prints 24h where time.Duration prints 24h0m0s.
type duration time.Duration

func (d duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
