package dispatcher

import (
	"time"

	"github.com/ringonce/ringonce/call"
)

// Permit is the right to begin one call. It is taken when a request was pulled,
// becomes the right to claim it with a POST slot and a moment in the account's
// pace, and the right to dial when that moment has come. The slot is free again
// when the POST has ended; writing down what came of it goes on without one.
//
//	Begin ── Await ── (claim) ── Dial ── (POST) ── Observe ── (settle) ── End
//	  pulled  │         a POST slot, a moment        │
//	          └ false: hand it back                  └ the slot is free
type Permit struct {
	lane  *Lane
	probe probe

	granted  bool // it has a POST slot
	released bool // and has given it back
	dialled  bool
	observed bool
	tripped  bool      // what it came to opened the breaker
	moment   time.Time // reserved for it; zero without a limit, or once used
	began    time.Time // pulled, then granted, then dialled
}

// Acquire takes a turn. The caller ends it.
func (l *Lane) Acquire() *Permit {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pulled++
	l.turns++
	return &Permit{lane: l, probe: l.breaker.begin(), began: l.cfg.Now()}
}

// use marks that the turn led to an attempt.
func (t *Permit) use() {
	t.dialled, t.moment, t.began = true, time.Time{}, t.lane.cfg.Now()
}

// IsProbe reports whether the call finds out for the whole account whether calls
// go through again.
func (t *Permit) IsProbe() bool { return t.probe != 0 }

// Report tells the lane what the attempt came to, and gives what the other
// workers should know of it. The POST slot is free now, unless what was learned
// has yet to stop or slow the lane.
func (t *Permit) Report(o call.Outcome) (found call.PeerEventKind) {
	l := t.lane
	t.observed = true
	now := l.cfg.Now()
	t.tripped = l.breakerMoves(func(b *breaker) {
		found = b.observe(o, t.probe, now, luck(), l.cfg.Concurrency)
		l.turnover.ended(now, now.Sub(t.began))
		if o.Class != call.Suspended && !o.ThrottlesAccount {
			t.release()
		}
	})
	return found
}

// release gives the POST slot back. The caller holds the lock.
func (t *Permit) release() {
	if !t.granted || t.released {
		return
	}
	t.released = true
	l := t.lane
	l.posting--
	<-l.posts
	l.cfg.Metrics.InFlight(-1)
	l.free()
}

// Release gives back whatever the turn has not used.
func (t *Permit) Release() {
	l := t.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	if !t.granted {
		l.pulled--
	}
	l.turns--
	if !t.moment.IsZero() {
		l.pace.give(t.moment)
	}
	if !t.observed {
		l.breaker.abandon(t.probe)
	}
	t.release()
	l.free()
}

// free wakes whoever waits for a slot.
func (l *Lane) free() {
	select {
	case l.freed <- struct{}{}:
	default:
	}
}
