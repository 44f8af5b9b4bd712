package metrics

import (
	"slices"

	"github.com/ringonce/ringonce/call"
)

// Steps of settling that can be retried, for [Account.SettleRetried].
const (
	StepRecord = "record" // write what came of the attempt to the call record
	StepPark   = "park"   // write the schedule of the next attempt
	StepBury   = "bury"   // write the dead letter
	StepAck    = "ack"    // acknowledge the message
)

// Results of a refresh of the linkage directory, and of a probe.
const (
	resultOK     = "ok"
	resultFailed = "failed"
)

func settleSteps() []string { return []string{StepRecord, StepPark, StepBury, StepAck} }

// endStates lists the states a worker ends a call in. Unknown is one of them,
// although evidence or an operator may still change it.
func endStates() []call.State {
	return slices.DeleteFunc(call.States(), func(s call.State) bool {
		return !s.Final() && s != call.StateUnknown
	})
}

// endReasons lists the reasons a record can have in the state it ends in.
func endReasons(s call.State) []call.Reason {
	switch s {
	case call.StatePlaced:
		return []call.Reason{call.Accepted}
	case call.StateDead:
		return slices.DeleteFunc(call.EndReasons(), func(r call.Reason) bool { return r == call.OutcomeUnknown })
	case call.StateUnknown:
		return []call.Reason{call.OutcomeUnknown}
	case call.StateCancelled:
		return []call.Reason{call.Cancelled}
	case call.StateAbsent, call.StateWaiting, call.StateDialling:
		return nil
	default:
		return nil
	}
}

// parkReasons lists what a request can be put to wait for: an attempt that may
// be made again, or a condition that was not met before one was made.
func parkReasons() []call.Reason {
	return slices.Concat(
		call.AttemptReasons(call.Refused),
		call.AttemptReasons(call.Suspended),
		[]call.Reason{call.NotYet, call.LinkageUnknown, call.Paused},
	)
}

// suspendReasons lists what can stop a lane: an answer that suspends the
// account, or a run of answers that leave it open whether a phone rang.
func suspendReasons() []call.Reason {
	return slices.Concat(call.AttemptReasons(call.Suspended), call.AttemptReasons(call.Unknown))
}

func linkages() []call.Linkage {
	return []call.Linkage{
		call.Linked, call.AppInactive, call.OwnedNotLinked, call.NotOwned, call.OtherApp, call.LinkageNotKnown,
	}
}
