package app

import (
	"sync"
	"time"
)

// logInterval is how often a failure that goes on is logged.
const logInterval = 30 * time.Second

// logThrottle keeps a failure that goes on from filling the log.
type logThrottle struct {
	mu   sync.Mutex
	last time.Time
}

// allow reports whether it is time to say something again, and takes that for said.
func (s *logThrottle) allow() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.last) < logInterval {
		return false
	}
	s.last = now
	return true
}
