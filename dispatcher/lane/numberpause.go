package lane

import (
	"time"

	"github.com/ringonce/ringonce/call"
)

// A request from a paused caller ID is parked and looked at again: a lane cannot
// exclude single numbers from what it pulls. The longer the pause has lasted, the
// later, and each at least recheckSpacing after the one before, however many
// wait, up to maxRecheckDelay.
const (
	initialRecheckDelay = 5 * time.Second
	recheckShare        = 10 // of how long the pause has lasted
	recheckSpacing      = 50 * time.Millisecond
	maxRecheckDelay     = 10 * time.Minute
)

// recheckTimes assigns the times of the rechecks.
type recheckTimes struct{ last time.Time }

// next returns when to recheck a request whose number is paused since then.
func (r *recheckTimes) next(now, since time.Time) time.Time {
	at := latest(now.Add(max(initialRecheckDelay, now.Sub(since)/recheckShare)), r.last.Add(recheckSpacing))
	if limit := now.Add(maxRecheckDelay); at.After(limit) {
		at = limit
	}
	r.last = at
	return at
}

// NumberPaused reports whether the caller ID is paused.
func (l *Lane) NumberPaused(from call.Phone) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, paused := l.blocks.numberPaused(from)
	return paused
}

// NumberRecheck returns when to recheck a request from this caller ID; zero if
// it is not paused.
func (l *Lane) NumberRecheck(from call.Phone) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	since, paused := l.blocks.numberPaused(from)
	if !paused {
		return time.Time{}
	}
	return l.rechecks.next(l.cfg.Now(), since)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
