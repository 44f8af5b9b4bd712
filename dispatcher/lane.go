package dispatcher

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/metrics"
)

// LaneConfig says how much a worker may do for one account.
type LaneConfig struct {
	Concurrency    int     // POSTs in flight
	CallsPerSecond float64 // 0 is without limit
	Now            func() time.Time
	Metrics        *metrics.Account
}

// Lane is what one worker does for one account: how many calls may be begun
// now. It starts closed, and opens when the control flags and the ledger are
// known to allow it.
type Lane struct {
	cfg LaneConfig

	mu       sync.Mutex
	inFlight int
	pace     pace
	breaker  breaker

	flagsKnown bool
	stops      call.Stops
	// unconfirmed tells that the suspension was set here and has not come back
	// as a control flag yet: flags older than it say nothing about it.
	unconfirmed bool
	halted      error     // why nothing may be dialled by anybody
	slowed      time.Time // the provider asked for a pause until then
	stopping    bool
	careAt      time.Time // when a suspension is next probed

	changed chan struct{} // closed, and made anew, when what may be dialled changes
	freed   chan struct{} // holds a token when a slot became free
}

var errNotReady = errors.New("the ledger was not checked yet")

// NewLane gives a lane that may not dial yet.
func NewLane(cfg LaneConfig) *Lane {
	cfg.Metrics.Limits(cfg.Concurrency, cfg.CallsPerSecond)
	l := &Lane{
		cfg: cfg, pace: newPace(cfg.CallsPerSecond), halted: errNotReady,
		changed: make(chan struct{}), freed: make(chan struct{}, 1),
	}
	l.tell()
	return l
}

// Permit waits until a call may be begun and says how many may be begun now; it
// gives 0 when ctx ends or the lane is stopping. withdrawn is closed when what
// may be dialled changes.
func (l *Lane) Permit(ctx context.Context) (n int, withdrawn <-chan struct{}) {
	for {
		n, at, changed, stopping := l.ask()
		if ctx.Err() != nil {
			return 0, changed
		}
		if n > 0 || stopping {
			return n, changed
		}
		var timer <-chan time.Time
		var stop func() bool
		if !at.IsZero() {
			t := time.NewTimer(at.Sub(l.cfg.Now()))
			timer, stop = t.C, t.Stop
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-l.freed:
		case <-timer:
		}
		if stop != nil {
			stop()
		}
	}
}

// ask gives how many calls may be begun, and if none, when to ask again: at a
// time, or (zero) when something changes.
func (l *Lane) ask() (n int, at time.Time, changed <-chan struct{}, stopping bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.cfg.Now()
	free := l.cfg.Concurrency - l.inFlight
	switch {
	case l.stopping:
		return 0, time.Time{}, l.changed, true
	case l.stopped() || free <= 0:
		return 0, time.Time{}, l.changed, false
	case now.Before(l.slowed):
		return 0, l.slowed, l.changed, false
	}
	n, at = l.breaker.allow(now, l.inFlight, free)
	if n > 0 {
		n, at = l.pace.available(now, n)
	}
	return n, at, l.changed, false
}

// stopped reports whether nothing of the account may be dialled.
func (l *Lane) stopped() bool {
	return l.stopping || l.halted != nil || !l.flagsKnown || l.stops.Pause != nil || l.stops.Suspended()
}

// MayClaim is asked last before a call is claimed: what was pulled may have
// been overtaken by a stop.
func (l *Lane) MayClaim() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.stopped()
}

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

// SetStops tells the lane what the control flags say; nil if that is not known.
func (l *Lane) SetStops(stops *call.Stops) {
	l.mu.Lock()
	defer l.mu.Unlock()
	stopped, suspension := l.stopped(), l.stops.Suspension
	l.flagsKnown = stops != nil
	if stops != nil {
		own := l.stops.Suspension
		l.stops = *stops
		if l.unconfirmed && stops.Suspension.Since.Before(own.Since) {
			l.stops.Suspension = own
		} else {
			l.unconfirmed = false
		}
		if !l.stops.Suspension.Since.Equal(own.Since) {
			l.careAt = l.cfg.Now().Add(probeWait(l.stops.Suspension))
		}
	}
	// The flags of another account are no reason to take pulls back.
	if l.stopped() != stopped || l.stops.Suspension != suspension {
		l.announce()
	}
	l.tell()
}

// Halt stops the lane for a reason that holds for every account; nil lets it
// go on.
func (l *Lane) Halt(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	turned := (why == nil) != (l.halted == nil)
	l.halted = why
	if turned {
		l.announce()
	}
}

// Stop ends all permits for good: the worker shuts down.
func (l *Lane) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopping = true
	l.announce()
}

// slow pauses the account because the provider asked for it.
func (l *Lane) slow(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(l.slowed) {
		l.slowed = until
		l.announce()
	}
}

// suspend stops the lane at once, ahead of the control flag, and gives the flag
// to be written. fresh is false if the account is suspended already.
func (l *Lane) suspend(o call.Outcome, worker string, now time.Time) (s call.Suspension, fresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stops.Suspended() {
		return l.stops.Suspension, false
	}
	s = call.Suspension{
		Reason: o.Reason, Message: o.Message, Since: now.UTC(), Worker: worker,
		Times: l.stops.Suspension.Times + 1,
	}
	if o.Reason != call.Unauthorized {
		s.Until = now.Add(doubling(suspensionFirst, suspensionMost, s.Times-1)).UTC()
	}
	l.stops.Suspension, l.unconfirmed = s, true
	l.careAt = now.Add(probeWait(s))
	l.announce()
	return s, true
}

// Suspension gives the suspension in force, if there is one.
func (l *Lane) Suspension() (call.Suspension, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stops.Suspension, l.stops.Suspended()
}

// lifted ends the suspension here; the flag for the others is written first.
func (l *Lane) lifted(s call.Suspension) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stops.Suspension.Since.Equal(s.Since) {
		l.stops.Suspension.Lifted = true
		l.announce()
	}
}

// placed is told that a call went through, and reports whether a lifted
// suspension is thereby over: the next one is the first in a row again.
func (l *Lane) placed() (over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	over = l.stops.Suspension.Lifted
	if over {
		l.stops.Suspension = call.Suspension{}
	}
	return over
}

// announce wakes whoever waits for a change.
func (l *Lane) announce() {
	close(l.changed)
	l.changed = make(chan struct{})
	l.tell()
}

// tell shows the state of the lane in the metrics.
func (l *Lane) tell() {
	now := l.cfg.Now()
	switch {
	case l.halted != nil || !l.flagsKnown || l.stopping:
		l.cfg.Metrics.Lane(metrics.LaneStopped)
	case l.stops.Pause != nil:
		l.cfg.Metrics.Lane(metrics.LanePaused)
	case l.stops.Suspended():
		l.cfg.Metrics.Lane(metrics.LaneSuspended)
	case l.breaker.open && now.Before(l.breaker.until):
		l.cfg.Metrics.Lane(metrics.LaneOpen)
	case l.breaker.open:
		l.cfg.Metrics.Lane(metrics.LaneProbing)
	case now.Before(l.slowed):
		l.cfg.Metrics.Lane(metrics.LaneSlowed)
	default:
		l.cfg.Metrics.Lane(metrics.LaneRunning)
	}
}
