package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// listenFor is how long one pull waits for a message of an idle source.
const listenFor = 30 * time.Second

// source is one JetStream consumer. It belongs to the goroutine that runs its
// [Consumer].
type source struct {
	stream string
	config jetstream.ConsumerConfig

	consumer jetstream.Consumer
	bell     *bell // set while a pull listens: nothing is there that it would not tell
}

func (s *source) bind(ctx context.Context, js jetstream.JetStream, provision bool) error {
	var err error
	if provision {
		s.consumer, err = js.CreateOrUpdateConsumer(ctx, s.stream, s.config)
	} else {
		s.consumer, err = js.Consumer(ctx, s.stream, s.config.Durable)
	}
	if err != nil {
		return fmt.Errorf("bind consumer %s of %s: %w", s.config.Durable, s.stream, err)
	}
	return nil
}

// take gives what is there now, at most n. A source whose bell has not rung
// has nothing.
func (s *source) take(ctx context.Context, n int) ([]jetstream.Msg, error) {
	if s.consumer == nil {
		return nil, fmt.Errorf("pull from %s: consumer %s is not bound yet", s.stream, s.config.Durable)
	}
	var msgs []jetstream.Msg
	if s.bell != nil {
		if !s.bell.hasRung() {
			return nil, nil
		}
		msg, err := s.bell.msg, s.bell.err
		s.bell = nil
		if err != nil {
			return nil, fmt.Errorf("listen at %s: %w", s.stream, err)
		}
		if msg != nil {
			msgs = append(msgs, msg)
			n--
		}
	}
	if n <= 0 || ctx.Err() != nil {
		return msgs, nil
	}
	batch, err := s.consumer.FetchNoWait(n)
	if err != nil {
		return msgs, fmt.Errorf("pull from %s: %w", s.stream, err)
	}
	for msg := range batch.Messages() {
		msgs = append(msgs, msg)
	}
	if err := batch.Error(); err != nil && !errors.Is(err, jetstream.ErrNoMessages) {
		return msgs, fmt.Errorf("pull from %s: %w", s.stream, err)
	}
	return msgs, nil
}

// bell is a pull that waits for one message at an idle source.
type bell struct {
	cancel  context.CancelFunc
	waiting sync.WaitGroup
	rang    chan struct{} // closed when msg and err are set

	msg jetstream.Msg
	err error
}

// hang begins to listen. rung gets a token when the bell rings.
func hang(ctx context.Context, c jetstream.Consumer, rung chan<- struct{}) *bell {
	ctx, cancel := context.WithTimeout(ctx, listenFor)
	b := &bell{cancel: cancel, rang: make(chan struct{})}
	b.waiting.Go(func() {
		defer cancel()
		b.msg, b.err = next(ctx, c)
		if ctx.Err() != nil {
			b.err = nil
		}
		close(b.rang)
		select {
		case rung <- struct{}{}:
		default:
		}
	})
	return b
}

func (b *bell) hasRung() bool {
	select {
	case <-b.rang:
		return true
	default:
		return false
	}
}

// takeDown ends the listening and gives what it brought, if anything.
func (b *bell) takeDown() jetstream.Msg {
	b.cancel()
	b.waiting.Wait()
	return b.msg
}

// next waits for one message until ctx ends.
func next(ctx context.Context, c jetstream.Consumer) (jetstream.Msg, error) {
	batch, err := c.Fetch(1, jetstream.FetchContext(ctx))
	if err != nil {
		return nil, err
	}
	msg := <-batch.Messages()
	return msg, batch.Error()
}
