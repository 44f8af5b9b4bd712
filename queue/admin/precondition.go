package admin

import (
	"errors"

	"github.com/ringonce/ringonce/call"
)

// PreconditionError says why an operation is not allowed, and what to do instead.
type PreconditionError struct {
	State   call.State // of the record that it was decided by
	Problem string
	Hint    string
}

func (e *PreconditionError) Error() string { return e.Problem + "; " + e.Hint }

const (
	hintShow    = "see what became of it with: ringonce calls show ID"
	hintDiscard = "give it up with: ringonce dead discard ID"
	hintResolve = "find out whether it rang, then: ringonce unknown resolve --rang ID, or --not-rung ID"
	hintPublish = "if it should still ring, publish it again under a new id: " +
		"ringonce dead show --body ID prints the request"
	hintLater = "wait for the outcome, then see: ringonce calls show ID"
)

var errNothingKnown = &PreconditionError{
	Problem: "there is neither a record nor a dead letter of this id",
	Hint:    "check the id and the account, and see: ringonce dead list",
}

func refuseCancel(r call.Record, cause error) error {
	e := &PreconditionError{State: r.State, Hint: hintShow}
	switch r.State {
	case call.StateDialling:
		e.Problem, e.Hint = "it is being dialled now", hintLater
	case call.StatePlaced:
		e.Problem = "it is placed, and a placed call cannot be cancelled"
	case call.StateDead:
		e.Problem, e.Hint = "it is dead: nothing dials it", hintDiscard
	case call.StateUnknown:
		e.Problem, e.Hint = "it may have rung already", hintResolve
	case call.StateAbsent, call.StateWaiting, call.StateCancelled:
		return cause
	default:
		return cause
	}
	return e
}

func refuseDiscard(r call.Record, cause error) error {
	e := &PreconditionError{State: r.State, Hint: hintShow}
	switch r.State {
	case call.StateWaiting:
		e.Problem, e.Hint = "it is waiting, not dead", "cancel it with: ringonce calls cancel ID"
	case call.StateDialling:
		e.Problem, e.Hint = "it is being dialled now", hintLater
	case call.StatePlaced:
		e.Problem = "it is placed, not dead"
	case call.StateUnknown:
		e.Problem, e.Hint = "it may have rung, and is not resolved yet", hintResolve
	case call.StateCancelled:
		e.Problem = "it is cancelled, not dead"
	case call.StateAbsent, call.StateDead:
		return cause
	default:
		return cause
	}
	return e
}

func refuseReplay(r call.Record, cause error) error {
	e := &PreconditionError{State: r.State, Hint: hintShow}
	switch {
	case r.State == call.StateUnknown, r.State == call.StateDead && r.MayHaveRung:
		e.Problem, e.Hint = "it may have rung, so it cannot be replayed", hintResolve
	case r.State == call.StateDead && r.Discarded:
		e.Problem, e.Hint = "it was discarded", hintPublish
	case r.State == call.StateAbsent:
		e.Problem, e.Hint = "it has no record (any more), so it may have been dialled", hintPublish
	case r.State == call.StateWaiting, r.State == call.StateDialling:
		e.Problem = "it is " + string(r.State) + ": it was replayed already, or never dead"
	case r.State == call.StatePlaced, r.State == call.StateCancelled:
		e.Problem = "it is " + string(r.State) + ", not dead"
	default:
		return cause
	}
	return e
}

func refuseResolve(r call.Record, cause error) error {
	var t *call.TransitionError
	e := &PreconditionError{State: r.State, Hint: hintShow}
	switch {
	case r.State == call.StateUnknown, r.State == call.StateDead && r.MayHaveRung:
		if !errors.As(cause, &t) {
			return cause
		}
		e.Problem, e.Hint = t.Rule, "a webhook or a late answer may settle it by itself until then"
	case r.State == call.StateAbsent:
		e.Problem, e.Hint = "it has no record (any more)", "if it has a dead letter, "+hintDiscard
	case r.State == call.StateDialling:
		e.Problem, e.Hint = "it is being dialled now", hintLater
	default:
		e.Problem = "it is " + string(r.State) + ": there is nothing to resolve"
	}
	return e
}
