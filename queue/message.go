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
	d, err := ReadRequest(meta.Stream, &jetstream.RawStreamMsg{
		Subject: m.Subject, Sequence: meta.Sequence.Stream, Header: m.Header, Data: m.Data, Time: meta.Timestamp,
	})
	d.Delivered = meta.NumDelivered
	if err != nil || meta.Stream != StreamParked {
		return d, err
	}
	due, err := ReadDue(d.Account, m.Header, m.Data)
	if err != nil {
		return d, err
	}
	d.Origin, d.Trace, d.Due = due.Record.Origin, due.Record.Trace, due
	d.Body, d.MessageID = nil, ""
	return d, nil
}

// ReadRequest reads a request that waits in its stream as a worker will. After an
// error the account and the priority are missing.
func ReadRequest(stream string, msg *jetstream.RawStreamMsg) (call.Delivery, error) {
	account, priority, err := parseSubject(msg.Subject)
	if err != nil {
		err = fmt.Errorf("read the subject of a message: %w", err)
	}
	return call.Delivery{
		Account: account, Priority: priority, Origin: Origin(stream, msg.Sequence, msg.Time),
		Trace: traceparent(msg.Header), Body: msg.Data, MessageID: msg.Header.Get(HeaderMessageID),
	}, err
}

// HasRequest reports whether the message of this origin still waits.
func (c *Conn) HasRequest(ctx context.Context, o call.Origin) (bool, error) {
	return exists(ctx, c.js, originStream(o), func(ctx context.Context, s jetstream.Stream) error {
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
