package call

import "time"

// Missing is what has to be there beside a record that has not ended, or has
// ended as dead, so that its call is not forgotten.
type Missing int

// The needs. A power loss under the broker can take away what a record needs
// although it was confirmed.
const (
	MissingNothing Missing = iota
	// MissingMessage is a message that brings the call to a worker: its schedule,
	// a due copy, or the request that it came by.
	MissingMessage
	// MissingDeadLetter is a dead letter that a person finds.
	MissingDeadLetter
	// MissingDeadLetterOrMessage is for a dead call: a letter, unless it is being
	// replayed, and a message brings it back.
	MissingDeadLetterOrMessage
)

// Overdue says what must be there by now beside a record that should have
// moved on by itself, or had its effects, for longer than patience, and since
// when. Patience has to exceed the time in which a worker that is alive ends
// what it claimed. What is not overdue needs nothing yet.
func (r Record) Overdue(now time.Time, patience time.Duration) (Missing, time.Time) {
	since := r.Changed
	if r.NextAt.After(since) {
		since = r.NextAt
	}
	if now.Sub(since) < patience {
		return MissingNothing, since
	}
	switch r.State {
	case StateWaiting, StateDialling:
		return MissingMessage, since
	case StateUnknown:
		return MissingDeadLetter, since
	case StateDead:
		if r.Discarded {
			return MissingNothing, since
		}
		return MissingDeadLetterOrMessage, since
	case StateAbsent, StatePlaced, StateCancelled:
		return MissingNothing, since
	default:
		return MissingNothing, since // a newer worker's state
	}
}
