package lane

import "time"

// pullLatency is about how long it takes from asking for a request until it is
// here and claimed.
const pullLatency = 5 * time.Millisecond

// prefetch estimates how fast POST slots come free.
type prefetch struct {
	postEWMA time.Duration // how long a POST takes
	last     time.Time     // when one last ended
}

func (p *prefetch) onPostEnded(now time.Time, took time.Duration) {
	if p.last = now; p.postEWMA == 0 {
		p.postEWMA = took
	}
	p.postEWMA += (took - p.postEWMA) / 16
}

// allowance returns how many requests may be pulled beyond the free slots: as
// many as come free until they are here. They wait unclaimed, and other workers
// cannot have them meanwhile. So it is never more than a quarter of the slots,
// and 0 while the provider is slow or does not answer: a request must not wait
// here for what may never end, nor be nakked again and again.
func (p *prefetch) allowance(now time.Time, slots int) int {
	took := max(p.postEWMA, now.Sub(p.last))
	if p.last.IsZero() || took <= 0 {
		return 0
	}
	return min(slots/4, int(float64(slots)*float64(pullLatency)/float64(took)))
}
