package dispatcher

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/metrics"
)

// Config says how much a worker may do for one account.
type Config struct {
	Concurrency int // POSTs in flight
	// CallsPerSecond holds for all workers together; 0 is without limit.
	CallsPerSecond float64
	Now            func() time.Time
	Metrics        *metrics.Account
	// OnChange is told, with the lane locked, that [Lane.Status] says something
	// else; it may be nil.
	OnChange func()
}

// Lane is what one worker does for one account: how many calls may be begun
// now. It starts closed, and opens when the control flags and the ledger are
// known to allow it, and the linkage directory knows something.
type Lane struct {
	cfg Config

	mu       sync.Mutex
	pulled   int // turns without a POST slot yet
	posting  int // turns with one
	turns    int // all that have not ended: some still settle
	turnover turnover
	pace     pace
	limit    RateLimiter // nil until it is known
	failures backoff.BackOff
	// reserveFailed counts the reservations in a row that failed.
	reserveFailed int
	breaker       breaker

	flagsKnown   bool
	linkageKnown bool // what the provider's look-ups say was heard once
	// lookupsRefused tells that the provider refused the last look-up that failed.
	lookupsRefused bool
	stops          call.Blocks
	// unconfirmed tells that the suspension was set here and has not come back
	// as a control flag yet: flags older than it say nothing about it.
	unconfirmed bool
	// flagAt is when the flag of an unconfirmed suspension is to be written again;
	// zero if that did not fail.
	flagAt    time.Time
	flag      call.Suspension // as the control flags said last
	flagSince time.Time       // of the last one that was in force
	halted    error           // why nothing may be dialled by anybody
	slowed    time.Time       // the provider asked for a pause until then
	slowedFor call.Reason     // why
	stopping  bool
	careAt    time.Time // when a suspension is next probed
	newKey    bool      // since it was last probed
	told      call.LaneStatus

	changed chan struct{} // closed, and made anew, when what may be dialled changes
	freed   chan struct{} // holds a token when a slot became free

	// first is held by the one turn that waits for a POST slot and its moment,
	// posts by those that have them, reserving by whoever asks for moments.
	first, posts, reserving chan struct{}
}

// ErrRecordsUnverified halts a lane until the call records were checked over the
// connection in use.
var ErrRecordsUnverified = errors.New("the call records are not checked yet")

// New gives a lane that may not dial yet.
func New(cfg Config) *Lane {
	cfg.Metrics.Limits(cfg.Concurrency, cfg.CallsPerSecond)
	l := &Lane{
		cfg: cfg, pace: newPace(cfg.CallsPerSecond), failures: newReserveBackoff(), halted: ErrRecordsUnverified,
		changed: make(chan struct{}), freed: make(chan struct{}, 1),
		first: make(chan struct{}, 1), posts: make(chan struct{}, cfg.Concurrency), reserving: make(chan struct{}, 1),
	}
	l.tell()
	return l
}

// WaitCapacity waits until a call may be begun and says how many may be begun now; it
// gives 0 when ctx ends or the lane is stopping. withdrawn is closed when what
// may be dialled changes.
func (l *Lane) WaitCapacity(ctx context.Context) (n int, withdrawn <-chan struct{}) {
	for {
		v, changed, stopping := l.ask()
		if ctx.Err() != nil {
			return 0, changed
		}
		if v.n > 0 || stopping {
			return v.n, changed
		}
		if v.short > 0 {
			l.reserve(ctx, v.short)
			continue
		}
		var timer <-chan time.Time
		var stop func() bool
		if !v.at.IsZero() {
			t := time.NewTimer(v.at.Sub(l.cfg.Now()))
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
func (l *Lane) ask() (v view, changed <-chan struct{}, stopping bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.cfg.Now()
	begun := l.pulled + l.posting
	free := l.cfg.Concurrency + l.turnover.ahead(now, l.cfg.Concurrency) - begun
	// What settles holds no POST slot, and is bounded all the same: a broker
	// that takes claims and is slow to take outcomes must not fill the memory.
	free = min(free, 2*l.cfg.Concurrency-l.turns)
	switch {
	case l.stopping:
		return view{}, l.changed, true
	case l.stopped() || free <= 0 || l.unshared():
		return view{}, l.changed, false
	case now.Before(l.slowed):
		return view{at: l.slowed}, l.changed, false
	}
	n := l.breaker.allow(begun, free)
	if n == 0 {
		return view{}, l.changed, false
	}
	l.lapse(now)
	return l.pace.available(now, n, l.pulled), l.changed, false
}

// unshared tells that there is a limit and nobody to ask for moments.
func (l *Lane) unshared() bool { return l.cfg.CallsPerSecond > 0 && l.limit == nil }

// Ping goes through the lane's lock, to show that it is not stuck.
func (l *Lane) Ping() {
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
