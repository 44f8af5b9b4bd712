package dispatcher

import (
	"context"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
)

// A call that is dead or held as unknown has no message any more. Who brings
// late evidence about it changes the record first and its letter and schedule
// after, as always; but if that worker dies in between, nothing would come back
// to be done again. So it parks a reminder before it touches the record: a
// message that carries the record as it was, and is due when the evidence has
// been settled, or its worker is gone.
//
//	park a reminder ──► record ──► unbury, schedule or bury
//	      │
//	      └── due ──► read: as it was   ──► renew it: the evidence comes too late
//	                        other now   ──► unbury, and settle again by the record
//
// A reminder that finds the record as it was renews it, so that it gets another
// version: whoever was stopped between the reminder and the record loses the
// compare-and-set, and parks another one.

// lettered reports whether a record in this state has a dead letter, and no
// message.
func lettered(r call.Record) bool {
	return r.State == call.StateUnknown || r.State == call.StateDead
}

// replace writes the next version of a record.
func (w *Handler) replace(ctx context.Context, before call.Record, version call.Version, next call.Record) (call.Version, error) {
	if lettered(before) && next.State != before.State {
		reminder := before
		reminder.NextAt = w.Now().Add(w.Settings.ClaimWait)
		if err := w.Scheduler.Schedule(ctx, reminder, version); err != nil {
			return call.Version{}, err
		}
	}
	return w.Records.Put(ctx, next, version)
}

// unbury removes the letter that a record had, and writes it again if the record
// has come to the same end once more: the letter that was removed may have been
// the new one.
func (w *Handler) unbury(ctx context.Context, before call.Record) error {
	if err := w.DeadLetters.Delete(ctx, w.Account, before.Reason, before.ID); err != nil {
		return err
	}
	found, _, err := w.Records.Read(ctx, w.Account, before.ID)
	if err != nil || !sameEnd(found, before) {
		return err
	}
	if err := w.DeadLetters.Put(ctx, found, nil); err != nil {
		return err
	}
	return w.reconsider(ctx, found)
}

// sameEnd reports whether two records of a call have the same letter.
func sameEnd(a, b call.Record) bool { return a.State == b.State && a.Reason == b.Reason }

// reminds reports whether a delivery is a reminder. It says nothing about the
// record as it is now.
func (t task) reminds() bool { return t.Due != nil && lettered(t.Due.Record) }

// heed does what a reminder reminds of, and has it decided again.
func (w *Handler) heed(ctx context.Context, t *task) error {
	failpoint.Eval(failpoint.RecoveryFound)
	before := t.Due.Record
	switch {
	case t.current():
		if _, err := w.Records.Put(ctx, t.record, t.version); err != nil {
			return err
		}
	case !sameEnd(t.record, before):
		if err := w.unbury(ctx, before); err != nil {
			return err
		}
	}
	t.heeded = true
	failpoint.Eval(failpoint.RecoveryDone)
	return w.read(ctx, t)
}
