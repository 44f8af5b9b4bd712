package call

import "time"

// Missing is what an overdue record must have beside it, so that its call is not
// forgotten. A power loss under the broker can lose it although it was confirmed.
type Missing int

// What may be missing.
const (
	MissingNothing Missing = iota
	// MissingMessage is a message that brings the call to a worker: its schedule,
	// a due copy, or the original request.
	MissingMessage
	// MissingDeadLetter is the dead letter that shows the call to an operator.
	MissingDeadLetter
	// MissingDeadLetterOrMessage applies to a dead call: its dead letter, or the
	// message of a replay.
	MissingDeadLetterOrMessage
)

// Overdue returns what must exist beside a record that should have changed, or
// had its effects, more than overdueAfter ago, and since when it is due.
// overdueAfter exceeds the time in which a live worker ends what it claimed. A
// record that is not overdue misses nothing yet.
func (r Record) Overdue(now time.Time, overdueAfter time.Duration) (Missing, time.Time) {
	since := r.Changed
	if r.NextAt.After(since) {
		since = r.NextAt
	}
	if now.Sub(since) < overdueAfter {
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
