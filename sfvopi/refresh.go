package sfvopi

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// initialRetryDelay follows a failed fetch; the delay then grows.
const initialRetryDelay = time.Second

// maxEmptyRetryDelay bounds that delay until the first fetch has succeeded, because
// nothing of the account is dialled before that. maxRefusedRetryDelay bounds it
// where the provider refuses to answer, which a retry rarely changes.
const (
	maxEmptyRetryDelay   = 5 * time.Second
	maxRefusedRetryDelay = 30 * time.Second
)

// refreshJitter spreads the fetches of many workers over a fifth of the interval.
const refreshJitter = 0.1

// Run keeps the directory fresh until ctx ends: it fetches at once, then at every
// interval, after failures with growing delay, and whenever a look-up requests it.
// It must be called once; look-ups after its end use only what was fetched.
func (d *Directory) Run(ctx context.Context) {
	defer close(d.stopped)
	retry := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(min(initialRetryDelay, d.interval)),
		backoff.WithMaxInterval(d.interval),
		backoff.WithMaxElapsedTime(0),
	)
	refresh := func() (next time.Duration) {
		err := d.refreshNow(ctx)
		if err == nil {
			retry.Reset()
			return jittered(d.interval)
		}
		next = retry.NextBackOff()
		switch {
		case !d.isEmpty():
			return next
		case isRefused(err):
			return min(next, maxRefusedRetryDelay)
		default:
			return min(next, maxEmptyRetryDelay)
		}
	}
	select {
	case <-d.requested: // the first fetch serves it
	default:
	}
	due := time.NewTimer(refresh())
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-due.C:
		case <-d.requested:
		}
		due.Reset(refresh())
	}
}

// requestRefresh returns the refresh to wait for: the requested one, else the current
// one, else a new one. It returns nil if a new one would come too soon. The caller
// holds the lock.
func (d *Directory) requestRefresh() *refresh {
	switch {
	case d.next != nil:
		return d.next
	case d.current != nil:
		return d.current
	case !d.ended.IsZero() && time.Since(d.ended) < d.minInterval:
		return nil
	}
	return d.startRefresh()
}

// Refetch requests a fetch, however recent the last one was: the key has changed, and
// answers to the previous key mean nothing.
func (d *Directory) Refetch() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.next == nil {
		d.startRefresh()
	}
}

// startRefresh requests a new refresh. The caller holds the lock.
func (d *Directory) startRefresh() *refresh {
	d.next = newRefresh()
	select {
	case d.requested <- struct{}{}:
	default: // the token of a refresh that the timer started is still there
	}
	return d.next
}

// isEmpty reports whether no fetch has succeeded yet.
func (d *Directory) isEmpty() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last == nil
}

// refreshNow runs the requested refresh, or a new one.
func (d *Directory) refreshNow(ctx context.Context) error {
	empty, before := d.isEmpty(), d.Counts()
	f, start := d.beginRefresh()
	good, err := fetch(ctx, d.lookups, start)
	report := FetchReport{Took: time.Since(start.started), Err: err, Refused: isRefused(err)}
	report.Counts = d.finishRefresh(f, good)
	switch {
	case err == nil && empty && start.number > 1:
		d.logger.LogAttrs(ctx, slog.LevelInfo, "the linked numbers are known now")
	case err == nil || ctx.Err() != nil:
	case empty:
		d.logger.LogAttrs(ctx, slog.LevelWarn, "the linked numbers are not known yet; nothing is dialled before that",
			slog.String("error", err.Error()))
	default:
		d.logger.LogAttrs(ctx, slog.LevelWarn, "the directory of linked numbers could not be fetched; the last good one is kept",
			slog.String("error", err.Error()))
	}
	if unreadable := report.Counts.Unreadable; unreadable != before.Unreadable && unreadable > 0 {
		d.logger.LogAttrs(ctx, slog.LevelWarn, "entries of the provider's lists cannot be read and are skipped; a number that is in no list counts as not known instead of not owned",
			slog.Int("entries", unreadable))
	}
	if d.fetched != nil {
		d.fetched(report)
	}
	return err
}

func (d *Directory) beginRefresh() (*refresh, fetchStart) {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.requested: // this refresh serves it
	default:
	}
	f := d.next
	d.next = nil
	if f == nil {
		f = newRefresh()
	}
	d.current = f
	d.fetchCount++
	start := fetchStart{number: d.fetchCount, started: time.Now()}
	if d.last != nil && d.last.counts.Unreadable == 0 && !d.last.copied {
		start.previous = d.last.numbers
	}
	return f, start
}

// finishRefresh ends a refresh. good is nil if it failed; then the last good snapshot
// stays.
func (d *Directory) finishRefresh(f *refresh, good *snapshot) Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.current, d.ended = nil, time.Now()
	if good != nil {
		d.last, f.good = good, good
		for key, before := range d.invalidated {
			if good.number > before {
				delete(d.invalidated, key)
			}
		}
	}
	close(f.done)
	if d.last == nil {
		return Counts{}
	}
	return d.last.counts
}

func newRefresh() *refresh { return &refresh{done: make(chan struct{})} }

func jittered(d time.Duration) time.Duration {
	spread := 2*rand.Float64() - 1 //nolint:gosec // spreads load, guards nothing
	return time.Duration(float64(d) * (1 + refreshJitter*spread))
}
