package dispatcher

import "time"

// paceTolerance is how late a call may be without its turn being lost. It
// keeps the average at the limit, and any second at the limit plus 4 % plus
// one.
const paceTolerance = 40 * time.Millisecond

// pace spreads calls evenly: a limit per second is a distance between calls,
// not a bucket that empties at the turn of the second.
type pace struct {
	interval time.Duration // 0 is without limit
	next     time.Time     // when the next call is due
}

func newPace(callsPerSecond float64) pace {
	if callsPerSecond <= 0 {
		return pace{}
	}
	return pace{interval: time.Duration(float64(time.Second) / callsPerSecond)}
}

// available gives how many of the wanted calls may be begun now, and if none,
// from when on one may.
func (p *pace) available(now time.Time, want int) (int, time.Time) {
	if p.interval == 0 {
		return want, time.Time{}
	}
	next := p.floor(now)
	if now.Before(next) {
		return 0, next
	}
	return min(want, 1+int(now.Sub(next)/p.interval)), time.Time{}
}

// take uses one turn, give returns one that was not used.
func (p *pace) take(now time.Time) {
	if p.interval > 0 {
		p.next = p.floor(now).Add(p.interval)
	}
}

func (p *pace) give() { p.next = p.next.Add(-p.interval) }

// floor forgets turns that are past by more than the tolerance.
func (p *pace) floor(now time.Time) time.Time {
	if earliest := now.Add(-paceTolerance); p.next.Before(earliest) {
		return earliest
	}
	return p.next
}
