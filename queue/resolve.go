package queue

import (
	"context"

	"github.com/ringonce/ringonce/call"
)

// ResolveRang ends as placed a call that may have rung, because somebody found
// out that it did.
func (o *Operator) ResolveRang(ctx context.Context, a call.Account, id call.ID, n call.Note) (Result, error) {
	n.What = didRang
	again := false
	record, _, err := o.change(ctx, a, id, func(r call.Record) (*call.Record, error) {
		if again = r.State == call.StatePlaced; again {
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
	return o.finish(ctx, record, again, call.ActionResolveRang)
}

// ResolveNotRung has a call dialled again of which somebody knows that it did
// not ring. Its record waits from then on; if the operation stops before the
// call is brought back, doing it again completes it, and only it.
func (o *Operator) ResolveNotRung(ctx context.Context, a call.Account, id call.ID, n call.Note) (Result, error) {
	n.What = didNotRung
	if _, err := o.conn.InspectHighWater(ctx); err != nil {
		return Result{}, err
	}
	// Looked up before the record is written: a letter that the call earns
	// after it must stay.
	letters, err := o.graveyard.ForCall(ctx, a, id)
	if err != nil {
		return Result{}, err
	}
	again, settled := false, false
	record, version, err := o.change(ctx, a, id, func(r call.Record) (*call.Record, error) {
		again = broughtBack(r)
		settled = moved(r) && !again && len(letters) > 0
		if again || settled {
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
	// Bringing it back twice is safe: both carry the version that the one claim
	// takes.
	if !settled {
		if err := o.parking.EnqueueNow(ctx, record, version); err != nil {
			return Result{Record: record, AlreadyDone: again}, err
		}
	}
	if !again && !settled {
		o.report(a, call.ActionResolveNotRung)
	}
	removed, err := o.clear(ctx, letters, record)
	return Result{Record: record, AlreadyDone: again || settled, Removed: removed}, err
}

// broughtBack reports whether the call waits because somebody resolved it as
// not rung, and was not dialled since.
func broughtBack(r call.Record) bool {
	if r.State != call.StateWaiting || len(r.Notes) == 0 {
		return false
	}
	note := r.Notes[len(r.Notes)-1]
	last, dialled := r.LastAttempt()
	return note.What == didNotRung && (!dialled || last.ClaimedAt.Before(note.At))
}
