package call

import "time"

// Deadline is the last moment at which a claimed request may be written to the
// provider. It is measured from an instant before the claim was published, on
// both clocks: a worker that was stopped in between, or a machine that slept,
// finds it passed and writes nothing.
type Deadline struct {
	From time.Time // with its monotonic reading
	For  time.Duration
}

// Passed reports whether the deadline is over by either clock. A machine that
// was suspended shows it on the wall clock alone, one whose clock was set back
// on the monotonic clock alone.
func (d Deadline) Passed(now time.Time) bool {
	return over(now.Sub(d.From), now.Round(0).Sub(d.From.Round(0)), d.For)
}

func over(monotonic, wall, limit time.Duration) bool {
	return monotonic >= limit || wall >= limit
}
