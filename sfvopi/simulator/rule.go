package simulator

import (
	"errors"
	"fmt"
	"time"
)

// Rule chooses a fault, an ending, or both for the requests that it selects. All
// selectors that are set must match; a rule with none matches every call. Only
// the first matching rule decides, and rules decide before magic callees.
type Rule struct {
	// Name is unique; putting a rule of the same name replaces it.
	Name string `json:"name" yaml:"name"`
	// Fault is a name of the catalogue.
	Fault string `json:"fault,omitzero" yaml:"fault"`
	// Ending is how a call that went out comes to its end.
	Ending Ending `json:"ending,omitzero" yaml:"ending"`

	// On says which requests the rule matches: calls (the default) or lookups.
	On Scope `json:"on,omitzero" yaml:"on"`
	// Organisation is the name of one organisation.
	Organisation string `json:"organisation,omitzero" yaml:"organisation"`
	// Callee and CallerID are whole numbers, as in the request.
	Callee   string `json:"callee,omitzero" yaml:"callee"`
	CallerID string `json:"caller_id,omitzero" yaml:"caller_id"`
	// Method and Path select one endpoint among look-ups; the path as in
	// /sfvopi/apps/sfv_app_x/numbers, without /superfone.
	Method string `json:"method,omitzero" yaml:"method"`
	Path   string `json:"path,omitzero" yaml:"path"`

	// After and Until bound the time since the rule was put (for those of the
	// configuration: since the start).
	After time.Duration `json:"after,omitzero" yaml:"after"`
	Until time.Duration `json:"until,omitzero" yaml:"until"`
	// NotBefore and NotAfter bound the time itself, RFC 3339.
	NotBefore time.Time `json:"not_before,omitzero" yaml:"not_before"`
	NotAfter  time.Time `json:"not_after,omitzero" yaml:"not_after"`

	// Rate is the share of selected requests that match, above 0 and up to
	// 1; 0 means all. It is drawn from the seed, the rule's name and the
	// request's place among those of its identity, so it does not depend on the
	// order in which identities interleave.
	Rate float64 `json:"rate,omitzero" yaml:"rate"`
	// First limits the rule to the first so many requests of each identity
	// (organisation, callee, answer URL; among look-ups: organisation, method
	// and path). 0 means all.
	First int `json:"first,omitzero" yaml:"first"`

	// Error, Status, RetryAfter and Delay fill the fault's {error}, {status} and
	// Retry-After, and hold its answer back.
	Error      string        `json:"error,omitzero" yaml:"error"`
	Status     int           `json:"status,omitzero" yaml:"status"`
	RetryAfter time.Duration `json:"retry_after,omitzero" yaml:"retry_after"`
	Delay      time.Duration `json:"delay,omitzero" yaml:"delay"`
}

func (r *Rule) validate() error {
	var failures []error
	refuse := func(format string, values ...any) {
		failures = append(failures, fmt.Errorf("rule %q: "+format, append([]any{r.Name}, values...)...))
	}
	if r.Name == "" {
		failures = append(failures, errors.New("rule: name is required"))
	}
	if r.On != "" && r.On != Calls && r.On != Lookups {
		refuse("on is %s or %s, not %q", Calls, Lookups, r.On)
	}
	if r.Fault == "" && r.Ending == "" {
		refuse("it needs a fault or an ending")
	}
	if err := r.Ending.validate(); err != nil {
		refuse("%w", err)
	}
	if r.scope() == Lookups && (r.Callee != "" || r.CallerID != "" || r.Ending != "") {
		refuse("a look-up has no callee, caller_id or ending")
	}
	if r.scope() == Calls && (r.Method != "" || r.Path != "") {
		refuse("method and path select among look-ups; set on: %s", Lookups)
	}
	if r.Rate < 0 || r.Rate > 1 {
		refuse("rate %g is not between 0 and 1", r.Rate)
	}
	if r.First < 0 || r.After < 0 || r.Until < 0 || r.RetryAfter < 0 || r.Delay < 0 {
		refuse("first, after, until, retry_after and delay may not be negative")
	}
	if r.Status != 0 && (r.Status < 100 || r.Status > 999) {
		refuse("status %d is no HTTP status", r.Status)
	}
	if r.Fault != "" {
		failures = append(failures, r.validateFault())
	}
	return errors.Join(failures...)
}

func (r *Rule) validateFault() error {
	fault, ok := faultByName[r.Fault]
	if !ok {
		return fmt.Errorf("rule %q: fault %q is not in the catalogue", r.Name, r.Fault)
	}
	if fault.Scope != Any && fault.Scope != r.scope() {
		return fmt.Errorf("rule %q: fault %s strikes %s, the rule looks at %s", r.Name, r.Fault, fault.Scope, r.scope())
	}
	if fault.Behaviour.unread() && (r.Callee != "" || r.CallerID != "") {
		return fmt.Errorf("rule %q: fault %s strikes before the body is read: it cannot select by callee or caller_id", r.Name, r.Fault)
	}
	return nil
}

func (r *Rule) scope() Scope {
	if r.On == "" {
		return Calls
	}
	return r.On
}

// subject is what rules look at in a request.
type subject struct {
	scope        Scope
	unread       bool // the body has not been read: only unread faults apply
	organisation string
	callee       string
	callerID     string
	answerURL    string
	method, path string
}

// selects reports whether the selectors and the window match; rate and first are
// counted by the caller.
func (r *Rule) selects(s *subject, put, at time.Time) bool {
	if r.scope() != s.scope {
		return false
	}
	if fault := faultByName[r.Fault]; s.unread != (fault != nil && fault.Behaviour.unread()) {
		return false
	}
	for _, selector := range [...]struct{ want, got string }{
		{r.Organisation, s.organisation},
		{r.Callee, s.callee},
		{r.CallerID, s.callerID},
		{r.Method, s.method},
		{r.Path, s.path},
	} {
		if selector.want != "" && selector.want != selector.got {
			return false
		}
	}
	since := at.Sub(put)
	if since < r.After || r.Until > 0 && since >= r.Until {
		return false
	}
	return !at.Before(r.NotBefore) && (r.NotAfter.IsZero() || at.Before(r.NotAfter))
}
