package configs

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// longestValue bounds a single value, in bytes.
const longestValue = 4096

// parse puts text, as it stands in the file or in the environment, into the
// field behind target. It judges the form alone; Validate judges the meaning.
// A secret or a webhook's address never stands in the fault.
func parse(target any, text string) *fault {
	if f := checkText(text); f != nil {
		return f
	}
	switch target := target.(type) {
	case *string:
		*target = text
	case *Secret:
		*target = NewSecret(text)
	case *CallbackURL:
		*target = NewCallbackURL(text)
	case *Ambiguous:
		*target = Ambiguous(text)
	case *NumberRule:
		*target = NumberRule(text)
	case *Method:
		*target = Method(text)
	case *LogLevel:
		*target = LogLevel(text)
	case *LogFormat:
		*target = LogFormat(text)
	case *time.Duration:
		return parseDuration(target, text)
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return &fault{"must be a whole number, is " + quote(text), "write digits alone, without a unit"}
		}
		*target = n
	case *float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return &fault{"must be a number, is " + quote(text), "write it like 10 or 0.5"}
		}
		*target = n
	case *bool:
		switch text {
		case "true", "false":
			*target = text == "true"
		default:
			return &fault{"must be true or false, is " + quote(text), "write one of the two"}
		}
	default:
		return &fault{fmt.Sprintf("has the type %T, which cannot be read", target), "report this as a bug"}
	}
	return nil
}

func parseDuration(target *time.Duration, text string) *fault {
	d, err := time.ParseDuration(text)
	if err == nil && text != "0" {
		*target = d
		return nil
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return &fault{"is the bare number " + quote(text) + ", without a unit", "add one, as in 500ms, 30s, 5m or 24h"}
	}
	return &fault{"must be a duration, is " + quote(text), "write it like 500ms, 30s, 5m or 24h; there is no unit for days"}
}

// checkText bounds a value before it is looked at any closer.
func checkText(text string) *fault {
	switch {
	case len(text) > longestValue:
		return &fault{fmt.Sprintf("is longer than %d bytes", longestValue), "shorten it"}
	case !utf8.ValidString(text):
		return &fault{"is not UTF-8", "save it as UTF-8"}
	case strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\r"):
		return &fault{"ends in a line break", "remove the line break"}
	case strings.ContainsFunc(text, unicode.IsControl):
		return &fault{"contains a control character", "remove it"}
	}
	return nil
}

// show is the value behind a setting's target as a person would write it, or
// what a secret shows of itself.
func show(target any) string {
	switch target := target.(type) {
	case *string:
		return *target
	case *Secret:
		return target.String()
	case *CallbackURL:
		return target.String()
	case *Ambiguous:
		return string(*target)
	case *NumberRule:
		return string(*target)
	case *Method:
		return string(*target)
	case *LogLevel:
		return string(*target)
	case *LogFormat:
		return string(*target)
	case *time.Duration:
		return formatDuration(*target)
	case *int:
		return strconv.Itoa(*target)
	case *float64:
		return strconv.FormatFloat(*target, 'g', -1, 64)
	case *bool:
		return strconv.FormatBool(*target)
	default:
		return hidden
	}
}

// formatDuration writes 24h for what Duration.String calls 24h0m0s.
func formatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
