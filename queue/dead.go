package queue

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
)

// DeadLetters keeps the dead letters. A call has one for each reason at most:
// burying it again replaces the letter.
type DeadLetters struct {
	conn *Conn
	js   jetstream.JetStream
	keep time.Duration
}

// NewDeadLetters gives the graveyard; letters are kept for dead.keep, those of
// unknown calls until they are resolved.
func (c *Conn) NewDeadLetters(keep time.Duration) *DeadLetters {
	return &DeadLetters{conn: c, js: c.js, keep: keep}
}

// DeadLetter is a dead letter: a request that did not end in a placed call.
type DeadLetter struct {
	Sequence    uint64 // of the letter in its stream
	Account     call.Account
	ID          call.ID
	Reason      call.Reason
	Message     string // masked
	Status      int    // the provider's last HTTP status, 0 without one
	Body        []byte // what the publisher sent, byte for byte; a listing leaves it out
	Size        int    // of the body, in bytes
	Origin      call.Origin
	Ended       time.Time
	Attempts    int            // all that were made
	History     []call.Attempt // the first and the latest of them
	MayHaveRung bool           // it may have rung
	Trace       string         // the W3C traceparent
	// SubjectToken ends the letter's subject: the id, or of a request whose id was in
	// use ([call.IDConflict]) the message that brought that request.
	SubjectToken string
}

// Put writes the dead letter of a record that is dead or unknown. body is the
// request as it came, for a record that does not hold it.
func (g *DeadLetters) Put(ctx context.Context, r call.Record, body []byte) error {
	if r.Request != nil {
		body = r.Request
	}
	return g.write(ctx, string(r.ID), r, body)
}

// PutConflict writes the dead letter of a request whose id is in use for
// another one. Its subject ends in the message that the request came by, since the
// id belongs to the other.
func (g *DeadLetters) PutConflict(ctx context.Context, r call.Record, body []byte) error {
	return g.write(ctx, r.Origin.Key(), r, body)
}

func (g *DeadLetters) write(ctx context.Context, token string, r call.Record, body []byte) error {
	history, err := json.Marshal(r.Attempts)
	if err != nil {
		return fmt.Errorf("write a dead letter: %w", err)
	}
	m := &nats.Msg{Subject: DeadSubject(r.Account, r.Reason, token), Data: body, Header: nats.Header{
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
		m.Header.Set(headerRang, "true")
	}
	if r.Trace != "" {
		m.Header.Set(headerTrace, r.Trace)
	}
	if r.State != call.StateUnknown {
		SetTTL(m, g.keep)
	}
	failpoint.Eval(failpoint.DeadLetterBefore)
	if _, err := g.conn.Publish(ctx, StreamDead, m); err != nil {
		return fmt.Errorf("write a dead letter: %w", err)
	}
	failpoint.Eval(failpoint.DeadLetterAfter)
	return nil
}

// Delete removes the dead letter of a call that turned out otherwise.
func (g *DeadLetters) Delete(ctx context.Context, a call.Account, reason call.Reason, id call.ID) error {
	failpoint.Eval(failpoint.DeadLetterDeleteBefore)
	err := purgeSubject(ctx, g.js, StreamDead, DeadSubject(a, reason, string(id)))
	failpoint.Eval(failpoint.DeadLetterDeleteAfter)
	return err
}
