package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
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
	Stream    string `json:"stream"`
	Sequence  uint64 `json:"seq"`
	Duplicate bool   `json:"duplicate"`
	Error     *struct {
		Code        jetstream.ErrorCode `json:"err_code"`
		Description string              `json:"description"`
	} `json:"error"`
}

// publish stores one message in a stream and waits until the broker says so,
// giving its sequence. [call.ErrConflict] says that the expected version is no
// longer the last; after any other error the message may have been stored, or
// still be.
//
// It is the client's own publish without its second tries, which would send a
// claim again, and with a decoder that costs a tenth.
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
	if sequence, ok := plainAck(answer.Data, stream); ok {
		return sequence, nil
	}
	var ack pubAck
	if err := json.Unmarshal(answer.Data, &ack); err != nil {
		return 0, errNotAnAck
	}
	switch {
	case ack.Error != nil && isConflict(ack.Error.Code):
		return 0, call.ErrConflict
	case ack.Error != nil:
		return 0, fmt.Errorf("the broker refused it: %s (%d)", ack.Error.Description, ack.Error.Code)
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

// plainAck reads an acknowledgement that says nothing but that the message was
// stored, in the form that every broker writes it in. It knows no other form.
func plainAck(data []byte, stream string) (sequence uint64, ok bool) {
	rest, ok := strings.CutPrefix(string(data), `{"stream":"`+stream+`","seq":`)
	if !ok {
		return 0, false
	}
	digits, ok := strings.CutSuffix(rest, "}")
	if !ok {
		return 0, false
	}
	sequence, err := strconv.ParseUint(digits, 10, 64)
	return sequence, err == nil && sequence > 0
}

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
