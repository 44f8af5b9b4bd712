package reconcile

import (
	"github.com/ringonce/ringonce/call"
)

// Evidence is what the witnesses say of one batch on one account. The batch is
// closed: whatever else is found on the account counts as a contradiction.
type Evidence struct {
	Published []Published
	Records   []call.Record
	Letters   []Letter
	// Left counts the messages in streams that are empty when all has ended.
	Left []Left
	// Rings are all calls that went out, as the provider knows them.
	Rings []Ring
}

// Published is one message that the broker confirmed.
type Published struct {
	// Name is what the request is called in contradictions.
	Name string
	// Message is which one it is, as [call.Origin] names it. Records and dead
	// letters carry it.
	Message string
	Body    []byte
	// MessageID is its Nats-Msg-Id header, if it had one.
	MessageID string
}

// Letter is one dead letter.
type Letter struct {
	Origin string // the message that it was made from, as [call.Origin] names it
	ID     call.ID
	Reason call.Reason
}

// Left is a stream in which messages were left behind.
type Left struct {
	Stream   string
	Messages uint64
}

// Ring is one call that went out, whether or not anybody was told. The callee
// and the answer URL identify it for the person who was rung; give every call
// an answer URL of its own.
type Ring struct {
	Callee      string
	AnswerURL   string
	RequestUUID string
}

// Verdict is what came of the batch.
type Verdict struct {
	Published int
	// Every request that is accounted for is counted in exactly one of these.
	Placed     int
	Dead       map[call.Reason]int // cancelled ones too
	Unknown    int                 // may have rung; held
	Duplicates int

	// Retried counts those of Placed that took more than one attempt.
	Retried int
	// RungTwice names the requests whose callee was rung more often than asked
	// for.
	RungTwice []string
	// Contradictions say what does not fit; none means that the promise was
	// kept.
	Contradictions []Contradiction
}

// Contradiction is something that witnesses disagree about.
type Contradiction struct {
	Name string // of the request, or of what else it is about
	What string
}

func (c Contradiction) String() string { return c.Name + ": " + c.What }

// Kept reports whether every request is accounted for and nobody was rung
// twice.
func (v Verdict) Kept() bool { return len(v.Contradictions) == 0 && len(v.RungTwice) == 0 }

// DeadLetters counts the requests that ended without a call.
func (v Verdict) DeadLetters() int {
	n := 0
	for _, count := range v.Dead {
		n += count
	}
	return n
}
