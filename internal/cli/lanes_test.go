package cli

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/control"
)

// TestAccountState has a text for each combination of flags and lanes.
func TestAccountState(t *testing.T) {
	now := time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	in := func(d time.Duration) time.Time { return now.Add(d) }
	runs := call.LaneStatus{State: call.LaneRunning}
	down := call.LaneStatus{State: call.LaneOpen, Reason: call.ConnectionLost, Since: ago(4 * time.Minute), Next: in(20 * time.Second)}
	tries := call.LaneStatus{State: call.LaneProbing, Reason: call.ConnectionLost, Since: ago(5 * time.Minute)}
	throttled := call.LaneStatus{State: call.LaneThrottled, Reason: call.RateLimited, Since: ago(time.Minute), Next: in(2 * time.Minute)}
	full := call.LaneStatus{State: call.LaneThrottled, Reason: call.Capacity, Next: in(2 * time.Minute)}
	suspended := call.LaneStatus{State: call.LaneSuspended, Reason: call.Unauthorized, Since: ago(4 * time.Minute), Next: in(20 * time.Second)}
	paused := call.LaneStatus{State: call.LanePaused, Since: ago(4 * time.Minute)}
	stopped := func(r call.Reason) call.LaneStatus {
		return call.LaneStatus{State: call.LaneStopped, Reason: r, Since: ago(time.Minute)}
	}
	noStops := call.Blocks{}
	pause := call.Blocks{Pause: &call.Pause{By: "ann", Why: "spam", Since: ago(4 * time.Minute)}}
	brake := call.Blocks{Pause: &call.Pause{By: "ann", Since: ago(4 * time.Minute)}}
	justPaused := call.Blocks{Pause: &call.Pause{By: "ann", Why: "spam", Since: ago(time.Second)}}
	refused := call.Blocks{Suspension: call.Suspension{Reason: call.Unauthorized, Since: ago(4 * time.Minute)}}
	broke := call.Blocks{Suspension: call.Suspension{Reason: call.PaymentRequired, Since: ago(4 * time.Minute), Until: in(time.Minute)}}
	both := call.Blocks{Pause: pause.Pause, Suspension: broke.Suspension}
	for _, c := range []struct {
		name  string
		stops call.Blocks
		lanes []call.LaneStatus
		want  string
	}{
		{"nobody", noStops, nil, "no worker"},
		{"one runs", noStops, []call.LaneStatus{runs}, "running"},
		{"three run", noStops, []call.LaneStatus{runs, runs, runs}, "running"},
		{"down", noStops, []call.LaneStatus{down}, "provider down 4m (connection_lost), next probe in 20s"},
		{"down, tries", noStops, []call.LaneStatus{tries}, "provider down 5m (connection_lost), probing now"},
		{"down everywhere, one tries", noStops, []call.LaneStatus{down, tries, down}, "provider down 5m (connection_lost), probing now"},
		{"down, the time of the next try is over", noStops, []call.LaneStatus{{State: call.LaneOpen, Reason: call.TimedOut, Since: ago(time.Hour), Next: ago(time.Second)}}, "provider down 1h00m (timed_out), next probe now"},
		{"down for one", noStops, []call.LaneStatus{runs, down, runs}, "2 of 3 workers: running; 1 of 3 workers: provider down 4m (connection_lost), next probe in 20s"},
		{"throttled", noStops, []call.LaneStatus{throttled, throttled}, "throttled until 14:02:00Z (429)"},
		{"no capacity", noStops, []call.LaneStatus{full}, "throttled until 14:02:00Z (capacity)"},
		{"suspended", refused, []call.LaneStatus{suspended, suspended}, "suspended: unauthorized 4m, next probe in 20s"},
		{"suspended, nobody", broke, nil, "suspended: payment_required 4m, next probe in 1m; no worker"},
		{"suspended, nobody probes", refused, nil, "suspended: unauthorized 4m; no worker"},
		{"suspended here and not there", refused, []call.LaneStatus{suspended, runs}, "1 of 2 workers: suspended: unauthorized 4m, next probe in 20s; 1 of 2 workers: running"},
		{"paused", pause, []call.LaneStatus{paused, paused}, "paused 4m ago by ann: spam"},
		{"paused without a reason", brake, []call.LaneStatus{paused}, "paused 4m ago by ann"},
		{"paused, nobody", pause, nil, "paused 4m ago by ann: spam; no worker"},
		{"paused and suspended", both, []call.LaneStatus{paused}, "paused 4m ago by ann: spam; suspended: payment_required 4m, next probe in 1m"},
		{"paused, and one goes on", pause, []call.LaneStatus{paused, runs}, "paused 4m ago by ann: spam; 1 of 2 workers: running"},
		{"paused a moment ago", justPaused, []call.LaneStatus{runs}, "paused 1s ago by ann: spam"},
		{"paused, and it shuts down", pause, []call.LaneStatus{stopped(call.ShuttingDown)}, "paused 4m ago by ann: spam; stopped 1m: its worker is shutting down"},
		{"no numbers", noStops, []call.LaneStatus{stopped(call.NumbersUnknown)}, "stopped 1m: its numbers have not been looked up yet"},
		{"not trusted", noStops, []call.LaneStatus{stopped(call.RecordsUntrusted)}, "stopped 1m: the call records are not trusted; see ringonce doctor"},
		{"a newer version", noStops, []call.LaneStatus{{State: "resting", Reason: "night\x1b"}}, "resting (night\uFFFD)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var lanes []control.WorkerLane
			for i, s := range c.lanes {
				lanes = append(lanes, control.WorkerLane{Worker: string(rune('a' + i)), LaneStatus: s})
			}
			if got := newAccountView("acme", c.stops, lanes, now).State; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestEveryStopReasonHasAText(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range call.StopReasons() {
		text := stopReason(r)
		if text == string(r) || seen[text] {
			t.Errorf("%s has the text %q", r, text)
		}
		seen[text] = true
	}
}
