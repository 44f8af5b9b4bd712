package queue

import (
	"context"

	"github.com/ringonce/ringonce/call"
)

// What a note says was done.
const (
	didCancel  = "cancelled"
	didDiscard = "discarded"
	didReplay  = "replayed"
	didRang    = "resolved as rang"
	didNotRung = "resolved as not rung"
)

// Cancel takes a call back that waits, or that no worker has seen yet: its
// record then says so before its request is read.
func (o *Operator) Cancel(ctx context.Context, a call.Account, id call.ID, n call.Note) (Result, error) {
	n.What = didCancel
	again := false
	record, _, err := o.change(ctx, a, id, func(r call.Record) (*call.Record, error) {
		again = r.State == call.StateCancelled
		switch r.State {
		case call.StateCancelled:
			return nil, nil
		case call.StateAbsent:
			r = call.NewRecord(a, id, "", call.Origin{}, "", "", nil)
		case call.StateWaiting, call.StateDialling, call.StatePlaced, call.StateDead, call.StateUnknown:
		}
		next, err := r.Cancel(n)
		if err != nil {
			return nil, refuseCancel(r, err)
		}
		return &next, nil
	})
	if err != nil {
		return Result{Record: record}, err
	}
	done, err := o.finish(ctx, record, again, call.ActionCancel)
	if err != nil {
		return done, err
	}
	return done, o.parking.Cancel(ctx, a, id)
}

// Discard gives up a dead call: nobody is to dial it, and its letter goes.
// Without a record only the letter goes.
func (o *Operator) Discard(ctx context.Context, a call.Account, id call.ID, n call.Note) (Result, error) {
	n.What = didDiscard
	again := false
	record, _, err := o.change(ctx, a, id, func(r call.Record) (*call.Record, error) {
		again = r.State == call.StateDead && r.Discarded
		if again || r.State == call.StateAbsent {
			return nil, nil
		}
		next, err := r.Discard(n)
		if err != nil {
			return nil, refuseDiscard(r, err)
		}
		return &next, nil
	})
	if err != nil {
		return Result{Record: record}, err
	}
	if record.State == call.StateAbsent {
		return o.discardLettersOf(ctx, a, id)
	}
	return o.finish(ctx, record, again, call.ActionDiscard)
}

// DiscardLetter removes one letter whose id belongs to another request
// ([call.IDConflict]), so that no record speaks of it.
func (o *Operator) DiscardLetter(ctx context.Context, l DeadLetter) error {
	if err := o.graveyard.DeleteLetter(ctx, l); err != nil {
		return err
	}
	o.report(l.Account, call.ActionDiscard)
	return nil
}

// discardLettersOf removes what is left of a call without a record.
func (o *Operator) discardLettersOf(ctx context.Context, a call.Account, id call.ID) (Result, error) {
	var done Result
	letters, err := o.graveyard.ForCall(ctx, a, id)
	if err != nil {
		return done, err
	}
	if len(letters) == 0 {
		return done, errNothingKnown
	}
	for _, l := range letters {
		if err := o.graveyard.DeleteLetter(ctx, l); err != nil {
			return done, err
		}
		done.Removed++
	}
	o.report(a, call.ActionDiscard)
	return done, nil
}
