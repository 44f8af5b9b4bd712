package dispatcher

import "time"

// pullTakes is about how long it takes until a request that is asked for is
// here and claimed.
const pullTakes = 5 * time.Millisecond

// turnover is how fast POST slots come free.
type turnover struct {
	took time.Duration // a POST, lately
	last time.Time     // when one last ended
}

// ended takes in that a POST ended.
func (t *turnover) ended(now time.Time, took time.Duration) {
	if t.last = now; t.took == 0 {
		t.took = took
	}
	t.took += (took - t.took) / 16
}

// ahead is how many requests may be pulled beyond the free slots: as many as
// come free until they are here. They wait unclaimed, and other workers cannot
// have them meanwhile. So there are never more than a quarter of the slots, and
// none when the provider becomes slow or does not answer at all: a request must
// not wait here for what may never end, nor be handed back again and again.
func (t *turnover) ahead(now time.Time, slots int) int {
	took := max(t.took, now.Sub(t.last))
	if t.last.IsZero() || took <= 0 {
		return 0
	}
	return min(slots/4, int(float64(slots)*float64(pullTakes)/float64(took)))
}
