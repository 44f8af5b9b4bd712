package queue

import (
	"math"
	"time"
)

// window is the time that one counter is for. Shorter ones cost more counters;
// longer ones let workers that hold different limits, while a configuration is
// rolled out, put more calls too close together.
const window = 200 * time.Millisecond

// grid is an account's calls per second laid out in time: slots at equal
// distances since the epoch, the same for every worker. A window holds the
// slots that fall into it, numbered from 0, so that a number taken from the
// window's counter is an instant.
type grid struct {
	perSecond float64
}

// windowAt gives the window that an instant falls into.
func windowAt(t time.Time) int64 {
	n, w := t.UnixNano(), int64(window)
	if n < 0 {
		return (n - w + 1) / w
	}
	return n / w
}

// opens gives when a window begins.
func opens(w int64) time.Time { return time.Unix(0, w*int64(window)) }

// before gives how many slots since the epoch lie before a window, as a
// fraction: where the grid stands when it opens.
func (g grid) before(w int64) float64 { return float64(w) * g.perSecond / float64(time.Second/window) }

// holds gives how many slots fall into a window: none in most, below one call
// per window.
func (g grid) holds(w int64) int {
	return int(math.Ceil(g.before(w+1)) - math.Ceil(g.before(w)))
}

// slot gives the instant of a window's slot.
func (g grid) slot(w int64, i int) time.Time {
	begin := g.before(w)
	after := (math.Ceil(begin) - begin + float64(i)) / g.perSecond
	return opens(w).Add(time.Duration(after * float64(time.Second)))
}

// passed gives how many of a window's slots lie before an instant.
func (g grid) passed(w int64, now time.Time) int {
	since := now.Sub(opens(w))
	if since <= 0 {
		return 0
	}
	begin := g.before(w)
	n := math.Ceil(begin+since.Seconds()*g.perSecond) - math.Ceil(begin)
	return min(int(n), g.holds(w))
}
