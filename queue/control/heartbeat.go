package control

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
)

// The consumers of an account do not show whether a worker serves it: they stay
// when the account is removed, and nothing is pulled from them while it is paused.
// So every worker publishes which accounts it serves, and the status of their
// lanes.
const (
	// HeartbeatInterval is how often a worker publishes that, if nothing changes.
	HeartbeatInterval = 20 * time.Second
	// laneTTL is how long the status of a lane is shown: a worker that died is gone
	// from it within a minute.
	laneTTL = 50 * time.Second
	// heartbeatTTL is how long a worker counts as serving its accounts. It outlasts
	// a broker that is away for a while, and clocks that differ: requests of
	// accounts without a worker are ended.
	heartbeatTTL = 3 * time.Minute
)

// heartbeat is what one worker publishes.
type heartbeat struct {
	Worker   string         `json:"worker"`
	Accounts []call.Account `json:"accounts"`
	// Lanes are those that are not running; the others are left out to keep it
	// small.
	Lanes map[call.Account]call.LaneStatus `json:"lanes,omitzero"`
	at    time.Time
}

// WorkerLane is the status of one worker's lane.
type WorkerLane struct {
	Worker string `json:"worker"`
	call.LaneStatus
}

func workerKey(worker string) string { return keyWorker + hash(worker) } // host names may hold what a key may not

func newHeartbeat(worker string, lanes map[call.Account]call.LaneStatus) heartbeat {
	h := heartbeat{Worker: worker, Accounts: slices.Sorted(maps.Keys(lanes)), Lanes: map[call.Account]call.LaneStatus{}}
	for a, s := range lanes {
		if s.State != call.LaneRunning {
			s.Since, s.Next = s.Since.UTC().Truncate(time.Second), s.Next.UTC().Truncate(time.Second)
			h.Lanes[a] = s
		}
	}
	return h
}

// Register publishes which accounts this worker serves now, and the status of their
// lanes.
func (b *Bucket) Register(ctx context.Context, worker string, lanes map[call.Account]call.LaneStatus) error {
	failpoint.Eval(failpoint.HeartbeatBefore)
	if err := b.putWithTTL(ctx, workerKey(worker), newHeartbeat(worker, lanes), heartbeatTTL); err != nil {
		return err
	}
	failpoint.Eval(failpoint.HeartbeatAfter)
	return nil
}

// Deregister publishes that this worker serves nothing any more.
func (b *Bucket) Deregister(ctx context.Context, worker string) error {
	return b.remove(ctx, workerKey(worker))
}

// ServedAccounts lists the accounts that a worker serves.
func (f Flags) ServedAccounts(now time.Time) map[call.Account]bool {
	served := map[call.Account]bool{}
	for _, h := range f.heartbeats {
		if now.Sub(h.at) > heartbeatTTL {
			continue
		}
		for _, a := range h.Accounts {
			served[a] = true
		}
	}
	return served
}

// Lanes returns the status of each account's lanes when the flags were read, in the
// order of the workers' names.
func (f Flags) Lanes() map[call.Account][]WorkerLane {
	lanes := map[call.Account][]WorkerLane{}
	for _, h := range f.heartbeats {
		if f.read.Sub(h.at) > laneTTL { // both by the broker's clock
			continue
		}
		for _, a := range h.Accounts {
			status, published := h.Lanes[a]
			if !published {
				status = call.LaneStatus{State: call.LaneRunning}
			}
			lanes[a] = append(lanes[a], WorkerLane{h.Worker, status})
		}
	}
	for _, of := range lanes {
		slices.SortFunc(of, func(a, b WorkerLane) int { return strings.Compare(a.Worker, b.Worker) })
	}
	return lanes
}

// applyHeartbeat applies a heartbeat. One that cannot be read is ignored: it blocks
// no account.
func (f *Flags) applyHeartbeat(e jetstream.KeyValueEntry, deleted bool) {
	delete(f.heartbeats, e.Key())
	var h heartbeat
	if deleted || json.Unmarshal(e.Value(), &h) != nil {
		return
	}
	h.at = e.Created()
	f.heartbeats[e.Key()] = h
}
