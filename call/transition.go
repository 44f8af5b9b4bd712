package call

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrConflict is returned by a compare-and-set that lost: the record is no
// longer as it was assumed to be. Read it and decide again.
var ErrConflict = errors.New("the record of the call changed meanwhile")

// ErrUncertain is returned by a write of which nobody knows whether it
// happened, or still will.
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

// Claim begins attempt n: from now on the phone may ring. nonce must be fresh
// for every publish of a claim, so that a claim can be told from its rivals.
func (r Record) Claim(worker, nonce string, now time.Time) (Record, error) {
	if r.State != StateAbsent && r.State != StateWaiting {
		return r, &TransitionError{From: r.State, To: StateDialling}
	}
	if nonce == "" {
		return r, &TransitionError{From: r.State, To: StateDialling, Rule: "a claim without a nonce cannot be told from its rivals"}
	}
	r = r.clone().become(StateDialling, now)
	r.Made++
	r.Attempts = append(r.Attempts, Attempt{N: r.Made, Worker: plainText(worker, maxName), Nonce: nonce, ClaimedAt: now.UTC()})
	if len(r.Attempts) > maxAttemptsKept {
		r.Attempts = slices.Delete(r.Attempts, 1, 2)
	}
	return r, nil
}

// MarkPlaced ends the call as placed, by the answer to the attempt with this nonce.
// It is the only transition allowed from every state: evidence that a phone
// rang is never dropped.
func (r Record) MarkPlaced(nonce string, o Outcome, now time.Time) Record {
	r = r.clone().become(StatePlaced, now)
	r.conclude(nonce, o, now, true)
	r.RequestUUID = plainText(o.RequestUUID, maxName)
	return r
}

// Retry puts the call back to wait until next, after an attempt that was
// refused or met a suspended account: an outcome of any other class is no
// proof that the phone did not ring, and is turned down. spent says whether the attempt counts
// against retry.max_attempts, parked where the call waits.
func (r Record) Retry(nonce string, o Outcome, next time.Time, parked, spent bool, now time.Time) (Record, error) {
	if !r.awaits(nonce) {
		return r, &TransitionError{From: r.State, To: StateWaiting, Rule: notAwaited}
	}
	if o.MayHaveRung || (o.Class != Refused && o.Class != Suspended) {
		return r, &TransitionError{From: r.State, To: StateWaiting, Rule: "only proof that it did not ring lets a call be dialled again"}
	}
	r = r.clone().become(StateWaiting, now)
	r.conclude(nonce, o, now, spent)
	if spent {
		r.Spent++
	}
	r.NextAt, r.Parked = next.UTC(), parked
	r.Reason, r.Message = o.Reason, plainText(o.Message, maxMessageLength)
	return r, nil
}

// Reject ends the call as dead after an attempt that was rejected, or refused
// for the last time. The class Unknown is held instead, so that nobody replays
// what may have rung.
func (r Record) Reject(nonce string, o Outcome, reason Reason, now time.Time) (Record, error) {
	if !r.awaits(nonce) {
		return r, &TransitionError{From: r.State, To: StateDead, Rule: notAwaited}
	}
	if o.Class != Refused && o.Class != Rejected && o.Class != Suspended {
		return r, &TransitionError{From: r.State, To: StateDead, Rule: "an attempt that was placed or may have rung is not dead"}
	}
	r = r.clone().become(StateDead, now)
	r.conclude(nonce, o, now, true)
	r.Spent++
	r.Reason, r.Message, r.MayHaveRung = reason, plainText(o.Message, maxMessageLength), o.MayHaveRung
	return r, nil
}

// MarkUnknown keeps the call as unknown: the attempt with this nonce may have rung.
func (r Record) MarkUnknown(nonce string, o Outcome, now time.Time) (Record, error) {
	if r.State != StateDialling || !r.awaits(nonce) {
		return r, &TransitionError{From: r.State, To: StateUnknown, Rule: notAwaited}
	}
	r = r.clone().become(StateUnknown, now)
	r.conclude(nonce, o, now, true)
	r.Reason, r.Message, r.MayHaveRung = OutcomeUnknown, plainText(o.Message, maxMessageLength), true
	return r, nil
}

// MarkDead finishes as dead a call that is not being dialled.
func (r Record) MarkDead(reason Reason, message string, now time.Time) (Record, error) {
	if r.State != StateAbsent && r.State != StateWaiting {
		return r, &TransitionError{From: r.State, To: StateDead}
	}
	r = r.clone().become(StateDead, now)
	r.Reason, r.Message = reason, plainText(message, maxMessageLength)
	return r, nil
}

// Park parks until next a call that is not being dialled.
func (r Record) Park(reason Reason, next, now time.Time) (Record, error) {
	if r.State != StateAbsent && r.State != StateWaiting {
		return r, &TransitionError{From: r.State, To: StateWaiting}
	}
	r = r.clone().become(StateWaiting, now)
	r.NextAt, r.Parked, r.Reason = next.UTC(), true, reason
	return r, nil
}

const notAwaited = "this attempt is not the one that is awaited"

// awaits reports whether the outcome of the attempt with this nonce is still
// wanted: while it is dialling, and as late evidence while it is unknown.
func (r Record) awaits(nonce string) bool {
	return (r.State == StateDialling || r.State == StateUnknown) && nonce != "" && r.Nonce() == nonce
}

// become clears what belongs to the state that is left.
func (r Record) become(s State, now time.Time) Record {
	r.State, r.Changed = s, now.UTC()
	r.NextAt, r.Parked = time.Time{}, false
	r.Reason, r.Message, r.MayHaveRung, r.Discarded = "", "", false, false
	return r
}

// conclude writes what came of the attempt with this nonce. An attempt that is
// no longer kept has nothing to be written to.
func (r *Record) conclude(nonce string, o Outcome, now time.Time, spent bool) {
	for i := range slices.Backward(r.Attempts) {
		a := &r.Attempts[i]
		if a.Nonce != nonce {
			continue
		}
		a.EndedAt, a.Class, a.Reason = now.UTC(), o.Class, o.Reason
		a.Status, a.Message, a.Spent = o.Status, plainText(o.Message, maxMessageLength), spent
		a.RequestUUID = plainText(o.RequestUUID, maxName)
		return
	}
}
