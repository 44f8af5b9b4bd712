package simulator

import "time"

// Rule chooses a fault, the course of the call, or both for the requests that it
// selects; or, on hooks, what becomes of the hooks of accepted calls. All selectors
// that are set must match; a rule with none matches every call. Only the first
// matching rule decides, and rules decide before magic callees.
type Rule struct {
	// Name is unique; putting a rule of the same name replaces it.
	Name string `json:"name" yaml:"name"`
	// Fault is a name of the catalogue, or, on hooks, of [HookFaults].
	Fault string `json:"fault,omitzero" yaml:"fault"`
	// Rang lets the call go out although the fault rings no phone: a refusal
	// that lies.
	Rang bool `json:"rang,omitzero" yaml:"rang"`
	// Ending is how a call that went out comes to its end.
	Ending Ending `json:"ending,omitzero" yaml:"ending"`
	// AfterRings is how often the phone rings before the callee reacts, one ring
	// being [RingCadence], instead of the answer_delay of the timing. Duration
	// replaces the duration of the timing.
	AfterRings int           `json:"after_rings,omitzero" yaml:"after_rings"`
	Duration   time.Duration `json:"duration,omitzero" yaml:"duration"`

	// On says what the rule matches: calls (the default), lookups, or hooks.
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
	// Hook is ring or hangup; empty means both.
	Hook HookKind `json:"hook,omitzero" yaml:"hook"`

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
	// and path), among hooks to the first so many hooks. 0 means all.
	First int `json:"first,omitzero" yaml:"first"`

	// Error, Status, RetryAfter and Delay fill the fault's {error}, {status} and
	// Retry-After, and hold its answer (or a late or second hook) back.
	Error      string        `json:"error,omitzero" yaml:"error"`
	Status     int           `json:"status,omitzero" yaml:"status"`
	RetryAfter time.Duration `json:"retry_after,omitzero" yaml:"retry_after"`
	Delay      time.Duration `json:"delay,omitzero" yaml:"delay"`
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
	hook         HookKind
}

// selects reports whether the selectors and the window match; rate and first are
// counted by the caller.
func (r *Rule) selects(s *subject, put, at time.Time) bool {
	if r.scope() != s.scope || s.scope == Hooks && !hookFaultByName[r.Fault].strikes(s.hook) {
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
		{string(r.Hook), string(s.hook)},
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
