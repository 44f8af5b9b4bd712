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
	// longestValue bounds a single value, in bytes.
	longestValue = 4096
	// longestSpan bounds every duration, so that sums of them cannot overflow.
	longestSpan = 10 * 365 * 24 * time.Hour
)

// rule says which values a setting may have. Every duration is more than 0 and
// at most longestSpan; an empty text is "not set" where that is the default.
type rule struct {
	choices []string
	// least and most bound a number; zero allows 0 besides.
	zero        bool
	least, most float64
	// form judges a text. Its fault holds none of a secret.
	form func(text string) *fault
	// file judges the file that a path names.
	file func(path string) error
}

func oneOf(choices ...string) rule { return rule{choices: choices} }

func setDefaults(settings []setting) {
	for _, s := range settings {
		_ = s.parse(s.value) // a test shows that each can be parsed
	}
}

// parse puts text, as it stands in the file or in the environment, into the
// field. It judges the form alone; judge judges the meaning. A secret or a
// webhook's address never stands in the fault.
func (s setting) parse(text string) *fault {
	_, isSecret := s.target.(*Secret)
	if f := cmp.Or(s.checkEmpty(text), checkText(text, isSecret)); f != nil {
		return f
	}
	switch target := s.target.(type) {
	case *Secret:
		*target = NewSecret(text)
	case *CallbackURL:
		*target = CallbackURL{text}
	case *time.Duration:
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return &fault{"is the bare number " + quote(text) + ", without a unit", "add one, as in 500ms, 30s, 5m or 24h"}
		}
		return assign(target, time.ParseDuration, text, "a duration", "write it like 500ms, 30s, 5m or 24h; there is no unit for days")
	case *int:
		return assign(target, strconv.Atoi, text, "a whole number", "write digits alone, without a unit")
	case *float64:
		number := func(text string) (float64, error) { return strconv.ParseFloat(text, 64) }
		return assign(target, number, text, "a number", "write it like 10 or 0.5")
	case *[]string:
		list, f := parseList(text)
		if f != nil {
			return f
		}
		*target = list
	case *bool:
		if text != "true" && text != "false" {
			return &fault{"must be true or false, is " + quote(text), "write one of the two"}
		}
		*target = text == "true"
	default: // the types that are texts
		reflect.ValueOf(target).Elem().SetString(text)
	}
	return nil
}

func assign[T any](target *T, parse func(string) (T, error), text, what, fix string) *fault {
	value, err := parse(text)
	if err != nil {
		return &fault{"must be " + what + ", is " + quote(text), fix}
	}
	*target = value
	return nil
}

// text is the value as a person would write it, secrets included.
func (s setting) text() string {
	switch target := s.target.(type) {
	case *Secret:
		return target.Reveal()
	case *CallbackURL:
		return target.Reveal()
	case *time.Duration:
		return span(*target).String()
	case *[]string:
		return listText(*target)
	default:
		return fmt.Sprint(reflect.ValueOf(target).Elem())
	}
}

// shown is the text, or what a secret shows of itself.
func (s setting) shown() string {
	if hiding, ok := s.target.(fmt.Stringer); ok && s.isText() {
		return hiding.String()
	}
	return s.text()
}

// isText reports whether the value is a text, for which "" is "not set".
func (s setting) isText() bool {
	kind := reflect.TypeOf(s.target).Elem().Kind()
	return kind == reflect.String || kind == reflect.Struct || kind == reflect.Slice
}

// parseList reads a list in JSON, or one text.
func parseList(text string) ([]string, *fault) {
	if text == "" {
		return nil, nil
	}
	if !strings.HasPrefix(text, "[") {
		return []string{text}, nil
	}
	var list []string
	if json.Unmarshal([]byte(text), &list) != nil {
		return nil, &fault{"is neither one text nor a list of texts in JSON", `write it like ["one", "another"]`}
	}
	if len(list) == 0 {
		return nil, nil
	}
	return list, nil
}

func listText(list []string) string {
	if len(list) == 0 {
		return ""
	}
	text, err := json.Marshal(list)
	if err != nil { // texts can always be written
		return ""
	}
	return string(text)
}

func (s setting) checkEmpty(text string) *fault {
	if text == "" && s.value != "" {
		return &fault{"is empty", "give a value, or remove it for the default, " + s.value}
	}
	return nil
}

// judge refuses a value that is wrong by itself.
func (s setting) judge() *fault {
	text := s.text()
	if text == "" {
		return s.checkEmpty(text)
	}
	if s.rule.choices != nil && !slices.Contains(s.rule.choices, text) {
		return &fault{
			"must be one of " + strings.Join(s.rule.choices, ", ") + ", is " + quote(text),
			didYouMean(text, s.rule.choices, "choose one of them"),
		}
	}
	switch target := s.target.(type) {
	case *time.Duration:
		if *target <= 0 {
			return &fault{"must be more than 0, is " + text, "give a positive duration, such as 30s"}
		}
		if *target > longestSpan {
			return &fault{"must be at most " + span(longestSpan).String() + " (ten years), is " + text, "shorten it"}
		}
	case *int:
		return s.rule.within(float64(*target), text)
	case *float64:
		return s.rule.within(*target, text)
	}
	if s.rule.form != nil {
		return s.rule.form(text)
	}
	return nil
}

// within also refuses NaN, which no comparison accepts.
func (r rule) within(n float64, text string) *fault {
	if r.most == 0 || n >= r.least && n <= r.most || r.zero && n == 0 {
		return nil
	}
	or := ""
	if r.zero {
		or = "0 or "
	}
	return &fault{fmt.Sprintf("must be %sfrom %g to %g, is %s", or, r.least, r.most, text), "choose a number in that range"}
}

var (
	// placeholder is a text that is nothing but a name to be replaced, and
	// unexpanded one with such a name in it. What is encoded by percent signs
	// in a URL has two hexadecimal digits behind each, and so is neither.
	placeholder = regexp.MustCompile(`^(\$\{.*\}|\$\(.*\)|\{\{.*\}\}|\$[A-Z_][A-Z0-9_]*|%[A-Z_][A-Z0-9_]*%|<[^<>]*>)$`)
	unexpanded  = regexp.MustCompile(`^~/|\$\{|\$\(|\{\{|\$[A-Z_][A-Z0-9_]|%[A-F]?[G-Z_][A-Z0-9_]*%`)
	quoted      = regexp.MustCompile("^(\".*\"|'.*'|`.*`|“.*”|„.*[“”]|‘.*’|«.*»)$")
)

// checkText refuses what no value is, whatever its setting. A secret may be
// almost anything, so that less is concluded from its looks.
func checkText(text string, secret bool) *fault {
	switch {
	case len(text) > longestValue:
		return &fault{fmt.Sprintf("is longer than %d bytes", longestValue), "shorten it"}
	case !utf8.ValidString(text):
		return &fault{"is not UTF-8", "save it as UTF-8"}
	case strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\r"):
		return &fault{"ends in a line break", "remove the line break"}
	case strings.ContainsFunc(text, unicode.IsControl):
		return &fault{"contains a control character", "remove it"}
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Cf, r) || r == '\u00a0' }):
		return &fault{"contains an invisible character", "type it again instead of copying it"}
	case quoted.MatchString(text):
		return &fault{"has quotes around it that are part of the value", "remove the quotes"}
	case placeholder.MatchString(text), !secret && unexpanded.MatchString(text):
		return &fault{"holds a placeholder, such as ${NAME} or ~, that was not replaced", "write the value itself; nothing is expanded here"}
	case !secret && strings.TrimSpace(text) != text:
		return &fault{"begins or ends with a space", "remove it"}
	}
	return nil
}

// span writes 24h for what Duration.String calls 24h0m0s.
type span time.Duration

func (d span) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
