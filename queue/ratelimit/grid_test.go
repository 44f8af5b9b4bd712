package ratelimit

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var someNoon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var limits = []float64{0.01, 0.5, 1, 2.5, 7.3, 10, 33.3, 200, 1000, 4321.7}

// TestTheGridIsEven walks windows in a row: every distance between slots is
// that of the limit, and every slot lies in its window.
func TestTheGridIsEven(t *testing.T) {
	for _, perSecond := range limits {
		g := grid{perSecond}
		var last time.Time
		first, slots := windowOf(someNoon), 0
		for w := first; w < first+5000; w++ {
			for i := range g.slotsIn(w) {
				at := g.slotTime(w, i)
				if windowOf(at.Add(time.Microsecond)) != w {
					t.Fatalf("%v per second: slot %d of window %d lies at %s, outside", perSecond, i, w, at)
				}
				want := time.Duration(float64(time.Second) / perSecond)
				if off := at.Sub(last) - want; !last.IsZero() && off.Abs() > 2*time.Microsecond {
					t.Fatalf("%v per second: a distance is %s, want %s", perSecond, at.Sub(last), want)
				}
				last = at
				slots++
			}
		}
		if want := perSecond * 1000; float64(slots) < want-1 || float64(slots) > want+1 {
			t.Errorf("%v per second: %d slots in 1000 s", perSecond, slots)
		}
	}
}

// TestSlotsPast counts the slots before an instant as the grid lies.
func TestSlotsPast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := grid{rapid.SampledFrom(limits).Draw(t, "per second")}
		w := windowOf(someNoon) + rapid.Int64Range(0, 1000).Draw(t, "window")
		now := windowStart(w).Add(time.Duration(rapid.Int64Range(-int64(window), 2*int64(window)).Draw(t, "now")))
		want := 0
		for i := range g.slotsIn(w) {
			if g.slotTime(w, i).Before(now.Add(-time.Microsecond)) {
				want++
			}
		}
		if got := g.slotsPast(w, now); got != want && got != want+1 {
			t.Fatalf("%d slots of %d lie before %s, got %d", want, g.slotsIn(w), now.Sub(windowStart(w)), got)
		}
	})
}

func TestWindows(t *testing.T) {
	for _, c := range []struct {
		at   time.Time
		want int64
	}{
		{time.Unix(0, 0), 0},
		{time.Unix(0, int64(window)-1), 0},
		{time.Unix(0, int64(window)), 1},
		{time.Unix(0, -1), -1},
		{time.Unix(0, -int64(window)), -1},
		{time.Unix(0, -int64(window)-1), -2},
		{time.Unix(1, 0), int64(time.Second / window)},
	} {
		if got := windowOf(c.at); got != c.want {
			t.Errorf("window of %s is %d, want %d", c.at, got, c.want)
		}
	}
	if w := windowOf(someNoon); !windowStart(w).Equal(someNoon) {
		t.Errorf("the window opens at %s", windowStart(w))
	}
}

// TestDifferentLimitsShareWindows hands the numbers of each window out to workers
// with different limits, in random order: together they stay within the larger
// limit, plus 5 % and one.
func TestDifferentLimitsShareWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := []grid{
			{rapid.SampledFrom([]float64{1, 5, 10, 50, 200}).Draw(t, "one")},
			{rapid.SampledFrom([]float64{1, 10, 100, 400}).Draw(t, "other")},
		}
		first := windowOf(someNoon)
		var slots []time.Time
		for w := first; w < first+12; w++ {
			run := rapid.IntRange(1, 40).Draw(t, "run")
			who := rapid.IntRange(0, 1).Draw(t, "who")
			for i := range max(limits[0].slotsIn(w), limits[1].slotsIn(w)) {
				if i%run == 0 {
					who = 1 - who
				}
				if i < limits[who].slotsIn(w) {
					slots = append(slots, limits[who].slotTime(w, i))
				}
			}
		}
		most := int(max(limits[0].perSecond, limits[1].perSecond)*1.05) + 1
		if n := worstSecond(slots); n > most {
			t.Fatalf("%d slots within a second, at most %d are allowed", n, most)
		}
	})
}

// worstSecond counts the slots of the second that has most of them.
func worstSecond(slots []time.Time) int {
	worst := 0
	for _, from := range slots {
		n := 0
		for _, at := range slots {
			if d := at.Sub(from); d >= 0 && d < time.Second {
				n++
			}
		}
		worst = max(worst, n)
	}
	return worst
}
