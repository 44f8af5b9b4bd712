package simulator

import (
	"sync"
	"time"
)

// rateLimiter limits calls per second, with bursts of one second's worth. It
// keeps the instant at which the allowance would be whole again.
type rateLimiter struct {
	mu     sync.Mutex
	perSec float64
	fullAt time.Time
}

func (l *rateLimiter) set(perSecond float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.perSec, l.fullAt = perSecond, time.Time{}
}

// allow takes one call, or returns how long to wait for the next.
func (l *rateLimiter) allow(at time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.perSec <= 0 {
		return 0, true
	}
	cost := time.Duration(float64(time.Second) / l.perSec)
	burst := max(time.Second, cost)
	whole := l.fullAt
	if whole.Before(at) {
		whole = at
	}
	whole = whole.Add(cost)
	if over := whole.Sub(at) - burst; over > 0 {
		return over, false
	}
	l.fullAt = whole
	return 0, true
}
