package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// maxLanesShown bounds how many accounts are reported one by one.
const maxLanesShown = 20

// lanes reports what the workers do for the accounts that are configured here or
// that a worker serves: those that do what they should together, the others one
// by one.
func (e *doctorRun) lanes(flags queue.Flags, configured []call.Account, now time.Time) {
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
			e.lane(v)
		}
	}
	if more > 0 {
		e.note("lanes", fmt.Sprintf("%d more do not run; see: ringonce accounts list", more))
	}
	if running > 0 {
		e.report("lanes", nil, plural(running, "account")+" running")
	}
}

// lane reports an account that does not run everywhere. That operators stopped it,
// that no worker was started yet, or that the provider asked it to wait, is no
// fault of what a worker needs.
func (e *doctorRun) lane(v accountView) {
	text := fmt.Sprintf("account %s: %s", v.Account, v.State)
	faulty := v.Suspension != nil || slices.ContainsFunc(v.Lanes, func(l queue.WorkerLane) bool {
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
		e.report("lanes", errors.New(text), "")
		return
	}
	e.note("lanes", text)
}
