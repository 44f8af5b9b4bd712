package call

import (
	"testing"
	"time"
)

func TestOverdue(t *testing.T) {
	const patience = 15 * time.Minute
	changed := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		record Record
		after  time.Duration // since it changed
		want   Need
	}{
		{"absent", Record{State: StateAbsent}, time.Hour, NeedsNothing},
		{"waits, just now", Record{State: StateWaiting}, patience - 1, NeedsNothing},
		{"waits, for long", Record{State: StateWaiting}, patience, NeedsMessage},
		{"waits for its time", Record{State: StateWaiting, NextAt: changed.Add(time.Hour)}, time.Hour + patience - 1, NeedsNothing},
		{"its time is long over", Record{State: StateWaiting, NextAt: changed.Add(time.Hour)}, time.Hour + patience, NeedsMessage},
		{"is being dialled", Record{State: StateDialling}, patience - 1, NeedsNothing},
		{"was being dialled", Record{State: StateDialling}, patience, NeedsMessage},
		{"placed", Record{State: StatePlaced}, time.Hour, NeedsNothing},
		{"cancelled", Record{State: StateCancelled}, time.Hour, NeedsNothing},
		{"dead", Record{State: StateDead}, patience, NeedsLetterOrMessage},
		{"dead, just now", Record{State: StateDead}, patience - 1, NeedsNothing},
		{"discarded", Record{State: StateDead, Discarded: true}, time.Hour, NeedsNothing},
		{"unknown", Record{State: StateUnknown}, patience, NeedsLetter},
		{"of a newer worker", Record{State: "resting"}, time.Hour, NeedsNothing},
	} {
		c.record.Changed = changed
		if got, _ := c.record.Overdue(changed.Add(c.after), patience); got != c.want {
			t.Errorf("%s: needs %d, want %d", c.name, got, c.want)
		}
	}
}
