package dispatcher

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/ringonce/ringonce/call"
)

// TestPaceHoldsInEverySecond begins calls whenever it is allowed, with pauses
// in between, and counts those of every second.
func TestPaceHoldsInEverySecond(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perSecond := rapid.SampledFrom([]float64{0.5, 1, 3, 10, 50, 1000}).Draw(t, "per second")
		p := newPace(perSecond)
		var begun []time.Time
		now := noon
		for range 200 {
			n, again := p.available(now, rapid.IntRange(1, 5).Draw(t, "wanted"))
			for range n {
				p.take(now)
				begun = append(begun, now)
			}
			if n == 0 {
				if !again.After(now) {
					t.Fatal("it is to be asked again at once")
				}
				now = again
			}
			now = now.Add(rapid.SampledFrom([]time.Duration{0, 0, 0, time.Millisecond, 35 * time.Millisecond, 3 * time.Second}).Draw(t, "pause"))
		}
		most := int(perSecond*1.04) + 1
		for i, from := range begun {
			n := 0
			for _, at := range begun[i:] {
				if at.Sub(from) < time.Second {
					n++
				}
			}
			if n > most {
				t.Fatalf("%d calls within a second, at %v per second", n, perSecond)
			}
		}
	})
}

// TestPaceIsKept loses no turn to wakers that are a little late.
func TestPaceIsKept(t *testing.T) {
	p := newPace(100)
	now, n := noon, 0
	for now.Before(noon.Add(10 * time.Second)) {
		m, again := p.available(now, 64)
		for range m {
			p.take(now)
			n++
		}
		now = now.Add(time.Millisecond)
		if m == 0 {
			now = again.Add(7 * time.Millisecond)
		}
	}
	if n < 990 || n > 1010 {
		t.Errorf("%d calls in 10 s at 100 per second", n)
	}
}

func TestAnUnusedTurnIsGivenBack(t *testing.T) {
	p := newPace(1)
	p.take(noon)
	before, _ := p.available(noon.Add(time.Second), 5)
	p.take(noon.Add(time.Second))
	p.give()
	if after, _ := p.available(noon.Add(time.Second), 5); before != 1 || after != before {
		t.Errorf("%d, then %d calls may be begun", before, after)
	}
}

func TestNoPace(t *testing.T) {
	p := newPace(0)
	for range 100 {
		if n, _ := p.available(noon, 7); n != 7 {
			t.Fatalf("%d of 7", n)
		}
		p.take(noon)
	}
}

// TestClaims watches nonces on a clock that only this worker has.
func TestClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c claims
		since := func(nonce string, want time.Duration) {
			t.Helper()
			if got := c.since(nonce, time.Now()); got != want {
				t.Errorf("%s was seen %s ago, want %s", nonce, got, want)
			}
		}
		since("a", 0)
		<-time.After(time.Second)
		since("a", time.Second)
		since("b", 0)
		<-time.After(time.Second)
		since("a", 2*time.Second)
		since("b", time.Second)
		c.settled("a")
		since("a", 0)
	})
}

// TestClaimsAreBounded pushes out the one that was seen first: it only waits
// longer.
func TestClaimsAreBounded(t *testing.T) {
	var c claims
	for n := range maxClaims + 1 {
		c.since(string(call.MadeID(call.Origin{Sequence: uint64(n), Published: noon})), noon.Add(time.Duration(n)))
	}
	if len(c.seen) != maxClaims {
		t.Errorf("%d claims are watched", len(c.seen))
	}
	first := string(call.MadeID(call.Origin{Published: noon}))
	second := string(call.MadeID(call.Origin{Sequence: 1, Published: noon}))
	if got := c.since(second, noon.Add(time.Hour)); got != time.Hour-1 {
		t.Errorf("the second was seen %s ago", got)
	}
	if got := c.since(first, noon.Add(time.Hour)); got != 0 {
		t.Errorf("the first was seen %s ago", got)
	}
}
