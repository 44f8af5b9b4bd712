package ratelimit

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

const (
	// maxAhead bounds how far ahead slots are reserved. A worker that dies loses
	// the slots that it reserved: those, and the rest of a window, less than a
	// second.
	maxAhead = 600 * time.Millisecond
	// quarantine is how long nothing is reserved after counters may have been
	// lost: until every slot that was reserved before is past.
	quarantine = maxAhead + window
	// requestTimeout bounds one reservation: a later answer is of no use.
	requestTimeout = time.Second
	// sampleInterval is how often the broker's clock is read while it is needed.
	// The first time it is read firstSamples times, for the quickest answer.
	sampleInterval = 10 * time.Second
	firstSamples   = 3
)

var errCountersLost = errors.New("the counters began again: nothing is reserved until all slots that were reserved before are past")

// Config configures a [Limiter].
type Config struct {
	// Provision creates the stream of the counters when it is missing.
	Provision bool
	Replicas  int
	// OnClockSample, if any, is called with how far the broker's clock is ahead
	// of ours, and how far off that may be.
	OnClockSample func(offset, uncertainty time.Duration)
}

// Limiter holds the limits of accounts over one connection. It knows whether the
// counters are still the same.
type Limiter struct {
	conn *queue.Conn
	cfg  Config

	refreshing chan struct{} // holds a token while one caller refreshes; the others wait for it

	mu            sync.Mutex
	state         state
	valid         bool   // the state holds
	invalidations uint64 // how often it was invalidated
	sampled       time.Time
	created       time.Time // the stream's creation time
	observed      time.Time // when the last addition was
}

// state is what a reservation starts from.
type state struct {
	clock      clockSample
	first      int64  // window that may be used
	sequence   uint64 // the highest that was seen in the stream
	generation queue.Generation
}

// New returns a limiter. It asks the broker for nothing before the first
// reservation.
func New(conn *queue.Conn, cfg Config) *Limiter {
	return &Limiter{conn: conn, cfg: cfg, refreshing: make(chan struct{}, 1)}
}

// ForAccount returns the limiter of one account.
func (l *Limiter) ForAccount(a call.Account, perSecond float64) *AccountLimiter {
	return &AccountLimiter{limiter: l, account: a, grid: grid{perSecond}, seen: map[int64]int{}}
}

// ensureFresh returns the state, and refreshes it if it is old or invalid.
func (l *Limiter) ensureFresh(ctx context.Context) (state, error) {
	if s, ok := l.fresh(); ok {
		return s, nil
	}
	select {
	case l.refreshing <- struct{}{}:
		defer func() { <-l.refreshing }()
	case <-ctx.Done():
		return state{}, ctx.Err()
	}
	if s, ok := l.fresh(); ok {
		return s, nil
	}
	if err := l.refresh(ctx); err != nil {
		l.invalidate()
		return state{}, err
	}
	s, ok := l.fresh()
	if !ok {
		return state{}, errCountersLost // invalidated meanwhile
	}
	return s, nil
}

// fresh returns the state and reports whether it still holds.
func (l *Limiter) fresh() (state, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.conn.Generation(); g != l.state.generation {
		l.state.generation = g
		l.markInvalid()
	}
	// A sequence that was seen long ago shows nothing of a stream that was
	// recreated since.
	idle := time.Since(l.observed) >= quarantine && time.Since(l.sampled) >= quarantine
	return l.state, l.valid && !idle && time.Since(l.sampled) < sampleInterval
}

// refresh reads the broker's clock, and whether the stream is still the same. It
// holds no lock while it waits for the broker; one caller refreshes at a time.
func (l *Limiter) refresh(ctx context.Context) error {
	l.mu.Lock()
	samples, invalidations := firstSamples, l.invalidations
	if l.valid {
		samples = 1
	}
	l.mu.Unlock()
	var best clockSample
	var created time.Time
	for i := range samples {
		sent := time.Now()
		info, err := l.conn.RateStream(ctx, l.cfg.Provision, l.cfg.Replicas)
		if err != nil {
			return err
		}
		sample := newSample(sent, time.Now(), info.TimeStamp)
		if i == 0 || sample.bound < best.bound {
			best = sample
		}
		created = info.Created
	}
	if merged := l.merge(best, created, invalidations); l.cfg.OnClockSample != nil {
		l.cfg.OnClockSample(merged.offset(), merged.bound)
	}
	return nil
}

// merge puts a sample into the state and returns the one that holds now. The
// state stays invalid if it was invalidated since the sample was begun.
func (l *Limiter) merge(sample clockSample, created time.Time, invalidations uint64) clockSample {
	l.mu.Lock()
	defer l.mu.Unlock()
	contradicted := true
	if l.valid {
		sample, contradicted = l.state.clock.merge(sample)
	}
	if contradicted || !created.Equal(l.created) {
		l.state.first = windowOf(sample.toBroker(time.Now()).Add(quarantine)) + 1
		l.state.sequence = 0
	}
	l.state.clock, l.sampled, l.created, l.valid = sample, time.Now(), created, l.invalidations == invalidations
	return sample
}

// observe takes the sequence of an addition, and reports whether the counters
// are still those of the state that it started from.
func (l *Limiter) observe(sequence uint64, s state) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if sequence <= s.sequence || l.conn.Generation() != s.generation {
		l.markInvalid()
		return false
	}
	l.state.sequence, l.observed = max(l.state.sequence, sequence), time.Now()
	return true
}

// invalidate has the state refreshed before the next reservation.
func (l *Limiter) invalidate() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.markInvalid()
}

func (l *Limiter) markInvalid() {
	l.valid = false
	l.invalidations++
}
