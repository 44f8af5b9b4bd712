package reconcile

import (
	"github.com/ringonce/ringonce/call"
)

// Input is what the witnesses say of one batch on one account. The batch is
// closed: whatever else is found on the account counts as a contradiction.
type Input struct {
	Published   []Published
	Records     []call.Record
	DeadLetters []DeadLetter
	// Remaining counts the messages in streams that are empty when all has ended.
	Remaining []StreamCount
	// Rings are all calls that went out, as the provider knows them.
	Rings []Ring
}

// Published is one message that the broker confirmed.
type Published struct {
	// Name is what the request is called in contradictions.
	Name string
	// OriginKey is which one it is, as [call.Origin] names it. Records and dead
	// letters carry it.
	OriginKey string
	Body      []byte
	// MessageID is its Nats-Msg-Id header, if it had one.
	MessageID string
}

// DeadLetter is one dead letter.
type DeadLetter struct {
	OriginKey string // the message that it was made from, as [call.Origin] names it
	ID        call.ID
	Reason    call.Reason
}

// StreamCount is a stream in which messages were left behind.
type StreamCount struct {
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

// Report is what came of the batch.
type Report struct {
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
	// Discrepancies say what does not fit; none means that the promise was
	// kept.
	Discrepancies []Discrepancy
}

// Discrepancy is something that witnesses disagree about.
type Discrepancy struct {
	Name    string // of the request, or of what else it is about
	Problem string
}

func (c Discrepancy) String() string { return c.Name + ": " + c.Problem }

// OK reports whether every request is accounted for and nobody was rung
// twice.
func (v Report) OK() bool { return len(v.Discrepancies) == 0 && len(v.RungTwice) == 0 }

// DeadLetters counts the requests that ended without a call.
func (v Report) DeadLetters() int {
	n := 0
	for _, count := range v.Dead {
		n += count
	}
	return n
}
