package queue

import (
	"time"
)

// drift bounds how fast the clocks of two machines part.
const drift = 100 * time.Microsecond // in a second

// reading is what the broker's clock showed, and what ours did. From there on
// it is carried forward by our monotonic clock, so that setting this machine's
// clock moves no slot.
type reading struct {
	local, broker time.Time
	// within is how far off it may be: the broker read its clock somewhere
	// between question and answer.
	within time.Duration
}

// readingBetween takes the broker's clock as read in the middle.
func readingBetween(asked, answered, broker time.Time) reading {
	half := answered.Sub(asked) / 2
	return reading{local: asked.Add(half), broker: broker, within: half}
}

// toBroker gives what the broker's clock shows at an instant of ours.
func (r reading) toBroker(local time.Time) time.Time { return r.broker.Add(local.Sub(r.local)) }

// toLocal gives when that is by our clock.
func (r reading) toLocal(broker time.Time) time.Time { return r.local.Add(broker.Sub(r.broker)) }

// offset is how far the broker's clock is ahead of ours.
func (r reading) offset() time.Duration { return r.broker.Sub(r.local.Round(0)) }

// doubt is how far off the reading may be at an instant.
func (r reading) doubt(local time.Time) time.Duration {
	return r.within + time.Duration(local.Sub(r.local).Seconds()*float64(drift))
}

// follow chooses between a reading and a later one: the more certain of both,
// unless they contradict each other. Then the broker's clock was set, or it is
// another broker's, and the later one holds.
func (r reading) follow(later reading) (chosen reading, contradicted bool) {
	apart := later.broker.Sub(r.toBroker(later.local)).Abs()
	doubt := r.doubt(later.local)
	switch {
	case apart > doubt+later.within:
		return later, true
	case later.within <= doubt:
		return later, false
	default:
		return r, false
	}
}
