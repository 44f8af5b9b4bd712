package lane

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestLateness lets one call be as late as it may be, and the others not.
func TestLateness(t *testing.T) {
	for _, perSecond := range []float64{0.01, 0.5, 1, 2, 7.3, 10, 19, 20, 100, 999, 10000} {
		late := lateness(perSecond)
		if late < 29*time.Millisecond || late > maxLateness {
			t.Errorf("%v per second: %s", perSecond, late)
		}
		n, distance := 0, float64(time.Second)/perSecond
		for i := 0; time.Duration(float64(i)*distance) <= time.Second+late; i++ {
			n++
		}
		if n > int(perSecond*1.05+1+1e-9) {
			t.Errorf("%v per second: %d calls within a second, one of them %s late", perSecond, n, late)
		}
	}
}

// TestSlots draws what a lane does with slots: none is used twice, early or late.
func TestSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPacer(10)
		now := noon
		given := map[time.Time]bool{}
		out := map[time.Time]bool{}
		next := noon
		for range 200 {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				p.add(next)
				next = next.Add(100 * time.Millisecond)
			case 1:
				p.expire(now)
				m, at := p.next(now)
				ok := !m.IsZero()
				switch {
				case ok && (given[m] || m.After(now.Add(p.claimLead())) || now.Sub(m) > p.maxLate):
					t.Fatalf("it was granted %t, at %s for %s", given[m], now, m)
				case !ok && !at.IsZero() && !at.After(now):
					t.Fatalf("there is one at %s", at)
				}
				given[m], out[m] = ok, ok
			case 2:
				for m := range out {
					p.add(m)
					delete(out, m)
					delete(given, m)
					break
				}
			case 3:
				now = now.Add(time.Duration(rapid.IntRange(0, 150).Draw(t, "ms")) * time.Millisecond)
			}
			delete(given, time.Time{})
			delete(out, time.Time{})
		}
	})
}

func TestAvailable(t *testing.T) {
	ms := time.Millisecond
	at := func(d ...time.Duration) (all []time.Time) {
		for _, d := range d {
			all = append(all, noon.Add(d))
		}
		return all
	}
	for _, c := range []struct {
		name         string
		slots        []time.Time
		retryAt      time.Duration
		want, pulled int
		capacity     capacity
	}{
		{"none in hand", nil, 0, 8, 0, capacity{missing: 4}},
		{"none in hand, and none wanted more", nil, 0, 2, 0, capacity{missing: 2}},
		{"those that were pulled need some, too", nil, 0, 2, 3, capacity{missing: 5}},
		{"none are to be had", nil, 70 * ms, 8, 0, capacity{retryAt: noon.Add(70 * ms)}},
		{"few in hand", at(5 * ms), 0, 8, 0, capacity{missing: 4}},
		{"few in hand, and none to be had", at(5 * ms), 70 * ms, 8, 0, capacity{now: 1}},
		{"some are close", at(5*ms, 20*ms, 49*ms, 51*ms, 200*ms), 0, 8, 0, capacity{now: 3}},
		{"some are close, and fewer wanted", at(5*ms, 20*ms, 49*ms, 51*ms, 200*ms), 0, 2, 0, capacity{now: 2}},
		{"some are close, and spoken for in part", at(5*ms, 20*ms, 49*ms, 51*ms, 200*ms), 0, 8, 1, capacity{now: 2}},
		{"the next is not close", at(5*ms, 31*ms, 200*ms), 0, 8, 1, capacity{retryAt: noon.Add(ms)}},
		{"all are spoken for", at(150*ms, 200*ms), 90 * ms, 8, 2, capacity{retryAt: noon.Add(90 * ms)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPacer(80) // four in the time that is reserved at once
			p.add(c.slots...)
			p.retryAt = noon.Add(c.retryAt)
			if got := p.available(noon, c.want, c.pulled); got != c.capacity {
				t.Errorf("%+v, want %+v", got, c.capacity)
			}
		})
	}
}

// TestTheLeadFollowsTheClaims quickly up and slowly down, within bounds.
func TestTheLeadFollowsTheClaims(t *testing.T) {
	p := newPacer(10)
	if p.claimLead() != initialClaimLead {
		t.Errorf("%s at first", p.claimLead())
	}
	for range 5 {
		p.onClaimed(80 * time.Millisecond)
	}
	if got := p.claimLead(); got < 100*time.Millisecond || got > 130*time.Millisecond {
		t.Errorf("%s for claims of 80 ms", got)
	}
	p.onClaimed(time.Millisecond)
	if got := p.claimLead(); got < 100*time.Millisecond {
		t.Errorf("%s after a quick one", got)
	}
	for range 200 {
		p.onClaimed(time.Microsecond)
	}
	if got := p.claimLead(); got < minClaimLead || got > minClaimLead+time.Millisecond {
		t.Errorf("%s for quick ones", got)
	}
	for range 5 {
		p.onClaimed(time.Minute)
	}
	if p.claimLead() != maxClaimLead {
		t.Errorf("%s for claims of a minute", p.claimLead())
	}
}

func TestNoLimit(t *testing.T) {
	p := newPacer(0)
	if v := p.available(noon, 7, 3); v != (capacity{now: 7}) {
		t.Fatalf("%+v of 7", v)
	}
}
