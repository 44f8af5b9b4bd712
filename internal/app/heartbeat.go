package app

import (
	"context"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/control"
)

// A heartbeat after a change follows the previous one by at least minHeartbeatGap,
// and laneHeartbeatGap more for each account: every worker receives it.
const (
	minHeartbeatGap  = 2 * time.Second
	laneHeartbeatGap = 20 * time.Millisecond
)

// laneChanged requests a heartbeat: the status of a lane changed.
func (a *App) laneChanged() {
	select {
	case a.laneChanges <- struct{}{}:
	default:
	}
}

// runHeartbeat publishes the accounts that this worker serves, with the status of
// their lanes, until ctx ends, and then that it serves none.
func (a *App) runHeartbeat(ctx context.Context, b *broker) {
	var throttle logThrottle
	for ctx.Err() == nil {
		lanes := a.laneStatuses()
		bounded, cancel := context.WithTimeout(ctx, monitorTimeout)
		err := b.control.Register(bounded, a.worker, lanes)
		cancel()
		if err != nil && ctx.Err() == nil && throttle.allow() {
			a.log.Warn("cannot publish the heartbeat", "error", err)
		}
		a.awaitHeartbeat(ctx, err == nil, min(minHeartbeatGap+time.Duration(len(lanes))*laneHeartbeatGap, control.HeartbeatInterval))
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), monitorTimeout)
	defer cancel()
	if err := b.control.Deregister(last, a.worker); err != nil {
		a.log.Debug("cannot remove the heartbeat; it expires", "error", err)
	}
}

// awaitHeartbeat waits until the next heartbeat is due: after gap if a lane changed
// or the previous one failed, else after its interval.
func (a *App) awaitHeartbeat(ctx context.Context, published bool, gap time.Duration) {
	soonest, latest := time.NewTimer(gap), time.NewTimer(control.HeartbeatInterval)
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

// laneStatuses returns the status of every lane. Of two lanes of one account, the
// successor's counts.
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
