package dispatcher

import (
	"context"
	"errors"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/metrics"
)

// ending is how a delivery ends: the record that it leaves, and what belongs to
// that record.
type ending struct {
	result
	outcome call.Outcome // of the attempt that is made; nextRecord makes the record of it
	before  call.Record  // what the record replaces
	version call.Version // of before; once the record is written, of the record
}

// finish ends a delivery: the record first, then its effects, then the
// acknowledgement, in no other order. Each step may be repeated at any time.
//
// Before a claim, a step that fails is left to the next delivery. After a claim
// only this worker knows the outcome: it tries each step again until ctx ends.
func (h *Handler) finish(ctx context.Context, t *task, e ending) error {
	e.before, e.version = t.record, t.version
	if !t.claimed() {
		if err := h.write(ctx, &e); err != nil {
			return err
		}
		return h.follow(ctx, t, &e)
	}
	if err := h.writeOutcome(ctx, t, &e); err != nil {
		h.Log.Error("the outcome of an attempt cannot be recorded; the call will be held as unknown",
			"account", h.Account, "id", t.record.ID, "outcome", e.outcome.Class, "reason", e.outcome.Reason, "error", err)
		return err
	}
	if e.delay > 0 && e.outcome.ThrottlesAccount {
		h.Lane.Throttle(e.delay, e.outcome.Reason)
	}
	return h.follow(ctx, t, &e)
}

// end finishes a call that is not dialled as dead.
func (h *Handler) end(ctx context.Context, t *task, why call.Reason, message string) error {
	next, err := t.record.MarkDead(why, message, h.Now())
	if err != nil {
		return err
	}
	return h.finish(ctx, t, ending{result: result{record: next}})
}

// park finishes a delivery whose call waits until then.
func (h *Handler) park(ctx context.Context, t *task, why call.Reason, until time.Time) error {
	next, err := t.record.Park(why, until, h.Now())
	if err != nil {
		return err
	}
	return h.finish(ctx, t, ending{result: result{record: next}})
}

// endWithoutRecord finishes a request that has no record of its own: its dead
// letter is all that it leaves.
func (h *Handler) endWithoutRecord(ctx context.Context, t *task, r call.Record, d decision) error {
	dead, err := r.MarkDead(d.reason, d.message, h.Now())
	if err != nil {
		return err
	}
	put := h.DeadLetters.Put
	if d.act == actConflict {
		put = h.DeadLetters.PutConflict
	}
	if err := put(ctx, dead, t.body()); err != nil {
		return err
	}
	h.countEnding(dead)
	h.ack(t)
	return nil
}

// write replaces the record. [call.ErrConflict] means that it has changed.
func (h *Handler) write(ctx context.Context, e *ending) error {
	version, err := h.putWithRecovery(ctx, e.before, e.version, e.record)
	if err != nil {
		return err
	}
	e.version = version
	h.countEnding(e.record)
	return nil
}

// writeOutcome writes the record that the outcome leads to, again and again
// until it is there. If the record is no longer as the claim left it, the
// outcome is late evidence.
func (h *Handler) writeOutcome(ctx context.Context, t *task, e *ending) error {
	var tries retrier
	for {
		var err error
		if e.result, err = nextRecord(e.before, t.request, t.nonce, e.outcome, h.Settings, h.Now()); err != nil {
			return err
		}
		if err = h.write(ctx, e); err == nil {
			if e.before.State == call.StateUnknown {
				h.Metrics.LateEvidence(e.outcome.Class)
			}
			return nil
		}
		if !errors.Is(err, call.ErrConflict) {
			h.Metrics.SettleRetried(metrics.StepRecord)
			if tries.failed++; tries.failed == warnAfter {
				h.Log.Warn("the outcome of an attempt cannot be recorded; after an hour, or when this worker stops, the call is held as unknown",
					"account", h.Account, "id", t.record.ID, "error", err)
			}
			if !tries.pause(ctx) {
				return err
			}
		}
		found, version, err := h.Records.Read(ctx, h.Account, t.record.ID)
		if err != nil {
			if !tries.pause(ctx) {
				return err
			}
			continue
		}
		if h.rebase(t, e, found, version) {
			return nil
		}
	}
}

// rebase puts an outcome on the record as it is now, and reports whether that
// record stays.
func (h *Handler) rebase(t *task, e *ending, found call.Record, version call.Version) (stays bool) {
	before := e.before
	e.before, e.version = found, version
	switch standingOf(found, t.nonce, e.outcome) {
	case recordMissing:
		e.before = t.record // what was claimed is all that is known
	case outcomeAwaited:
	case outcomeWritten:
		if e.outcome.Class != call.Unknown {
			h.countEnding(found) // an own write whose answer was lost
		}
		e.before, e.record, stays = before, found, true
	case outcomeContradicts:
		if !found.Resolved() {
			h.Metrics.Contradiction()
			h.Log.Error("a call was placed although its record says otherwise", "account", h.Account, "id", found.ID, "state", found.State)
		}
	case outcomeTooLate:
		h.Log.Warn("an outcome came after its record was decided otherwise",
			"account", h.Account, "id", found.ID, "state", found.State, "outcome", e.outcome.Class, "reason", e.outcome.Reason)
		e.result, stays = result{record: found}, true
	}
	return stays
}

// follow applies the effects of a written record, and then acknowledges.
func (h *Handler) follow(ctx context.Context, t *task, e *ending) error {
	var tries retrier
	for {
		err := h.applyEffects(ctx, e, t.body())
		if err == nil {
			break
		}
		if !t.claimed() {
			return err
		}
		step := metrics.StepPark
		if hasDeadLetter(e.record) {
			step = metrics.StepDeadLetter
		}
		h.Metrics.SettleRetried(step)
		h.Log.Warn("an effect of an outcome failed", "account", h.Account, "id", t.record.ID, "step", step, "error", err)
		if !tries.pause(ctx) {
			return err
		}
	}
	switch {
	case e.record.State == call.StateDialling:
		// Claimed again, perhaps out of this very message: the claimant ends it.
	case e.record.State == call.StateWaiting && !e.record.Parked:
		h.nak(t, e.delay, "the account is suspended", nil)
	default:
		h.ack(t)
	}
	return nil
}

func (h *Handler) ack(t *task) {
	if err := t.message.Ack(); err != nil {
		h.Metrics.SettleRetried(metrics.StepAck)
		h.Log.Warn("cannot acknowledge a message; it will come back", "account", h.Account, "error", err)
	}
}

func (h *Handler) nak(t *task, delay time.Duration, why string, cause error) {
	h.Metrics.Nak()
	h.Log.Debug("message handed back", "account", h.Account, "why", why, "delay", delay, "error", cause)
	if err := t.message.Nak(delay); err != nil {
		h.Log.Warn("cannot hand a message back; it will come back by itself", "account", h.Account, "error", err)
	}
}

// countEnding counts what a record has become.
func (h *Handler) countEnding(r call.Record) {
	switch r.State {
	case call.StateWaiting:
		h.Metrics.Parked(r.Reason)
	case call.StatePlaced, call.StateDead, call.StateUnknown, call.StateCancelled:
		h.Metrics.Ended(r.State, r.Reason)
	case call.StateAbsent, call.StateDialling:
	}
}
