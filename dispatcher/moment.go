package dispatcher

import (
	"context"
	"time"
)

// claimedMost bounds how long a call that is claimed waits for another moment,
// if the claim took so long that it missed its own.
const claimedMost = 250 * time.Millisecond

// WaitSlot waits for the turn's moment; the call is claimed. It reports false if
// the claim took so long that the moment is past, and no other is close: then
// nothing may be dialled.
func (t *Permit) WaitSlot(ctx context.Context) bool {
	l := t.lane
	if l.cfg.CallsPerSecond == 0 {
		t.use()
		return true
	}
	claimed := l.cfg.Now()
	l.mu.Lock()
	l.pace.claimed(claimed.Sub(t.began))
	l.mu.Unlock()
	for {
		late := l.cfg.Now().Sub(t.moment)
		switch {
		case late > l.pace.late:
			if !t.renew(ctx, claimed.Add(claimedMost)) {
				return false
			}
		case late >= 0:
			t.use()
			return true
		default:
			// The claim is made: a change of the lane comes too late for it.
			if !pauseFor(ctx, -late) {
				return false
			}
		}
	}
}

func pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// renew replaces a moment that was missed by another that comes soon.
func (t *Permit) renew(ctx context.Context, by time.Time) bool {
	l := t.lane
	take := func() (ok bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lapse(l.cfg.Now())
		t.moment, _, ok = l.pace.take(by)
		return ok
	}
	l.cfg.Metrics.SlotsUnused(1)
	if take() {
		return true
	}
	l.reserve(ctx, 1)
	return take()
}
