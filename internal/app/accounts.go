package app

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// accounts are those that this worker works for now, those included that only
// finish what is in flight. Who comes later is told what all were told last.
type accounts struct {
	mu      sync.Mutex
	all     map[*account]bool
	flags   *queue.Flags // nil: not known
	checked bool         // the ledger was looked at
	halted  error        // what that came to
}

func newAccounts() *accounts { return &accounts{all: map[*account]bool{}} }

func (s *accounts) add(acc *account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[acc] = true
	acc.lane.SetBlocks(blocksOf(s.flags, acc.name))
	if s.checked {
		acc.lane.Halt(s.halted)
	}
}

func (s *accounts) remove(acc *account) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, acc)
}

// list gives them in the order of their names.
func (s *accounts) list() []*account {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Keys(s.all), func(a, b *account) int { return cmp.Compare(a.name, b.name) })
}

// setFlags tells every lane what the control bucket says; nil if that is not
// known.
func (s *accounts) setFlags(f *queue.Flags) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flags = f
	for acc := range s.all {
		acc.lane.SetBlocks(blocksOf(f, acc.name))
	}
}

// halt stops every lane for a reason that holds for all; nil lets them go on.
func (s *accounts) halt(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checked, s.halted = true, why
	for acc := range s.all {
		acc.lane.Halt(why)
	}
}

// served lists the accounts that this worker or any other serves; known is false
// while the control bucket says nothing.
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

func blocksOf(f *queue.Flags, a call.Account) *call.Blocks {
	if f == nil {
		return nil
	}
	stops := f.Blocks(a)
	return &stops
}
