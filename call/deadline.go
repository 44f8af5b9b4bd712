package call

import "time"

// Deadline is the last time at which a claimed request may be written to the
// provider. It is measured from before the claim was published, on the monotonic
// and the wall clock: a worker that was stopped in between, or a machine that
// slept, finds it passed and writes nothing.
type Deadline struct {
	From time.Time // with its monotonic reading
	For  time.Duration
}

// Passed reports whether the deadline has passed on either clock. On a machine
// that was suspended only the wall clock shows it, on one whose clock was set
// back only the monotonic clock.
func (d Deadline) Passed(now time.Time) bool {
	return over(now.Sub(d.From), now.Round(0).Sub(d.From.Round(0)), d.For)
}

func over(monotonic, wall, limit time.Duration) bool {
	return monotonic >= limit || wall >= limit
}
