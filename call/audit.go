package call

import "time"

// Need is what has to be there beside a record that has not ended, or has
// ended as dead, so that its call is not forgotten.
type Need int

// The needs. A power loss under the broker can take away what a record needs
// although it was confirmed.
const (
	NeedsNothing Need = iota
	// NeedsMessage is a message that brings the call to a worker: its schedule,
	// a due copy, or the request that it came by.
	NeedsMessage
	// NeedsLetter is a dead letter that a person finds.
	NeedsLetter
	// NeedsLetterOrMessage is for a dead call: a letter, unless it is being
	// replayed, and a message brings it back.
	NeedsLetterOrMessage
)

// Overdue says what must be there by now beside a record that should have
// moved on by itself, or had its effects, for longer than patience, and since
// when. Patience has to exceed the time in which a worker that is alive ends
// what it claimed. What is not overdue needs nothing yet.
func (r Record) Overdue(now time.Time, patience time.Duration) (Need, time.Time) {
	since := r.Changed
	if r.NextAt.After(since) {
		since = r.NextAt
	}
	if now.Sub(since) < patience {
		return NeedsNothing, since
	}
	switch r.State {
	case StateWaiting, StateDialling:
		return NeedsMessage, since
	case StateUnknown:
		return NeedsLetter, since
	case StateDead:
		if r.Discarded {
			return NeedsNothing, since
		}
		return NeedsLetterOrMessage, since
	case StateAbsent, StatePlaced, StateCancelled:
		return NeedsNothing, since
	default:
		return NeedsNothing, since // a newer worker's state
	}
}
