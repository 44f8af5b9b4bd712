package simulator

import (
	"errors"
	"fmt"
)

// maxAfterRings bounds after_rings: what lies beyond the longest ring_timeout
// is no answer.
const maxAfterRings = 1000

// validate names every mistake of the rule at once.
func (r *Rule) validate() error {
	var failures []error
	refuse := func(format string, values ...any) {
		failures = append(failures, fmt.Errorf("rule %q: "+format, append([]any{r.Name}, values...)...))
	}
	if r.Name == "" {
		failures = append(failures, errors.New("rule: name is required"))
	}
	if err := r.Ending.validate(); err != nil {
		refuse("%w", err)
	}
	if r.Rate < 0 || r.Rate > 1 {
		refuse("rate %g is not between 0 and 1", r.Rate)
	}
	if r.First < 0 || r.After < 0 || r.Until < 0 || r.RetryAfter < 0 || r.Delay < 0 || r.Duration < 0 {
		refuse("first, after, until, retry_after, delay and duration may not be negative")
	}
	if r.AfterRings < 0 || r.AfterRings > maxAfterRings {
		refuse("after_rings %d is not between 0 and %d", r.AfterRings, maxAfterRings)
	}
	if r.Status != 0 && (r.Status < 100 || r.Status > 999) {
		refuse("status %d is no HTTP status", r.Status)
	}
	failures = append(failures, r.validateScope(refuse), r.validateFault())
	return errors.Join(failures...)
}

// validateScope checks that the rule says nothing that its scope does not know.
func (r *Rule) validateScope(refuse func(string, ...any)) error {
	scope := r.scope()
	switch scope {
	case Calls:
		if r.Fault == "" && !r.hasCourse() {
			refuse("it needs a fault, an ending, after_rings or a duration")
		}
	case Lookups:
		if r.Callee != "" || r.CallerID != "" || r.hasCourse() {
			refuse("a look-up has no callee, caller_id, ending, after_rings or duration")
		}
	case Hooks:
		if r.hasCourse() {
			refuse("a hook has no ending, after_rings or duration: they belong to the call; put them into a rule on: %s", Calls)
		}
	case Any:
		fallthrough
	default:
		return fmt.Errorf("rule %q: on is %s, %s or %s, not %q", r.Name, Calls, Lookups, Hooks, r.On)
	}
	if scope != Calls && r.Rang {
		refuse("rang is for calls alone")
	}
	if scope != Lookups && (r.Method != "" || r.Path != "") {
		refuse("method and path select among look-ups; set on: %s", Lookups)
	}
	if scope != Hooks && r.Hook != "" {
		refuse("hook selects among hooks; set on: %s", Hooks)
	}
	if r.Hook != "" && r.Hook != ringHook && r.Hook != hangupHook {
		refuse("hook is %s or %s, not %q", ringHook, hangupHook, r.Hook)
	}
	return nil
}

// hasCourse reports whether the rule says anything about the course of a call.
func (r *Rule) hasCourse() bool { return r.Ending != "" || r.AfterRings != 0 || r.Duration != 0 }

// validateFault checks that the fault exists, and can strike what is selected.
func (r *Rule) validateFault() error {
	if r.scope() == Hooks {
		return r.validateHookFault()
	}
	if r.Fault == "" {
		if r.Rang {
			return fmt.Errorf("rule %q: rang goes with a fault that rings no phone", r.Name)
		}
		return nil
	}
	fault, ok := faultByName[r.Fault]
	if !ok {
		return fmt.Errorf("rule %q: fault %q is not in the catalogue", r.Name, r.Fault)
	}
	if fault.Scope != Any && fault.Scope != r.scope() {
		return fmt.Errorf("rule %q: fault %s strikes %s, the rule looks at %s", r.Name, r.Fault, fault.Scope, r.scope())
	}
	if fault.Behaviour.unread() && (r.Callee != "" || r.CallerID != "" || r.Rang) {
		return fmt.Errorf("rule %q: fault %s strikes before the body is read: it cannot select by callee or caller_id, nor ring", r.Name, r.Fault)
	}
	if fault.Rings && r.Rang {
		return fmt.Errorf("rule %q: fault %s rings anyway; leave rang out", r.Name, r.Fault)
	}
	return nil
}

func (r *Rule) validateHookFault() error {
	fault, ok := hookFaultByName[r.Fault]
	if !ok {
		return fmt.Errorf("rule %q: fault %q is none of the hook faults (GET /simulator/hook-faults)", r.Name, r.Fault)
	}
	if r.Hook != "" && !fault.strikes(r.Hook) {
		return fmt.Errorf("rule %q: fault %s strikes the %s hook alone", r.Name, r.Fault, fault.Hook)
	}
	if r.Delay != 0 && fault.Delay == 0 {
		return fmt.Errorf("rule %q: delay goes with the hook faults %s and %s", r.Name, HookLate, HookDoubled)
	}
	return nil
}
