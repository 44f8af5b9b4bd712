package queue

import (
	"context"
	"time"

	"github.com/ringonce/ringonce/call"
)

// Replay has a dead call dialled again, with a fresh age and a fresh count of
// attempts. The reopened record goes to the workers with the dead record's
// version: whoever claims it does so by compare-and-set on that version, so that
// two replays of one death are one ring at most. Then the letters that were
// there before are removed; one that the call has earned since stays.
//
// doubtAccepted lets a call be replayed of which our memory cannot say whether
// it was dialled before. It never opens what may have rung by its record.
func (o *Operator) Replay(ctx context.Context, a call.Account, id call.ID, n call.Note, doubtAccepted bool) (Result, error) {
	n.What = didReplay
	ledger, err := o.conn.InspectHighWater(ctx)
	if err != nil {
		return Result{}, err
	}
	letters, err := o.graveyard.ForCall(ctx, a, id)
	if err != nil {
		return Result{}, err
	}
	record, version, err := o.records.Read(ctx, a, id)
	if err != nil {
		return Result{}, err
	}
	if record.State == call.StateAbsent && len(letters) == 0 {
		return Result{}, errNothingKnown
	}
	if moved(record) && len(letters) > 0 {
		removed, err := o.clear(ctx, letters, record)
		return Result{Record: record, AlreadyDone: true, Removed: removed}, err
	}
	reopened, err := checkReplay(record, ledger, n, doubtAccepted)
	if err != nil {
		return Result{Record: record}, err
	}
	if err := o.parking.EnqueueNow(ctx, reopened, version); err != nil {
		return Result{Record: record}, err
	}
	o.report(a, call.ActionReplay)
	removed, err := o.clear(ctx, letters, reopened)
	return Result{Record: reopened, Removed: removed}, err
}

// CheckReplay returns why [Operator.Replay] would refuse a dead call, nil if it
// would not.
func (o *Operator) CheckReplay(ctx context.Context, r call.Record, now time.Time) error {
	ledger, err := o.conn.InspectHighWater(ctx)
	if err != nil {
		return err
	}
	_, err = checkReplay(r, ledger, call.Note{At: now}, false)
	return err
}

// checkReplay returns the record as it is replayed, or why it must not be.
func checkReplay(r call.Record, l HighWater, n call.Note, doubtAccepted bool) (call.Record, error) {
	reopened, err := reopen(r, n)
	if err != nil {
		return r, err
	}
	if err := hopeless(reopened, n.At); err != nil {
		return r, err
	}
	if why := doubt(r, l); why != "" && !doubtAccepted {
		return r, &PreconditionError{
			State: r.State, Problem: why,
			Hint: "if a second ring is acceptable, name it alone: ringonce dead replay --may-have-rung-already ID; else " + fixDiscard,
		}
	}
	return reopened, nil
}

// moved reports whether the call went on since it was dead, so that its letters
// are left over from a replay that stopped half-way.
func moved(r call.Record) bool {
	return r.State == call.StateWaiting || r.State == call.StateDialling || r.State == call.StatePlaced
}

func reopen(r call.Record, n call.Note) (call.Record, error) {
	next, err := r.Reopen(n)
	if err != nil || r.Discarded {
		return r, refuseReplay(r, err)
	}
	return next, nil
}

// doubt says why our memory of a dead call is no proof that it was not dialled,
// empty if it is.
func doubt(r call.Record, l HighWater) string {
	switch {
	case r.Reason == call.TooOldToKnow:
		return "it ended as " + string(call.TooOldToKnow) + ": it may have been dialled by a record that is gone"
	case r.Changed.Before(l.ValidFrom):
		return "its record is from before " + l.ValidFrom.Format(time.RFC3339) +
			", when the call records were declared valid: it may have been dialled since"
	default:
		return ""
	}
}

// hopeless refuses a replay that can only end in the same way.
func hopeless(r call.Record, now time.Time) error {
	request, _, err := call.DecodeRequest(r.Request, call.PossibleNumbers)
	switch {
	case len(r.Request) == 0:
		return &PreconditionError{State: call.StateDead, Problem: "its request was too large to be read", Hint: fixAnew}
	case err != nil:
		return &PreconditionError{State: call.StateDead, Problem: "its request cannot be dialled: " + err.Error(), Hint: fixAnew}
	case !request.ExpiresAt.IsZero() && !now.Before(request.ExpiresAt):
		return &PreconditionError{
			State: call.StateDead, Problem: "its own expires_at is over: " + request.ExpiresAt.Format(time.RFC3339), Hint: fixAnew,
		}
	default:
		return nil
	}
}
