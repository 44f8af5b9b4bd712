package dispatcher

import (
	"sync"
	"time"
)

// maxClaims bounds how many claims of other workers are watched at once. The
// clock of one that was pushed out begins again, which only waits longer.
const maxClaims = 10000

// claims remembers when this worker first saw each claim of another, on its own
// monotonic clock. The claim's own time is another machine's.
type claims struct {
	mu   sync.Mutex
	seen map[string]time.Time // by nonce
}

// since gives how long ago the claim was first seen.
func (c *claims) since(nonce string, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]time.Time{}
	}
	first, ok := c.seen[nonce]
	if !ok {
		if len(c.seen) >= maxClaims {
			c.forgetOldest()
		}
		c.seen[nonce] = now
		return 0
	}
	return now.Sub(first)
}

// settled forgets a claim that no longer stands.
func (c *claims) settled(nonce string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.seen, nonce)
}

func (c *claims) forgetOldest() {
	var oldest string
	for nonce, t := range c.seen {
		if oldest == "" || t.Before(c.seen[oldest]) {
			oldest = nonce
		}
	}
	delete(c.seen, oldest)
}
