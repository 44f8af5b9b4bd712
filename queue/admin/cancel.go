package admin

import (
	"context"

	"github.com/ringonce/ringonce/call"
)

// Cancel ends a call that waits, or that no worker has recorded yet: its record
// is then written before its request is read.
func (o *Operator) Cancel(ctx context.Context, a call.Account, id call.ID, n call.Note) (Result, error) {
	n.What = "cancelled"
	alreadyDone := false
	record, _, err := o.update(ctx, a, id, func(r call.Record) (*call.Record, error) {
		if alreadyDone = r.State == call.StateCancelled; alreadyDone {
			return nil, nil
		}
		if r.State == call.StateAbsent {
			r = call.NewRecord(a, id, "", call.Origin{}, "", "", nil)
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
	result, err := o.complete(ctx, record, alreadyDone, call.ActionCancel)
	if err != nil {
		return result, err
	}
	return result, o.scheduler.Cancel(ctx, a, id)
}
