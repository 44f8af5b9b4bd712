package queue

import (
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
)

// readLetter reads a message of CALLS_DEAD. What a header does not say, or not
// in a form that can be read, stays empty: a letter must be shown and removed
// whatever a newer worker put into it.
func readLetter(subject string, sequence uint64, stored time.Time, h nats.Header, body []byte) (DeadLetter, error) {
	account, reason, token, err := ParseDeadSubject(subject)
	if err != nil {
		return DeadLetter{}, fmt.Errorf("read a dead letter: %w", err)
	}
	l := DeadLetter{
		Sequence: sequence, Account: account, ID: call.ID(token), Reason: reason, SubjectToken: token,
		Message: h.Get(headerMessage), Body: body, Size: len(body), Trace: Traceparent(h),
	}
	if id, err := call.ParseStoredID(h.Get(HeaderID)); err == nil {
		l.ID = id
	}
	l.Status, _ = strconv.Atoi(h.Get(headerStatus))
	l.Attempts, _ = strconv.Atoi(h.Get(headerAttempts))
	l.Origin, _ = call.ParseOriginKey(h.Get(headerOrigin))
	l.Origin.Published, _ = time.Parse(time.RFC3339Nano, h.Get(headerPublished))
	if l.Ended, err = time.Parse(time.RFC3339Nano, h.Get(headerEnded)); err != nil {
		l.Ended = stored.UTC()
	}
	if json.Unmarshal([]byte(h.Get(headerHistory)), &l.History) != nil {
		l.History = nil
	}
	if size, err := strconv.Atoi(h.Get(nats.MsgSize)); err == nil && body == nil {
		l.Size = size
	}
	l.MayHaveRung = h.Get(headerRang) == "true" || reason == call.OutcomeUnknown || reason == call.WebhookFailed
	return l, nil
}

// belongs reports whether the letter is the one that a record in this state
// has. Every other letter of the call was left over, by an operation that
// stopped half-way or a worker that was late, and may be removed. Letters of
// calls without a record are all there is of them.
func (l DeadLetter) belongs(r call.Record) bool {
	switch r.State {
	case call.StateAbsent:
		return true
	case call.StateDead:
		return !r.Discarded && l.Reason == r.Reason
	case call.StateUnknown:
		return l.Reason == call.OutcomeUnknown
	case call.StateWaiting, call.StateDialling, call.StatePlaced, call.StateCancelled:
		return false
	default:
		return true // a newer worker's state
	}
}
