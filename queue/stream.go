package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ListSubjects lists the subjects of a stream that match a pattern and hold
// something, sorted.
func ListSubjects(ctx context.Context, js jetstream.JetStream, stream, pattern string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", stream, err)
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(pattern))
	if err != nil {
		return nil, fmt.Errorf("list the subjects of stream %s: %w", stream, err)
	}
	return slices.Sorted(maps.Keys(info.State.Subjects)), nil
}

// ForEachConsumer calls each with every consumer of a stream.
func ForEachConsumer(ctx context.Context, s jetstream.Stream, each func(*jetstream.ConsumerInfo)) error {
	list := s.ListConsumers(ctx)
	// To its end: the client's goroutine sends until everything was received.
	for info := range list.Info() {
		each(info)
	}
	if err := list.Err(); err != nil {
		return fmt.Errorf("list the consumers of %s: %w", s.CachedInfo().Config.Name, err)
	}
	return nil
}

// purgeSubject removes what a stream holds under a subject.
func purgeSubject(ctx context.Context, js jetstream.JetStream, stream, subject string) error {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", stream, err)
	}
	if err := s.Purge(ctx, jetstream.WithPurgeSubject(subject)); err != nil {
		return fmt.Errorf("remove a message of %s: %w", stream, err)
	}
	return nil
}

const (
	// scanBatch is how many messages are fetched at a time.
	scanBatch = 256
	// scanIdle is when the broker removes the consumer of an interrupted scan.
	scanIdle = 30 * time.Second
)

// scan visits the messages of these subjects that a stream holds now, the
// oldest first, until visit returns no more. It leaves the stream as it is, and
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
	defer func() { _ = stream.DeleteConsumer(context.WithoutCancel(ctx), consumer.CachedInfo().Name) }() // else the broker removes it
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

// visitBatch visits the next few messages and returns how many there were.
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
		return false, fmt.Errorf("read stream %s: %w", stream, err)
	}
	return true, nil
}
