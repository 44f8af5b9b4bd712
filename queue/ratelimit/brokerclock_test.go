package ratelimit

import (
	"testing"
	"time"
)

func TestClockSample(t *testing.T) {
	ms := time.Millisecond
	s := newSample(someNoon, someNoon.Add(10*ms), someNoon.Add(time.Hour))
	if s.bound != 5*ms || s.offset() != time.Hour-5*ms {
		t.Errorf("it is off by %s within %s", s.offset(), s.bound)
	}
	later := someNoon.Add(time.Minute)
	if got := s.toBroker(later); !got.Equal(later.Add(time.Hour - 5*ms)) {
		t.Errorf("the broker's clock shows %s", got)
	}
	if got := s.toLocal(s.toBroker(later)); !got.Equal(later) {
		t.Errorf("there and back is %s", got)
	}
}

func TestMergeOfClockSamples(t *testing.T) {
	ms := time.Millisecond
	old := clockSample{local: someNoon, broker: someNoon, bound: ms}
	at := someNoon.Add(10 * time.Second) // by now the old one may be off by 2 ms
	for _, c := range []struct {
		name         string
		off, bound   time.Duration
		later        bool
		contradicted bool
	}{
		{"more certain", ms, ms, true, false},
		{"less certain", ms, 20 * ms, false, false},
		{"as certain, by now", ms, 2 * ms, true, false},
		{"the clock was set", 8 * ms, 5 * ms, true, true},
		{"the clock was set back", -8 * ms, 5 * ms, true, true},
		{"may be either", 7 * ms, 5 * ms, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			later := clockSample{local: at, broker: at.Add(c.off), bound: c.bound}
			merged, contradicted := old.merge(later)
			if (merged == later) != c.later || contradicted != c.contradicted {
				t.Errorf("later one %t, contradicted %t", merged == later, contradicted)
			}
		})
	}
}
