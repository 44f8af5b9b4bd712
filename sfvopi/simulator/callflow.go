package simulator

import (
	"fmt"
	"time"
)

// Ending is the call_status of the hangup hook.
type Ending string

// The endings of the provider's documentation.
const (
	Completed Ending = "COMPLETED"
	NoAnswer  Ending = "NO_ANSWER"
	Busy      Ending = "BUSY"
	Canceled  Ending = "CANCELED"
	Failed    Ending = "FAILED"
)

func (e Ending) validate() error {
	switch e {
	case "", Completed, NoAnswer, Busy, Canceled, Failed:
		return nil
	}
	return fmt.Errorf("ending %q is none of %s, %s, %s, %s, %s", e, Completed, NoAnswer, Busy, Canceled, Failed)
}

// cause is the hangup_cause, a Q.850 code.
func (e Ending) cause() string {
	switch e {
	case Completed, Canceled:
		return "16" // normal clearing
	case NoAnswer:
		return "19" // no answer from user
	case Busy:
		return "17" // user busy
	case Failed:
		return "41" // temporary failure
	}
	return ""
}

// phoneCall is an accepted call on its way.
type phoneCall struct {
	id          Identity
	request     callRequest
	app         app
	requestUUID string
	callUUID    string
	ending      Ending // empty means COMPLETED
	// brokenHook means that the fault stands for a failed answer hook, so none
	// is posted.
	brokenHook bool
}

// endsAtOnce reports whether an accepted call ends as soon as it is recorded.
func (s *Simulator) endsAtOnce() bool {
	return s.timing.RingDelay == 0 && s.hooks == nil
}

// runCall is the course of a call: ring, reaction of the callee, talk, hangup. It
// is aborted when the time of Close is over.
func (s *Simulator) runCall(call *phoneCall) {
	defer s.lifecycle.end()
	if s.timing.RingDelay > 0 {
		if !s.lifecycle.sleep(s.timing.RingDelay) {
			return
		}
		s.oracle.rang(call.id, call.requestUUID, time.Now())
	}
	if s.hooks == nil {
		return
	}
	started := time.Now()
	ending := call.ending
	if ending == "" {
		ending = Completed
	}
	s.post(call, ringHook, nil)

	ringTimeout := time.Duration(call.request.RingTimeout) * time.Second
	if ending == Completed && s.timing.AnswerDelay > ringTimeout {
		ending = NoAnswer
	}
	if !s.lifecycle.sleep(min(s.timing.AnswerDelay, ringTimeout)) {
		return
	}
	var answered time.Time
	if ending == Completed || call.brokenHook {
		answered = time.Now()
		if !call.brokenHook {
			s.postAnswer(call, answered)
		}
		talk := min(s.timing.Duration, time.Duration(call.request.CallTimeLimit)*time.Second)
		if !s.lifecycle.sleep(talk) {
			return
		}
	}
	s.post(call, hangupHook, hangup(ending, started, answered, time.Now()))
}
