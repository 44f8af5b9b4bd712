package app

import (
	"context"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// A heartbeat that follows a change comes at least minHeartbeatGap after the one
// before, and laneHeartbeatGap more for each account: every worker hears of it.
const (
	minHeartbeatGap  = 2 * time.Second
	laneHeartbeatGap = 20 * time.Millisecond
)

// laneChanged notes that a lane does something else.
func (a *App) laneChanged() {
	select {
	case a.laneChanges <- struct{}{}:
	default:
	}
}

// runHeartbeat publishes which accounts this worker serves, and what it does for each
// of them, until ctx ends, and then that it serves none.
func (a *App) runHeartbeat(ctx context.Context, b *broker) {
	var loud logThrottle
	for ctx.Err() == nil {
		lanes := a.laneStatuses()
		bounded, cancel := context.WithTimeout(ctx, monitorTimeout)
		err := b.control.Register(bounded, a.worker, lanes)
		cancel()
		if err != nil && ctx.Err() == nil && loud.allow() {
			a.log.Warn("the others do not learn which accounts are served here", "error", err)
		}
		a.awaitHeartbeat(ctx, err == nil, min(minHeartbeatGap+time.Duration(len(lanes))*laneHeartbeatGap, queue.HeartbeatInterval))
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), monitorTimeout)
	defer cancel()
	if err := b.control.Deregister(last, a.worker); err != nil {
		a.log.Debug("taking back which accounts are served failed; it expires", "error", err)
	}
}

// awaitHeartbeat waits until the next heartbeat is due: after gap if a lane has
// changed or the one before failed, else when its interval is over.
func (a *App) awaitHeartbeat(ctx context.Context, published bool, gap time.Duration) {
	soonest, latest := time.NewTimer(gap), time.NewTimer(queue.HeartbeatInterval)
	defer soonest.Stop()
	defer latest.Stop()
	select {
	case <-ctx.Done():
		return
	case <-soonest.C:
	}
	if !published {
		return
	}
	select {
	case <-ctx.Done():
	case <-a.laneChanges:
	case <-latest.C:
	}
}

// laneStatuses gives what every lane does. Of two of one account, the one that
// follows the other counts.
func (a *App) laneStatuses() map[call.Account]call.LaneStatus {
	lanes := map[call.Account]call.LaneStatus{}
	for _, acc := range a.accounts.list() {
		status := acc.lane.Status()
		if other, ok := lanes[acc.name]; !ok || other.Reason == call.ShuttingDown {
			lanes[acc.name] = status
		}
	}
	return lanes
}
