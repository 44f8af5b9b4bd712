package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// scanBatch is how many messages are asked for at once.
	scanBatch = 256
	// scanIdle is when the broker forgets a scan that was broken off.
	scanIdle = 30 * time.Second
)

// scan visits the messages of these subjects that a stream holds now, the
// oldest first, until visit wants no more. It leaves the stream as it is, and
// works for every stream but a work queue.
func scan(
	ctx context.Context, js jetstream.JetStream, name string, subjects []string, headersOnly bool,
	visit func(jetstream.Msg) (more bool, err error),
) error {
	stream, err := js.Stream(ctx, name)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", name, err)
	}
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubjects: subjects, HeadersOnly: headersOnly, MemoryStorage: true,
		AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: scanIdle,
		Description: "reads what is there, once",
	})
	if err != nil {
		return fmt.Errorf("read stream %s: %w", name, err)
	}
	defer func() { _ = stream.DeleteConsumer(context.WithoutCancel(ctx), consumer.CachedInfo().Name) }() // else it ends by itself
	for {
		n, more, err := visitBatch(consumer, visit)
		if err != nil {
			return fmt.Errorf("read stream %s: %w", name, err)
		}
		if n == 0 || !more {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("read stream %s: %w", name, err)
		}
	}
}

// visitBatch visits the next few messages and gives how many there were.
func visitBatch(consumer jetstream.Consumer, visit func(jetstream.Msg) (bool, error)) (n int, more bool, err error) {
	batch, err := consumer.FetchNoWait(scanBatch)
	if err != nil {
		return 0, false, err
	}
	more = true
	for msg := range batch.Messages() {
		n++
		if !more || err != nil {
			continue // the batch is read to its end
		}
		more, err = visit(msg)
	}
	if err != nil {
		return n, false, err
	}
	return n, more, batch.Error()
}

// exists reports whether a stream holds the message that get reads.
func exists(ctx context.Context, js jetstream.JetStream, stream string, get func(context.Context, jetstream.Stream) error) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	s, err := js.Stream(ctx, stream)
	if err == nil {
		err = get(ctx, s)
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look into stream %s: %w", stream, err)
	}
	return true, nil
}
