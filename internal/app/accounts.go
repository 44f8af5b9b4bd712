package app

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/control"
)

// accounts are the accounts that run, those included that only finish calls in
// flight. An account that is added later gets the current flags and halt.
type accounts struct {
	mu       sync.Mutex
	all      map[*account]bool
	flags    *control.Flags // nil: not known
	verified bool           // halt was called
	halted   error          // with this
}

func newAccounts() *accounts { return &accounts{all: map[*account]bool{}} }

func (s *accounts) add(acc *account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[acc] = true
	acc.lane.SetBlocks(blocksOf(s.flags, acc.name))
	if s.verified {
		acc.lane.Halt(s.halted)
	}
}

func (s *accounts) remove(acc *account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, acc)
}

// list returns the accounts sorted by name.
func (s *accounts) list() []*account {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Keys(s.all), func(a, b *account) int { return cmp.Compare(a.name, b.name) })
}

func (s *accounts) names() []call.Account {
	var names []call.Account
	for _, acc := range s.list() {
		names = append(names, acc.name)
	}
	return names
}

// setFlags passes the control flags to every lane; nil if they are not known.
func (s *accounts) setFlags(f *control.Flags) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flags = f
	for acc := range s.all {
		acc.lane.SetBlocks(blocksOf(f, acc.name))
	}
}

// halt stops every lane for a reason common to all; nil lets them continue.
func (s *accounts) halt(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.verified, s.halted = true, why
	for acc := range s.all {
		acc.lane.Halt(why)
	}
}

// ping takes the lock of every lane once, and returns only if none is stuck.
func (s *accounts) ping() {
	for _, acc := range s.list() {
		acc.lane.Status()
	}
}

// served lists the accounts that any worker serves; known is false while the
// control flags are not known.
func (s *accounts) served(now time.Time) (served map[call.Account]bool, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flags == nil {
		return nil, false
	}
	served = s.flags.ServedAccounts(now)
	for acc := range s.all {
		served[acc.name] = true
	}
	return served, true
}

func blocksOf(f *control.Flags, a call.Account) *call.Blocks {
	if f == nil {
		return nil
	}
	blocks := f.Blocks(a)
	return &blocks
}
