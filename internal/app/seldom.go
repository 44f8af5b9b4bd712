package app

import (
	"sync"
	"time"
)

// sayEvery is how often a failure that goes on is logged.
const sayEvery = 30 * time.Second

// seldom keeps a failure that goes on from filling the log.
type seldom struct {
	mu   sync.Mutex
	said time.Time
}

// may reports whether it is time to say something again, and takes that for said.
func (s *seldom) may() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.said) < sayEvery {
		return false
	}
	s.said = now
	return true
}
