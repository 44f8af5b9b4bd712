package dispatcher

import (
	"context"

	"github.com/ringonce/ringonce/call"
)

// A call that is dead or unknown has no message any more. A worker that brings
// late evidence about it changes the record first and its effects after, as
// always; but if it dies in between, no message comes back to have the effects
// done. So it schedules a recovery message before it changes the record. That
// message carries the record as it was, and is due when the evidence has been
// recorded or its worker is gone.
//
//	recovery message ──► record ──► delete the dead letter, schedule or dead letter
//	      │
//	      └── due ──► read: as it was ──► rewrite the record: the evidence comes too late
//	                        changed   ──► delete the dead letter, and follow the record
//
// Rewriting the record gives it another version: a worker that was stopped
// between the recovery message and the record then loses the compare-and-set,
// and schedules another one.

// isRecovery reports whether the delivery is a recovery message. It says nothing
// about the record as it is now.
func (t *task) isRecovery() bool { return t.Due != nil && hasDeadLetter(t.Due.Record) }

// putWithRecovery replaces a record, after a recovery message if it had a dead
// letter.
func (h *Handler) putWithRecovery(ctx context.Context, before call.Record, version call.Version, next call.Record) (call.Version, error) {
	if hasDeadLetter(before) && next.State != before.State {
		recovery := before
		recovery.NextAt = h.Now().Add(h.Settings.ClaimWait)
		if err := h.Scheduler.Schedule(ctx, recovery, version); err != nil {
			return call.Version{}, err
		}
	}
	return h.Records.Put(ctx, next, version)
}

// runRecovery has the effects of late evidence done, and the rest decided again.
func (h *Handler) runRecovery(ctx context.Context, t *task) error {
	before := t.Due.Record
	switch {
	case t.isLatest():
		if _, err := h.Records.Put(ctx, t.record, t.version); err != nil {
			return err
		}
	case !sameDeadLetter(t.record, before):
		if err := h.removeDeadLetter(ctx, before); err != nil {
			return err
		}
	}
	t.recovered = true
	return h.reload(ctx, t)
}
