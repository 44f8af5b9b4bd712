package pull

import (
	"context"
	"testing"
	"time"

	"github.com/ringonce/ringonce/tests/brokertest"
	"github.com/ringonce/ringonce/tests/queuetest"
)

func TestMain(m *testing.M) { brokertest.Main(m) }

func newConsumers(b *queuetest.Broker) *Consumers {
	b.T.Helper()
	return brokertest.Must[*Consumers](b.T)(NewConsumers(b.Conn, Options{}))
}

// newBound returns a consumer of acme that is bound.
func newBound(b *queuetest.Broker) *Consumer {
	b.T.Helper()
	return bind(b, newConsumers(b))
}

func bind(b *queuetest.Broker, consumers *Consumers) *Consumer {
	b.T.Helper()
	c := consumers.New(Config{Account: "acme", AckWait: 45 * time.Second, Provision: true, Log: queuetest.Quiet()})
	if err := c.Bind(b.T.Context()); err != nil {
		b.T.Fatal(err)
	}
	return c
}

// run pulls until the test ends, and returns what comes.
func run(b *queuetest.Broker, c *Consumer, capacity Capacity) <-chan *Message {
	b.T.Helper()
	ctx, cancel := context.WithCancel(b.T.Context())
	came := make(chan *Message, 1000)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.Run(ctx, capacity, func(m *Message) { came <- m })
	}()
	b.T.Cleanup(func() {
		cancel()
		<-ended
	})
	return came
}

// always has capacity for so many calls.
func always(n int) Capacity {
	return func(ctx context.Context) (int, <-chan struct{}) {
		if ctx.Err() != nil {
			return 0, nil
		}
		return n, nil
	}
}
