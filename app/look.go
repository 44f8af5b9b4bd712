package app

import (
	"context"
	"errors"
	"time"

	"github.com/ringonce/ringonce/metrics"
	"github.com/ringonce/ringonce/queue"
)

const (
	measureEvery = 10 * time.Second
	probeEvery   = 30 * time.Second
	// lookWithin bounds one look at the broker.
	lookWithin = 10 * time.Second
	// A look takes at most one part in lookShare of the time, unless it would
	// come more rarely than lookRarest.
	lookShare  = 50
	lookRarest = time.Minute
)

// measure keeps the gauges of the queues up to date until ctx ends.
func (a *App) measure(ctx context.Context, b *broker) {
	every(ctx, a.measureEvery, func(ctx context.Context) {
		depths, unserved, err := b.depths.Measure(ctx, time.Now())
		if err != nil {
			a.log.Debug("measuring the queues failed", "error", err)
			return
		}
		if unserved > 0 {
			a.coverStrays(ctx, b)
		}
		if served, known := a.accounts.served(time.Now()); known {
			unserved += queue.Unattended(depths, served)
		}
		a.metrics.Unserved(unserved)
		for _, acc := range a.accounts.list() {
			d := depths[acc.name]
			acc.metrics.Queue(metrics.Depth{
				Waiting: d.Waiting, Due: d.Due, Parked: d.Parked, DeadLetters: d.DeadLetters, Oldest: d.Oldest,
			})
		}
	})
}

// coverStrays has requests read whose subject ends in no priority, which no
// consumer covers.
func (a *App) coverStrays(ctx context.Context, b *broker) {
	strays, err := b.conn.Strays(ctx)
	if err != nil {
		a.log.Debug("looking for stray requests failed", "error", err)
		return
	}
	for _, acc := range a.accounts.list() {
		if err := acc.consumer.Cover(ctx, strays[acc.name]); err != nil {
			a.log.Warn("stray requests are not read", "account", acc.name, "error", err)
		}
	}
}

// probeAcks finds out whether acknowledgements are permitted, until ctx ends.
func (a *App) probeAcks(ctx context.Context, b *broker) {
	every(ctx, probeEvery, func(ctx context.Context) {
		for _, acc := range a.accounts.list() {
			if err := b.conn.ProbeAck(ctx, acc.name); err != nil {
				if errors.Is(err, queue.ErrAckDenied) {
					a.log.Error("acknowledgements are refused", "error", err)
					a.metrics.AckPermission(false)
					a.health.ack.Store(false)
				}
				return
			}
		}
		a.metrics.AckPermission(true)
		a.health.ack.Store(true)
	})
}

// every calls look now and then at this distance, each time with a bound.
func every(ctx context.Context, distance time.Duration, look func(context.Context)) {
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case began := <-again.C:
			bounded, cancel := context.WithTimeout(ctx, lookWithin)
			look(bounded)
			cancel()
			again.Reset(rest(distance, time.Since(began)))
		}
	}
}

// rest is how long to wait after a look that took so long: with hundreds of
// accounts, or a broker under load, looking must not become the work.
func rest(distance, took time.Duration) time.Duration {
	return max(distance-took, min(lookShare*took, lookRarest), 0)
}
