package queue

import (
	"errors"

	"github.com/ringonce/ringonce/call"
)

// RefusedError says why an operation is not allowed, and what to do instead.
type RefusedError struct {
	State call.State // of the record that it was decided by
	Why   string
	Fix   string
}

func (e *RefusedError) Error() string { return e.Why + "; " + e.Fix }

const (
	fixShow    = "see what became of it with: ringonce calls show ID"
	fixDiscard = "give it up with: ringonce dead discard ID"
	fixResolve = "find out whether it rang, then: ringonce unknown resolve --rang ID, or --not-rung ID"
	fixAnew    = "if it should still ring, publish it anew under an id of its own: " +
		"ringonce dead show --body ID prints what was asked for"
	fixSoon = "wait until that is known, then look again with: ringonce calls show ID"
)

var errNothingKnown = &RefusedError{
	Why: "there is neither a record nor a dead letter of this id",
	Fix: "check the id and the account, and see: ringonce dead list",
}

func refuseCancel(r call.Record, cause error) error {
	e := &RefusedError{State: r.State, Fix: fixShow}
	switch r.State {
	case call.StateDialling:
		e.Why, e.Fix = "it is being dialled just now", fixSoon
	case call.StatePlaced:
		e.Why = "it is placed, and a placed call cannot be taken back"
	case call.StateDead:
		e.Why, e.Fix = "it is dead: nothing dials it", fixDiscard
	case call.StateUnknown:
		e.Why, e.Fix = "it may have rung already", fixResolve
	case call.StateAbsent, call.StateWaiting, call.StateCancelled:
		return cause
	default:
		return cause
	}
	return e
}

func refuseDiscard(r call.Record, cause error) error {
	e := &RefusedError{State: r.State, Fix: fixShow}
	switch r.State {
	case call.StateWaiting:
		e.Why, e.Fix = "it is waiting, not dead", "take it back with: ringonce calls cancel ID"
	case call.StateDialling:
		e.Why, e.Fix = "it is being dialled just now", fixSoon
	case call.StatePlaced:
		e.Why = "it is placed, not dead"
	case call.StateUnknown:
		e.Why, e.Fix = "it may have rung, and nobody has said yet whether it did", fixResolve
	case call.StateCancelled:
		e.Why = "it is cancelled, not dead"
	case call.StateAbsent, call.StateDead:
		return cause
	default:
		return cause
	}
	return e
}

func refuseReplay(r call.Record, cause error) error {
	e := &RefusedError{State: r.State, Fix: fixShow}
	switch {
	case r.State == call.StateUnknown, r.State == call.StateDead && r.MayHaveRung:
		e.Why, e.Fix = "it may have rung, so it is not simply dialled again", fixResolve
	case r.State == call.StateDead && r.Discarded:
		e.Why, e.Fix = "it was discarded", fixAnew
	case r.State == call.StateAbsent:
		e.Why = "it has no record (any more), so nobody can say whether it was dialled"
		e.Fix = fixAnew
	case r.State == call.StateWaiting, r.State == call.StateDialling:
		e.Why = "it is " + string(r.State) + ": it was replayed already, or never dead"
	case r.State == call.StatePlaced, r.State == call.StateCancelled:
		e.Why = "it is " + string(r.State) + ", not dead"
	default:
		return cause
	}
	return e
}

func refuseResolve(r call.Record, cause error) error {
	var t *call.TransitionError
	e := &RefusedError{State: r.State, Fix: fixShow}
	switch {
	case r.State == call.StateUnknown, r.State == call.StateDead && r.MayHaveRung:
		if !errors.As(cause, &t) {
			return cause
		}
		e.Why, e.Fix = t.Rule, "a webhook or a late answer may settle it by itself until then"
	case r.State == call.StateAbsent:
		e.Why, e.Fix = "it has no record (any more)", "if it has a dead letter, "+fixDiscard
	case r.State == call.StateDialling:
		e.Why, e.Fix = "it is being dialled just now", fixSoon
	default:
		e.Why = "it is " + string(r.State) + ": there is nothing to resolve"
	}
	return e
}
