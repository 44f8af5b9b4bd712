package dispatcher

import (
	"time"

	"github.com/ringonce/ringonce/call"
)

// action is what to do about a delivery.
type action int

const (
	actRead     action = iota // ask the ledger, decide again
	actClaim                  // dial
	actEnd                    // record dead, dead letter, acknowledge
	actPark                   // record waiting, schedule, acknowledge
	actForeign                // somebody else dials it: wait, then hold as unknown
	actSchedule               // the record waits: write its schedule again, acknowledge
	actBury                   // the record ended: write its dead letter again, acknowledge
	actConflict               // the id is another request's: dead letter, acknowledge
	actNameless               // dead letter without a record, acknowledge
	actDefer                  // hand back until its time
	actDone                   // nothing is left to do: acknowledge
	actRepeat                 // published twice: acknowledge and count
)

// step is one decision.
type step struct {
	act     action
	reason  call.Reason
	message string
	at      time.Time
}

// facts are what a decision depends on besides the delivery and the record.
type facts struct {
	now time.Time
	// created is when the ledger's present incarnation began, validFrom from
	// when on it is complete.
	created, validFrom time.Time
	maxAge, keep       time.Duration
	// lookAgain is when to look again at a call whose number is paused; zero if
	// it is not.
	lookAgain time.Time
	// unserved tells that no worker serves the account: nothing of it may be
	// dialled here.
	unserved bool
}

// decide says what to do about a delivery. It is pure: every rule of the
// protocol about redelivery stands here, and nowhere else.
func decide(t task, f facts) step {
	switch {
	case t.nameless:
		return step{act: actNameless, reason: t.invalid.Reason, message: t.invalid.Error()}
	case !t.known && t.Due != nil && t.Due.Record.State != call.StateWaiting:
		// A reminder, or a copy that an audit made of a call whose worker was
		// lost: only the record says what is left to do.
		return step{act: actRead}
	case !t.known && t.Due != nil && !t.version.Created.Equal(f.created):
		return step{act: actRead} // another incarnation of the ledger: its sequences say nothing
	case t.known && t.record.State != call.StateAbsent:
		return decideRecorded(t, f)
	case t.known && t.Due != nil:
		// It had a record, which is gone: it may have been dialled.
		return step{act: actEnd, reason: call.TooOldToKnow, message: "its record is gone; it may have been dialled"}
	case t.Due != nil && f.outdated(t.record):
		return tooOld()
	case t.Due != nil:
		return decideDialable(t, f)
	default:
		return decideAbsent(t, f)
	}
}

// decideRecorded knows the record from the ledger.
func decideRecorded(t task, f facts) step {
	r := t.record
	switch {
	case r.Digest != "" && r.Digest != t.digest:
		return step{
			act: actConflict, reason: call.IDConflict,
			message: "the id is in use for a request with other content; publish this one under an id of its own",
		}
	case r.Digest != "" && !r.Origin.Same(t.Origin):
		return step{act: actRepeat}
	}
	switch r.State {
	case call.StateWaiting:
		if f.outdated(r) {
			return tooOld()
		}
		if r.Parked && !t.current() {
			return step{act: actSchedule}
		}
		return decideDialable(t, f)
	case call.StateDialling:
		return step{act: actForeign}
	case call.StateDead:
		if r.Discarded {
			return step{act: actDone}
		}
		return step{act: actBury}
	case call.StateUnknown:
		return step{act: actBury}
	case call.StatePlaced, call.StateCancelled, call.StateAbsent:
		return step{act: actDone}
	default:
		return step{act: actDefer, at: f.now.Add(lookupRetry)} // a newer worker's state
	}
}

// outdated reports whether a record that waits may have moved on in a ledger that
// is lost: an operator declared a later time from which the records are
// complete. What was dialled since the copy was taken still waits in it.
func (f facts) outdated(r call.Record) bool {
	return f.validFrom.After(f.created) && r.Changed.Before(f.validFrom)
}

func tooOld() step {
	return step{
		act: actEnd, reason: call.TooOldToKnow,
		message: "its record is from before the records were declared valid; it may have been dialled since",
	}
}

// current reports whether the delivery carries the version its record has. A
// copy that is behind may be all that is left of a schedule that was never
// written.
func (t task) current() bool {
	return t.Due != nil && t.Due.Version.Sequence == t.version.Sequence && t.Due.Version.Created.Equal(t.version.Created)
}

// decideAbsent is for a first delivery, whose record is assumed, or known, not
// to exist.
func decideAbsent(t task, f facts) step {
	switch {
	case t.Origin.Published.Before(f.validFrom):
		return step{
			act: actEnd, reason: call.TooOldToKnow,
			message: "it was published before the records that are kept now; it may have been dialled",
		}
	case f.now.Sub(t.Origin.Published) > f.keep:
		return step{act: actEnd, reason: call.TooOldToKnow, message: "it is older than records are kept; it may have been dialled"}
	case t.Delivered > poisonDeliveries && !t.known:
		return step{act: actRead}
	case t.Delivered > poisonDeliveries:
		return step{act: actEnd, reason: call.Poison, message: "it was delivered too often without leaving a record"}
	}
	return decideDialable(t, f)
}

// decideDialable is for a call that nothing stands in the way of but its own
// request and its times.
func decideDialable(t task, f facts) step {
	r := t.record
	deadline := t.request.Expiry(r.Since, f.maxAge)
	switch latest := r.Since.Add(f.maxAge); {
	case t.invalid != nil:
		return step{act: actEnd, reason: t.invalid.Reason, message: t.invalid.Error()}
	case t.request.NotBefore.After(latest):
		return step{
			act: actEnd, reason: call.InvalidRequest,
			message: "not_before lies beyond request.max_age; publish it later, or raise the limit",
		}
	case f.unserved && f.now.Before(latest):
		return step{act: actDefer, at: latest}
	case f.unserved:
		return step{act: actEnd, reason: call.UnknownAccount, message: "no worker served its account before request.max_age was over"}
	case !f.now.Before(deadline):
		return step{act: actEnd, reason: call.Expired, message: "it was not placed before its deadline"}
	case f.now.Before(r.NextAt):
		// The broker's clock is ahead of ours: a schedule would fire at once,
		// again and again, until ours has caught up.
		return step{act: actDefer, at: r.NextAt}
	case f.now.Before(t.request.NotBefore):
		return step{act: actPark, reason: call.NotYet, at: t.request.NotBefore}
	case !f.lookAgain.IsZero() && f.lookAgain.After(deadline):
		return step{act: actPark, reason: call.Paused, at: deadline}
	case !f.lookAgain.IsZero():
		return step{act: actPark, reason: call.Paused, at: f.lookAgain}
	default:
		return step{act: actClaim}
	}
}
