package backlog

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/pull"
	"github.com/ringonce/ringonce/tests/brokertest"
	"github.com/ringonce/ringonce/tests/queuetest"
)

func wantDepth(b *queuetest.Broker, want Depth, orphaned uint64) {
	b.T.Helper()
	synctest.Wait() // a consumer counts what was stored a moment later
	depths, u, err := NewMeter(b.Conn).Measure(b.T.Context(), time.Now())
	if err != nil {
		b.T.Fatal(err)
	}
	got := depths["acme"]
	if late := got.Oldest - want.Oldest; late >= 0 && late < time.Second {
		got.Oldest = want.Oldest
	}
	if got != want || u != orphaned {
		b.T.Errorf("measured %+v and %d orphaned, want %+v and %d", got, u, want, orphaned)
	}
}

// TestCountersAreRecreated after they were deleted.
func TestCountersAreRecreated(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		c := newConsumer(b)
		d := NewMeter(b.Conn)
		if err := errors.Join(c.Bind(t.Context()), d.CreateCounters(t.Context(), "acme")); err != nil {
			t.Fatal(err)
		}
		if err := b.NewScheduler().Schedule(t.Context(), queuetest.Waiting(t, "a", time.Now().Add(time.Hour)), call.Version{}); err != nil {
			t.Fatal(err)
		}
		if err := b.JetStream().DeleteConsumer(t.Context(), queue.StreamParked, string(queue.ParkedCounter)+"acme"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Measure(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		wantDepth(b, Depth{Parked: 1}, 0)
	})
}

// TestDepths counts through everything that adds to a queue and takes from it.
func TestDepths(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		c := newConsumer(b)
		if err := errors.Join(c.Bind(t.Context()), NewMeter(b.Conn).CreateCounters(t.Context(), "acme"), NewMeter(b.Conn).CreateCounters(t.Context(), "acme")); err != nil {
			t.Fatal(err)
		}
		p, g := b.NewScheduler(), b.NewDeadLetters(time.Hour)
		wantDepth(b, Depth{}, 0)

		b.Publish("calls.requests.globex", "{}")
		b.Publish("calls.requests.acme.urgent", "{}")
		<-time.After(10 * time.Second)
		b.Publish("calls.requests.acme", "{}")
		wantDepth(b, Depth{Waiting: 2, Oldest: 10 * time.Second}, 1)

		// A call that is scheduled twice counts once; one whose schedule fired is due.
		for _, id := range []call.ID{"a", "b", "a", "c"} {
			if err := p.Schedule(t.Context(), queuetest.Waiting(t, id, time.Now().Add(time.Minute)), call.Version{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Cancel(t.Context(), "acme", "c"); err != nil {
			t.Fatal(err)
		}
		wantDepth(b, Depth{Waiting: 2, Oldest: 10 * time.Second, Parked: 2}, 1)
		<-time.After(2 * time.Minute)
		wantDepth(b, Depth{Waiting: 2, Oldest: 130 * time.Second, Due: 2}, 1)

		// A dead letter that is written twice counts once, one that is deleted does not.
		for _, id := range []call.ID{"a", "b", "a"} {
			if err := g.Put(t.Context(), brokertest.Must[call.Record](t)(queuetest.NewRecord(id).MarkDead(call.Expired, "", time.Now())), nil); err != nil {
				t.Fatal(err)
			}
		}
		wantDepth(b, Depth{Waiting: 2, Oldest: 130 * time.Second, Due: 2, DeadLetters: 2}, 1)
		if err := g.Delete(t.Context(), "acme", call.Expired, "a"); err != nil {
			t.Fatal(err)
		}
		wantDepth(b, Depth{Waiting: 2, Oldest: 130 * time.Second, Due: 2, DeadLetters: 1}, 1)

		// A message that was pulled is pending until it is acknowledged, also after it
		// was handed back.
		messages := run(b, c, 10)
		for range 3 {
			if err := (<-messages).Ack(); err != nil {
				t.Error(err)
			}
		}
		last := <-messages
		<-time.After(time.Second)
		wantDepth(b, Depth{AckPending: 1, Oldest: 121 * time.Second, DeadLetters: 1}, 1)
		if err := last.Nak(time.Hour); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		wantDepth(b, Depth{AckPending: 1, Oldest: 122 * time.Second, DeadLetters: 1}, 1)
	})
}

// TestDepthsOfDeadLetters: expired ones do not count, unknown calls count by
// themselves, too.
func TestDepthsOfDeadLetters(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		if err := NewMeter(b.Conn).CreateCounters(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		if err := b.NewDeadLetters(time.Minute).Put(t.Context(), brokertest.Must[call.Record](t)(queuetest.NewRecord("a").MarkDead(call.Expired, "", time.Now())), nil); err != nil {
			t.Fatal(err)
		}
		wantDepth(b, Depth{DeadLetters: 1}, 0)
		<-time.After(2 * time.Minute)
		wantDepth(b, Depth{}, 0)

		// Until they are resolved.
		g := b.NewDeadLetters(time.Minute)
		for _, id := range []call.ID{"a", "b"} {
			r := brokertest.Must[call.Record](t)(queuetest.NewRecord(id).Claim("worker", "nonce", time.Now()))
			r = brokertest.Must[call.Record](t)(r.MarkUnknown("nonce", call.Outcome{Class: call.Unknown, Reason: call.TimedOut}, time.Now()))
			if err := g.Put(t.Context(), r, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.Put(t.Context(), brokertest.Must[call.Record](t)(queuetest.NewRecord("c").MarkDead(call.Expired, "", time.Now())), nil); err != nil {
			t.Fatal(err)
		}
		wantDepth(b, Depth{DeadLetters: 3, Unknown: 2}, 0)
		if err := g.Delete(t.Context(), "acme", call.OutcomeUnknown, "a"); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Minute)
		wantDepth(b, Depth{DeadLetters: 1, Unknown: 1}, 0)
	})
}

// TestRequestsThatArriveHideNoOrphans: while the consumers of one stream are listed,
// requests arrive in another.
func TestRequestsThatArriveHideNoOrphans(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		c := boundConsumer(b)
		if err := c.Bind(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.Publish("calls.requests.orphan", "{}")
		brokertest.Must[*nats.Subscription](t)(b.NATS().Subscribe("$JS.API.CONSUMER.LIST."+queue.StreamUrgent, func(*nats.Msg) {
			_ = b.NATS().Publish("calls.requests.acme.bulk", []byte("{}"))
		}))
		_, orphaned, err := NewMeter(b.Conn).Measure(t.Context(), time.Now())
		if err != nil || orphaned != 1 {
			t.Errorf("%d are orphaned, %v", orphaned, err)
		}
		b.WantSubjects(queue.StreamBulk, "calls.requests.acme.bulk")
	})
}

func newConsumer(b *queuetest.Broker) *pull.Consumer {
	return brokertest.Must[*pull.Consumers](b.T)(pull.NewConsumers(b.Conn, pull.Options{})).New(pull.Config{Account: "acme", AckWait: time.Minute, Provision: true, Log: queuetest.Quiet()})
}

func boundConsumer(b *queuetest.Broker) *pull.Consumer {
	b.T.Helper()
	c := newConsumer(b)
	if err := c.Bind(b.T.Context()); err != nil {
		b.T.Fatal(err)
	}
	return c
}

// run pulls up to n messages at a time until the test ends.
func run(b *queuetest.Broker, c *pull.Consumer, n int) <-chan *pull.Message {
	b.T.Helper()
	ctx, cancel := context.WithCancel(b.T.Context())
	messages, ended := make(chan *pull.Message, 1000), make(chan struct{})
	never := make(chan struct{})
	capacity := func(ctx context.Context) (int, <-chan struct{}) {
		if ctx.Err() != nil {
			return 0, never
		}
		return n, never
	}
	go func() {
		defer close(ended)
		c.Run(ctx, capacity, func(m *pull.Message) { messages <- m })
	}()
	b.T.Cleanup(func() {
		cancel()
		<-ended
	})
	return messages
}

// enqueue has a call due now.
func enqueue(b *queuetest.Broker, p call.Priority, id string) {
	b.T.Helper()
	r := queuetest.Waiting(b.T, call.ID(id), time.Now())
	r.Priority = p
	if err := b.NewScheduler().EnqueueNow(b.T.Context(), r, call.Version{}); err != nil {
		b.T.Fatal(err)
	}
}
