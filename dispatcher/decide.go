package dispatcher

import (
	"time"

	"github.com/ringonce/ringonce/call"
)

// action is what to do about a delivery.
type action int

const (
	actRead           action = iota // read the record, decide again
	actRecover                      // carry out a recovery message, decide again
	actClaim                        // make an attempt
	actEnd                          // record dead, dead letter, acknowledge
	actPark                         // record waiting, schedule, acknowledge
	actAwaitOwner                   // another worker has claimed it: wait, then record unknown
	actSchedule                     // the record waits: schedule again, acknowledge
	actDeadLetter                   // the record ended: write its dead letter again, acknowledge
	actConflict                     // the id belongs to another request: dead letter, acknowledge
	actDeadLetterOnly               // dead letter without a record, acknowledge
	actNak                          // nak until its time
	actAck                          // nothing is left to do: acknowledge
	actDuplicate                    // published twice: acknowledge and count
)

// decision is an action with its details.
type decision struct {
	act     action
	reason  call.Reason
	message string
	at      time.Time
}

// facts are what a decision depends on besides the delivery and the record.
type facts struct {
	now time.Time
	// created is when the stream of records was created, validFrom the time from
	// which it is complete.
	created, validFrom time.Time
	maxAge, keep       time.Duration
	// recheckAt is when to check again whether the caller ID is paused; zero if
	// it is not.
	recheckAt time.Time
	orphaned  bool // no worker serves the account: nothing may be dialled
}

// decide returns what to do about a delivery. It is pure: every rule of the
// protocol about redelivery stands here, and nowhere else.
func decide(t *task, f facts) decision {
	switch {
	case t.noID:
		return decision{act: actDeadLetterOnly, reason: t.invalid.Reason, message: t.invalid.Error()}
	case !t.loaded && t.Due != nil && t.Due.Record.State != call.StateWaiting:
		// A recovery message, or a copy that an audit made of a call whose worker
		// was lost: only the record shows what is left to do.
		return decision{act: actRead}
	case !t.loaded && t.Due != nil && !t.version.Created.Equal(f.created):
		return decision{act: actRead} // of a stream that was recreated: its sequences mean nothing
	case t.loaded && t.isRecovery() && !t.recovered:
		return decision{act: actRecover}
	case t.loaded && t.record.State != call.StateAbsent:
		return decideRecorded(t, f)
	case t.loaded && t.Due != nil:
		// It had a record, which is gone: it may have been dialled.
		return decision{act: actEnd, reason: call.TooOldToKnow, message: "its record is gone; it may have been dialled"}
	case t.Due != nil && f.predatesRestore(t.record):
		return tooOld()
	case t.Due != nil:
		return decideDialable(t, f)
	default:
		return decideAbsent(t, f)
	}
}

// decideRecorded is for a call whose record was read.
func decideRecorded(t *task, f facts) decision {
	r := t.record
	switch {
	case r.Digest != "" && r.Digest != t.digest:
		return decision{
			act: actConflict, reason: call.IDConflict,
			message: "the id is in use for a request with other content; publish this one under an id of its own",
		}
	case r.Digest != "" && !r.Origin.Same(t.Origin):
		return decision{act: actDuplicate}
	}
	switch r.State {
	case call.StateWaiting:
		if f.predatesRestore(r) {
			return tooOld()
		}
		if r.Parked && !t.isLatest() {
			return decision{act: actSchedule}
		}
		return decideDialable(t, f)
	case call.StateDialling:
		return decision{act: actAwaitOwner}
	case call.StateDead:
		if r.Discarded {
			return decision{act: actAck}
		}
		return decision{act: actDeadLetter}
	case call.StateUnknown:
		return decision{act: actDeadLetter}
	case call.StatePlaced, call.StateCancelled, call.StateAbsent:
		return decision{act: actAck}
	default:
		return decision{act: actNak, at: f.now.Add(lookupDelay)} // a newer worker's state
	}
}

// predatesRestore reports whether a waiting record may have moved on in records
// that are lost: an operator declared a later time from which on they are
// complete. What was dialled since the copy was taken still waits in it.
func (f facts) predatesRestore(r call.Record) bool {
	return f.validFrom.After(f.created) && r.Changed.Before(f.validFrom)
}

func tooOld() decision {
	return decision{
		act: actEnd, reason: call.TooOldToKnow,
		message: "its record is from before the records were declared valid; it may have been dialled since",
	}
}

// decideAbsent is for a first delivery, whose record is assumed or known not to
// exist.
func decideAbsent(t *task, f facts) decision {
	switch {
	case t.Origin.Published.Before(f.validFrom):
		return decision{
			act: actEnd, reason: call.TooOldToKnow,
			message: "it was published before the records that are kept now; it may have been dialled",
		}
	case f.now.Sub(t.Origin.Published) > f.keep:
		return decision{act: actEnd, reason: call.TooOldToKnow, message: "it is older than records are kept; it may have been dialled"}
	case t.Delivered > poisonDeliveries && !t.loaded:
		return decision{act: actRead}
	case t.Delivered > poisonDeliveries:
		return decision{act: actEnd, reason: call.Poison, message: "it was delivered too often without leaving a record"}
	}
	return decideDialable(t, f)
}

// decideDialable is for a call that may be dialled by its record: its request, its
// times, a paused caller ID or an account without workers may forbid it.
func decideDialable(t *task, f facts) decision {
	r := t.record
	deadline := t.request.Expiry(r.Since, f.maxAge)
	switch latest := r.Since.Add(f.maxAge); {
	case t.invalid != nil:
		return decision{act: actEnd, reason: t.invalid.Reason, message: t.invalid.Error()}
	case t.request.NotBefore.After(latest):
		return decision{
			act: actEnd, reason: call.InvalidRequest,
			message: "not_before lies beyond request.max_age; publish it later, or raise the limit",
		}
	case f.orphaned && f.now.Before(latest):
		return decision{act: actNak, at: latest}
	case f.orphaned:
		return decision{act: actEnd, reason: call.UnknownAccount, message: "no worker served its account before request.max_age was over"}
	case !f.now.Before(deadline):
		return decision{act: actEnd, reason: call.Expired, message: "it was not placed before its deadline"}
	case f.now.Before(r.NextAt):
		// The broker's clock is ahead of ours: a schedule would fire at once,
		// again and again, until ours has caught up.
		return decision{act: actNak, at: r.NextAt}
	case f.now.Before(t.request.NotBefore):
		return decision{act: actPark, reason: call.NotYet, at: t.request.NotBefore}
	case !f.recheckAt.IsZero() && f.recheckAt.After(deadline):
		return decision{act: actPark, reason: call.Paused, at: deadline}
	case !f.recheckAt.IsZero():
		return decision{act: actPark, reason: call.Paused, at: f.recheckAt}
	default:
		return decision{act: actClaim}
	}
}
