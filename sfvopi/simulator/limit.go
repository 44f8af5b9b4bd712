package simulator

import (
	"sync"
	"time"
)

// limit lets so many calls per second pass, in bursts of one second's worth. It
// keeps the instant at which the allowance would be whole again.
type limit struct {
	mu     sync.Mutex
	perSec float64
	whole  time.Time
}

func (l *limit) set(perSecond float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.perSec, l.whole = perSecond, time.Time{}
}

// take spends one call, or says how long to wait for the next.
func (l *limit) take(at time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.perSec <= 0 {
		return 0, true
	}
	cost := time.Duration(float64(time.Second) / l.perSec)
	burst := max(time.Second, cost)
	whole := l.whole
	if whole.Before(at) {
		whole = at
	}
	whole = whole.Add(cost)
	if over := whole.Sub(at) - burst; over > 0 {
		return over, false
	}
	l.whole = whole
	return 0, true
}
