package call

import (
	"testing"
	"time"
)

func TestOverdue(t *testing.T) {
	const overdueAfter = 15 * time.Minute
	changed := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		record Record
		after  time.Duration // since it changed
		want   Missing
	}{
		{"absent", Record{State: StateAbsent}, time.Hour, MissingNothing},
		{"waits, just now", Record{State: StateWaiting}, overdueAfter - 1, MissingNothing},
		{"waits, for long", Record{State: StateWaiting}, overdueAfter, MissingMessage},
		{"waits for its time", Record{State: StateWaiting, NextAt: changed.Add(time.Hour)}, time.Hour + overdueAfter - 1, MissingNothing},
		{"its time is long over", Record{State: StateWaiting, NextAt: changed.Add(time.Hour)}, time.Hour + overdueAfter, MissingMessage},
		{"is being dialled", Record{State: StateDialling}, overdueAfter - 1, MissingNothing},
		{"was being dialled", Record{State: StateDialling}, overdueAfter, MissingMessage},
		{"placed", Record{State: StatePlaced}, time.Hour, MissingNothing},
		{"cancelled", Record{State: StateCancelled}, time.Hour, MissingNothing},
		{"dead", Record{State: StateDead}, overdueAfter, MissingDeadLetterOrMessage},
		{"dead, just now", Record{State: StateDead}, overdueAfter - 1, MissingNothing},
		{"discarded", Record{State: StateDead, Discarded: true}, time.Hour, MissingNothing},
		{"unknown", Record{State: StateUnknown}, overdueAfter, MissingDeadLetter},
		{"of a newer worker", Record{State: "resting"}, time.Hour, MissingNothing},
	} {
		c.record.Changed = changed
		if got, _ := c.record.Overdue(changed.Add(c.after), overdueAfter); got != c.want {
			t.Errorf("%s: needs %d, want %d", c.name, got, c.want)
		}
	}
}
