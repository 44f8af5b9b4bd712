package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// ErrReconnected reports that the connection was lost and made again meanwhile:
// behind it may be another broker.
var ErrReconnected = errors.New("the connection was made again meanwhile")

var (
	errDuplicate  = errors.New("the broker took the message for a duplicate and forgot it")
	errNotAnAck   = errors.New("the broker's answer is not an acknowledgement")
	errNoResponse = errors.New("no stream takes the subject, or the broker has no leader for it")
)

// pubAck is the broker's reply to a publish.
type pubAck struct {
	jetstream.PubAck
	Error *jetstream.APIError `json:"error"`
}

// Publish stores one message in a stream, once, waits until the broker confirms it,
// and returns its sequence. [call.ErrConflict] reports that the expected version is
// no longer the last; after any other error the message may have been stored, or
// still be.
func (c *Conn) Publish(ctx context.Context, stream string, m *nats.Msg) (uint64, error) {
	return c.publishOn(ctx, anyGeneration, stream, m)
}

// publishOn is Publish over one connection: what is confirmed was stored by the
// broker that this connection led to.
func (c *Conn) publishOn(ctx context.Context, g Generation, stream string, m *nats.Msg) (uint64, error) {
	m.Header.Set(jetstream.ExpectedStreamHeader, stream)
	reply, err := c.replies.request(ctx, g, m)
	if err != nil {
		return 0, err
	}
	if len(reply.Data) == 0 && reply.Header.Get(headerStatusLine) == noResponders {
		return 0, errNoResponse
	}
	var ack pubAck
	if err := json.Unmarshal(reply.Data, &ack, jsontext.AllowDuplicateNames(true)); err != nil {
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

// IsConflict reports whether the client returned this error because the expected
// sequence is not the last one.
func IsConflict(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && isConflictCode(api.ErrorCode)
}

// SetTTL has the broker remove the message after this time.
func SetTTL(m *nats.Msg, ttl time.Duration) { m.Header.Set(jetstream.MsgTTLHeader, ttl.String()) }

// Publisher puts requests into the stream of their priority, as any NATS client can.
type Publisher struct{ conn *Conn }

// NewPublisher returns a publisher.
func (c *Conn) NewPublisher() *Publisher { return &Publisher{conn: c} }

// Publish stores one request and returns when the broker has it. Publishing the same
// id and content again is safe: it is dialled once.
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
