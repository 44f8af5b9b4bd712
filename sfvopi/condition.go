package sfvopi

import (
	"slices"
	"strings"
)

// condition says whether a row is about an answer.
type condition func(*seen) bool

func all(conditions ...condition) condition {
	return func(s *seen) bool {
		for _, c := range conditions {
			if !c(s) {
				return false
			}
		}
		return true
	}
}

func either(conditions ...condition) condition {
	return func(s *seen) bool {
		return slices.ContainsFunc(conditions, func(c condition) bool { return c(s) })
	}
}

func not(c condition) condition { return func(s *seen) bool { return !c(s) } }

// status is any of these statuses.
func status(codes ...int) condition {
	return func(s *seen) bool { return slices.Contains(codes, s.Status) }
}

// hundred is any status from n00 to n99.
func hundred(n int) condition { return func(s *seen) bool { return s.Status/100 == n } }

// failed is any of these failures.
func failed(failures ...Failure) condition {
	return func(s *seen) bool { return slices.Contains(failures, s.Failure) }
}

// says is the provider's envelope with a message that contains any of these,
// in any case.
func says(parts ...string) condition {
	parts = lower(parts)
	return func(s *seen) bool { return containsAny(s.says, parts) }
}

// saysExactly is the envelope with this message and nothing else, in any case.
func saysExactly(message string) condition {
	message = strings.ToLower(message)
	return func(s *seen) bool { return s.says == message }
}

// begins is the envelope with a message that begins with any of these.
func begins(parts ...string) condition {
	parts = lower(parts)
	return func(s *seen) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.HasPrefix(s.says, p) })
	}
}

// initiating is a 500 that failed to initiate the call, with an error that
// contains any of these.
func initiating(parts ...string) condition {
	parts = lower(parts)
	return func(s *seen) bool { return containsAny(s.initiating, parts) }
}

func noAnswerAtAll(s *seen) bool  { return s.Status == 0 }
func nothingWritten(s *seen) bool { return s.Written == WrittenNothing }
func wholeWritten(s *seen) bool   { return s.Written == WrittenWhole }
func unfinished(s *seen) bool     { return s.Failure != NoFailure }
func namesCall(s *seen) bool      { return s.requestUUID != "" }
func enveloped(s *seen) bool      { return s.message != "" }
func asksToWait(s *seen) bool     { return s.retryAfter > 0 }

func lower(parts []string) []string {
	parts = slices.Clone(parts)
	for i, p := range parts {
		parts[i] = strings.ToLower(p)
	}
	return parts
}

func containsAny(s string, parts []string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}
