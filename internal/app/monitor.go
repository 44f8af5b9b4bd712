package app

import (
	"context"
	"errors"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/metrics"
	"github.com/ringonce/ringonce/queue"
)

const (
	measureInterval  = 10 * time.Second
	ackProbeInterval = 30 * time.Second
	// monitorTimeout bounds one look at the broker.
	monitorTimeout = 10 * time.Second
	// A look takes at most one part in lookShare of the time, unless it would
	// come more rarely than lookRarest.
	maxDuty  = 50
	maxPause = time.Minute
	// monitorRetryDelay is how soon a look that failed is repeated, if not sooner: the
	// broker was without a leader, which says nothing about its load.
	monitorRetryDelay = 10 * time.Second
)

// measureQueues keeps the gauges of the queues up to date until ctx ends.
func (a *App) measureQueues(ctx context.Context, b *broker) {
	var loud, strangers logThrottle
	runEvery(ctx, a.measureInterval, func(bounded context.Context) (whole bool) {
		var names []call.Account
		for _, acc := range a.accounts.list() {
			names = append(names, acc.name)
		}
		depths, unserved, err := b.meter.Measure(bounded, time.Now(), names...)
		if err != nil {
			if ctx.Err() == nil && loud.allow() {
				a.log.Warn("measuring the queues failed; their gauges show what was measured before", "error", err)
			}
			return false
		}
		foreign := b.meter.ForeignConsumers()
		a.health.foreignConsumers.Store(&foreign)
		if len(foreign) > 0 && strangers.allow() {
			a.log.Error("requests do not come here", "error", errors.Join(foreign...))
		}
		if served, known := a.accounts.served(time.Now()); known {
			unserved += queue.CountOrphaned(depths, served)
		}
		a.metrics.Orphaned(unserved)
		for _, acc := range a.accounts.list() {
			d := depths[acc.name]
			acc.metrics.Queue(metrics.Depth{
				Waiting: d.Waiting, Due: d.Due, AckPending: d.AckPending, Parked: d.Parked,
				DeadLetters: d.DeadLetters, Unknown: d.Unknown, Oldest: d.Oldest,
			})
		}
		return true
	})
}

// probeAckPermission finds out whether acknowledgements are permitted, until ctx ends.
func (a *App) probeAckPermission(ctx context.Context, b *broker) {
	runEvery(ctx, ackProbeInterval, func(ctx context.Context) (whole bool) {
		var names []call.Account
		for _, acc := range a.accounts.list() {
			names = append(names, acc.name)
		}
		if err := b.conn.CheckAckPermission(ctx, names...); err != nil {
			if errors.Is(err, queue.ErrAckDenied) {
				a.log.Error("acknowledgements are refused", "error", err)
				a.metrics.AckPermission(false)
				a.health.ackPermitted.Store(false)
			}
			return false
		}
		a.metrics.AckPermission(true)
		a.health.ackPermitted.Store(true)
		return true
	})
}

// runEvery calls look now and then at this distance, each time with a bound. look
// reports whether it saw everything.
func runEvery(ctx context.Context, distance time.Duration, look func(context.Context) (whole bool)) {
	for ctx.Err() == nil {
		began := time.Now()
		bounded, cancel := context.WithTimeout(ctx, monitorTimeout)
		whole := look(bounded)
		cancel()
		pause := pauseAfter(distance, time.Since(began))
		if !whole {
			pause = min(pause, monitorRetryDelay)
		}
		again := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-again.C:
		}
		again.Stop()
	}
}

// pauseAfter is how long to wait after a look that took so long: with hundreds of
// accounts, or a broker under load, looking must not become the work.
func pauseAfter(distance, took time.Duration) time.Duration {
	return max(distance-took, min(maxDuty*took, maxPause), 0)
}
