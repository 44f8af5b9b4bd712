package app

import (
	"sync"
	"time"
)

// logInterval is how often a lasting failure is logged.
const logInterval = 30 * time.Second

// logThrottle keeps a lasting failure from filling the log.
type logThrottle struct {
	mu   sync.Mutex
	last time.Time
}

// allow reports whether the failure may be logged now, at most once in
// logInterval.
func (t *logThrottle) allow() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if now.Sub(t.last) < logInterval {
		return false
	}
	t.last = now
	return true
}
