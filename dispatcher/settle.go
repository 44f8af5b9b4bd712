package dispatcher

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ringonce/ringonce/call"
)

// settleWithin bounds how long a worker tries to write down what came of an
// attempt. It survives shutdown: what is known of a person's phone must not be
// lost to a signal.
const settleWithin = 20 * time.Second

// settle writes down what came of an attempt, does what follows from it, and
// acknowledges, in this order and no other.
func (w *Worker) settle(working context.Context, c *claim, o call.Outcome, m Message) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(working), settleWithin)
	defer cancel()

	switch o.Class {
	case call.Suspended:
		w.suspend(ctx, o)
	case call.Placed:
		w.resumed(ctx)
	case call.Rejected:
		if o.Reason == call.NumberNotLinked {
			w.Directory.MarkStale(c.request.From)
		}
	case call.Refused, call.Unknown:
	}

	done, version, wasUnknown, err := w.record(ctx, c, o)
	if err != nil {
		w.Log.Error("what came of an attempt could not be recorded; it will be held as unknown",
			"account", w.Account, "id", c.record.ID, "outcome", o.Class, "reason", o.Reason, "error", err)
		return
	}
	if done.delay > 0 && o.SlowsAccount {
		w.Lane.slow(w.Now().Add(done.delay))
	}
	w.follow(ctx, c, done, version, wasUnknown, m)
}

// record writes the outcome to the ledger, again and again until it is there.
// If the record is no longer as the claim left it, the outcome is late
// evidence.
func (w *Worker) record(ctx context.Context, c *claim, o call.Outcome) (conclusion, call.Version, bool, error) {
	record, version, late := c.record, c.version, false
	tries := settleBackoff(ctx)
	for {
		done, err := conclude(record, c.request, c.nonce, o, late, w.Rules, w.Now())
		if err != nil {
			return done, version, late, err
		}
		put, err := w.Ledger.Put(ctx, done.record, version)
		if err == nil {
			w.count(done.record)
			if late {
				w.Metrics.LateEvidence(o.Class)
			}
			return done, put, late, nil
		}
		if !errors.Is(err, call.ErrConflict) {
			w.Metrics.SettleRetried("record")
			if !pause(ctx, tries) {
				return done, version, late, err
			}
		}
		// Somebody changed it, or the lost write arrived: look.
		found, foundVersion, readErr := w.Ledger.Read(ctx, w.Account, c.record.ID)
		if readErr != nil {
			if !pause(ctx, tries) {
				return done, version, late, readErr
			}
			continue
		}
		switch {
		case found.Concluded(c.nonce, o.Class):
			if o.Class != call.Unknown {
				w.count(found) // our own write, whose answer was lost
			}
			return conclusion{record: found, delay: done.delay}, foundVersion, late, nil
		case found.Nonce() == c.nonce && found.State == call.StateDialling:
			record, version = found, foundVersion
		case found.Nonce() == c.nonce && found.State == call.StateUnknown:
			record, version, late = found, foundVersion, true
		case o.Class == call.Placed:
			if !found.Resolved() {
				w.Metrics.Contradiction()
				w.Log.Error("a call was placed although its record says otherwise",
					"account", w.Account, "id", c.record.ID, "state", found.State)
			}
			record, version, late = found, foundVersion, true
		default:
			w.Log.Warn("an outcome came after the record had been decided otherwise",
				"account", w.Account, "id", c.record.ID, "state", found.State, "outcome", o.Class, "reason", o.Reason)
			return conclusion{record: found}, foundVersion, false, nil
		}
	}
}

// follow does what the written record asks for, and acknowledges. What cannot
// be done now is done when the message comes back.
func (w *Worker) follow(ctx context.Context, c *claim, done conclusion, v call.Version, wasUnknown bool, m Message) {
	tries := settleBackoff(ctx)
	for {
		err := w.followOnce(ctx, c, done, v, wasUnknown, m)
		if err == nil {
			return
		}
		step := "park"
		if done.record.State == call.StateDead || done.record.State == call.StateUnknown {
			step = "bury"
		}
		w.Metrics.SettleRetried(step)
		w.Log.Warn("settling failed", "account", w.Account, "id", c.record.ID, "step", step, "error", err)
		if !pause(ctx, tries) {
			return
		}
	}
}

func (w *Worker) followOnce(ctx context.Context, c *claim, done conclusion, v call.Version, wasUnknown bool, m Message) error {
	if wasUnknown && done.record.State != call.StateUnknown {
		if err := w.Graveyard.Unbury(ctx, w.Account, call.OutcomeUnknown, c.record.ID); err != nil {
			return err
		}
	}
	if done.record.State == call.StateWaiting && !done.record.Parked {
		w.handBack(m, done.delay, "the account is suspended", nil)
		return nil
	}
	return w.effect(ctx, done.record, v, c.body, m)
}

// suspend sets the flag that stops the account for every worker, and stops this
// one's lane whether or not that could be written.
func (w *Worker) suspend(ctx context.Context, o call.Outcome) {
	s, fresh := w.Lane.suspend(o, w.Name, w.Now())
	if !fresh {
		return
	}
	w.Metrics.Suspended(o.Reason)
	w.Log.Error("the account is suspended", "account", w.Account, "reason", o.Reason, "status", o.Status, "message", o.Message)
	if err := w.Control.Suspend(ctx, w.Account, s); err != nil {
		w.Log.Warn("writing the suspension failed; this worker stops by itself", "account", w.Account, "error", err)
	}
}

// resumed forgets a suspension that is over, now that a call went through.
func (w *Worker) resumed(ctx context.Context) {
	if !w.Lane.placed() {
		return
	}
	if err := w.Control.Unsuspend(ctx, w.Account); err != nil {
		w.Log.Warn("forgetting a lifted suspension failed", "account", w.Account, "error", err)
	}
}

func settleBackoff(ctx context.Context) backoff.BackOff {
	return backoff.WithContext(backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(50*time.Millisecond), backoff.WithMaxInterval(2*time.Second),
		backoff.WithMaxElapsedTime(0),
	), ctx)
}

// pause waits before the next try, and reports whether there is one.
func pause(ctx context.Context, b backoff.BackOff) bool {
	delay := b.NextBackOff()
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
