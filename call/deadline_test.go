package call_test

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

func TestDeadlinePassed(t *testing.T) {
	now := time.Now() // with a monotonic reading
	const allowed = 30 * time.Second
	for _, from := range []time.Time{now, now.Round(0)} { // by both clocks, and by the wall clock alone
		d := call.Deadline{From: from, For: allowed}
		for after, want := range map[time.Duration]bool{
			-time.Second: false, 0: false, allowed - 1: false, allowed: true, time.Hour: true,
		} {
			if got := d.Passed(now.Add(after)); got != want {
				t.Errorf("after %v: passed %t", after, got)
			}
		}
	}
	if !(call.Deadline{}).Passed(now) {
		t.Error("no deadline at all is not passed")
	}
}

func TestBlocksSuspended(t *testing.T) {
	tests := []struct {
		name string
		s    call.Suspension
		want bool
	}{
		{"none", call.Suspension{}, false},
		{"in force", call.Suspension{Reason: call.Unauthorized}, true},
		{"lifted", call.Suspension{Reason: call.Unauthorized, Lifted: true}, false},
	}
	for _, test := range tests {
		if got := (call.Blocks{Suspension: test.s}).Suspended(); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
