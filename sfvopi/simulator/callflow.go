package simulator

import (
	"fmt"
	"sync"
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
	ending      Ending
	// reaction passes between the ring and what the callee does, talk between
	// the answer and the hangup.
	reaction, talk time.Duration
	// brokenHook means that the fault stands for a failed answer hook, so none
	// is posted.
	brokenHook bool

	ring, hangup *hookPlan // nil where no hooks are posted
	// later are the hooks that the call does not wait for.
	later sync.WaitGroup
}

// RingCadence is how long one ring takes, as phones ring in India.
const RingCadence = 3 * time.Second

// endsAtOnce reports whether an accepted call ends as soon as it is recorded.
func (s *Simulator) endsAtOnce(hit *match) bool {
	return s.hooks == nil && s.timing == Timing{} && hit.afterRings == 0 && hit.duration == 0
}

// runCall is the life of a call: its course, its end, and its hooks. It is broken
// off when the time of Close is over.
func (s *Simulator) runCall(call *phoneCall) {
	defer s.lifecycle.end()
	defer call.ring.settle()
	defer call.hangup.settle()
	defer call.later.Wait()
	end, ok := s.converse(call)
	s.oracle.ended(call.id, call.request.From, call.requestUUID, end.status, end.at)
	if ok {
		s.postPlanned(call, hangupHook, call.hangup, end.fill)
	}
}

// callEnd is how and when a call ended. Its zero value stands for a call that was
// broken off.
type callEnd struct {
	status                Ending
	started, answered, at time.Time
}

// converse is the course of a call: ring, reaction of the callee, talk. It is
// false if the call was broken off.
func (s *Simulator) converse(call *phoneCall) (end callEnd, ok bool) {
	if s.timing.RingDelay > 0 {
		if !s.lifecycle.sleep(s.timing.RingDelay) {
			return callEnd{}, false
		}
		s.oracle.rang(call.id, call.requestUUID, time.Now())
	}
	end = callEnd{status: call.ending, started: time.Now()}
	s.postPlanned(call, ringHook, call.ring, nil)

	ringTimeout := time.Duration(call.request.RingTimeout) * time.Second
	if end.status == Completed && call.reaction > ringTimeout {
		end.status = NoAnswer
	}
	if !s.lifecycle.sleep(min(call.reaction, ringTimeout)) {
		return callEnd{}, false
	}
	if end.status == Completed || call.brokenHook {
		end.answered = time.Now()
		if !call.brokenHook {
			s.postAnswer(call, end.answered)
		}
		if !s.lifecycle.sleep(min(call.talk, time.Duration(call.request.CallTimeLimit)*time.Second)) {
			return callEnd{}, false
		}
	}
	end.at = time.Now()
	return end, true
}
