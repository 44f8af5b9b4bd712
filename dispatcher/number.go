package dispatcher

import (
	"sync"
	"time"

	"github.com/ringonce/ringonce/call"
)

// A request from a paused number is parked and looked at again: a lane cannot
// leave out single numbers of what it pulls. The longer the pause lasts, the
// rarer, and never sooner than pausedApart after the look before it: a worker
// does not look at more than that however many wait, as long as none has to
// wait for more than pausedMost.
const (
	pausedFirst = 5 * time.Second
	pausedShare = 10 // of how long the pause has lasted
	pausedApart = 50 * time.Millisecond
	pausedMost  = 10 * time.Minute
)

// appointments gives out times at which to look again.
type appointments struct {
	mu   sync.Mutex
	last time.Time
}

// next gives when to look again at a request whose number is paused since then.
func (a *appointments) next(now, since time.Time) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := later(now.Add(max(pausedFirst, now.Sub(since)/pausedShare)), a.last.Add(pausedApart))
	if most := now.Add(pausedMost); at.After(most) {
		at = most
	}
	a.last = at
	return at
}

// numberPaused reports whether nothing may be dialled from this number, and
// since when.
func (l *Lane) numberPaused(from call.Phone) (since time.Time, paused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pause, paused := l.stops.Numbers[from]
	return pause.Since, paused
}

// forbids is asked between the claim and the POST, and reports whether a stop
// came meanwhile. A worker that shuts down may still finish what it claimed.
func (l *Lane) forbids(from call.Phone) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, paused := l.stops.Numbers[from]
	return paused || l.halted != nil || !l.flagsKnown || l.stops.Pause != nil || l.stops.Suspended()
}

// forbidden is what came of a claim that met a stop before anything was
// written: the call waits for its turn again.
var forbidden = call.Outcome{
	Class: call.Refused, Reason: call.Interrupted, Unspent: true,
	Message: "dialling was stopped before the request was written",
}
