package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// ForeignConsumer is a consumer of a work queue that is not ringonce's. What it covers
// reaches no worker: the broker creates no second consumer for the same subjects, and
// what the foreign one acknowledges is gone.
type ForeignConsumer struct {
	Stream, Name string
	Filters      []string // empty for everything
}

func (f ForeignConsumer) Error() string {
	what := "everything there"
	if len(f.Filters) > 0 {
		what = fmt.Sprint(f.Filters)
	}
	return fmt.Sprintf("consumer %s of %s is not ringonce's and takes %s: those requests are not dialled; if nothing needs it, remove it with: nats consumer rm %s %s",
		f.Name, f.Stream, what, f.Stream, f.Name)
}

// AsForeignConsumer returns the description of a consumer, and whether it is a foreign
// one of a work queue.
func AsForeignConsumer(stream string, info *jetstream.ConsumerInfo) (ForeignConsumer, bool) {
	if kind, _ := ParseConsumer(info.Name); kind != "" || !slices.Contains(WorkQueues(), stream) {
		return ForeignConsumer{}, false
	}
	filters := info.Config.FilterSubjects
	if info.Config.FilterSubject != "" {
		filters = []string{info.Config.FilterSubject}
	}
	return ForeignConsumer{Stream: stream, Name: info.Name, Filters: filters}, true
}

// CheckForeignConsumers returns an error that names the foreign consumers, nil if there
// are none.
func (c *Conn) CheckForeignConsumers(ctx context.Context) error {
	var found []error
	for _, stream := range WorkQueues() {
		s, err := c.js.Stream(ctx, stream)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue // reported elsewhere
		}
		if err != nil {
			return fmt.Errorf("look up stream %s: %w", stream, err)
		}
		if err := ForEachConsumer(ctx, s, func(info *jetstream.ConsumerInfo) {
			if f, foreign := AsForeignConsumer(stream, info); foreign {
				found = append(found, f)
			}
		}); err != nil {
			return err
		}
	}
	return errors.Join(found...)
}

// What the broker answers if a consumer of a work queue covers the same subjects, or
// all of them.
const (
	consumerNotUnique  jetstream.ErrorCode = 10100
	consumerUnfiltered jetstream.ErrorCode = 10099
)

// ExplainBindError adds the foreign consumers that keep one of ours from being created.
func (c *Conn) ExplainBindError(ctx context.Context, err error) error {
	var api *jetstream.APIError
	if !errors.As(err, &api) || api.ErrorCode != consumerNotUnique && api.ErrorCode != consumerUnfiltered {
		return err
	}
	if foreign := c.CheckForeignConsumers(ctx); foreign != nil {
		return fmt.Errorf("%w: %w", err, foreign)
	}
	return err
}
