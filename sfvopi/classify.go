package sfvopi

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/ringonce/ringonce/call"
)

// CapacityRetryAfter is how long an account is slowed when the provider says
// that its carrier has no channel free, or throttles: calls end in minutes, not
// in seconds.
const CapacityRetryAfter = 60 * time.Second

// maxRequestUUID bounds what is kept of the provider's name for a call, in
// bytes; a documented one has 23.
const maxRequestUUID = 128

// Classify says what an answer means: the outcome of the first row of the
// table that matches it. It is pure; now is compared with a Retry-After that is
// a date. What is said in the outcome is masked.
func Classify(a Answer, policy Ambiguous, now time.Time) call.Outcome {
	s := see(a, now)
	for i := range table {
		if table[i].when(&s) {
			return table[i].then.outcome(&s, policy)
		}
	}
	return everythingElse.outcome(&s, policy)
}

// seen is an answer as the rows of the table look at it.
type seen struct {
	Answer
	requestUUID string        // data.request_uuid, of any status
	message     string        // of the provider's envelope; empty without one
	says        string        // message in lower case
	initiating  string        // what follows "Failed to initiate outbound call:", in lower case
	retryAfter  time.Duration // 0 without a usable header
}

// envelope is the form of every error of the provider.
type envelope struct {
	Message jsontext.Value `json:"message"`
}

const initiateStem = "failed to initiate outbound call"

func see(a Answer, now time.Time) seen {
	s := seen{Answer: a}
	s.retryAfter, _ = ParseRetryAfter(a.RetryAfter, now)

	if len(a.Body) == 0 {
		return s
	}
	s.requestUUID = requestUUID(a.Body)
	if a.Status/100 == 2 {
		return s
	}
	var e envelope
	if json.Unmarshal(a.Body, &e) != nil {
		return s
	}
	if e.Message.Kind() != '"' || json.Unmarshal(e.Message, &s.message) != nil {
		return s
	}
	s.message = strings.TrimSpace(s.message)
	s.says = strings.ToLower(s.message)
	if rest, ok := strings.CutPrefix(s.says, initiateStem+":"); ok {
		s.initiating = strings.TrimSpace(rest)
	}
	return s
}

// requestUUID finds the provider's name for a call in its answer. It is bounded and
// stripped of control characters, for it goes into records and logs.
func requestUUID(body []byte) string {
	var answer struct {
		Data struct {
			RequestUUID string `json:"request_uuid"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	uuid := strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f {
			return -1
		}
		return r
	}, answer.Data.RequestUUID)
	return uuid[:min(len(uuid), maxRequestUUID)]
}

// text is what the outcome repeats of what was said.
func (s *seen) text() string {
	switch {
	case s.message != "":
		return call.MaskText(s.message)
	case s.Detail != "":
		return call.MaskText(s.Detail)
	default:
		return call.MaskText(string(s.Body[:min(len(s.Body), maxTextSize)]))
	}
}

// maxTextSize bounds how much of a page that is not the provider's is looked at
// for something to repeat, in bytes.
const maxTextSize = 1 << 10
