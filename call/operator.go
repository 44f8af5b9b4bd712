package call

import "time"

// ResolveAfter is how long after its claim an unknown call may be resolved as not
// rung: by then no answer and no webhook can still arrive.
const ResolveAfter = 15 * time.Minute

// OperatorAction is what an operator did with one call. It is a metric label and
// the last token of a subject.
type OperatorAction string

// The actions.
const (
	ActionCancel         OperatorAction = "cancel"
	ActionDiscard        OperatorAction = "discard"
	ActionReplay         OperatorAction = "replay"
	ActionResolveRang    OperatorAction = "resolve_rang"
	ActionResolveNotRung OperatorAction = "resolve_not_rung"
)

// OperatorActions lists all of them.
func OperatorActions() []OperatorAction {
	return []OperatorAction{ActionCancel, ActionDiscard, ActionReplay, ActionResolveRang, ActionResolveNotRung}
}

// Cancel cancels a call before it is dialled: one that waits, or that no worker
// has seen yet.
func (r Record) Cancel(n Note) (Record, error) {
	if r.State != StateAbsent && r.State != StateWaiting {
		return r, &TransitionError{From: r.State, To: StateCancelled}
	}
	r = r.clone().enter(StateCancelled, n.At)
	r.Reason = Cancelled
	return r.withNote(n), nil
}

// Reopen lets a dead call be dialled again, with a fresh age and a fresh count of
// attempts. A call that may have rung must be resolved instead.
func (r Record) Reopen(n Note) (Record, error) {
	if r.State == StateUnknown || r.MayHaveRung {
		return r, &TransitionError{From: r.State, To: StateWaiting, Rule: "it may have rung; resolve it as rang or not rung"}
	}
	if r.State != StateDead {
		return r, &TransitionError{From: r.State, To: StateWaiting}
	}
	return r.requeued(n), nil
}

// ResolveRang ends as placed a call that may have rung.
func (r Record) ResolveRang(n Note) (Record, error) {
	if !r.resolvable() {
		return r, &TransitionError{From: r.State, To: StatePlaced, Rule: "only a call that may have rung is resolved"}
	}
	return r.clone().enter(StatePlaced, n.At).withNote(n), nil
}

// ResolveNotRung lets a call be dialled again because an operator knows that it
// did not ring. It is refused until [ResolveAfter] after the claim.
func (r Record) ResolveNotRung(n Note) (Record, error) {
	if !r.resolvable() {
		return r, &TransitionError{From: r.State, To: StateWaiting, Rule: "only a call that may have rung is resolved"}
	}
	if a := r.last(); a != nil && n.At.Before(a.ClaimedAt.Add(ResolveAfter)) {
		return r, &TransitionError{
			From: r.State, To: StateWaiting,
			Rule: "its claim is less than " + ResolveAfter.String() + " old, evidence may still arrive; try again after " +
				a.ClaimedAt.Add(ResolveAfter).Format(time.RFC3339),
		}
	}
	return r.requeued(n), nil
}

// Discard gives up a dead call and its dead letter.
func (r Record) Discard(n Note) (Record, error) {
	if r.State != StateDead || r.Discarded {
		return r, &TransitionError{From: r.State, To: StateDead, Rule: "only a call with a dead letter is discarded; an unknown one is resolved"}
	}
	r = r.clone()
	r.Changed, r.Discarded = n.At.UTC(), true
	return r.withNote(n), nil
}

func (r Record) resolvable() bool {
	return r.State == StateUnknown || (r.State == StateDead && r.MayHaveRung)
}

// requeued returns the record waiting and due at once. Its notes say who is
// responsible for a second ring.
func (r Record) requeued(n Note) Record {
	r = r.clone().enter(StateWaiting, n.At)
	r.Since, r.Spent = n.At.UTC(), 0
	r.NextAt, r.Parked = n.At.UTC(), true
	return r.withNote(n)
}
