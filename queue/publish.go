package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

var (
	errDuplicate  = errors.New("the broker took the message for a duplicate and forgot it")
	errNotAnAck   = errors.New("the broker's answer is not an acknowledgement")
	errNoResponse = errors.New("no stream takes the subject, or the broker has no leader for it")
	errMoved      = errors.New("the connection was made anew meanwhile")
)

// pubAck is the broker's answer to a publish.
type pubAck struct {
	jetstream.PubAck
	Error *jetstream.APIError `json:"error"`
}

// answers is where the broker's answers to publishes of ours arrive: one
// subscription for as long as the connection lives.
//
// The client's own publish would send a claim again, and cannot tell over which
// connection it went.
type answers struct {
	nc     *nats.Conn
	prefix string

	mu      sync.Mutex
	serial  uint64
	awaited map[string]chan<- *nats.Msg // by the subject of the answer
}

func newAnswers(nc *nats.Conn) (*answers, error) {
	a := &answers{nc: nc, prefix: nc.NewInbox() + ".", awaited: map[string]chan<- *nats.Msg{}}
	if _, err := nc.Subscribe(a.prefix+"*", a.arrive); err != nil {
		return nil, fmt.Errorf("subscribe to answers: %w", err)
	}
	return a, nil
}

func (a *answers) arrive(answer *nats.Msg) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if waiter := a.awaited[answer.Subject]; waiter != nil {
		delete(a.awaited, answer.Subject) // it has room for one
		waiter <- answer
	}
}

// await gives where the answer to m will come. No two publishes share a subject to
// be answered at: a late answer to one that was given up could be taken for the
// confirmation of another claim.
func (a *answers) await(m *nats.Msg) <-chan *nats.Msg {
	waiter := make(chan *nats.Msg, 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.serial++
	m.Reply = a.prefix + strconv.FormatUint(a.serial, 36)
	a.awaited[m.Reply] = waiter
	return waiter
}

func (a *answers) giveUp(m *nats.Msg) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.awaited, m.Reply)
}

// ask publishes a message once and gives the answer to it, within requestTimeout.
// The error is errMoved if the message may have gone over another connection than
// the one that is asked for.
func (a *answers) ask(ctx context.Context, over connection, m *nats.Msg) (*nats.Msg, error) {
	answer := a.await(m)
	defer a.giveUp(m)
	if err := a.nc.PublishMsg(m); err != nil {
		return nil, err
	}
	if over != anyConnection && over != connectionOf(a.nc) {
		return nil, errMoved
	}
	within := time.NewTimer(requestTimeout)
	defer within.Stop()
	select {
	case m := <-answer:
		return m, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-within.C:
		return nil, context.DeadlineExceeded
	}
}

// publish stores one message in a stream and waits until the broker says so,
// giving its sequence. [call.ErrConflict] says that the expected version is no
// longer the last; after any other error the message may have been stored, or
// still be.
func publish(ctx context.Context, a *answers, stream string, m *nats.Msg) (uint64, error) {
	return publishOver(ctx, a, anyConnection, stream, m)
}

// publishOver is publish over one connection: whatever is answered was stored by
// the broker that this connection led to.
func publishOver(ctx context.Context, a *answers, over connection, stream string, m *nats.Msg) (uint64, error) {
	m.Header.Set(jetstream.ExpectedStreamHeader, stream)
	answer, err := a.ask(ctx, over, m)
	if err != nil {
		return 0, err
	}
	if len(answer.Data) == 0 && answer.Header.Get(headerStatusLine) == noResponders {
		return 0, errNoResponse
	}
	var ack pubAck
	if err := json.Unmarshal(answer.Data, &ack, jsontext.AllowDuplicateNames(true)); err != nil {
		return 0, errNotAnAck
	}
	switch {
	case ack.Error != nil && isConflict(ack.Error.ErrorCode):
		return 0, call.ErrConflict
	case ack.Error != nil:
		return 0, fmt.Errorf("the broker refused it: %s (%d)", ack.Error.Description, ack.Error.ErrorCode)
	case ack.Stream != stream || ack.Sequence == 0:
		return 0, errNotAnAck
	case ack.Duplicate:
		return 0, errDuplicate
	}
	return ack.Sequence, nil
}

const (
	headerStatusLine = "Status" // as the client names the status of a message
	noResponders     = "503"
)

func isConflict(code jetstream.ErrorCode) bool {
	return code == jetstream.JSErrCodeStreamWrongLastSequence || code == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}

// isConflictError is for answers that the client decoded.
func isConflictError(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && isConflict(api.ErrorCode)
}

// setTTL has the broker remove the message after this time.
func setTTL(m *nats.Msg, ttl time.Duration) { m.Header.Set(jetstream.MsgTTLHeader, ttl.String()) }

// Publisher puts requests into the stream of their priority, as any NATS client can.
type Publisher struct {
	answers *answers
}

// NewPublisher gives a publisher.
func (c *Conn) NewPublisher() *Publisher { return &Publisher{answers: c.answers} }

// Publish stores one request and returns when the broker has it. Publishing
// the same id and content again is safe: it is dialled once.
func (p *Publisher) Publish(ctx context.Context, a call.Account, priority call.Priority, body []byte, trace string) error {
	m := &nats.Msg{Subject: RequestSubject(a, priority), Data: body, Header: nats.Header{}}
	if trace != "" {
		m.Header.Set(headerTrace, trace)
	}
	if _, err := publish(ctx, p.answers, StreamOf(priority), m); err != nil {
		return fmt.Errorf("publish a request: %w", err)
	}
	return nil
}
