package call

import "time"

// LaneState is what a lane, one worker's share of one account, is doing.
type LaneState string

// The states of a lane.
const (
	LaneRunning   LaneState = "running"   // it pulls and dials
	LaneThrottled LaneState = "throttled" // the provider asked for a delay
	LaneOpen      LaneState = "open"      // the breaker is open: the provider is failing
	LaneProbing   LaneState = "probing"   // it tests whether calls succeed again
	LaneSuspended LaneState = "suspended" // every call of the account would fail the same way
	LanePaused    LaneState = "paused"    // by an operator
	LaneStopped   LaneState = "stopped"   // not started, shut down, or unable to dial
)

// LaneStates lists all of them.
func LaneStates() []LaneState {
	return []LaneState{LaneRunning, LaneThrottled, LaneOpen, LaneProbing, LaneSuspended, LanePaused, LaneStopped}
}

// LaneStatus is what a lane is doing and why, as its worker publishes it. It
// holds no phone number and nothing that the provider sent.
type LaneStatus struct {
	State  LaneState `json:"state"`
	Reason Reason    `json:"reason,omitzero"`
	Since  time.Time `json:"since,omitzero"`
	// Next is when the lane continues or tries to; zero if that does not depend
	// on time.
	Next time.Time `json:"next,omitzero"`
}

// Same reports whether two lanes do the same for the same reason, whatever the
// times. A probing breaker counts as open.
func (s LaneStatus) Same(other LaneStatus) bool {
	return s.Kind() == other.Kind() && s.Reason == other.Reason
}

// Kind returns the state, with open for probing.
func (s LaneStatus) Kind() LaneState {
	if s.State == LaneProbing {
		return LaneOpen
	}
	return s.State
}
