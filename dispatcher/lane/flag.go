package lane

import (
	"context"
	"time"

	"github.com/ringonce/ringonce/call"
)

// Suspend stops the account at once in this worker, and writes the flag that
// stops it in every worker.
func (l *Lane) Suspend(ctx context.Context, o call.Outcome) {
	var s call.Suspension
	fresh := l.update(func(now time.Time) (fresh bool) {
		s, fresh = l.suspension.suspend(o, l.cfg.Worker, now)
		return fresh
	})
	if !fresh {
		return
	}
	l.cfg.Metrics.Suspended(o.Reason)
	l.cfg.Log.Error("the account is suspended", "account", l.cfg.Account, "reason", o.Reason, "status", o.Status, "message", o.Message)
	l.writeFlag(ctx, s)
}

// writeFlag writes the flag of a suspension that this worker has set. If that
// fails, the prober tries again for as long as the suspension is in force:
// without the flag each other worker is refused a call, and an operator has
// nothing to lift.
func (l *Lane) writeFlag(ctx context.Context, s call.Suspension) {
	held, err := l.ports.Control.Suspend(ctx, l.cfg.Account, s)
	if err != nil {
		l.cfg.Log.Warn("writing the suspension failed; this worker stops alone and tries again", "account", l.cfg.Account, "error", err)
	}
	l.update(func(now time.Time) bool {
		switch {
		case err != nil:
			return l.suspension.scheduleFlagRetry(s, now.Add(flagRetryDelay))
		case !held.Since.Equal(s.Since):
			return l.suspension.supersededBy(s, held, now)
		default:
			return l.suspension.scheduleFlagRetry(s, time.Time{})
		}
	})
}

// OnPlaced clears a lifted suspension, now that a call went through.
func (l *Lane) OnPlaced(ctx context.Context) {
	l.mu.Lock()
	lifted := l.suspension.onPlaced()
	l.mu.Unlock()
	if !lifted {
		return
	}
	if err := l.ports.Control.ClearLifted(ctx, l.cfg.Account); err != nil {
		l.cfg.Log.Warn("clearing a lifted suspension failed", "account", l.cfg.Account, "error", err)
	}
}
