package dispatcher

import (
	"time"

	"github.com/ringonce/ringonce/call"
)

// conclusion is what an outcome makes of a record.
type conclusion struct {
	record call.Record
	// delay is how long the message is handed back for, if the record waits in
	// it, and how long the account is slowed, if the outcome asks for it.
	delay time.Duration
}

// conclude turns an outcome into the next version of a record. It is pure but
// for the jitter of the delay. The message of a record that was held as unknown
// meanwhile is gone: such a call can only be parked.
func conclude(r call.Record, request call.Request, nonce string, o call.Outcome, rules Settings, now time.Time) (conclusion, error) {
	late := r.State == call.StateUnknown
	switch o.Class {
	case call.Placed:
		return conclusion{record: r.MarkPlaced(nonce, o, now)}, nil
	case call.Refused:
		return concludeRefused(r, request, nonce, o, rules, now)
	case call.Rejected:
		next, err := r.Reject(nonce, o, o.Reason, now)
		return conclusion{record: next}, err
	case call.Suspended:
		next, err := r.Retry(nonce, o, now, late, false, now)
		return conclusion{record: next, delay: stoppedRetry}, err
	case call.Unknown:
		if late {
			return conclusion{record: r}, nil // it is what the record says already
		}
		next, err := r.MarkUnknown(nonce, o, now)
		return conclusion{record: next}, err
	default:
		return conclusion{}, &call.TransitionError{From: r.State, To: call.StateAbsent, Rule: "an outcome without a class"}
	}
}

func concludeRefused(r call.Record, request call.Request, nonce string, o call.Outcome, rules Settings, now time.Time) (conclusion, error) {
	spent := !o.Unspent
	delay := retryDelay(r, o, rules.Retry)
	if spent && r.Spent+1 >= rules.Retry.MaxAttempts {
		next, err := r.Reject(nonce, o, call.AttemptsExhausted, now)
		return conclusion{record: next, delay: delay}, err
	}
	at := now.Add(delay)
	// It comes back at its deadline at the latest, to end as expired then and
	// not later.
	if deadline := request.Expiry(r.Since, rules.MaxAge); at.After(deadline) {
		at = deadline
	}
	next, err := r.Retry(nonce, o, at, true, spent, now)
	return conclusion{record: next, delay: delay}, err
}

// retryDelay is how long a refused call waits.
func retryDelay(r call.Record, o call.Outcome, retry RetrySettings) time.Duration {
	switch {
	case o.Reason == call.Interrupted:
		return 0
	case o.RetryAfter > 0:
		return o.RetryAfter
	case o.Reason == call.RateLimited:
		return doubling(rateLimitedFirst, rateLimitedMost, r.TrailingAttempts(call.RateLimited))
	case o.Unspent:
		// A probe: the calls that wait take turns at it.
		return retry.delay(r.Made)
	default:
		return retry.delay(r.Spent + 1)
	}
}
