package lane

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/metrics"
)

// Config says whose lane it is and how much it may do.
type Config struct {
	Account     call.Account
	Worker      string // this process, among all workers
	Concurrency int    // POSTs in flight
	// CallsPerSecond holds for all workers together; 0 is no limit.
	CallsPerSecond float64
	Provider       Provider
	Now            func() time.Time
	Metrics        *metrics.Account
	Log            *slog.Logger
	// OnChange is called when [Lane.Status] changes. The lane is locked
	// meanwhile. It may be nil.
	OnChange func()
}

// Lane is what one worker may do for one account.
type Lane struct {
	cfg Config

	mu         sync.Mutex // guards all below, up to changed
	ports      Ports      // also read without it: set before anything is dialled
	blocks     blocks
	suspension suspension
	breaker    breaker
	pacer      pacer
	prefetch   prefetch
	rechecks   recheckTimes
	permits    int // not released yet; some have finished their POST
	pulled     int // permits without a POST slot yet
	posting    int // permits with one
	status     call.LaneStatus
	// changed is closed and replaced when what may be dialled changes.
	changed chan struct{}

	freed chan struct{} // holds a token when a POST slot or a permit became free
	// head is held by the one permit that waits for a POST slot and its rate
	// slot, postSlots by those that have both, limiterLock while the limiter is
	// asked.
	head, postSlots, limiterLock chan struct{}
}

// ErrRecordsUnverified halts a lane until the call records were verified over
// the connection in use.
var ErrRecordsUnverified = errors.New("the call records are not verified yet")

// New returns a lane that may not dial yet.
func New(cfg Config) *Lane {
	cfg.Metrics.Limits(cfg.Concurrency, cfg.CallsPerSecond)
	l := &Lane{
		cfg: cfg, blocks: blocks{halted: ErrRecordsUnverified}, pacer: newPacer(cfg.CallsPerSecond),
		changed: make(chan struct{}), freed: make(chan struct{}, 1),
		head: make(chan struct{}, 1), postSlots: make(chan struct{}, cfg.Concurrency), limiterLock: make(chan struct{}, 1),
	}
	l.reportStatus()
	return l
}

// SetPorts sets what the lane reaches through the broker, before anything is
// dialled. A lane that has a limit permits nothing before.
func (l *Lane) SetPorts(p Ports) {
	l.update(func(time.Time) bool {
		l.ports = p
		return true
	})
}

// WaitCapacity waits until requests may be pulled and returns how many; 0 once
// ctx has ended or the lane stops. revoked is closed when what may be dialled
// changes.
func (l *Lane) WaitCapacity(ctx context.Context) (n int, revoked <-chan struct{}) {
	for {
		c, changed, stopping := l.capacity()
		switch {
		case ctx.Err() != nil:
			return 0, changed
		case c.now > 0 || stopping:
			return c.now, changed
		case c.missing > 0:
			l.reserve(ctx, c.missing)
			continue
		}
		var timer <-chan time.Time
		if !c.retryAt.IsZero() {
			timer = time.After(c.retryAt.Sub(l.cfg.Now()))
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-l.freed:
		case <-timer:
		}
	}
}

// capacity returns how many requests may be pulled now, or what to wait for.
func (l *Lane) capacity() (c capacity, changed <-chan struct{}, stopping bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.cfg.Now()
	inFlight := l.pulled + l.posting
	free := l.cfg.Concurrency + l.prefetch.allowance(now, l.cfg.Concurrency) - inFlight
	// What is being settled holds no POST slot, but is bounded: a broker that
	// accepts claims and is slow to accept outcomes must not fill the memory.
	free = min(free, 2*l.cfg.Concurrency-l.permits)
	switch {
	case l.blocks.stopping:
		return capacity{}, l.changed, true
	case l.blocked() || free <= 0 || l.cfg.CallsPerSecond > 0 && l.ports.Limiter == nil:
		return capacity{}, l.changed, false
	case l.blocks.throttled(now):
		return capacity{retryAt: l.blocks.throttledUntil}, l.changed, false
	}
	n := l.breaker.allow(inFlight, free)
	if n == 0 {
		return capacity{}, l.changed, false
	}
	l.cfg.Metrics.SlotsUnused(l.pacer.expire(now))
	return l.pacer.available(now, n, l.pulled), l.changed, false
}

// blocked reports whether nothing of the account may be dialled. The caller
// holds the lock.
func (l *Lane) blocked() bool {
	return l.blocks.blocked() || l.suspension.current.InForce()
}

// BlocksDial is asked between the claim and the POST. It reports whether a
// block came meanwhile. A worker that shuts down may finish what it claimed.
func (l *Lane) BlocksDial(from call.Phone) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.blocks.blocksDial(from) || l.suspension.current.InForce()
}

// admits reports whether a permit may still lead to a call: a block, a throttle
// or the breaker may have come after the pull. The caller holds the lock.
func (l *Lane) admits(p *Permit, now time.Time) bool {
	return !l.blocked() && !l.blocks.throttled(now) && l.breaker.admits(p.probe)
}

// update changes the lane. If change returns true, or the breaker admits others
// now, everything that waits for a change wakes up.
func (l *Lane) update(change func(now time.Time) bool) (changed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.breaker
	changed = change(l.cfg.Now())
	if after := l.breaker; changed || before.open != after.open || before.reachable != after.reachable || !before.probeAt.Equal(after.probeAt) {
		close(l.changed)
		l.changed = make(chan struct{})
	}
	l.reportStatus()
	return changed
}

// signalFree wakes [Lane.WaitCapacity].
func (l *Lane) signalFree() {
	select {
	case l.freed <- struct{}{}:
	default:
	}
}
