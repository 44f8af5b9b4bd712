package dispatcher

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ringonce/ringonce/metrics"
)

// SetLimiter tells the lane where its moments come from. A lane that has a limit
// begins nothing before.
func (l *Lane) SetLimiter(limit RateLimiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = limit
	l.announce()
}

// reserve asks for about n moments, one who asks at a time. Without an answer
// there are none, and so no calls.
func (l *Lane) reserve(ctx context.Context, n int) {
	select {
	case l.reserving <- struct{}{}:
		defer func() { <-l.reserving }()
	case <-ctx.Done():
		return
	}
	l.mu.Lock()
	limit, lead, early := l.limit, l.pace.lead(), l.cfg.Now().Before(l.pace.again)
	l.mu.Unlock()
	if limit == nil || early { // whoever asked before got the same answer
		return
	}
	moments, again, err := limit.Reserve(ctx, n, lead+reserveLead)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		again = l.cfg.Now().Add(l.failures.NextBackOff())
		l.reserveFailed++
		l.cfg.Metrics.Reserved(metrics.ReservationFailed)
	case len(moments) == 0:
		l.reserved(metrics.ReservationExhausted)
	default:
		l.reserved(metrics.ReservationGranted)
	}
	l.tell()
	l.pace.add(moments, again)
}

// reserved notes that there was an answer. The caller holds the lock.
func (l *Lane) reserved(r metrics.Reservation) {
	l.failures.Reset()
	l.reserveFailed = 0
	l.cfg.Metrics.Reserved(r)
}

// lapse forgets moments that are past unused.
func (l *Lane) lapse(now time.Time) {
	if n := l.pace.drop(now); n > 0 {
		l.cfg.Metrics.SlotsUnused(n)
	}
}

func newReserveBackoff() backoff.BackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(50*time.Millisecond), backoff.WithMaxInterval(2*time.Second),
		backoff.WithMaxElapsedTime(0),
	)
}
