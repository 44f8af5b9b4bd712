package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/ringonce/ringonce/call"
)

// AccountLimiter is one worker's access to the limit of one account. Its methods are
// called by one at a time.
type AccountLimiter struct {
	rate    *Limiter
	account call.Account
	grid    grid
	// known is what the counters of windows not yet past were last seen at.
	known map[int64]int
}

// ForAccount gives access to the limit of an account.
func (r *Limiter) ForAccount(a call.Account, perSecond float64) *AccountLimiter {
	return &AccountLimiter{rate: r, account: a, grid: grid{perSecond}, known: map[int64]int{}}
}

// Reserve gives instants at which one call each may be begun: about n of them,
// none much later than ahead from now. If there are fewer, all that lie so close
// are taken, and it says when to ask again.
func (l *AccountLimiter) Reserve(ctx context.Context, n int, ahead time.Duration) (slots []time.Time, again time.Time, err error) {
	asked := ctx
	ctx, cancel := context.WithTimeout(asked, reserveWithin)
	defer cancel()
	b, err := l.rate.believe(ctx)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("reserve calls: %w", err)
	}
	ahead = min(ahead, reachMost)
	now := b.reading.toBroker(time.Now())
	l.forgetBefore(windowAt(now))
	w := max(windowAt(now), b.from)
	for ; n > 0 && !opens(w).After(now.Add(ahead)); w++ {
		got, err := l.take(ctx, b, w, n, now)
		if err != nil {
			if asked.Err() == nil || errors.Is(err, errForgotten) { // else it says nothing of the counters
				l.rate.doubt()
			}
			clear(l.known)
			return nil, time.Time{}, fmt.Errorf("reserve calls: %w", err)
		}
		slots = append(slots, got...)
		n -= len(got)
	}
	if n <= 0 {
		return slots, time.Time{}, nil
	}
	for l.grid.holds(w) == 0 {
		w++
	}
	return slots, b.reading.toLocal(opens(w).Add(-ahead)), nil
}

// take adds to the counter of one window as much as is wanted of it, and as
// lies in the past unused.
func (l *AccountLimiter) take(ctx context.Context, b believed, w int64, n int, now time.Time) ([]time.Time, error) {
	holds, passed, known := l.grid.holds(w), l.grid.passed(w, now), l.known[w]
	if passed >= holds || known >= holds {
		return nil, nil
	}
	add := min(n+max(0, passed-known), holds-known)
	value, sequence, err := count(ctx, l.rate.js, l.account, w, add)
	if err != nil {
		return nil, err
	}
	if !l.rate.seen(sequence, b) || value < known+add {
		return nil, errForgotten
	}
	l.known[w] = value
	var slots []time.Time
	for i := max(value-add, passed); i < min(value, holds); i++ {
		slots = append(slots, b.reading.toLocal(l.grid.slot(w, i)))
	}
	return slots, nil
}

func (l *AccountLimiter) forgetBefore(w int64) {
	maps.DeleteFunc(l.known, func(of int64, _ int) bool { return of < w })
}
