package pull

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// bindMany binds accounts until one cannot be bound.
func bindMany(b *queuetest.Broker, accounts int) error {
	consumers := newConsumers(b)
	for i := range accounts {
		c := consumers.New(Config{
			Account: call.Account(fmt.Sprint("a", i)), AckWait: time.Minute, Provision: true, Log: queuetest.Quiet(),
		})
		if err := c.Bind(b.T.Context()); err != nil {
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
	queuetest.RunWith(t, few, func(t *testing.T, b *queuetest.Broker) {
		b.Apply()
		if err := bindMany(b, 30); err != nil {
			t.Error(err)
		}
		b.Change(queue.StreamCalls, func(c *jetstream.StreamConfig) { c.MaxConsumers = 0 })
		if err := bindMany(b, 31); !errors.Is(err, jetstream.ErrMaximumConsumersLimit) {
			t.Errorf("a stream without a limit of its own: %v", err)
		}
	})
}

// TestAnAccountThatAllowsFewerConsumers gets its streams all the same.
func TestAnAccountThatAllowsFewerConsumers(t *testing.T) {
	queuetest.RunWith(t, nil, func(t *testing.T, b *queuetest.Broker) {
		limits := server.JetStreamAccountLimits{MaxMemory: -1, MaxStore: -1, MaxStreams: -1, MaxConsumers: 12}
		if err := b.Server().GlobalAccount().UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": limits}); err != nil {
			t.Fatal(err)
		}
		b.Apply()
		if err := bindMany(b, 3); err != nil {
			t.Error(err)
		}
	})
}
