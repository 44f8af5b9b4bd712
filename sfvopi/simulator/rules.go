package simulator

import (
	"cmp"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// rules are the rules in force, with what they have counted.
type rules struct {
	seed  uint64
	magic bool
	// count spares the mutex where there is nothing to look through.
	count atomic.Int64

	mu       sync.Mutex
	list     []activeRule
	counters map[counterKey]*counter
}

type activeRule struct {
	Rule
	put time.Time
}

// counterKey is a rule (or the magic of a callee) and whom it counts for.
type counterKey struct {
	rule, organisation, first, second string
}

type counter struct{ seen, matched int }

// match is what applies to one request, or to one hook. The zero value changes
// nothing.
type match struct {
	fault      *Fault
	hookFault  *HookFault
	rang       bool
	ending     Ending
	afterRings int
	duration   time.Duration
	err        string
	status     int
	retryAfter time.Duration
	delay      time.Duration
}

func newRules(list []Rule, seed uint64, magic bool) *rules {
	r := &rules{seed: seed, magic: magic, counters: map[counterKey]*counter{}}
	for _, rule := range list {
		r.put(rule)
	}
	return r
}

// put adds a validated rule, or replaces the one of its name in its place. Its
// counts and its clock restart.
func (r *rules) put(rule Rule) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(rule.Name)
	active := activeRule{Rule: rule, put: time.Now()}
	if at := r.find(rule.Name); at >= 0 {
		r.list[at] = active
	} else {
		r.list = append(r.list, active)
	}
	r.count.Store(int64(len(r.list)))
}

// remove removes the rule of that name, and reports whether there was one.
func (r *rules) remove(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.find(name)
	if at < 0 {
		return false
	}
	r.forget(name)
	r.list = slices.Delete(r.list, at, at+1)
	r.count.Store(int64(len(r.list)))
	return true
}

func (r *rules) clear() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = nil
	clear(r.counters)
	r.count.Store(0)
}

// resetCounts resets all counts, but not the rules and their clocks.
func (r *rules) resetCounts() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.counters)
}

func (r *rules) all() []Rule {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Rule, 0, len(r.list))
	for i := range r.list {
		list = append(list, r.list[i].Rule)
	}
	return list
}

func (r *rules) find(name string) int {
	return slices.IndexFunc(r.list, func(each activeRule) bool { return each.Name == name })
}

func (r *rules) forget(name string) {
	for key := range r.counters {
		if key.rule == name {
			delete(r.counters, key)
		}
	}
}

// match returns what applies to a request: the first rule that matches, else the
// magic of its callee, else nothing.
func (r *rules) match(s *subject, at time.Time) match {
	if r.count.Load() > 0 {
		if hit, ok := r.matchRule(s, at); ok {
			return hit
		}
	}
	if !r.magic || s.unread {
		return match{}
	}
	hit, first := parseMagic(s)
	if first > 0 && !r.withinFirst(s, first) {
		return match{}
	}
	return hit
}

func (r *rules) matchRule(s *subject, at time.Time) (match, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.list {
		rule := &r.list[i]
		if !rule.selects(s, rule.put, at) || !r.applies(&rule.Rule, s) {
			continue
		}
		return match{
			fault: faultByName[rule.Fault], rang: rule.Rang, ending: rule.Ending,
			afterRings: rule.AfterRings, duration: rule.Duration, err: rule.Error,
			status: rule.Status, retryAfter: rule.RetryAfter, delay: rule.Delay,
			hookFault: hookFaultByName[rule.Fault],
		}, true
	}
	return match{}, false
}

// silent reports whether a fault keeps the call from going out.
func (h *match) silent() bool { return h.fault != nil && !h.fault.Rings && !h.rang }

// applies counts a selected request and applies rate and first. The caller holds
// the lock.
func (r *rules) applies(rule *Rule, s *subject) bool {
	if rule.Rate == 0 && rule.First == 0 {
		return true
	}
	counted := r.counter(keyOf(rule.Name, s))
	counted.seen++
	if rule.Rate > 0 && rule.Rate < 1 && r.draw(rule.Name, s, counted.seen) >= rule.Rate {
		return false
	}
	if rule.First > 0 && counted.matched >= rule.First {
		return false
	}
	counted.matched++
	return true
}

// magicCounter is no name that a rule can have.
const magicCounter = ""

func (r *rules) withinFirst(s *subject, first int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	counted := r.counter(keyOf(magicCounter, s))
	counted.matched++
	return counted.matched <= first
}

func (r *rules) counter(key counterKey) *counter {
	found, ok := r.counters[key]
	if !ok {
		found = &counter{}
		r.counters[key] = found
	}
	return found
}

func keyOf(rule string, s *subject) counterKey {
	return counterKey{rule, s.organisation, cmp.Or(s.callee, s.method), cmp.Or(s.answerURL, s.path)}
}

// draw is a number in [0, 1) that depends on nothing but its arguments and the
// seed: no state is shared, so no order of requests can change it.
func (r *rules) draw(rule string, s *subject, seen int) float64 {
	key := keyOf(rule, s)
	hash := fnv.New64a()
	for _, part := range [...]string{key.rule, key.organisation, key.first, key.second} {
		_, _ = hash.Write([]byte(part)) // a hash never fails
		_, _ = hash.Write([]byte{0})
	}
	source := rand.NewPCG(r.seed, hash.Sum64()+uint64(seen)) //nolint:gosec // repeatable by design: it chooses faults, guards nothing
	return rand.New(source).Float64()                        //nolint:gosec // as above
}
