package call

import "sync"

// maxCachedCallerIDs is far more than most accounts call from.
const maxCachedCallerIDs = 256

// CallerIDCache holds caller IDs that were recently found to be assigned. Nearly
// all requests of an account come from the same few numbers, and checking one
// costs more than the rest of its request. An assigned number is accepted by
// every [NumberCheck]. The zero value is ready to use; nil caches nothing. It is
// safe for concurrent use.
type CallerIDCache struct {
	mu       sync.Mutex
	assigned map[string]struct{} // E.164
}

// parse is [ParsePhone] with this cache.
func (c *CallerIDCache) parse(s string, check NumberCheck) (p Phone, assigned bool, err error) {
	if c.contains(s) {
		return Phone{e164: s}, true, nil
	}
	p, assigned, err = ParsePhone(s, check)
	if err == nil && assigned {
		c.add(s)
	}
	return p, assigned, err
}

func (c *CallerIDCache) contains(s string) bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, known := c.assigned[s]
	return known
}

func (c *CallerIDCache) add(s string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// Starting over is cheaper than tracking which entry is the oldest.
	if c.assigned == nil || len(c.assigned) >= maxCachedCallerIDs {
		c.assigned = make(map[string]struct{})
	}
	c.assigned[s] = struct{}{}
}
