package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// Gather reads the broker's part of the input for one account: the records, the
// dead letters, and what is left in the streams of all accounts.
func Gather(ctx context.Context, js jetstream.JetStream, a call.Account) (Input, error) {
	var in Input
	err := readAll(ctx, js, queue.StreamRecords, "calls.records."+string(a)+".>", func(m jetstream.Msg) error {
		record, err := call.DecodeRecord(m.Data())
		in.Records = append(in.Records, record)
		return err
	})
	if err != nil {
		return in, err
	}
	err = readAll(ctx, js, queue.StreamDead, "calls.dead."+string(a)+".>", func(m jetstream.Msg) error {
		letter, err := readLetter(m)
		in.DeadLetters = append(in.DeadLetters, letter)
		return err
	})
	if err != nil {
		return in, err
	}
	for _, stream := range queue.WorkQueues() {
		n, err := CountMessages(ctx, js, stream)
		if err != nil {
			return in, err
		}
		in.Remaining = append(in.Remaining, StreamCount{Stream: stream, Messages: n})
	}
	return in, nil
}

// OriginKey returns the key of a message that the broker confirmed.
func OriginKey(ack *jetstream.PubAck) string {
	return queue.Origin(ack.Stream, ack.Sequence, time.Time{}).Key()
}

// CountMessages returns how many messages these streams hold together.
func CountMessages(ctx context.Context, js jetstream.JetStream, streams ...string) (n uint64, err error) {
	for _, stream := range streams {
		s, err := js.Stream(ctx, stream)
		if err != nil {
			return 0, fmt.Errorf("look up stream %s: %w", stream, err)
		}
		n += s.CachedInfo().State.Msgs
	}
	return n, nil
}

// readLetter reads the headers that every dead letter has.
func readLetter(m jetstream.Msg) (DeadLetter, error) {
	h := m.Headers()
	origin, err := call.ParseOriginKey(h.Get("Ringonce-Origin"))
	if err != nil {
		return DeadLetter{}, fmt.Errorf("read the origin of the dead letter %s: %w", m.Subject(), err)
	}
	return DeadLetter{
		OriginKey: origin.Key(), ID: call.ID(h.Get("Ringonce-Id")), Reason: call.Reason(h.Get("Ringonce-Reason")),
	}, nil
}

// readAll calls read with every message that a subject holds now.
func readAll(ctx context.Context, js jetstream.JetStream, stream, subject string, read func(jetstream.Msg) error) error {
	consumer, err := js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	info, err := consumer.Info(ctx)
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	if info.NumPending == 0 {
		return nil
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("read stream %s: %w", stream, err)
		}
		if err := read(m); err != nil {
			return fmt.Errorf("read stream %s: %w", stream, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("read stream %s: %w", stream, err)
		}
		if meta.NumPending == 0 {
			return nil
		}
	}
}
