package admin

import (
	"context"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// Discard gives up a dead call: it is not to be dialled, and its dead letter is
// deleted. Without a record only the dead letter is.
func (o *Operator) Discard(ctx context.Context, a call.Account, id call.ID, n call.Note) (Result, error) {
	n.What = "discarded"
	alreadyDone := false
	record, _, err := o.update(ctx, a, id, func(r call.Record) (*call.Record, error) {
		alreadyDone = r.State == call.StateDead && r.Discarded
		if alreadyDone || r.State == call.StateAbsent {
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
		return o.discardLetters(ctx, a, id)
	}
	return o.complete(ctx, record, alreadyDone, call.ActionDiscard)
}

// DiscardLetter deletes one dead letter whose id belongs to another request
// ([call.IDConflict]), so that it has no record.
func (o *Operator) DiscardLetter(ctx context.Context, l queue.DeadLetter) error {
	if err := o.deadLetters.DeleteLetter(ctx, l); err != nil {
		return err
	}
	o.publishAction(l.Account, call.ActionDiscard)
	return nil
}

// discardLetters deletes the dead letters of a call without a record.
func (o *Operator) discardLetters(ctx context.Context, a call.Account, id call.ID) (Result, error) {
	var result Result
	letters, err := o.deadLetters.ForCall(ctx, a, id)
	if err != nil {
		return result, err
	}
	if len(letters) == 0 {
		return result, errNothingKnown
	}
	for _, l := range letters {
		if err := o.deadLetters.DeleteLetter(ctx, l); err != nil {
			return result, err
		}
		result.Removed++
	}
	o.publishAction(a, call.ActionDiscard)
	return result, nil
}
