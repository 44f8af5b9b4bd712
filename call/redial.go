package call

import "slices"

// Redial asks for further rounds: a call that ended in one of these ways is dialled
// again. Each round is a call of its own, and no phone rings twice for one round.
type Redial struct {
	On     []CallStatus `json:"on"`     // no_answer, busy, failed
	Rounds int          `json:"rounds"` // further ones, beside the first
	Delay  int          `json:"delay"`  // seconds between the end of a round and the next
}

// IsZero reports whether no further round is asked for.
func (r Redial) IsZero() bool { return r.Rounds == 0 }

// follows reports whether a round that ended with this status is followed by
// another one.
func (r Redial) follows(round int, s CallStatus) bool {
	return round <= r.Rounds && slices.Contains(r.On, s)
}
