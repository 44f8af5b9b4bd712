package queue

import (
	"context"
	"fmt"
	"slices"

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
	subjects := make([]string, 0, len(info.State.Subjects))
	for subject := range info.State.Subjects {
		subjects = append(subjects, subject)
	}
	slices.Sort(subjects)
	return subjects, nil
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
