package app

import (
	"context"
	"errors"
	"time"

	"github.com/ringonce/ringonce/internal/retry"
	"github.com/ringonce/ringonce/metrics"
	"github.com/ringonce/ringonce/queue/backlog"
	"github.com/ringonce/ringonce/queue/pull"
)

const (
	measureInterval  = 10 * time.Second
	ackProbeInterval = 30 * time.Second
	// monitorTimeout bounds one run of a monitor.
	monitorTimeout = 10 * time.Second
	// A monitor is idle for at least idleFactor times the duration of its last
	// run, but no longer than maxPause.
	idleFactor = 50
	maxPause   = time.Minute
	// monitorRetryDelay is the longest pause after a failed run: the broker had
	// no leader, which does not mean that it is under load.
	monitorRetryDelay = 10 * time.Second
)

// measureQueues updates the gauges of the queues until ctx ends.
func (a *App) measureQueues(ctx context.Context, b *broker) {
	var failures, foreignConsumers logThrottle
	runPeriodically(ctx, a.measureInterval, func(bounded context.Context) (ok bool) {
		depths, orphaned, err := b.meter.Measure(bounded, time.Now(), a.accounts.names()...)
		if err != nil {
			if ctx.Err() == nil && failures.allow() {
				a.log.Warn("cannot measure the queues; gauges keep their last values", "error", err)
			}
			return false
		}
		foreign := b.meter.ForeignConsumers()
		a.health.foreignConsumers.Store(&foreign)
		if len(foreign) > 0 && foreignConsumers.allow() {
			a.log.Error("another program's consumer takes requests", "error", errors.Join(foreign...))
		}
		if served, known := a.accounts.served(time.Now()); known {
			orphaned += backlog.CountOrphaned(depths, served)
		}
		a.metrics.Orphaned(orphaned)
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

// probeAckPermission checks until ctx ends whether the worker may acknowledge.
func (a *App) probeAckPermission(ctx context.Context, b *broker) {
	runPeriodically(ctx, ackProbeInterval, func(ctx context.Context) (ok bool) {
		err := b.consumers.CheckAckPermission(ctx, a.accounts.names()...)
		if errors.Is(err, pull.ErrAckDenied) {
			a.log.Error("acknowledgements are refused", "error", err)
			a.setAckPermission(false)
		}
		if err == nil {
			a.setAckPermission(true)
		}
		return err == nil
	})
}

func (a *App) setAckPermission(permitted bool) {
	a.metrics.AckPermission(permitted)
	a.health.ackPermitted.Store(permitted)
}

// runPeriodically runs a monitor at this interval, each time with a timeout, until ctx
// ends. run reports whether it succeeded.
func runPeriodically(ctx context.Context, interval time.Duration, run func(context.Context) (ok bool)) {
	for ctx.Err() == nil {
		began := time.Now()
		bounded, cancel := context.WithTimeout(ctx, monitorTimeout)
		ok := run(bounded)
		cancel()
		pause := pauseAfter(interval, time.Since(began))
		if !ok {
			pause = min(pause, monitorRetryDelay)
		}
		retry.Sleep(ctx, pause)
	}
}

// pauseAfter returns the pause after a run that took so long: with hundreds of
// accounts, or a broker under load, monitoring must not dominate the work.
func pauseAfter(interval, took time.Duration) time.Duration {
	return max(interval-took, min(idleFactor*took, maxPause), 0)
}
