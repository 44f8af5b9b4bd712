package call

import (
	"cmp"
	"time"
)

// Request is one call that a publisher asks for, validated.
type Request struct {
	ID    ID // empty if the publisher gave none
	From  Phone
	To    Phone
	AppID string // if not empty, From must be linked to this very app

	Callbacks
	Limits

	NotBefore time.Time // zero: at once
	ExpiresAt time.Time // zero: request.max_age after it was published
	Metadata  map[string]string

	// Unassigned: From or To lies in a range that is not known to be assigned.
	// That is counted, and refused only with AssignedNumbers.
	Unassigned bool
}

// Callbacks are the URLs that the provider calls during a call, and the HTTP
// method for each. URLs may carry secret tokens.
type Callbacks struct {
	AnswerURL    string
	AnswerMethod string
	RingURL      string
	RingMethod   string
	HangupURL    string
	HangupMethod string
}

// Limits bound a call in time, in whole seconds. 0 means not given.
type Limits struct {
	RingTimeout   int
	CallTimeLimit int
}

// The defaults of the provider's documentation.
const (
	defaultMethod        = "POST"
	defaultRingTimeout   = 60
	defaultCallTimeLimit = 14400
)

// Defaults are an account's values for fields that a request leaves open.
type Defaults struct {
	Callbacks
	Limits
}

// WithDefaults fills in what the request leaves open, from the account first, then
// from the provider's documentation. The result has both limits, so that a change
// of the provider's own defaults changes no call.
func (r Request) WithDefaults(d Defaults) Request {
	c := &r.Callbacks
	c.AnswerURL, c.AnswerMethod = callbackDefault(c.AnswerURL, c.AnswerMethod, d.AnswerURL, d.AnswerMethod)
	c.RingURL, c.RingMethod = callbackDefault(c.RingURL, c.RingMethod, d.RingURL, d.RingMethod)
	c.HangupURL, c.HangupMethod = callbackDefault(c.HangupURL, c.HangupMethod, d.HangupURL, d.HangupMethod)
	r.RingTimeout = cmp.Or(r.RingTimeout, d.RingTimeout, defaultRingTimeout)
	r.CallTimeLimit = cmp.Or(r.CallTimeLimit, d.CallTimeLimit, defaultCallTimeLimit)
	return r
}

// callbackDefault fills in one URL and its method. The request's method applies to
// either URL; the account's method applies only to its own URL.
func callbackDefault(url, method, accountURL, accountMethod string) (string, string) {
	if url == "" || accountURL == "" {
		method = cmp.Or(method, accountMethod)
	}
	url = cmp.Or(url, accountURL)
	if url != "" {
		method = cmp.Or(method, defaultMethod)
	}
	return url, method
}

// CheckDialable returns an error for what is still missing after the defaults.
func (r Request) CheckDialable() error {
	if r.AnswerURL == "" {
		return &InvalidError{
			Reason: InvalidRequest, Field: "answer_url",
			Rule: "is required", Fix: "give one in the request, or set accounts.<name>.defaults.answer_url",
		}
	}
	return nil
}

// Expiry returns when the request ends as expired: at expires_at or at maxAge after
// since, whichever comes first.
func (r Request) Expiry(since time.Time, maxAge time.Duration) time.Time {
	d := since.Add(maxAge)
	if !r.ExpiresAt.IsZero() && r.ExpiresAt.Before(d) {
		return r.ExpiresAt
	}
	return d
}

// InvalidError refuses a request: which field, by which rule, and how to fix it. It
// never repeats a phone number or a URL.
type InvalidError struct {
	Reason Reason // Malformed or InvalidRequest
	Field  string // empty if the message as a whole is invalid
	Rule   string
	Fix    string
	Others []*InvalidError // further mistakes of the request, which Error leaves out
}

// All returns this mistake and the others.
func (e *InvalidError) All() []*InvalidError { return append([]*InvalidError{e}, e.Others...) }

func (e *InvalidError) Error() string {
	s := e.Rule
	if e.Field != "" {
		s = e.Field + " " + s
	}
	if e.Fix != "" {
		s += "; " + e.Fix
	}
	return s
}
