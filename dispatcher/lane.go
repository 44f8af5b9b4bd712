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
// known to allow it, and the linkage directory knows something.
type Lane struct {
	cfg LaneConfig

	mu       sync.Mutex
	inFlight int
	pace     pace
	breaker  breaker

	flagsKnown   bool
	linkageKnown bool // what the provider's look-ups say was heard once
	stops        call.Stops
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
	if n = l.breaker.allow(l.inFlight, free); n > 0 {
		n, at = l.pace.available(now, n)
	}
	return n, at, l.changed, false
}

// Touch goes through the lane's lock, to show that it is not stuck.
func (l *Lane) Touch() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tell()
}

// announce wakes whoever waits for a change.
func (l *Lane) announce() {
	close(l.changed)
	l.changed = make(chan struct{})
	l.tell()
}
