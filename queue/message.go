package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
)

// Message is one message that a worker was handed. It must be acknowledged or
// handed back; whoever does neither gets it again after the consumer's
// AckWait.
type Message struct {
	call.Delivery
	msg  *nats.Msg
	debt *debt
}

// Ack removes the message from its stream. That the broker did so is not waited
// for: a lost acknowledgement brings the message back, and its record then says
// that there is nothing left to do.
func (m *Message) Ack() error {
	failpoint.Eval(failpoint.AckBefore)
	if err := m.debt.ack(m.msg.Reply); err != nil {
		return fmt.Errorf("acknowledge a message: %w", err)
	}
	failpoint.Eval(failpoint.AckAfter)
	return nil
}

// Nak gives the message back, to be delivered again after the delay.
func (m *Message) Nak(delay time.Duration) error {
	failpoint.Eval(failpoint.NakBefore)
	err := m.msg.NakWithDelay(max(delay, 0))
	failpoint.Eval(failpoint.NakAfter)
	if err != nil {
		return fmt.Errorf("hand a message back: %w", err)
	}
	return nil
}

// newMessage reads what the broker and the publisher say about a message. It
// refuses nothing: what cannot be read is for the worker to end with a reason.
func newMessage(d *delivery, debt *debt) (*Message, error) {
	msg, meta := d.msg, d.meta
	account, priority, err := ParseSubject(msg.Subject)
	if err != nil {
		return nil, fmt.Errorf("read the subject of a message: %w", err)
	}
	m := &Message{msg: msg, debt: debt, Delivery: call.Delivery{
		Account: account, Priority: priority, Delivered: meta.NumDelivered,
		Origin: Origin(meta.Stream, meta.Sequence.Stream, meta.Timestamp),
	}}
	if meta.Stream != StreamParked {
		m.Trace = Traceparent(msg.Header)
		m.Body, m.MessageID = msg.Data, msg.Header.Get(HeaderMessageID)
		return m, nil
	}
	due, err := ReadDue(account, msg.Header, msg.Data)
	if err != nil {
		return nil, err
	}
	m.Origin, m.Trace, m.Due = due.Record.Origin, due.Record.Trace, due
	return m, nil
}

// ReadRequest reads a request that waits in its stream as a worker will. After an
// error the account and the priority are missing.
func ReadRequest(stream string, msg *jetstream.RawStreamMsg) (call.Delivery, error) {
	account, priority, err := ParseSubject(msg.Subject)
	if err != nil {
		err = fmt.Errorf("read the subject of a message: %w", err)
	}
	return call.Delivery{
		Account: account, Priority: priority, Origin: Origin(stream, msg.Sequence, msg.Time),
		Trace: Traceparent(msg.Header), Body: msg.Data, MessageID: msg.Header.Get(HeaderMessageID),
	}, err
}

// HasRequest reports whether the message of this origin still waits.
func (c *Conn) HasRequest(ctx context.Context, o call.Origin) (bool, error) {
	return exists(ctx, c.js, OriginStream(o), func(ctx context.Context, s jetstream.Stream) error {
		_, err := s.GetMsg(ctx, o.Sequence)
		return err
	})
}

// ReadDue reads the record that a due message carries, and the version that it must
// still have.
func ReadDue(account call.Account, h nats.Header, data []byte) (*call.Due, error) {
	record, err := call.DecodeRecord(data)
	if err != nil {
		return nil, fmt.Errorf("read a due call: %w", err)
	}
	version, ok := decodeVersion(h.Get(headerVersion))
	if !ok || record.Account != account {
		return nil, fmt.Errorf("read a due call: its %s header does not fit its record", headerVersion)
	}
	return &call.Due{Record: record, Version: version}, nil
}
