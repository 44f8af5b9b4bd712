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
	errDuplicate   = errors.New("the broker took the message for a duplicate and forgot it")
	errNotAnAck    = errors.New("the broker's answer is not an acknowledgement")
	errNoResponse  = errors.New("no stream takes the subject, or the broker has no leader for it")
	ErrReconnected = errors.New("the connection was made anew meanwhile")
)

// pubAck is the broker's answer to a publish.
type pubAck struct {
	jetstream.PubAck
	Error *jetstream.APIError `json:"error"`
}

// replyMux is where the broker's answers to publishes of ours arrive: one
// subscription for as long as the connection lives.
//
// The client's own publish would send a claim again, and cannot tell over which
// connection it went.
type replyMux struct {
	nc     *nats.Conn
	prefix string

	mu        sync.Mutex
	lastReply uint64
	waiting   map[string]chan<- *nats.Msg // by the subject of the answer
}

func newReplyMux(nc *nats.Conn) (*replyMux, error) {
	a := &replyMux{nc: nc, prefix: nc.NewInbox() + ".", waiting: map[string]chan<- *nats.Msg{}}
	if _, err := nc.Subscribe(a.prefix+"*", a.deliver); err != nil {
		return nil, fmt.Errorf("subscribe to answers: %w", err)
	}
	return a, nil
}

func (a *replyMux) deliver(answer *nats.Msg) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if waiter := a.waiting[answer.Subject]; waiter != nil {
		delete(a.waiting, answer.Subject) // it has room for one
		waiter <- answer
	}
}

// register gives where the answer to m will come. No two publishes share a subject to
// be answered at: a late answer to one that was given up could be taken for the
// confirmation of another claim.
func (a *replyMux) register(m *nats.Msg) <-chan *nats.Msg {
	waiter := make(chan *nats.Msg, 1)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lastReply++
	m.Reply = a.prefix + strconv.FormatUint(a.lastReply, 36)
	a.waiting[m.Reply] = waiter
	return waiter
}

func (a *replyMux) cancel(m *nats.Msg) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiting, m.Reply)
}

// request publishes a message once and gives the answer to it, within requestTimeout.
// The error is errMoved if the message may have gone over another connection than
// the one that is asked for.
func (a *replyMux) request(ctx context.Context, over Generation, m *nats.Msg) (*nats.Msg, error) {
	answer := a.register(m)
	defer a.cancel(m)
	if err := a.nc.PublishMsg(m); err != nil {
		return nil, err
	}
	if over != anyGeneration && over != generationOf(a.nc) {
		return nil, ErrReconnected
	}
	within := time.NewTimer(RequestTimeout)
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

// Publish stores one message in a stream, once, waits until the broker confirms it,
// and returns its sequence. [call.ErrConflict] reports that the expected version is
// no longer the last; after any other error the message may have been stored, or
// still be.
func (c *Conn) Publish(ctx context.Context, stream string, m *nats.Msg) (uint64, error) {
	return publishOn(ctx, c.replies, anyGeneration, stream, m)
}

// publishOn is publish over one connection: whatever is answered was stored by
// the broker that this connection led to.
func publishOn(ctx context.Context, a *replyMux, over Generation, stream string, m *nats.Msg) (uint64, error) {
	m.Header.Set(jetstream.ExpectedStreamHeader, stream)
	answer, err := a.request(ctx, over, m)
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
	case ack.Error != nil && isConflictCode(ack.Error.ErrorCode):
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

func isConflictCode(code jetstream.ErrorCode) bool {
	return code == jetstream.JSErrCodeStreamWrongLastSequence || code == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}

// IsConflict is for answers that the client decoded.
func IsConflict(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && isConflictCode(api.ErrorCode)
}

// SetTTL has the broker remove the message after this time.
func SetTTL(m *nats.Msg, ttl time.Duration) { m.Header.Set(jetstream.MsgTTLHeader, ttl.String()) }

// Publisher puts requests into the stream of their priority, as any NATS client can.
type Publisher struct{ conn *Conn }

// NewPublisher gives a publisher.
func (c *Conn) NewPublisher() *Publisher { return &Publisher{conn: c} }

// Publish stores one request and returns when the broker has it. Publishing
// the same id and content again is safe: it is dialled once.
func (p *Publisher) Publish(ctx context.Context, a call.Account, priority call.Priority, body []byte, trace string) error {
	m := &nats.Msg{Subject: RequestSubject(a, priority), Data: body, Header: nats.Header{}}
	if trace != "" {
		m.Header.Set(headerTrace, trace)
	}
	if _, err := p.conn.Publish(ctx, StreamOf(priority), m); err != nil {
		return fmt.Errorf("publish a request: %w", err)
	}
	return nil
}
