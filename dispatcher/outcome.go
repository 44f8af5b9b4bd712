package dispatcher

import (
	"time"

	"github.com/ringonce/ringonce/call"
)

// result is what an outcome makes of a record.
type result struct {
	record call.Record
	// delay is that of the nak if the record waits in its message, and how long
	// the account is throttled if the outcome asks for that.
	delay time.Duration
}

// nextRecord turns the outcome of the attempt with this nonce into the next
// version of its record. It is pure but for the jitter of the delay. A call that
// became unknown meanwhile has no message any more, and can only be parked.
func nextRecord(r call.Record, request call.Request, nonce string, o call.Outcome, s Settings, now time.Time) (result, error) {
	late := r.State == call.StateUnknown
	switch o.Class {
	case call.Placed:
		return result{record: r.MarkPlaced(nonce, o, now)}, nil
	case call.Refused:
		return refusedRecord(r, request, nonce, o, s, now)
	case call.Rejected:
		next, err := r.Reject(nonce, o, o.Reason, now)
		return result{record: next}, err
	case call.Suspended:
		next, err := r.Retry(nonce, o, now, late, false, now)
		return result{record: next, delay: suspendedDelay}, err
	case call.Unknown:
		if late {
			return result{record: r}, nil // the record says so already
		}
		next, err := r.MarkUnknown(nonce, o, now)
		return result{record: next}, err
	default:
		return result{}, &call.TransitionError{From: r.State, To: call.StateAbsent, Rule: "an outcome without a class"}
	}
}

func refusedRecord(r call.Record, request call.Request, nonce string, o call.Outcome, s Settings, now time.Time) (result, error) {
	spent := !o.Unspent
	delay := refusedDelay(r, o, s.Retry)
	if spent && r.Spent+1 >= s.Retry.MaxAttempts {
		next, err := r.Reject(nonce, o, call.AttemptsExhausted, now)
		return result{record: next, delay: delay}, err
	}
	at := now.Add(delay)
	// It comes back at its expiry at the latest, to end as expired then.
	if expiry := request.Expiry(r.Since, s.MaxAge); at.After(expiry) {
		at = expiry
	}
	next, err := r.Retry(nonce, o, at, true, spent, now)
	return result{record: next, delay: delay}, err
}

// refusedDelay is how long a refused call waits.
func refusedDelay(r call.Record, o call.Outcome, retry RetrySettings) time.Duration {
	switch {
	case o.Reason == call.Interrupted:
		return 0
	case o.RetryAfter > 0:
		return o.RetryAfter
	case o.Reason == call.RateLimited:
		return exponential(initialRateLimitDelay, maxRateLimitDelay, r.TrailingAttempts(call.RateLimited))
	case o.Unspent:
		// A probe: the calls that wait take turns at it.
		return retry.delay(r.Made)
	default:
		return retry.delay(r.Spent + 1)
	}
}

// standing is what a record that is no longer as the claim left it means for
// the outcome of that claim.
type standing int

const (
	recordMissing      standing = iota // the stream was recreated: what was claimed is all that is known
	outcomeWritten                     // an own write, whose answer was lost
	outcomeAwaited                     // the record waits for this outcome, also as unknown
	outcomeContradicts                 // the phone rang, whatever the record says
	outcomeTooLate                     // the record was decided otherwise, and stays
)

func standingOf(found call.Record, nonce string, o call.Outcome) standing {
	switch {
	case found.State == call.StateAbsent:
		return recordMissing
	case found.HasOutcome(nonce, o.Class):
		return outcomeWritten
	case found.Nonce() == nonce && (found.State == call.StateDialling || found.State == call.StateUnknown):
		return outcomeAwaited
	case o.Class == call.Placed:
		return outcomeContradicts
	default:
		return outcomeTooLate
	}
}
