package control

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// Flags is the content of the bucket at one moment.
type Flags struct {
	suspended  map[call.Account]call.Suspension
	paused     map[call.Account]call.Pause
	pausedAll  *call.Pause
	numbers    call.PausedNumbers
	resumed    map[call.Account]uint64 // the revision
	heartbeats map[string]heartbeat    // by key
	HighWater  queue.HighWater
	read       time.Time // when reading them began, by the broker's clock
}

func newFlags(read time.Time) Flags {
	return Flags{
		suspended: map[call.Account]call.Suspension{}, paused: map[call.Account]call.Pause{},
		resumed: map[call.Account]uint64{}, heartbeats: map[string]heartbeat{}, read: read,
	}
}

// Blocks returns what keeps an account from dialling.
func (f Flags) Blocks(a call.Account) call.Blocks {
	blocks := call.Blocks{Suspension: f.suspended[a], Pause: f.pausedAll, Numbers: f.numbers, ResumeRevision: f.resumed[a]}
	if blocks.Pause == nil {
		blocks.Pause = f.AccountPause(a)
	}
	return blocks
}

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

// AccountPause returns the pause of this account alone, nil if there is none.
func (f Flags) AccountPause(a call.Account) *call.Pause {
	if p, paused := f.paused[a]; paused {
		return &p
	}
	return nil
}

// GlobalPause returns the pause of all accounts, nil if there is none.
func (f Flags) GlobalPause() *call.Pause { return f.pausedAll }

// PausedNumbers returns the caller IDs that are paused.
func (f Flags) PausedNumbers() call.PausedNumbers { return f.numbers }

// apply applies one entry. An entry that cannot be read is an error: it may be a
// block, and must not be overlooked.
func (f *Flags) apply(e jetstream.KeyValueEntry) error {
	deleted := e.Operation() != jetstream.KeyValuePut
	name, account, _ := strings.Cut(e.Key(), ".")
	var err error
	switch name + "." {
	case keySuspended:
		err = applyEntry(f.suspended, call.Account(account), e, deleted)
	case keyPaused:
		err = applyEntry(f.paused, call.Account(account), e, deleted)
	case keyPausedAll + ".":
		f.pausedAll = nil
		if !deleted {
			f.pausedAll = &call.Pause{}
			err = json.Unmarshal(e.Value(), f.pausedAll)
		}
	case keyWorker:
		f.applyHeartbeat(e, deleted)
	case keyResumed:
		delete(f.resumed, call.Account(account))
		if !deleted { // the revision distinguishes resumptions: their times are of operators' clocks
			f.resumed[call.Account(account)] = e.Revision()
		}
	case keyNumberPause:
		err = f.applyNumberPause(e, deleted)
	case queue.KeyHighWater + ".":
		f.HighWater = queue.HighWater{}
		if !deleted {
			err = json.Unmarshal(e.Value(), &f.HighWater)
		}
	}
	if err != nil {
		return fmt.Errorf("read key %s of bucket %s: it is not valid; correct or delete it", e.Key(), queue.BucketControl)
	}
	return nil
}

func applyEntry[V any](m map[call.Account]V, a call.Account, e jetstream.KeyValueEntry, deleted bool) error {
	delete(m, a)
	if deleted {
		return nil
	}
	var v V
	if err := json.Unmarshal(e.Value(), &v); err != nil {
		return err
	}
	m[a] = v
	return nil
}

func (f *Flags) clone() Flags {
	c := *f
	c.suspended, c.paused = maps.Clone(f.suspended), maps.Clone(f.paused)
	c.resumed, c.heartbeats = maps.Clone(f.resumed), maps.Clone(f.heartbeats)
	return c
}
