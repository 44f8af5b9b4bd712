package reconcile

import (
	"github.com/ringonce/ringonce/call"
)

// Input is what the sources say about one batch on one account. The batch is
// closed: whatever else is found on the account is a discrepancy.
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
	// Name names the request in discrepancies.
	Name string
	// OriginKey identifies the message, as [call.Origin.Key] does. Records and dead
	// letters carry it.
	OriginKey string
	Body      []byte
	// MessageID is its Nats-Msg-Id header, if it had one.
	MessageID string
}

// DeadLetter is one dead letter.
type DeadLetter struct {
	OriginKey string // of the message that it was made from
	ID        call.ID
	Reason    call.Reason
}

// StreamCount is how many messages a stream holds.
type StreamCount struct {
	Stream   string
	Messages uint64
}

// Ring is one call that went out, whether or not its caller got an answer. The
// callee and the answer URL identify it; give every call an answer URL of its own.
type Ring struct {
	Callee      string
	AnswerURL   string
	RequestUUID string
}

// Report is the result for a batch.
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
	// Discrepancies is empty if the promise was kept.
	Discrepancies []Discrepancy
}

// Discrepancy is something that the sources disagree about.
type Discrepancy struct {
	Name    string // of the request, or of what else it is about
	Problem string
}

func (d Discrepancy) String() string { return d.Name + ": " + d.Problem }

// OK reports whether every request is accounted for and no phone rang twice.
func (r Report) OK() bool { return len(r.Discrepancies) == 0 && len(r.RungTwice) == 0 }

// DeadLetters counts the requests that ended without a call.
func (r Report) DeadLetters() int {
	n := 0
	for _, count := range r.Dead {
		n += count
	}
	return n
}
