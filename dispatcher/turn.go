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

// Dial marks that the turn was used for an attempt.
func (t *Turn) Dial() { t.dialled = true }

// Observe tells the lane what the attempt came to.
func (t *Turn) Observe(o call.Outcome) {
	l := t.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	t.observed = true
	if l.breaker.observe(o, t.probe, l.cfg.Now(), l.cfg.Concurrency) {
		l.announce()
	}
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
