package sfvopi

import (
	"regexp"
	"slices"
	"strings"
)

// condition reports whether a rule is about an answer. Texts are compared in
// lower case and with single spaces.
type condition func(*seen) bool

func all(conditions ...condition) condition {
	return func(s *seen) bool {
		return !slices.ContainsFunc(conditions, func(c condition) bool { return !c(s) })
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

// says is the envelope with a message that contains any of these.
func says(parts ...string) condition {
	parts = lower(parts)
	return func(s *seen) bool { return containsAny(s.says, parts) }
}

// begins is the envelope with a message that begins with this.
func begins(prefix string) condition {
	return func(s *seen) bool { return strings.HasPrefix(s.says, prefix) }
}

// saysWhole is the envelope with a message that one of the patterns matches
// from its first character to its last.
func saysWhole(patterns ...string) condition {
	whole := wholly(patterns)
	return func(s *seen) bool { return whole.MatchString(s.says) }
}

// initiating is the envelope with "Failed to initiate outbound call: {error}",
// where one of the patterns matches the whole {error}.
func initiating(patterns ...string) condition {
	whole := wholly(patterns)
	return func(s *seen) bool {
		err, ok := strings.CutPrefix(s.says, "failed to initiate outbound call: ")
		return ok && whole.MatchString(err)
	}
}

func wholly(patterns []string) *regexp.Regexp {
	return regexp.MustCompile(`^(?:` + strings.Join(patterns, "|") + `)$`)
}

func noStatus(s *seen) bool       { return s.Status == 0 }
func nothingWritten(s *seen) bool { return s.Written == WrittenNothing }
func wholeWritten(s *seen) bool   { return s.Written == WrittenWhole }
func hasRequestUUID(s *seen) bool { return s.content.requestUUID != "" }
func enveloped(s *seen) bool      { return s.content.enveloped }
func asksToWait(s *seen) bool     { return s.retryAfter > 0 }

// speaksOfWebhook looks into all of the body, and at every spelling.
func speaksOfWebhook(s *seen) bool {
	const separators = "_- "
	text := strings.ToLower(s.says + "\n" + string(s.Body))
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune(separators, r) {
			return -1
		}
		return r
	}, text)
	return strings.Contains(text, "answerurl") || strings.Contains(text, "webhook")
}

// lookupFailed is the envelope with a documented look-up error that mentions
// neither a time-out, nor a lost connection, nor a call.
func lookupFailed(s *seen) bool {
	for _, stem := range []string{"failed to get app by number:", "failed to get sfvopi app:"} {
		if err, ok := strings.CutPrefix(s.says, stem); ok {
			return !containsAny(err, notALookup)
		}
	}
	return false
}

// notALookup are words by which the error of a look-up is about more than that.
var notALookup = []string{
	"time limit", "too long", "cancel", "placed",
	"timeout", "time-out", "time out", "time_out", "timedout", "timed-out", "timed out", "timed_out", "deadline",
	"reset", "abort", "epipe", "eof", "pipe", "hang up", "hangup", "hung up", "closed", "lost", "terminat", "disconnect", "gone away",
	"504", "gateway", "call", "dial", "initiat", "rang", "ringing", "answer", "busy", "phone",
}

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
