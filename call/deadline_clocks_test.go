package call

import (
	"testing"
	"time"
)

func TestDeadlineUsesBothClocks(t *testing.T) {
	for name, c := range map[string]struct {
		monotonic, wall time.Duration
		over            bool
	}{
		"in time":                 {time.Second, time.Second, false},
		"just past":               {5 * time.Second, 5 * time.Second, true},
		"machine was suspended":   {time.Second, time.Hour, true},
		"clock was set back":      {6 * time.Second, -time.Hour, true},
		"clock was set back, yet": {time.Second, -time.Hour, false},
	} {
		if got := over(c.monotonic, c.wall, 5*time.Second); got != c.over {
			t.Errorf("%s: over %v", name, got)
		}
	}
	if !(Deadline{}).Passed(time.Now()) {
		t.Error("a deadline that was never set has passed")
	}
	now := time.Now()
	if (Deadline{From: now, For: time.Second}).Passed(now.Add(999 * time.Millisecond)) {
		t.Error("passed too early")
	}
	if !(Deadline{From: now.Round(0), For: time.Second}).Passed(now.Add(time.Second)) {
		t.Error("not passed by the wall clock alone")
	}
}
