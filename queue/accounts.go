package queue

import (
	"maps"
	"slices"

	"github.com/ringonce/ringonce/call"
)

// Accounts lists the accounts that have a flag, sorted.
func (f Flags) Accounts() []call.Account {
	found := map[call.Account]bool{}
	for a := range f.suspended {
		found[a] = true
	}
	for a := range f.paused {
		found[a] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// AccountPause gives the pause of this account alone, nil if there is none.
func (f Flags) AccountPause(a call.Account) *call.Pause {
	if p, paused := f.paused[a]; paused {
		return &p
	}
	return nil
}

// GlobalPause gives the pause of all accounts, nil if there is none.
func (f Flags) GlobalPause() *call.Pause { return f.pausedAll }
