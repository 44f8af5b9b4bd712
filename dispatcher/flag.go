package dispatcher

import (
	"context"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
)

// flagAgain is how long after a failure the flag of a suspension is written again.
const flagAgain = 10 * time.Second

// suspend stops this worker's lane at once, and sets the flag that stops the
// account for every worker.
func (w *Handler) suspend(ctx context.Context, o call.Outcome) {
	s, fresh := w.Lane.suspend(o, w.Worker, w.Now())
	if !fresh {
		return
	}
	w.Metrics.Suspended(o.Reason)
	w.Log.Error("the account is suspended", "account", w.Account, "reason", o.Reason, "status", o.Status, "message", o.Message)
	w.flag(ctx, s)
}

// flag writes the flag of a suspension that this worker has set. If it cannot be
// written, Mind tries again for as long as the suspension is in force: without it
// the others are refused a call each, and an operator has nothing to lift.
func (w *Handler) flag(ctx context.Context, s call.Suspension) {
	failpoint.Eval(failpoint.SuspendBefore)
	held, err := w.Control.Suspend(ctx, w.Account, s)
	switch {
	case err != nil:
		w.Log.Warn("writing the suspension failed; this worker stops by itself, and tries again", "account", w.Account, "error", err)
		w.Lane.owe(s, w.Now().Add(flagAgain))
	case !held.Since.Equal(s.Since):
		w.Lane.outdone(s, held)
	default:
		w.Lane.owe(s, time.Time{})
	}
	failpoint.Eval(failpoint.SuspendAfter)
}

// owe notes when the flag of the lane's own suspension is to be written again;
// zero if it is written.
func (l *Lane) owe(s call.Suspension, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unconfirmed && l.stops.Suspension.Since.Equal(s.Since) && !l.flagAt.Equal(at) {
		l.flagAt = at
		l.announce()
	}
}

// owesAt gives when the flag of the suspension in force is to be written again;
// zero if it is not owed. The caller holds the lock.
func (l *Lane) owesAt() time.Time {
	if !l.unconfirmed || !l.stops.Suspended() {
		return time.Time{}
	}
	return l.flagAt
}

// owes reports whether it is time to write the flag again.
func (l *Lane) owes() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.owesAt()
	return !at.IsZero() && !l.cfg.Now().Before(at)
}
