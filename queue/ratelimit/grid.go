package ratelimit

import (
	"math"
	"time"
)

// window is the time that one counter is for. Shorter ones cost more counters.
// Longer ones let workers with different limits, while a new configuration is
// rolled out, put more calls too close together.
const window = 200 * time.Millisecond

// grid lays an account's calls per second out in time: slots at equal distances
// since the epoch. A window holds the slots that fall into it, numbered from 0,
// so that a number from the window's counter is an instant.
type grid struct {
	perSecond float64
}

// windowOf returns the window that an instant falls into.
func windowOf(t time.Time) int64 {
	n, w := t.UnixNano(), int64(window)
	if n < 0 {
		return (n - w + 1) / w
	}
	return n / w
}

func windowStart(w int64) time.Time { return time.Unix(0, w*int64(window)) }

// slotsBefore returns how many slots since the epoch lie before a window, as a
// fraction.
func (g grid) slotsBefore(w int64) float64 {
	return float64(w) * g.perSecond / float64(time.Second/window)
}

// slotsIn returns how many slots fall into a window: none in most, below one call
// per window.
func (g grid) slotsIn(w int64) int {
	return int(math.Ceil(g.slotsBefore(w+1)) - math.Ceil(g.slotsBefore(w)))
}

// slotTime returns the instant of a window's slot.
func (g grid) slotTime(w int64, i int) time.Time {
	before := g.slotsBefore(w)
	after := (math.Ceil(before) - before + float64(i)) / g.perSecond
	return windowStart(w).Add(time.Duration(after * float64(time.Second)))
}

// slotsPast returns how many of a window's slots lie before an instant.
func (g grid) slotsPast(w int64, now time.Time) int {
	elapsed := now.Sub(windowStart(w))
	if elapsed <= 0 {
		return 0
	}
	before := g.slotsBefore(w)
	n := math.Ceil(before+elapsed.Seconds()*g.perSecond) - math.Ceil(before)
	return min(int(n), g.slotsIn(w))
}
