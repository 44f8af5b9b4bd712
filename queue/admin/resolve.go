package admin

import (
	"context"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/rollback"
)

const noteNotRung = "resolved as not rung"

// ResolveRang ends as placed a call that may have rung, because an operator found
// out that it did.
func (o *Operator) ResolveRang(ctx context.Context, a call.Account, id call.ID, n call.Note) (Result, error) {
	n.What = "resolved as rang"
	alreadyDone := false
	record, _, err := o.update(ctx, a, id, func(r call.Record) (*call.Record, error) {
		if alreadyDone = r.State == call.StatePlaced; alreadyDone {
			return nil, nil
		}
		next, err := r.ResolveRang(n)
		if err != nil {
			return nil, refuseResolve(r, err)
		}
		return &next, nil
	})
	if err != nil {
		return Result{Record: record}, err
	}
	return o.complete(ctx, record, alreadyDone, call.ActionResolveRang)
}

// ResolveNotRung has a call dialled again that an operator knows did not ring. Its
// record waits from then on; if the operation stops before the call is enqueued,
// running it again completes it, and nothing else does.
func (o *Operator) ResolveNotRung(ctx context.Context, a call.Account, id call.ID, n call.Note) (Result, error) {
	n.What = noteNotRung
	if _, err := rollback.Inspect(ctx, o.conn); err != nil {
		return Result{}, err
	}
	// Looked up before the record is written: a dead letter that the call gets
	// after it must stay.
	letters, err := o.deadLetters.ForCall(ctx, a, id)
	if err != nil {
		return Result{}, err
	}
	waiting, wentOn := false, false
	record, version, err := o.update(ctx, a, id, func(r call.Record) (*call.Record, error) {
		waiting = requeuedAsNotRung(r)
		wentOn = progressed(r) && !waiting && len(letters) > 0
		if waiting || wentOn {
			return nil, nil
		}
		next, err := r.ResolveNotRung(n)
		if err != nil {
			return nil, refuseResolve(r, err)
		}
		return &next, nil
	})
	if err != nil {
		return Result{Record: record}, err
	}
	alreadyDone := waiting || wentOn
	// Enqueuing it twice is safe: both messages carry the version that the one
	// claim takes.
	if !wentOn {
		if err := o.scheduler.EnqueueNow(ctx, record, version); err != nil {
			return Result{Record: record, AlreadyDone: alreadyDone}, err
		}
	}
	if !alreadyDone {
		o.publishAction(a, call.ActionResolveNotRung)
	}
	removed, err := o.pruneLetters(ctx, letters, record)
	return Result{Record: record, AlreadyDone: alreadyDone, Removed: removed}, err
}

// requeuedAsNotRung reports whether the call waits because it was resolved as not
// rung, and was not dialled since.
func requeuedAsNotRung(r call.Record) bool {
	if r.State != call.StateWaiting || len(r.Notes) == 0 {
		return false
	}
	note := r.Notes[len(r.Notes)-1]
	last, dialled := r.LastAttempt()
	return note.What == noteNotRung && (!dialled || last.ClaimedAt.Before(note.At))
}
