package queue

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// ReadDelivery reads a message that a worker was handed. It refuses no request:
// what cannot be read is for the worker to end with a reason.
func ReadDelivery(m *nats.Msg, meta *nats.MsgMetadata) (call.Delivery, error) {
	account, priority, err := ParseSubject(m.Subject)
	if err != nil {
		return call.Delivery{}, fmt.Errorf("read the subject of a message: %w", err)
	}
	d := call.Delivery{
		Account: account, Priority: priority, Delivered: meta.NumDelivered,
		Origin: Origin(meta.Stream, meta.Sequence.Stream, meta.Timestamp),
	}
	if meta.Stream != StreamParked {
		d.Trace = Traceparent(m.Header)
		d.Body, d.MessageID = m.Data, m.Header.Get(HeaderMessageID)
		return d, nil
	}
	if d.Due, err = ReadDue(account, m.Header, m.Data); err != nil {
		return call.Delivery{}, err
	}
	d.Origin, d.Trace = d.Due.Record.Origin, d.Due.Record.Trace
	return d, nil
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
