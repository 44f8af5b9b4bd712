package admin

import (
	"context"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/rollback"
)

// Replay has a dead call dialled again, with a fresh age and a fresh count of
// attempts. The reopened record goes to the workers with the version of the dead
// one. A worker claims it by compare-and-set on that version, so that two replays
// of one death ring once at most. Then the dead letters that were there before are
// deleted; one that the call got since stays.
//
// acceptUncertainty lets a call be replayed whose record is no proof that it was
// not dialled before. It never opens what may have rung by its record.
func (o *Operator) Replay(ctx context.Context, a call.Account, id call.ID, n call.Note, acceptUncertainty bool) (Result, error) {
	n.What = "replayed"
	highWater, err := rollback.Inspect(ctx, o.conn)
	if err != nil {
		return Result{}, err
	}
	letters, err := o.deadLetters.ForCall(ctx, a, id)
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
	if progressed(record) && len(letters) > 0 {
		removed, err := o.pruneLetters(ctx, letters, record)
		return Result{Record: record, AlreadyDone: true, Removed: removed}, err
	}
	reopened, err := reopen(record, highWater, n, acceptUncertainty)
	if err != nil {
		return Result{Record: record}, err
	}
	if err := o.scheduler.EnqueueNow(ctx, reopened, version); err != nil {
		return Result{Record: record}, err
	}
	o.publishAction(a, call.ActionReplay)
	removed, err := o.pruneLetters(ctx, letters, reopened)
	return Result{Record: reopened, Removed: removed}, err
}

// CheckReplay returns why [Operator.Replay] would refuse a dead call, nil if it
// would not.
func (o *Operator) CheckReplay(ctx context.Context, r call.Record, now time.Time) error {
	highWater, err := rollback.Inspect(ctx, o.conn)
	if err != nil {
		return err
	}
	_, err = reopen(r, highWater, call.Note{At: now}, false)
	return err
}

// reopen returns the record as it is replayed, or why it must not be.
func reopen(r call.Record, h queue.HighWater, n call.Note, acceptUncertainty bool) (call.Record, error) {
	reopened, err := r.Reopen(n)
	if err != nil || r.Discarded {
		return r, refuseReplay(r, err)
	}
	if err := checkReplayable(reopened, n.At); err != nil {
		return r, err
	}
	if problem := uncertainty(r, h); problem != "" && !acceptUncertainty {
		return r, &PreconditionError{
			State: r.State, Problem: problem,
			Hint: "if a second ring is acceptable, name it alone: ringonce dead replay --may-have-rung-already ID; else " + hintDiscard,
		}
	}
	return reopened, nil
}

// progressed reports whether the call went on since it was dead, so that its dead
// letters are left over from a replay that stopped half-way.
func progressed(r call.Record) bool {
	return r.State == call.StateWaiting || r.State == call.StateDialling || r.State == call.StatePlaced
}

// uncertainty returns why the record of a dead call is no proof that it was not
// dialled, empty if it is one.
func uncertainty(r call.Record, h queue.HighWater) string {
	switch {
	case r.Reason == call.TooOldToKnow:
		return "it ended as " + string(call.TooOldToKnow) + ": it may have been dialled, and the record of that is gone"
	case r.Changed.Before(h.ValidFrom):
		return "its record is from before " + h.ValidFrom.Format(time.RFC3339) +
			", when the call records were declared valid: it may have been dialled since"
	default:
		return ""
	}
}

// checkReplayable refuses a replay that can only end in the same way.
func checkReplayable(r call.Record, now time.Time) error {
	request, _, err := call.DecodeRequest(r.Request, call.PossibleNumbers)
	switch {
	case len(r.Request) == 0:
		return &PreconditionError{State: call.StateDead, Problem: "its request was too large to be read", Hint: hintPublish}
	case err != nil:
		return &PreconditionError{State: call.StateDead, Problem: "its request cannot be dialled: " + err.Error(), Hint: hintPublish}
	case !request.ExpiresAt.IsZero() && !now.Before(request.ExpiresAt):
		return &PreconditionError{
			State: call.StateDead, Problem: "its own expires_at is over: " + request.ExpiresAt.Format(time.RFC3339), Hint: hintPublish,
		}
	default:
		return nil
	}
}
