package call

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrConflict is returned by a compare-and-set that lost: the stored record has
// changed. Read it and decide again.
var ErrConflict = errors.New("the record of the call has changed")

// ErrUncertain is returned by a write that may or may not have happened, or may
// still happen.
var ErrUncertain = errors.New("it is not known whether the record of the call was written")

// TransitionError refuses a change that the protocol does not allow.
type TransitionError struct {
	From State
	To   State
	Rule string // empty if the states alone forbid it
}

func (e *TransitionError) Error() string {
	from := e.From
	if from == StateAbsent {
		from = "absent"
	}
	if e.Rule != "" {
		return fmt.Sprintf("a call that is %s cannot become %s: %s", from, e.To, e.Rule)
	}
	return fmt.Sprintf("a call that is %s cannot become %s", from, e.To)
}

// Claim begins an attempt: from now on the phone may ring. Every publish of a claim
// needs a fresh nonce, which distinguishes it from competing claims.
func (r Record) Claim(worker, nonce string, now time.Time) (Record, error) {
	if r.State != StateAbsent && r.State != StateWaiting {
		return r, &TransitionError{From: r.State, To: StateDialling}
	}
	if nonce == "" {
		return r, &TransitionError{From: r.State, To: StateDialling, Rule: "a claim without a nonce cannot be told from its rivals"}
	}
	r = r.clone().enter(StateDialling, now)
	r.Made++
	r.Attempts = append(r.Attempts, Attempt{N: r.Made, Worker: sanitize(worker, maxNameLength), Nonce: nonce, ClaimedAt: now.UTC()})
	if len(r.Attempts) > maxAttemptsKept {
		r.Attempts = slices.Delete(r.Attempts, 1, 2)
	}
	return r, nil
}

// MarkPlaced ends the call as placed, by the answer to the attempt with this nonce.
// It is allowed from every state: evidence that a phone rang is never dropped.
func (r Record) MarkPlaced(nonce string, o Outcome, now time.Time) Record {
	r = r.clone().enter(StatePlaced, now)
	r.setOutcome(nonce, o, now, true)
	r.RequestUUID = sanitize(o.RequestUUID, maxNameLength)
	return r
}

// Retry lets the call wait until next after an attempt that was refused or
// suspended. It rejects any other class, which does not prove that the phone did
// not ring. spent counts the attempt against retry.max_attempts; parked is where
// the call waits.
func (r Record) Retry(nonce string, o Outcome, next time.Time, parked, spent bool, now time.Time) (Record, error) {
	if !r.expects(nonce) {
		return r, &TransitionError{From: r.State, To: StateWaiting, Rule: notExpected}
	}
	if o.MayHaveRung || (o.Class != Refused && o.Class != Suspended) {
		return r, &TransitionError{From: r.State, To: StateWaiting, Rule: "only proof that it did not ring lets a call be dialled again"}
	}
	r = r.clone().enter(StateWaiting, now)
	r.setOutcome(nonce, o, now, spent)
	if spent {
		r.Spent++
	}
	r.NextAt, r.Parked = next.UTC(), parked
	r.Reason, r.Message = o.Reason, sanitize(o.Message, maxMessageLength)
	return r, nil
}

// Reject ends the call as dead after an attempt that was rejected, or refused for
// the last time. An unknown outcome is held instead, so that a call that may have
// rung is not replayed.
func (r Record) Reject(nonce string, o Outcome, reason Reason, now time.Time) (Record, error) {
	if !r.expects(nonce) {
		return r, &TransitionError{From: r.State, To: StateDead, Rule: notExpected}
	}
	if o.Class != Refused && o.Class != Rejected && o.Class != Suspended {
		return r, &TransitionError{From: r.State, To: StateDead, Rule: "an attempt that was placed or may have rung is not dead"}
	}
	r = r.clone().enter(StateDead, now)
	r.setOutcome(nonce, o, now, true)
	r.Spent++
	r.Reason, r.Message, r.MayHaveRung = reason, sanitize(o.Message, maxMessageLength), o.MayHaveRung
	return r, nil
}

// MarkUnknown holds the call: the attempt with this nonce may have rung.
func (r Record) MarkUnknown(nonce string, o Outcome, now time.Time) (Record, error) {
	if r.State != StateDialling || !r.expects(nonce) {
		return r, &TransitionError{From: r.State, To: StateUnknown, Rule: notExpected}
	}
	r = r.clone().enter(StateUnknown, now)
	r.setOutcome(nonce, o, now, true)
	r.Reason, r.Message, r.MayHaveRung = OutcomeUnknown, sanitize(o.Message, maxMessageLength), true
	return r, nil
}

// MarkDead ends as dead a call that is not being dialled.
func (r Record) MarkDead(reason Reason, message string, now time.Time) (Record, error) {
	if r.State != StateAbsent && r.State != StateWaiting {
		return r, &TransitionError{From: r.State, To: StateDead}
	}
	r = r.clone().enter(StateDead, now)
	r.Reason, r.Message = reason, sanitize(message, maxMessageLength)
	return r, nil
}

// Park lets a call that is not being dialled wait until next.
func (r Record) Park(reason Reason, next, now time.Time) (Record, error) {
	if r.State != StateAbsent && r.State != StateWaiting {
		return r, &TransitionError{From: r.State, To: StateWaiting}
	}
	r = r.clone().enter(StateWaiting, now)
	r.NextAt, r.Parked, r.Reason = next.UTC(), true, reason
	return r, nil
}

const notExpected = "another attempt is expected"

// expects reports whether the outcome of the attempt with this nonce is still
// missing: while the call is dialling, and as late evidence while it is unknown.
func (r Record) expects(nonce string) bool {
	return (r.State == StateDialling || r.State == StateUnknown) && nonce != "" && r.Nonce() == nonce
}

// enter changes the state and clears what belonged to the previous one.
func (r Record) enter(s State, now time.Time) Record {
	r.State, r.Changed = s, now.UTC()
	r.NextAt, r.Parked = time.Time{}, false
	r.Reason, r.Message, r.MayHaveRung, r.Discarded = "", "", false, false
	return r
}

// setOutcome writes the outcome of the attempt with this nonce, if the record
// still has that attempt.
func (r *Record) setOutcome(nonce string, o Outcome, now time.Time, spent bool) {
	for i := range slices.Backward(r.Attempts) {
		a := &r.Attempts[i]
		if a.Nonce != nonce {
			continue
		}
		a.EndedAt, a.Class, a.Reason = now.UTC(), o.Class, o.Reason
		a.Status, a.Message, a.Spent = o.Status, sanitize(o.Message, maxMessageLength), spent
		a.RequestUUID = sanitize(o.RequestUUID, maxNameLength)
		return
	}
}
