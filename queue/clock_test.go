package queue

import (
	"testing"
	"time"
)

func TestReadings(t *testing.T) {
	ms := time.Millisecond
	r := readingBetween(someNoon, someNoon.Add(10*ms), someNoon.Add(time.Hour))
	if r.within != 5*ms || r.offset() != time.Hour-5*ms {
		t.Errorf("it is off by %s within %s", r.offset(), r.within)
	}
	later := someNoon.Add(time.Minute)
	if got := r.toBroker(later); !got.Equal(later.Add(time.Hour - 5*ms)) {
		t.Errorf("the broker's clock shows %s", got)
	}
	if got := r.toLocal(r.toBroker(later)); !got.Equal(later) {
		t.Errorf("there and back is %s", got)
	}
}

func TestALaterReadingIsFollowed(t *testing.T) {
	ms := time.Millisecond
	old := reading{local: someNoon, broker: someNoon, within: ms}
	at := someNoon.Add(10 * time.Second) // by now the old one may be off by 2 ms
	for _, c := range []struct {
		name         string
		off, within  time.Duration
		followed     bool
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
			later := reading{local: at, broker: at.Add(c.off), within: c.within}
			chosen, contradicted := old.follow(later)
			if (chosen == later) != c.followed || contradicted != c.contradicted {
				t.Errorf("followed %t, contradicted %t", chosen == later, contradicted)
			}
		})
	}
}
