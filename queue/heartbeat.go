package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
)

// The consumers of an account do not tell whether a worker serves it: they stay
// when the account is removed, and nothing is pulled from them while it is
// paused. So every worker publishes which accounts it serves, and what it does
// for each of them, again and again.
const (
	keyWorker = "worker."
	// HeartbeatInterval is how often a worker publishes that, if nothing changes.
	HeartbeatInterval = 20 * time.Second
	// laneBelief is how long it is shown what the worker does: a worker that died
	// is gone from it within a minute.
	laneBelief = 50 * time.Second
	// heartbeatTTL is how long the worker is believed to serve its accounts. It
	// outlasts a broker that is away for a while, since it ends what waits for
	// accounts without a worker, and clocks that differ.
	heartbeatTTL = 3 * time.Minute
)

// heartbeat is what one worker publishes.
type heartbeat struct {
	Worker   string         `json:"worker"`
	Accounts []call.Account `json:"accounts"`
	// Lanes are those that do not run; the others are left out to keep it small.
	Lanes map[call.Account]call.LaneStatus `json:"lanes,omitzero"`
	at    time.Time
}

// WorkerLane is what one worker does for an account.
type WorkerLane struct {
	Worker string `json:"worker"`
	call.LaneStatus
}

func workerKey(worker string) string {
	digest := sha256.Sum256([]byte(worker)) // host names may hold what a key may not
	return keyWorker + hex.EncodeToString(digest[:16])
}

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

// Register publishes which accounts this worker serves now, and what it does for
// each of them.
func (c *Control) Register(ctx context.Context, worker string, lanes map[call.Account]call.LaneStatus) error {
	data, err := json.Marshal(newHeartbeat(worker, lanes))
	if err != nil {
		return fmt.Errorf("encode which accounts are served: %w", err)
	}
	m := &nats.Msg{Subject: "$KV." + BucketControl + "." + workerKey(worker), Data: data, Header: nats.Header{}}
	SetTTL(m, heartbeatTTL)
	failpoint.Eval(failpoint.HeartbeatBefore)
	if _, err := c.conn.Publish(ctx, streamControl, m); err != nil {
		return fmt.Errorf("publish which accounts are served: %w", err)
	}
	failpoint.Eval(failpoint.HeartbeatAfter)
	return nil
}

// Deregister publishes that this worker serves nothing any more.
func (c *Control) Deregister(ctx context.Context, worker string) error {
	return c.remove(ctx, workerKey(worker))
}

// ServedAccounts lists the accounts that some worker serves.
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

// Lanes gives what the workers were doing for each account when the flags were
// read, in the order of the workers' names.
func (f Flags) Lanes() map[call.Account][]WorkerLane {
	lanes := map[call.Account][]WorkerLane{}
	for _, h := range f.heartbeats {
		if f.read.Sub(h.at) > laneBelief { // both by the broker's clock
			continue
		}
		for _, a := range h.Accounts {
			status, stands := h.Lanes[a]
			if !stands {
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

// applyHeartbeat takes in what a worker published. What cannot be read says
// nothing: it stops no account.
func (f *Flags) applyHeartbeat(e jetstream.KeyValueEntry, gone bool) {
	delete(f.heartbeats, e.Key())
	var h heartbeat
	if gone || json.Unmarshal(e.Value(), &h) != nil {
		return
	}
	h.at = e.Created()
	f.heartbeats[e.Key()] = h
}
