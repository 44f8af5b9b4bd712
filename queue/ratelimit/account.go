package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/ringonce/ringonce/call"
)

// AccountLimiter reserves the slots of one account. One goroutine at a time
// calls it.
type AccountLimiter struct {
	limiter *Limiter
	account call.Account
	grid    grid
	seen    map[int64]int // the last value of each counter whose window is not past
}

// Reserve reserves about n slots, instants at which one call each may begin, none
// much later than ahead from now. If fewer are left, it reserves all of them and
// returns when to ask again.
func (a *AccountLimiter) Reserve(ctx context.Context, n int, ahead time.Duration) (slots []time.Time, retryAt time.Time, err error) {
	bounded, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	s, err := a.limiter.ensureFresh(bounded)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("reserve rate slots: %w", err)
	}
	ahead = min(ahead, maxAhead)
	now := s.clock.toBroker(time.Now())
	w := windowOf(now)
	maps.DeleteFunc(a.seen, func(of int64, _ int) bool { return of < w })
	w = max(w, s.first)
	for ; n > 0 && !windowStart(w).After(now.Add(ahead)); w++ {
		reserved, err := a.reserveWindow(bounded, s, w, n, now)
		if err != nil {
			if ctx.Err() == nil || errors.Is(err, errCountersLost) { // else it shows nothing of the counters
				a.limiter.invalidate()
			}
			clear(a.seen)
			return nil, time.Time{}, fmt.Errorf("reserve rate slots: %w", err)
		}
		slots = append(slots, reserved...)
		n -= len(reserved)
	}
	if n <= 0 {
		return slots, time.Time{}, nil
	}
	for a.grid.slotsIn(w) == 0 {
		w++
	}
	return slots, s.clock.toLocal(windowStart(w).Add(-ahead)), nil
}

// reserveWindow adds to the counter of one window the slots that are wanted, and
// those that are past and unused.
func (a *AccountLimiter) reserveWindow(ctx context.Context, s state, w int64, n int, now time.Time) ([]time.Time, error) {
	all, past, seen := a.grid.slotsIn(w), a.grid.slotsPast(w, now), a.seen[w]
	if past >= all || seen >= all {
		return nil, nil
	}
	add := min(n+max(0, past-seen), all-seen)
	value, sequence, err := increment(ctx, a.limiter.conn.JetStream(), a.account, w, add)
	if err != nil {
		return nil, err
	}
	if !a.limiter.observe(sequence, s) || value < seen+add {
		return nil, errCountersLost
	}
	a.seen[w] = value
	var slots []time.Time
	for i := max(value-add, past); i < min(value, all); i++ {
		slots = append(slots, s.clock.toLocal(a.grid.slotTime(w, i)))
	}
	return slots, nil
}
