package dispatcher

import "github.com/ringonce/ringonce/call"

// Turn is the right to begin one call: a slot and a place in the pace.
type Turn struct {
	lane     *Lane
	probe    bool
	dialled  bool
	observed bool
}

// Begin takes a turn. The caller ends it.
func (l *Lane) Begin() *Turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight++
	l.pace.take(l.cfg.Now())
	l.cfg.Metrics.InFlight(1)
	return &Turn{lane: l, probe: l.breaker.begin()}
}

// MayClaim is asked last before the call is claimed: what was pulled may have
// been overtaken by a stop, by an open breaker, or by a pause that the provider
// asked for.
func (t *Turn) MayClaim() bool {
	l := t.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.stopped() && !l.cfg.Now().Before(l.slowed) && l.breaker.mayClaim(t.probe)
}

// Probes reports whether the call finds out for the whole account whether calls
// go through again.
func (t *Turn) Probes() bool { return t.probe }

// Dial marks that the turn was used for an attempt.
func (t *Turn) Dial() { t.dialled = true }

// Observe tells the lane what the attempt came to, and gives what the other
// workers should know of it.
func (t *Turn) Observe(o call.Outcome) (found call.FindingKind) {
	l := t.lane
	t.observed = true
	l.breakerMoves(func(b *breaker) {
		found = b.observe(o, t.probe, l.cfg.Now(), luck(), l.cfg.Concurrency)
	})
	return found
}

// End gives the slot back, and the place in the pace if no attempt was made.
func (t *Turn) End() {
	l := t.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight--
	l.cfg.Metrics.InFlight(-1)
	if !t.dialled {
		l.pace.give()
	}
	if t.probe && !t.observed {
		l.breaker.abandon()
	}
	select {
	case l.freed <- struct{}{}:
	default:
	}
}
