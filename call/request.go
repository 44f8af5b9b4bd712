package call

import (
	"cmp"
	"time"
)

// Request is one call that a publisher asks for, checked.
type Request struct {
	ID    ID // empty if the publisher named none
	From  Phone
	To    Phone
	AppID string // if not empty, From must be linked to this very app

	Callbacks
	Limits

	NotBefore time.Time // zero: at once
	ExpiresAt time.Time // zero: request.max_age after it was published
	Metadata  map[string]string

	// Unassigned tells that From or To lies in a range that is not known to
	// be assigned. It is counted, not refused, unless the policy says so.
	Unassigned bool
}

// Callbacks are the URLs that the provider calls while a call goes on, and the
// HTTP method for each. URLs may carry secret tokens.
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

// What the provider's documentation gives for what is not said.
const (
	defaultMethod        = "POST"
	defaultRingTimeout   = 60
	defaultCallTimeLimit = 14400
)

// Defaults are what an account gives to requests that do not say.
type Defaults struct {
	Callbacks
	Limits
}

// WithDefaults fills in what the request leaves open: from the account first,
// then from the provider's documentation. Both limits are always set in the
// result, so that a change of the provider's own defaults changes no call.
func (r Request) WithDefaults(d Defaults) Request {
	c := &r.Callbacks
	c.AnswerURL, c.AnswerMethod = hook(c.AnswerURL, c.AnswerMethod, d.AnswerURL, d.AnswerMethod)
	c.RingURL, c.RingMethod = hook(c.RingURL, c.RingMethod, d.RingURL, d.RingMethod)
	c.HangupURL, c.HangupMethod = hook(c.HangupURL, c.HangupMethod, d.HangupURL, d.HangupMethod)
	r.RingTimeout = cmp.Or(r.RingTimeout, d.RingTimeout, defaultRingTimeout)
	r.CallTimeLimit = cmp.Or(r.CallTimeLimit, d.CallTimeLimit, defaultCallTimeLimit)
	return r
}

// hook fills in one URL and its method. A method that the request gives is
// kept, whichever URL it is used with; one that the account gives for a URL of
// its own says nothing about another URL.
func hook(url, method, accountURL, accountMethod string) (string, string) {
	if url == "" || accountURL == "" {
		method = cmp.Or(method, accountMethod)
	}
	url = cmp.Or(url, accountURL)
	if url != "" {
		method = cmp.Or(method, defaultMethod)
	}
	return url, method
}

// CheckDialable reports what is still missing after the defaults were filled in.
func (r Request) CheckDialable() error {
	if r.AnswerURL == "" {
		return &InvalidError{
			Reason: InvalidRequest, Field: "answer_url",
			Rule: "is required", Fix: "give one in the request, or set accounts.<name>.defaults.answer_url",
		}
	}
	return nil
}

// Expiry is when the request ends as expired: expires_at or the age limit,
// whichever comes first. since is when its age began to count.
func (r Request) Expiry(since time.Time, maxAge time.Duration) time.Time {
	d := since.Add(maxAge)
	if !r.ExpiresAt.IsZero() && r.ExpiresAt.Before(d) {
		return r.ExpiresAt
	}
	return d
}

// InvalidError refuses a request: which field, by which rule, and how to mend
// it. It never repeats a phone number or a URL.
type InvalidError struct {
	Reason Reason // Malformed or InvalidRequest
	Field  string // empty if it is the message as a whole
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
