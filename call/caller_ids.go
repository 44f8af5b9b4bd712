package call

import "sync"

// maxCallerIDs bounds what is remembered: far more numbers than most accounts
// call from.
const maxCallerIDs = 256

// CallerIDCache remembers which caller IDs were lately found to be assigned. Nearly
// all requests of an account come from the same few numbers, and the check of
// one costs more than the rest of its request. Only that verdict is kept: it is
// acceptance under every [NumberCheck]. The zero value is ready; nil remembers
// nothing. It may be used by many goroutines.
type CallerIDCache struct {
	mu       sync.Mutex
	assigned map[string]struct{} // E.164
}

// parse is [ParsePhone] with this memory.
func (c *CallerIDCache) parse(s string, policy NumberCheck) (p Phone, assigned bool, err error) {
	if c.knows(s) {
		return Phone{e164: s}, true, nil
	}
	p, assigned, err = ParsePhone(s, policy)
	if err == nil && assigned {
		c.remember(s)
	}
	return p, assigned, err
}

func (c *CallerIDCache) knows(s string) bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, known := c.assigned[s]
	return known
}

func (c *CallerIDCache) remember(s string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// Beginning again now and then is cheaper than knowing which is the oldest.
	if c.assigned == nil || len(c.assigned) >= maxCallerIDs {
		c.assigned = make(map[string]struct{})
	}
	c.assigned[s] = struct{}{}
}
