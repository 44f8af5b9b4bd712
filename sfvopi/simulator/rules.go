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

	mu      sync.Mutex
	list    []activeRule
	tallies map[tallyKey]*tally
}

type activeRule struct {
	Rule
	put time.Time
}

// tallyKey is a rule (or the magic of a callee) and whom it counts for.
type tallyKey struct {
	rule, organisation, first, second string
}

type tally struct{ seen, struck int }

// strike is what befalls one request. The zero value is nothing.
type strike struct {
	fault      *Fault
	ending     Ending
	err        string
	status     int
	retryAfter time.Duration
	delay      time.Duration
}

func newRules(list []Rule, seed uint64, magic bool) *rules {
	r := &rules{seed: seed, magic: magic, tallies: map[tallyKey]*tally{}}
	for _, rule := range list {
		r.put(rule)
	}
	return r
}

// put adds a validated rule, or replaces the one of its name in its place. Its
// counts and its clock start anew.
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

// remove drops the rule of that name, or says that there is none.
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
	clear(r.tallies)
	r.count.Store(0)
}

// recount starts all counts anew, and leaves rules and their clocks alone.
func (r *rules) recount() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.tallies)
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
	for key := range r.tallies {
		if key.rule == name {
			delete(r.tallies, key)
		}
	}
}

// strike decides what befalls a request: the first rule that matches, else the
// magic of its callee, else nothing.
func (r *rules) strike(s *subject, at time.Time) strike {
	if r.count.Load() > 0 {
		if hit, ok := r.match(s, at); ok {
			return hit
		}
	}
	if !r.magic || s.unread {
		return strike{}
	}
	hit, first := magicOf(s.callee)
	if first > 0 && !r.stillFirst(s, first) {
		return strike{}
	}
	return hit
}

func (r *rules) match(s *subject, at time.Time) (strike, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.list {
		rule := &r.list[i]
		if !rule.selects(s, rule.put, at) || !r.hits(&rule.Rule, s) {
			continue
		}
		return strike{
			fault: faultByName[rule.Fault], ending: rule.Ending, err: rule.Error,
			status: rule.Status, retryAfter: rule.RetryAfter, delay: rule.Delay,
		}, true
	}
	return strike{}, false
}

// hits counts a selected request and applies rate and first. The caller holds
// the lock.
func (r *rules) hits(rule *Rule, s *subject) bool {
	if rule.Rate == 0 && rule.First == 0 {
		return true
	}
	counted := r.tally(keyOf(rule.Name, s))
	counted.seen++
	if rule.Rate > 0 && rule.Rate < 1 && r.draw(rule.Name, s, counted.seen) >= rule.Rate {
		return false
	}
	if rule.First > 0 && counted.struck >= rule.First {
		return false
	}
	counted.struck++
	return true
}

// magicTally is no name that a rule can have.
const magicTally = ""

func (r *rules) stillFirst(s *subject, first int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	counted := r.tally(keyOf(magicTally, s))
	counted.struck++
	return counted.struck <= first
}

func (r *rules) tally(key tallyKey) *tally {
	found, ok := r.tallies[key]
	if !ok {
		found = &tally{}
		r.tallies[key] = found
	}
	return found
}

func keyOf(rule string, s *subject) tallyKey {
	return tallyKey{rule, s.organisation, cmp.Or(s.callee, s.method), cmp.Or(s.answerURL, s.path)}
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
