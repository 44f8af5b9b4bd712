package dispatcher

import (
	"sync"
	"time"
)

// maxOtherClaims bounds how many claims are remembered. One that is pushed out
// starts again, and is only waited for longer.
const maxOtherClaims = 10000

// otherClaims remembers when this worker first saw each claim of another worker,
// on its own monotonic clock: the time in the claim is another machine's.
type otherClaims struct {
	mu   sync.Mutex
	seen map[string]time.Time // by nonce
}

// age returns how long ago the claim was first seen.
func (c *otherClaims) age(nonce string, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]time.Time{}
	}
	first, ok := c.seen[nonce]
	if !ok {
		if len(c.seen) >= maxOtherClaims {
			c.forgetOldest()
		}
		c.seen[nonce] = now
		return 0
	}
	return now.Sub(first)
}

// forget drops a claim that no longer stands.
func (c *otherClaims) forget(nonce string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.seen, nonce)
}

func (c *otherClaims) forgetOldest() {
	var oldest string
	for nonce, t := range c.seen {
		if oldest == "" || t.Before(c.seen[oldest]) {
			oldest = nonce
		}
	}
	delete(c.seen, oldest)
}
