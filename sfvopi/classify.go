package sfvopi

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ringonce/ringonce/call"
)

// CapacityRetryAfter is how long an account is throttled when the provider's carrier
// has no free channel or throttles: calls last minutes, not seconds.
const CapacityRetryAfter = 60 * time.Second

// maxRequestUUID bounds what is kept of the provider's id of a call, in bytes; a
// documented one has 23.
const maxRequestUUID = 128

// RuleSettings are the rules that a team decides.
type RuleSettings struct {
	// Ambiguous applies to results with the flag teamDecides. Empty means
	// HoldAmbiguous.
	Ambiguous AmbiguousMode
	// NotDialled are messages that, as the provider told the team, mean that no
	// call went out. A message that equals one of them, in any case, is refused.
	// Messages about the answer webhook are exempt.
	NotDialled []string
}

// Classify returns the outcome of the first rule that matches a response. It is
// pure; now is compared with a Retry-After that is a date. The outcome's message is
// masked.
func Classify(a Response, settings RuleSettings, now time.Time) call.Outcome {
	p := parse(a, now)
	v := p.firstMatch(settings.NotDialled)
	switch {
	case p.contradicts() && (v.class == call.Refused || v.class == call.Suspended || v.has(teamDecides)):
		v = contradicted(&p, v)
	case v.has(teamDecides) && settings.Ambiguous == RetryAmbiguous:
		v.class = call.Refused
	}
	o := v.outcome(&p)
	if o.Class == call.Unknown && p.contradicts() {
		o.Message = call.MaskText("no proof, because it "+p.contradiction()+": "+o.Message, p.secrets()...)
	}
	return o
}

// firstMatch applies the team's list, then the rules.
func (p *parsed) firstMatch(listed []string) result {
	if p.isErrorResponse() && p.content.enveloped && p.message != "" && !mentionsWebhook(p) &&
		slices.ContainsFunc(listed, func(text string) bool { return normalize(text) == p.message }) {
		return notDialled
	}
	for i := range rules {
		if rules[i].when(p) {
			return rules[i].then
		}
	}
	return noRuleMatched
}

// parsed is a response as the rules see it.
type parsed struct {
	Response
	content    content
	message    string        // the message of the envelope, normalized
	retryAfter time.Duration // 0 without a usable header
}

func parse(a Response, now time.Time) parsed {
	p := parsed{Response: a, content: readContent(a.Body)}
	p.message = normalize(p.content.message)
	p.retryAfter, _ = ParseRetryAfter(a.RetryAfter, now)
	return p
}

// isErrorResponse reports whether there is a response other than a 2xx.
func (p *parsed) isErrorResponse() bool { return p.Status != 0 && p.Status/100 != 2 }

// contradicts reports whether an error response contradicts itself and so proves
// nothing.
func (p *parsed) contradicts() bool {
	return p.isErrorResponse() && (p.content.contradicts || p.TrailingBytes || p.Failure != NoFailure)
}

// contradiction describes how a response contradicts itself.
func (p *parsed) contradiction() string {
	switch {
	case p.Failure != NoFailure:
		return "cannot be read (" + string(p.Failure) + ")"
	case p.TrailingBytes:
		return "is followed by another answer"
	default:
		return "names a call, or has two messages"
	}
}

// normalize returns a message in lower case, with single spaces.
func normalize(message string) string {
	return strings.ToLower(strings.Join(strings.Fields(message), " "))
}

// documentedUUID is the documented form of the provider's id of a call. It holds no
// secret, and searching for secrets costs more than the rest of a response.
var documentedUUID = regexp.MustCompile(`^sfv_ob_req_[a-z0-9]{12}$`)

// uuid returns the provider's id of the call, without secrets.
func (p *parsed) uuid() string {
	uuid := p.content.requestUUID
	if documentedUUID.MatchString(uuid) {
		return uuid
	}
	return call.RedactSecrets(uuid, p.secrets())
}

func (p *parsed) secrets() []string {
	if p.Secrets == nil {
		return nil
	}
	return p.Secrets()
}

// messageText returns the message of the outcome.
func (p *parsed) messageText() string {
	switch {
	case p.content.message != "":
		return call.MaskText(p.content.message, p.secrets()...)
	case p.Detail != "":
		return call.MaskText(p.Detail, p.secrets()...)
	default:
		return call.MaskText(string(p.Body[:min(len(p.Body), maxPageText)]), p.secrets()...)
	}
}

// maxPageText bounds how much is read of a page that is not the provider's, in
// bytes.
const maxPageText = 4 << 10
