package control

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/tests/queuetest"
)

var (
	laneRuns = call.LaneStatus{State: call.LaneRunning}
	laneDown = call.LaneStatus{
		State: call.LaneOpen, Reason: call.ConnectionLost,
		Since: time.Date(2026, 3, 1, 11, 56, 0, 0, time.UTC), Next: time.Date(2026, 3, 1, 12, 0, 20, 0, time.UTC),
	}
)

// TestLanesAreReadAsPublished as they published it last, until they leave.
func TestLanesAreReadAsPublished(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		c := New(b.Conn, queuetest.Quiet())
		register := func(worker string, lanes map[call.Account]call.LaneStatus) {
			t.Helper()
			if err := c.Register(t.Context(), worker, lanes); err != nil {
				t.Fatal(err)
			}
		}
		reads := func(want map[call.Account][]WorkerLane) {
			t.Helper()
			f, err := c.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Lanes(); !reflect.DeepEqual(got, want) {
				t.Errorf("lanes\n got %v\nwant %v", got, want)
			}
			if served := f.ServedAccounts(time.Now()); len(served) != len(want) {
				t.Errorf("served are %v", served)
			}
		}
		register("two", map[call.Account]call.LaneStatus{"acme": laneRuns})
		register("one", map[call.Account]call.LaneStatus{"acme": laneDown, "globex": laneRuns})
		reads(map[call.Account][]WorkerLane{"acme": {{"one", laneDown}, {"two", laneRuns}}, "globex": {{"one", laneRuns}}})
		register("one", map[call.Account]call.LaneStatus{"acme": laneRuns})
		reads(map[call.Account][]WorkerLane{"acme": {{"one", laneRuns}, {"two", laneRuns}}})
		if err := c.Deregister(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		reads(map[call.Account][]WorkerLane{"acme": {{"two", laneRuns}}})
	})
}

// TestADeadWorkerIsGoneWithinAMinute from what is shown, by the broker's clock, and
// believed to serve its accounts for longer.
func TestADeadWorkerIsGoneWithinAMinute(t *testing.T) {
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		ago           time.Duration
		shown, served bool
	}{
		{0, true, true},
		{HeartbeatInterval, true, true},
		{2*HeartbeatInterval + 5*time.Second, true, true},
		{time.Minute, false, true},
		{2 * time.Minute, false, true},
		{4 * time.Minute, false, false},
	} {
		h := newHeartbeat("one", map[call.Account]call.LaneStatus{"acme": laneDown})
		h.at = began
		f := Flags{heartbeats: map[string]heartbeat{"key": h}, read: began.Add(c.ago)}
		if shown, served := len(f.Lanes()) > 0, len(f.ServedAccounts(began.Add(c.ago))) > 0; shown != c.shown || served != c.served {
			t.Errorf("%s after its last heartbeat: shown %t, served %t", c.ago, shown, served)
		}
	}
}

// TestAHeartbeatIsSmall: every worker hears of it.
func TestAHeartbeatIsSmall(t *testing.T) {
	for _, c := range []struct {
		accounts int
		status   call.LaneStatus
		most     int // bytes
	}{
		{1, laneRuns, 150},
		{1, laneDown, 300},
		{300, laneRuns, 300 * 20},
		{300, laneDown, 300 * 150},
		{500, laneDown, 500 * 150},
	} {
		lanes := map[call.Account]call.LaneStatus{}
		for i := range c.accounts {
			lanes[call.Account(fmt.Sprintf("account-%04d", i))] = c.status
		}
		data, err := json.Marshal(newHeartbeat(strings.Repeat("w", 63), lanes))
		if err != nil {
			t.Fatal(err)
		}
		if len(data) > c.most {
			t.Errorf("%d accounts that are %s take %d bytes", c.accounts, c.status.State, len(data))
		}
	}
	fields := slices.Sorted(maps.Keys(fieldsOf(t, laneDown)))
	if want := []string{"next", "reason", "since", "state"}; !slices.Equal(fields, want) {
		t.Errorf("of a lane %q are published, want %q: no numbers, nothing that the provider sent", fields, want)
	}
}

func fieldsOf(t *testing.T, s call.LaneStatus) map[string]any {
	t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

// TestResumptionsAreDistinguished from the one before, and of no other account.
func TestResumptionsAreDistinguished(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		c := New(b.Conn, queuetest.Quiet())
		resumed := func(a call.Account) uint64 {
			t.Helper()
			f, err := c.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return f.Blocks(a).ResumeRevision
		}
		seen := []uint64{resumed("acme")}
		for range 3 {
			if err := c.EndThrottle(t.Context(), "acme", "ann", time.Now()); err != nil {
				t.Fatal(err)
			}
			seen = append(seen, resumed("acme"))
		}
		if seen[0] != 0 || len(slices.Compact(slices.Sorted(slices.Values(seen)))) != len(seen) {
			t.Errorf("seen %v", seen)
		}
		if other := resumed("globex"); other != 0 {
			t.Errorf("another account was resumed: %d", other)
		}
	})
}
