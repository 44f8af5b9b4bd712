package configs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// rule restricts the values of a setting. Every duration is more than 0 and at
// most maxDuration; an empty text is "not set" where that is the default.
type rule struct {
	choices []string // of the text, or of each entry of a list
	// min and max bound a number, shortest and longest a duration; orZero also
	// allows 0.
	orZero            bool
	min, max          float64
	shortest, longest time.Duration
	// lines allows a text of several lines; each is checked.
	lines bool
	// format checks a text. Its problem contains none of a secret.
	format func(text string) *problem
	// file checks the file that a path names.
	file func(path string) error
}

func oneOf(choices ...string) rule { return rule{choices: choices} }

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
	switch target := s.target.(type) {
	case *[]string:
		if p := s.rule.checkEntries(*target); p != nil {
			return p
		}
	case *time.Duration:
		return s.rule.checkDuration(*target)
	case *int:
		return cmp.Or(s.rule.checkChoice(text), s.rule.checkRange(float64(*target), text))
	case *float64:
		return s.rule.checkRange(*target, text)
	default:
		if p := s.rule.checkChoice(text); p != nil {
			return p
		}
	}
	if s.rule.format != nil {
		return s.rule.format(text)
	}
	return nil
}

// checkChoice rejects a text that is none of the choices, if there are any.
func (r rule) checkChoice(text string) *problem {
	if r.choices == nil || slices.Contains(r.choices, text) {
		return nil
	}
	return &problem{
		"must be one of " + strings.Join(r.choices, ", ") + ", is " + quote(text),
		suggest(text, r.choices, "choose one of them"),
	}
}

// checkEntries checks each entry of a list of choices, which names none twice.
func (r rule) checkEntries(list []string) *problem {
	for i, entry := range list {
		if p := r.checkChoice(entry); p != nil {
			return &problem{"has an entry that " + p.rule, p.fix}
		}
		if r.choices != nil && slices.Contains(list[:i], entry) {
			return &problem{"names " + entry + " twice", "remove one of the two"}
		}
	}
	return nil
}

func (r rule) checkDuration(d time.Duration) *problem {
	text, longest := duration(d).String(), cmp.Or(r.longest, maxDuration)
	switch {
	case r.orZero && d == 0:
	case d <= 0:
		return &problem{"must be more than 0, is " + text, "set a positive duration, such as 30s"}
	case d < r.shortest:
		return &problem{"must be at least " + duration(r.shortest).String() + ", is " + text, "lengthen it"}
	case d > maxDuration:
		return &problem{"must be at most " + duration(maxDuration).String() + " (ten years), is " + text, "shorten it"}
	case d > longest:
		return &problem{"must be at most " + duration(longest).String() + ", is " + text, "shorten it"}
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
