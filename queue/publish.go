package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

var errDuplicate = errors.New("the broker took the message for a duplicate and forgot it")

// publish stores one message and waits until the broker says so, giving its
// sequence. [call.ErrConflict] says that the expected version is no longer the
// last; after any other error the message may have been stored, or still be.
func publish(ctx context.Context, js jetstream.JetStream, m *nats.Msg, opts ...jetstream.PublishOpt) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	ack, err := js.PublishMsg(ctx, m, opts...)
	if err != nil {
		if isConflict(err) {
			return 0, call.ErrConflict
		}
		return 0, err
	}
	if ack.Duplicate {
		return 0, errDuplicate
	}
	return ack.Sequence, nil
}

func isConflict(err error) bool {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return false
	}
	return api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}

// Publisher puts requests into CALLS, as any NATS client can.
type Publisher struct {
	js jetstream.JetStream
}

// NewPublisher gives a publisher.
func (c *Conn) NewPublisher() *Publisher { return &Publisher{js: c.js} }

// Publish stores one request and returns when the broker has it. Publishing
// the same id and content again is safe: it is dialled once.
func (p *Publisher) Publish(ctx context.Context, a call.Account, priority call.Priority, body []byte, trace string) error {
	m := &nats.Msg{Subject: RequestSubject(a, priority), Data: body, Header: nats.Header{}}
	if trace != "" {
		m.Header.Set(headerTrace, trace)
	}
	if _, err := publish(ctx, p.js, m, jetstream.WithExpectStream(StreamCalls)); err != nil {
		return fmt.Errorf("publish a request: %w", err)
	}
	return nil
}
