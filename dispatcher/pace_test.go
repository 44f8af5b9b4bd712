package dispatcher

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// evenLimit gives out even moments, each once, to whoever asks.
type evenLimit struct {
	perSecond float64
	failing   bool

	mu    sync.Mutex
	next  time.Time
	asked int
}

var errNoLimit = errors.New("the counters are away")

func (e *evenLimit) Reserve(_ context.Context, n int, ahead time.Duration) ([]time.Time, time.Time, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked++
	if e.failing {
		return nil, time.Time{}, errNoLimit
	}
	now := time.Now()
	if e.next.Before(now) {
		e.next = now
	}
	var moments []time.Time
	for n > len(moments) && !e.next.After(now.Add(ahead)) {
		moments = append(moments, e.next)
		e.next = e.next.Add(time.Duration(float64(time.Second) / e.perSecond))
	}
	return moments, e.next.Add(-ahead), nil
}

func (e *evenLimit) fail(failing bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.failing = failing
}

// TestLateness lets one call be as late as it may be, and the others not.
func TestLateness(t *testing.T) {
	for _, perSecond := range []float64{0.01, 0.5, 1, 2, 7.3, 10, 19, 20, 100, 999, 10000} {
		late := lateness(perSecond)
		if late < 29*time.Millisecond || late > lateMost {
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

// TestMoments draws what a lane does with them: none is used twice, early or
// late.
func TestMoments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPace(10)
		now := noon
		given := map[time.Time]bool{}
		out := map[time.Time]bool{}
		next := noon
		for range 200 {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				p.add([]time.Time{next}, time.Time{})
				next = next.Add(100 * time.Millisecond)
			case 1:
				p.drop(now)
				by := now.Add(p.lead())
				m, at, ok := p.take(by)
				switch {
				case ok && (given[m] || m.After(by) || now.Sub(m) > p.late):
					t.Fatalf("it was given out %t, at %s for %s", given[m], now, m)
				case !ok && !at.IsZero() && !at.After(by):
					t.Fatalf("there is one at %s", at)
				}
				given[m], out[m] = ok, ok
			case 2:
				for m := range out {
					p.give(m)
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
		moments      []time.Time
		again        time.Duration
		want, pulled int
		view         view
	}{
		{"none in hand", nil, 0, 8, 0, view{short: 4}},
		{"none in hand, and none wanted more", nil, 0, 2, 0, view{short: 2}},
		{"those that were pulled need some, too", nil, 0, 2, 3, view{short: 5}},
		{"none are to be had", nil, 70 * ms, 8, 0, view{at: noon.Add(70 * ms)}},
		{"few in hand", at(5 * ms), 0, 8, 0, view{short: 4}},
		{"few in hand, and none to be had", at(5 * ms), 70 * ms, 8, 0, view{n: 1}},
		{"some are close", at(5*ms, 20*ms, 49*ms, 51*ms, 200*ms), 0, 8, 0, view{n: 3}},
		{"some are close, and fewer wanted", at(5*ms, 20*ms, 49*ms, 51*ms, 200*ms), 0, 2, 0, view{n: 2}},
		{"some are close, and spoken for in part", at(5*ms, 20*ms, 49*ms, 51*ms, 200*ms), 0, 8, 1, view{n: 2}},
		{"the next is not close", at(5*ms, 31*ms, 200*ms), 0, 8, 1, view{at: noon.Add(ms)}},
		{"all are spoken for", at(150*ms, 200*ms), 90 * ms, 8, 2, view{at: noon.Add(90 * ms)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPace(80) // four in the time that is reserved at once
			p.add(c.moments, noon.Add(c.again))
			if got := p.available(noon, c.want, c.pulled); got != c.view {
				t.Errorf("%+v, want %+v", got, c.view)
			}
		})
	}
}

// TestTheLeadFollowsTheClaims quickly up and slowly down, within bounds.
func TestTheLeadFollowsTheClaims(t *testing.T) {
	p := newPace(10)
	if p.lead() != claimLeadFirst {
		t.Errorf("%s at first", p.lead())
	}
	for range 5 {
		p.claimed(80 * time.Millisecond)
	}
	if got := p.lead(); got < 100*time.Millisecond || got > 130*time.Millisecond {
		t.Errorf("%s for claims of 80 ms", got)
	}
	p.claimed(time.Millisecond)
	if got := p.lead(); got < 100*time.Millisecond {
		t.Errorf("%s after a quick one", got)
	}
	for range 200 {
		p.claimed(time.Microsecond)
	}
	if got := p.lead(); got < claimLeadLeast || got > claimLeadLeast+time.Millisecond {
		t.Errorf("%s for quick ones", got)
	}
	for range 5 {
		p.claimed(time.Minute)
	}
	if p.lead() != claimLeadMost {
		t.Errorf("%s for claims of a minute", p.lead())
	}
}

func TestNoPace(t *testing.T) {
	p := newPace(0)
	if v := p.available(noon, 7, 3); v != (view{n: 7}) {
		t.Fatalf("%+v of 7", v)
	}
}

func TestTurnover(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct {
		name  string
		took  time.Duration
		since time.Duration
		want  int
	}{
		{"none has ended", 0, 0, 0},
		{"at once", 100 * time.Microsecond, 0, 16},
		{"quick", 50 * ms, 0, 6},
		{"slow", time.Second, 0, 0},
		{"quick, but none has ended lately", 50 * ms, 400 * ms, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var o turnover
			if c.took > 0 {
				o.ended(noon, c.took)
			}
			if got := o.ahead(noon.Add(c.since), 64); got != c.want {
				t.Errorf("%d ahead, want %d", got, c.want)
			}
		})
	}
}
