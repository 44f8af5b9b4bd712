package sfvopi

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ringonce/ringonce/call"
)

// CapacityRetryAfter is how long an account is slowed when the provider says
// that its carrier has no channel free, or throttles: calls end in minutes, not
// in seconds.
const CapacityRetryAfter = 60 * time.Second

// maxRequestUUID bounds what is kept of the provider's name for a call, in
// bytes; a documented one has 23.
const maxRequestUUID = 128

// RuleSettings are what a team may decide about the rules.
type RuleSettings struct {
	// Ambiguous decides over the rules marked †. Empty means Hold.
	Ambiguous AmbiguousMode
	// NotDialled are messages by which the provider, as it told the team, says
	// that no call went out. A message that equals one of them, in any case, is
	// refused. Messages about the answer webhook stay what they are.
	NotDialled []string
}

// Classify returns the outcome that the first matching rule gives an answer.
// It is pure; now is compared with a Retry-After that is a date. What is said in
// the outcome is masked.
func Classify(a Response, settings RuleSettings, now time.Time) call.Outcome {
	s := see(a, now)
	v := s.judge(settings.NotDialled)
	switch {
	case s.contradicts() && (v.class == call.Refused || v.class == call.Suspended || v.has(dagger)):
		v = contradicted(&s, v)
	case v.has(dagger) && settings.Ambiguous == RetryAmbiguous:
		v.class = call.Refused
	}
	o := v.outcome(&s)
	if o.Class == call.Unknown && s.contradicts() {
		o.Message = call.MaskText("no proof, because it "+s.contradiction()+": "+o.Message, s.secrets()...)
	}
	return o
}

// judge applies the list of the team, then the rules.
func (s *seen) judge(listed []string) verdict {
	if s.hasAnswer() && s.content.enveloped && s.says != "" && !speaksOfWebhook(s) &&
		slices.ContainsFunc(listed, func(text string) bool { return plain(text) == s.says }) {
		return notDialled
	}
	for i := range rules {
		if rules[i].when(s) {
			return rules[i].then
		}
	}
	return everythingElse
}

// seen is an answer as the rules look at it.
type seen struct {
	Response
	content    content
	says       string        // the message of the envelope, plain
	retryAfter time.Duration // 0 without a usable header
}

func see(a Response, now time.Time) seen {
	s := seen{Response: a, content: readContent(a.Body)}
	s.says = plain(s.content.message)
	s.retryAfter, _ = ParseRetryAfter(a.RetryAfter, now)
	return s
}

// hasAnswer reports whether there is an answer that is no success.
func (s *seen) hasAnswer() bool { return s.Status != 0 && s.Status/100 != 2 }

// contradicts reports whether an answer that is no success proves nothing.
func (s *seen) contradicts() bool {
	return s.hasAnswer() && (s.content.contradicts || s.TrailingBytes || s.Failure != NoFailure)
}

// contradiction says by what an answer contradicts itself.
func (s *seen) contradiction() string {
	switch {
	case s.Failure != NoFailure:
		return "cannot be read (" + string(s.Failure) + ")"
	case s.TrailingBytes:
		return "has another answer behind it"
	default:
		return "names a call, or says two things"
	}
}

// plain is a message in lower case, with single spaces.
func plain(message string) string {
	return strings.ToLower(strings.Join(strings.Fields(message), " "))
}

// documentedUUID is the form that the provider documents for its name of a call.
// It repeats no secret, and finding all of them costs more than the rest of an
// answer.
var documentedUUID = regexp.MustCompile(`^sfv_ob_req_[a-z0-9]{12}$`)

// uuid is the provider's name for the call, without secrets.
func (s *seen) uuid() string {
	uuid := s.content.requestUUID
	if documentedUUID.MatchString(uuid) {
		return uuid
	}
	return call.RedactSecrets(uuid, s.secrets())
}

func (s *seen) secrets() []string {
	if s.Secrets == nil {
		return nil
	}
	return s.Secrets()
}

// text is what the outcome repeats of what was said.
func (s *seen) text() string {
	switch {
	case s.content.message != "":
		return call.MaskText(s.content.message, s.secrets()...)
	case s.Detail != "":
		return call.MaskText(s.Detail, s.secrets()...)
	default:
		return call.MaskText(string(s.Body[:min(len(s.Body), maxTextSize)]), s.secrets()...)
	}
}

// maxTextSize bounds how much of a page that is not the provider's is looked at
// for something to repeat, in bytes.
const maxTextSize = 4 << 10
