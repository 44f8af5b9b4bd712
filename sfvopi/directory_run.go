package sfvopi

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// firstRetry is how long after a failed fetch the next one comes, before the
// delay grows.
const firstRetry = time.Second

// emptyRetry bounds that delay until the first fetch has succeeded, because
// nothing of the account is dialled before that; refusedRetry does where the
// provider refuses to answer, so that asking again seldom helps.
const (
	emptyRetry   = 5 * time.Second
	refusedRetry = 30 * time.Second
)

// refreshJitter spreads the fetches of many workers over a fifth of the
// interval.
const refreshJitter = 0.1

// Run keeps the directory fresh until ctx ends: it fetches at once, then at
// every refresh, after failures with growing delay, and whenever a look-up asks
// for it. It must be called once; look-ups after its end know only what is at
// hand.
func (d *Directory) Run(ctx context.Context) {
	defer close(d.stopped)
	retry := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(min(firstRetry, d.refresh)),
		backoff.WithMaxInterval(d.refresh),
		backoff.WithMaxElapsedTime(0),
	)
	fly := func() (next time.Duration) {
		err := d.fly(ctx)
		if err == nil {
			retry.Reset()
			return jittered(d.refresh)
		}
		next = retry.NextBackOff()
		switch {
		case !d.isEmpty():
			return next
		case isRefused(err):
			return min(next, refusedRetry)
		default:
			return min(next, emptyRetry)
		}
	}
	select {
	case <-d.wake: // the first fetch is what was asked for
	default:
	}
	due := time.NewTimer(fly())
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-due.C:
		case <-d.wake:
		}
		due.Reset(fly())
	}
}

// ask gives the fetch to wait for: the one that is asked for, else the one
// under way, else a new one. It gives nil if a new one would come too soon. The
// caller holds the lock.
func (d *Directory) ask() *flight {
	switch {
	case d.next != nil:
		return d.next
	case d.current != nil:
		return d.current
	case !d.ended.IsZero() && time.Since(d.ended) < d.minInterval:
		return nil
	}
	return d.start()
}

// Refetch has the directory fetched anew, however short a time ago it was: the
// key has changed, and what was answered to the one before says nothing.
func (d *Directory) Refetch() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.next == nil {
		d.start()
	}
}

// start asks for a new fetch. The caller holds the lock.
func (d *Directory) start() *flight {
	d.next = newFlight()
	select {
	case d.wake <- struct{}{}:
	default: // the token of a flight that the timer started is still there
	}
	return d.next
}

// isEmpty reports whether no fetch has succeeded yet.
func (d *Directory) isEmpty() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last == nil
}

// fly makes the fetch that is asked for, or one of its own.
func (d *Directory) fly(ctx context.Context) error {
	empty, before := d.isEmpty(), d.Counts()
	f, start := d.depart()
	good, err := fetch(ctx, d.lookups, start)
	report := FetchReport{Took: time.Since(start.started), Err: err, Refused: isRefused(err)}
	report.Counts = d.arrive(f, good)
	switch {
	case err == nil && empty && start.number > 1:
		d.logger.LogAttrs(ctx, slog.LevelInfo, "it is known now which numbers are linked")
	case err == nil || ctx.Err() != nil:
	case empty:
		d.logger.LogAttrs(ctx, slog.LevelWarn, "it is not known yet which numbers are linked; nothing is dialled before that",
			slog.String("error", err.Error()))
	default:
		d.logger.LogAttrs(ctx, slog.LevelWarn, "the directory of linked numbers could not be fetched; the last good one is kept",
			slog.String("error", err.Error()))
	}
	if odd := report.Counts.Unreadable; odd != before.Unreadable && odd > 0 {
		d.logger.LogAttrs(ctx, slog.LevelWarn, "entries of the provider's lists cannot be read and are passed over; a number that is seen nowhere is not known, and not called not owned",
			slog.Int("entries", odd))
	}
	if d.fetched != nil {
		d.fetched(report)
	}
	return err
}

func (d *Directory) depart() (*flight, departure) {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.wake: // its flight is this one
	default:
	}
	f := d.next
	d.next = nil
	if f == nil {
		f = newFlight()
	}
	d.current = f
	d.departs++
	start := departure{number: d.departs, started: time.Now()}
	if d.last != nil && d.last.counts.Unreadable == 0 && !d.last.inherited {
		start.previous = d.last.numbers
	}
	return f, start
}

// arrive ends a flight. good is nil if it failed; the last good snapshot stays
// then.
func (d *Directory) arrive(f *flight, good *snapshot) Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.current, d.ended = nil, time.Now()
	if good != nil {
		d.last, f.good = good, good
		for key, before := range d.marked {
			if good.number > before {
				delete(d.marked, key)
			}
		}
	}
	close(f.done)
	if d.last == nil {
		return Counts{}
	}
	return d.last.counts
}

func newFlight() *flight { return &flight{done: make(chan struct{})} }

func jittered(d time.Duration) time.Duration {
	spread := 2*rand.Float64() - 1 //nolint:gosec // spreads load, guards nothing
	return time.Duration(float64(d) * (1 + refreshJitter*spread))
}
