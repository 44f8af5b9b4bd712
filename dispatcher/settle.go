package dispatcher

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
	"github.com/ringonce/ringonce/metrics"
)

const (
	// settleWithin bounds how long a worker tries to write down what came of
	// an attempt once it has to end. What is known of a person's phone must
	// not be lost to a signal.
	settleWithin = 20 * time.Second
	// settleMost bounds it while the worker goes on: a broker that is away for
	// longer costs evidence, and a record that cannot be written costs a slot.
	settleMost = time.Hour
	// triesUnsaid is how many tries may fail before that is said: about a minute,
	// longer than a broker takes to find a leader.
	triesUnsaid = 20
)

// settled is an outcome that is written down.
type settled struct {
	conclusion
	version call.Version
	before  call.Record // what the outcome took the place of
}

// settle writes down what came of an attempt, does what follows from it, and
// acknowledges, in this order and no other.
func (w *Handler) settle(working context.Context, c *claim, o call.Outcome, m Message) {
	ctx, cancel := outlive(working)
	defer cancel()

	switch o.Class {
	case call.Suspended:
		failpoint.Eval(failpoint.SettleSuspended)
		w.Lane.Suspend(ctx, o)
	case call.Rejected:
		failpoint.Eval(failpoint.SettleRejected)
		if o.Reason == call.NumberNotLinked {
			w.Directory.Invalidate(c.request.From)
		}
	case call.Placed:
		failpoint.Eval(failpoint.SettlePlaced)
	case call.Refused:
		failpoint.Eval(failpoint.SettleRefused)
	case call.Unknown:
		failpoint.Eval(failpoint.SettleUnknown)
	}

	s, err := w.record(ctx, c, o)
	if err != nil {
		w.Log.Error("what came of an attempt could not be recorded; it will be held as unknown",
			"account", w.Account, "id", c.record.ID, "outcome", o.Class, "reason", o.Reason, "error", err)
		return
	}
	if s.delay > 0 && o.ThrottlesAccount {
		w.Lane.Throttle(s.delay, o.Reason)
	}
	w.follow(ctx, c, s, m)
	if o.Class == call.Placed {
		w.Lane.OnPlaced(ctx)
	}
}

// outlive gives a context that ends some time after working does.
func outlive(working context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(working), settleMost)
	stop := context.AfterFunc(working, func() {
		last := time.NewTimer(settleWithin)
		defer last.Stop()
		select {
		case <-ctx.Done():
		case <-last.C:
			cancel()
		}
	})
	return ctx, func() {
		stop()
		cancel()
	}
}

// record writes the outcome to the ledger, again and again until it is there.
// If the record is no longer as the claim left it, the outcome is late
// evidence.
func (w *Handler) record(ctx context.Context, c *claim, o call.Outcome) (settled, error) {
	before, version := c.record, c.version
	var tries patience
	for {
		done, err := conclude(before, c.request, c.nonce, o, w.Settings, w.Now())
		if err != nil {
			return settled{}, err
		}
		failpoint.Eval(failpoint.OutcomeBefore)
		put, err := w.replace(ctx, before, version, done.record)
		if err == nil {
			failpoint.Eval(failpoint.OutcomeWritten)
			w.count(done.record)
			if before.State == call.StateUnknown {
				failpoint.Eval(failpoint.EvidenceWritten)
				w.Metrics.LateEvidence(o.Class)
			}
			return settled{done, put, before}, nil
		}
		if !errors.Is(err, call.ErrConflict) {
			w.Metrics.SettleRetried("record")
			if tries.made++; tries.made == triesUnsaid {
				w.Log.Warn("what came of an attempt cannot be recorded; if it cannot be for an hour, or this worker is stopped, the call is held as unknown",
					"account", w.Account, "id", c.record.ID, "error", err)
			}
			if !tries.pause(ctx) {
				return settled{}, err
			}
		}
		// Somebody changed it, or the lost write arrived: look.
		found, foundVersion, err := w.Records.Read(ctx, w.Account, c.record.ID)
		if err != nil {
			if !tries.pause(ctx) {
				return settled{}, err
			}
			continue
		}
		switch {
		case found.State == call.StateAbsent:
			// The ledger was made anew. What we claimed is all that is known.
			before, version = c.record, foundVersion
		case found.HasOutcome(c.nonce, o.Class):
			if o.Class != call.Unknown {
				w.count(found) // our own write, whose answer was lost
			}
			return settled{conclusion{record: found, delay: done.delay}, foundVersion, before}, nil
		case found.Nonce() == c.nonce && (found.State == call.StateDialling || found.State == call.StateUnknown):
			failpoint.Eval(failpoint.EvidenceWritable)
			before, version = found, foundVersion
		case o.Class == call.Placed:
			if !found.Resolved() {
				w.Metrics.Contradiction()
				w.Log.Error("a call was placed although its record says otherwise",
					"account", w.Account, "id", c.record.ID, "state", found.State)
			}
			before, version = found, foundVersion
		default:
			w.Log.Warn("an outcome came after the record had been decided otherwise",
				"account", w.Account, "id", c.record.ID, "state", found.State, "outcome", o.Class, "reason", o.Reason)
			return settled{conclusion{record: found}, foundVersion, found}, nil
		}
	}
}

// follow does what the written record asks for, and acknowledges. What cannot
// be done now is done when the message comes back.
func (w *Handler) follow(ctx context.Context, c *claim, s settled, m Message) {
	var tries patience
	for {
		err := w.followOnce(ctx, c, s, m)
		if err == nil {
			return
		}
		step := metrics.StepPark
		if s.record.State == call.StateDead || s.record.State == call.StateUnknown {
			step = metrics.StepDeadLetter
		}
		w.Metrics.SettleRetried(step)
		w.Log.Warn("settling failed", "account", w.Account, "id", c.record.ID, "step", step, "error", err)
		if !tries.pause(ctx) {
			return
		}
	}
}

func (w *Handler) followOnce(ctx context.Context, c *claim, s settled, m Message) error {
	if lettered(s.before) && s.record.State != s.before.State {
		if err := w.unbury(ctx, s.before); err != nil {
			return err
		}
	}
	switch {
	case s.record.State == call.StateDialling:
		return nil // claimed again, out of this very message perhaps: it is the claimant's now
	case s.record.State == call.StateWaiting && !s.record.Parked:
		w.handBack(m, s.delay, "the account is suspended", nil)
		return nil
	default:
		return w.effect(ctx, s.record, s.version, c.body, m)
	}
}

// patience is the waiting between tries. Nearly every settling needs none, and
// then it costs nothing.
type patience struct {
	delays backoff.BackOff
	made   int // tries that failed, where somebody counts them
}

// pause waits before the next try, and reports whether there is one.
func (p *patience) pause(ctx context.Context) bool {
	if p.delays == nil {
		p.delays = backoff.WithContext(backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(50*time.Millisecond), backoff.WithMaxInterval(2*time.Second),
			backoff.WithMaxElapsedTime(0),
		), ctx)
	}
	delay := p.delays.NextBackOff()
	if delay == backoff.Stop {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(delay):
		return true
	}
}
