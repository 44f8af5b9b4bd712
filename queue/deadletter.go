package queue

import (
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
)

// DeadLetter is a request that did not end in a placed call.
type DeadLetter struct {
	Sequence uint64 // in CALLS_DEAD
	Account  call.Account
	ID       call.ID
	Reason   call.Reason
	Message  string // masked
	Status   int    // the provider's last HTTP status, 0 without one
	Body     []byte // what the publisher sent, byte for byte; empty in a page
	Size     int    // of the body, in bytes
	Origin   call.Origin
	Ended    time.Time
	Attempts int            // all that were made
	History  []call.Attempt // the first and the latest of them
	// MayHaveRung is set if the call may have rung.
	MayHaveRung bool
	Trace       string // the W3C traceparent
	// SubjectToken ends the subject: the id, or, if that was in use by another
	// request ([call.IDConflict]), the message that brought this one.
	SubjectToken string
}

// newDeadLetter returns the message of a dead letter.
func newDeadLetter(token string, r call.Record, body []byte) (*nats.Msg, error) {
	history, err := json.Marshal(r.Attempts)
	if err != nil {
		return nil, err
	}
	m := &nats.Msg{Subject: deadSubject(r.Account, r.Reason, token), Data: body, Header: nats.Header{
		headerAccount:   {string(r.Account)},
		HeaderID:        {string(r.ID)},
		headerReason:    {string(r.Reason)},
		headerOrigin:    {r.Origin.Key()},
		headerPublished: {r.Origin.Published.UTC().Format(time.RFC3339Nano)},
		headerEnded:     {r.Changed.UTC().Format(time.RFC3339Nano)},
		headerAttempts:  {strconv.Itoa(r.Made)},
		headerHistory:   {string(history)},
	}}
	if r.Message != "" {
		m.Header.Set(headerMessage, r.Message)
	}
	if last, ok := r.LastAttempt(); ok && last.Status != 0 {
		m.Header.Set(headerStatus, strconv.Itoa(last.Status))
	}
	if r.MayHaveRung {
		m.Header.Set(headerMayHaveRung, "true")
	}
	if r.Trace != "" {
		m.Header.Set(headerTrace, r.Trace)
	}
	return m, nil
}

// parseDeadLetter reads a message of CALLS_DEAD. A header that is missing or
// cannot be read stays empty: a dead letter must be shown and deleted whatever a
// newer worker put into it.
func parseDeadLetter(subject string, sequence uint64, stored time.Time, h nats.Header, body []byte) (DeadLetter, error) {
	account, reason, token, err := parseDeadSubject(subject)
	if err != nil {
		return DeadLetter{}, fmt.Errorf("read a dead letter: %w", err)
	}
	l := DeadLetter{
		Sequence: sequence, Account: account, ID: call.ID(token), Reason: reason, SubjectToken: token,
		Message: h.Get(headerMessage), Body: body, Size: len(body), Trace: traceparent(h),
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
	l.MayHaveRung = h.Get(headerMayHaveRung) == "true" || reason == call.OutcomeUnknown || reason == call.WebhookFailed
	return l, nil
}
