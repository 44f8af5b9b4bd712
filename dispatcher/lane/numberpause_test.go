package lane

import (
	"testing"
	"time"
)

func TestRechecksAreSpread(t *testing.T) {
	var r recheckTimes
	if at := r.next(noon, noon); !at.Equal(noon.Add(initialRecheckDelay)) {
		t.Errorf("the first is at %s", at)
	}
	if at := r.next(noon, noon); !at.Equal(noon.Add(initialRecheckDelay + recheckSpacing)) {
		t.Errorf("the second is at %s", at)
	}
	for range 100_000 {
		r.next(noon, noon)
	}
	if at := r.next(noon, noon); !at.Equal(noon.Add(maxRecheckDelay)) {
		t.Errorf("the last is at %s", at)
	}
	if at := r.next(noon.Add(time.Hour), noon.Add(time.Hour)); !at.Equal(noon.Add(time.Hour + initialRecheckDelay)) {
		t.Errorf("after an hour it is at %s", at)
	}
	r = recheckTimes{}
	if at := r.next(noon, noon.Add(-20*time.Minute)); !at.Equal(noon.Add(2 * time.Minute)) {
		t.Errorf("twenty minutes after the pause it is at %s", at)
	}
	if at := r.next(noon, time.Time{}); !at.Equal(noon.Add(maxRecheckDelay)) {
		t.Errorf("of a pause without a time it is at %s", at)
	}
}
