package metrics

import (
	"slices"

	"github.com/ringonce/ringonce/call"
)

// Steps of settling that can be retried, for [Account.SettleRetried].
const (
	StepRecord     = "record"      // write the outcome to the call record
	StepPark       = "park"        // schedule the next attempt
	StepDeadLetter = "dead_letter" // write the dead letter
	StepAck        = "ack"         // acknowledge the message
)

// Results of a refresh of the linkage directory, and of a probe.
const (
	resultOK     = "ok"
	resultFailed = "failed"
)

func settleSteps() []string { return []string{StepRecord, StepPark, StepDeadLetter, StepAck} }

// endStates lists the states in which a worker ends a call. Unknown is included,
// although evidence or an operator may change it.
func endStates() []call.State {
	return slices.DeleteFunc(call.States(), func(s call.State) bool {
		return !s.Final() && s != call.StateUnknown
	})
}

// endReasons lists the reasons that a record can have in an end state.
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

// parkReasons lists why a request is parked: an attempt that may be retried, or
// a condition that was not met before an attempt.
func parkReasons() []call.Reason {
	return slices.Concat(
		call.AttemptReasons(call.Refused),
		call.AttemptReasons(call.Suspended),
		[]call.Reason{call.NotYet, call.LinkageUnknown, call.Paused},
	)
}

// suspendReasons lists what can stop a lane: an answer that suspends the
// account, or several answers that do not show whether a phone rang.
func suspendReasons() []call.Reason {
	return slices.Concat(call.AttemptReasons(call.Suspended), call.AttemptReasons(call.Unknown))
}

func linkages() []call.Linkage {
	return []call.Linkage{
		call.Linked, call.AppInactive, call.OwnedNotLinked, call.NotOwned, call.OtherApp, call.LinkageNotKnown,
	}
}
