package sfvopi

import (
	"regexp"
	"slices"
	"strings"
)

// condition reports whether a rule matches a response. Texts are compared in lower
// case and with single spaces.
type condition func(*parsed) bool

func all(conditions ...condition) condition {
	return func(s *parsed) bool {
		return !slices.ContainsFunc(conditions, func(c condition) bool { return !c(s) })
	}
}

func not(c condition) condition { return func(s *parsed) bool { return !c(s) } }

// status matches any of these statuses.
func status(codes ...int) condition {
	return func(s *parsed) bool { return slices.Contains(codes, s.Status) }
}

// statusClass matches any status from n00 to n99.
func statusClass(n int) condition { return func(s *parsed) bool { return s.Status/100 == n } }

// failed matches any of these failures.
func failed(failures ...Failure) condition {
	return func(s *parsed) bool { return slices.Contains(failures, s.Failure) }
}

// messageContains matches an envelope whose message contains any of these.
func messageContains(parts ...string) condition {
	parts = lowerAll(parts)
	return func(s *parsed) bool { return containsAny(s.message, parts) }
}

// messageHasPrefix matches an envelope whose message begins with this.
func messageHasPrefix(prefix string) condition {
	return func(s *parsed) bool { return strings.HasPrefix(s.message, prefix) }
}

// messageMatches matches an envelope whose whole message one of the patterns
// matches.
func messageMatches(patterns ...string) condition {
	whole := anchored(patterns)
	return func(s *parsed) bool { return whole.MatchString(s.message) }
}

// initiateErrorMatches matches an envelope with "Failed to initiate outbound call:
// {error}" where one of the patterns matches the whole {error}.
func initiateErrorMatches(patterns ...string) condition {
	whole := anchored(patterns)
	return func(s *parsed) bool {
		err, ok := strings.CutPrefix(s.message, "failed to initiate outbound call: ")
		return ok && whole.MatchString(err)
	}
}

func anchored(patterns []string) *regexp.Regexp {
	return regexp.MustCompile(`^(?:` + strings.Join(patterns, "|") + `)$`)
}

func noStatus(s *parsed) bool       { return s.Status == 0 }
func noneWritten(s *parsed) bool    { return s.Written == WrittenNothing }
func wholeWritten(s *parsed) bool   { return s.Written == WrittenWhole }
func hasRequestUUID(s *parsed) bool { return s.content.requestUUID != "" }
func enveloped(s *parsed) bool      { return s.content.enveloped }
func hasRetryAfter(s *parsed) bool  { return s.retryAfter > 0 }

// mentionsWebhook searches the whole body, for every spelling.
func mentionsWebhook(s *parsed) bool {
	const separators = "_- "
	text := strings.ToLower(s.message + "\n" + string(s.Body))
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune(separators, r) {
			return -1
		}
		return r
	}, text)
	return strings.Contains(text, "answerurl") || strings.Contains(text, "webhook")
}

// lookupFailed matches an envelope with a documented look-up error that mentions
// neither a time-out, nor a lost connection, nor a call.
func lookupFailed(s *parsed) bool {
	for _, stem := range []string{"failed to get app by number:", "failed to get sfvopi app:"} {
		if err, ok := strings.CutPrefix(s.message, stem); ok {
			return !containsAny(err, notLookupErrors)
		}
	}
	return false
}

// notLookupErrors are words that make a look-up error about more than the look-up.
var notLookupErrors = []string{
	"time limit", "too long", "cancel", "placed",
	"timeout", "time-out", "time out", "time_out", "timedout", "timed-out", "timed out", "timed_out", "deadline",
	"reset", "abort", "epipe", "eof", "pipe", "hang up", "hangup", "hung up", "closed", "lost", "terminat", "disconnect", "gone away",
	"504", "gateway", "call", "dial", "initiat", "rang", "ringing", "answer", "busy", "phone",
}

func lowerAll(parts []string) []string {
	parts = slices.Clone(parts)
	for i, p := range parts {
		parts[i] = strings.ToLower(p)
	}
	return parts
}

func containsAny(s string, parts []string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}
