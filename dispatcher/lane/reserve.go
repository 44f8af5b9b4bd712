package lane

import (
	"context"
	"time"
)

// reserve reserves about n rate slots; one caller asks at a time. While the
// limiter does not answer there are none, and so no calls.
func (l *Lane) reserve(ctx context.Context, n int) {
	select {
	case l.limiterLock <- struct{}{}:
		defer func() { <-l.limiterLock }()
	case <-ctx.Done():
		return
	}
	l.mu.Lock()
	limiter, lead, early := l.ports.Limiter, l.pacer.claimLead(), l.cfg.Now().Before(l.pacer.retryAt)
	l.mu.Unlock()
	if limiter == nil || early { // the caller before got the same answer
		return
	}
	slots, retryAt, err := limiter.Reserve(ctx, n, lead+reserveLead)
	l.update(func(now time.Time) bool {
		l.cfg.Metrics.Reserved(l.pacer.onReserved(now, slots, retryAt, err))
		return false
	})
}
