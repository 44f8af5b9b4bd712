package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/control"
)

// maxLanesShown is how many accounts are reported one by one.
const maxLanesShown = 20

// lanes reports the lanes of the accounts that are configured or served: running
// ones as a count, the others one by one.
func (r *doctorRun) lanes(flags control.Flags, configured []call.Account, now time.Time) {
	lanes := flags.Lanes()
	accounts := slices.Concat(configured, slices.Collect(maps.Keys(lanes)), flags.Accounts())
	slices.Sort(accounts)
	running, shown, more := 0, 0, 0
	for _, a := range slices.Compact(accounts) {
		v := newAccountView(a, flags.Blocks(a), lanes[a], now)
		switch {
		case v.State == laneText(call.LaneStatus{State: call.LaneRunning}, now):
			running++
		case shown == maxLanesShown:
			more++
		default:
			shown++
			r.lane(v)
		}
	}
	if more > 0 {
		r.note("lanes", fmt.Sprintf("%d more are not running; see: ringonce accounts list", more))
	}
	if running > 0 {
		r.report("lanes", nil, plural(running, "account")+" running")
	}
}

// lane reports an account that is not running everywhere. A pause, a missing worker
// or a throttle is a note, not a failed check.
func (r *doctorRun) lane(v accountView) {
	text := fmt.Sprintf("account %s: %s", v.Account, v.State)
	faulty := v.Suspension != nil || slices.ContainsFunc(v.Lanes, func(l control.WorkerLane) bool {
		switch l.State {
		case call.LaneOpen, call.LaneProbing, call.LaneSuspended:
			return true
		case call.LaneStopped:
			return l.Reason != call.ShuttingDown
		case call.LaneRunning, call.LaneThrottled, call.LanePaused:
		}
		return false
	})
	if faulty {
		r.report("lanes", errors.New(text), "")
		return
	}
	r.note("lanes", text)
}
