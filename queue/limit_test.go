package queue

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// bindMany binds accounts until one cannot be bound.
func (b *broker) bindMany(accounts int) error {
	for i := range accounts {
		c := b.NewConsumer(ConsumerConfig{
			Account: call.Account(fmt.Sprint("a", i)), AckWait: time.Minute, Provision: true, Log: quiet(),
		})
		if err := c.Bind(b.t.Context()); err != nil {
			return fmt.Errorf("account %d: %w", i, err)
		}
	}
	return nil
}

// TestOurStreamsTakeMoreConsumersThanTheBrokersDefault, because they say how
// many; one that does not say so is refused.
func TestOurStreamsTakeMoreConsumersThanTheBrokersDefault(t *testing.T) {
	few := func(o *server.Options) {
		o.JetStreamLimits.DefaultMaxConsumers = 20
		o.Users = []*server.User{{Username: "worker", Password: "w"}}
	}
	bubbleWith(t, t.TempDir(), few, func(t *testing.T, b *broker) {
		b.apply()
		if err := b.bindMany(30); err != nil {
			t.Error(err)
		}
		for _, cfg := range (Topology{Replicas: 1}).streams() {
			if cfg.Name == StreamCalls {
				cfg.MaxConsumers = 0
				must[jetstream.Stream](t)(b.JetStream().UpdateStream(t.Context(), cfg))
			}
		}
		if err := b.bindMany(31); !errors.Is(err, jetstream.ErrMaximumConsumersLimit) {
			t.Errorf("a stream without a limit of its own: %v", err)
		}
	})
}

// TestAnAccountThatAllowsFewerConsumers gets its streams all the same.
func TestAnAccountThatAllowsFewerConsumers(t *testing.T) {
	bubbleWith(t, t.TempDir(), nil, func(t *testing.T, b *broker) {
		limits := server.JetStreamAccountLimits{MaxMemory: -1, MaxStore: -1, MaxStreams: -1, MaxConsumers: 12}
		if err := b.server.GlobalAccount().UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": limits}); err != nil {
			t.Fatal(err)
		}
		b.apply()
		if err := b.bindMany(3); err != nil {
			t.Error(err)
		}
	})
}
