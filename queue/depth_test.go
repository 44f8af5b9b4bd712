package queue

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
)

func (b *broker) measures(want Depth, unserved uint64) {
	b.t.Helper()
	synctest.Wait() // a consumer counts what was stored a moment later
	depths, u, err := b.NewDepthMeter().Measure(b.t.Context(), time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	got := depths["acme"]
	if late := got.Oldest - want.Oldest; late >= 0 && late < time.Second {
		got.Oldest = want.Oldest
	}
	if got != want || u != unserved {
		b.t.Errorf("measured %+v and %d unserved, want %+v and %d", got, u, want, unserved)
	}
}

// TestCountersComeBack after somebody deleted them.
func TestCountersComeBack(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		c := b.NewConsumer(ConsumerConfig{Account: "acme", AckWait: time.Minute, Provision: true, Log: quiet()})
		d := b.NewDepthMeter()
		if err := errors.Join(c.Bind(t.Context()), d.CreateCounters(t.Context(), "acme")); err != nil {
			t.Fatal(err)
		}
		if err := b.NewScheduler().Schedule(t.Context(), waiting(t, "a", time.Now().Add(time.Hour)), call.Version{}); err != nil {
			t.Fatal(err)
		}
		if err := b.JetStream().DeleteConsumer(t.Context(), StreamParked, string(ParkedCounter)+"acme"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Measure(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		b.measures(Depth{Parked: 1}, 0)
	})
}

// TestDepths counts through everything that adds to a queue and takes from it.
func TestDepths(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		c := b.NewConsumer(ConsumerConfig{Account: "acme", AckWait: time.Minute, Provision: true, Log: quiet()})
		if err := errors.Join(c.Bind(t.Context()), b.NewDepthMeter().CreateCounters(t.Context(), "acme"), b.NewDepthMeter().CreateCounters(t.Context(), "acme")); err != nil {
			t.Fatal(err)
		}
		p, g := b.NewScheduler(), b.NewDeadLetters(time.Hour)
		b.measures(Depth{}, 0)

		b.publish("calls.requests.globex", "{}")
		b.publish("calls.requests.acme.urgent", "{}")
		<-time.After(10 * time.Second)
		b.publish("calls.requests.acme", "{}")
		b.measures(Depth{Waiting: 2, Oldest: 10 * time.Second}, 1)

		// Parked twice is one, fired is due.
		for _, id := range []call.ID{"a", "b", "a", "c"} {
			if err := p.Schedule(t.Context(), waiting(t, id, time.Now().Add(time.Minute)), call.Version{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Cancel(t.Context(), "acme", "c"); err != nil {
			t.Fatal(err)
		}
		b.measures(Depth{Waiting: 2, Oldest: 10 * time.Second, Parked: 2}, 1)
		<-time.After(2 * time.Minute)
		b.measures(Depth{Waiting: 2, Oldest: 130 * time.Second, Due: 2}, 1)

		// Buried twice is one; a letter that is removed is none.
		for _, id := range []call.ID{"a", "b", "a"} {
			if err := g.Put(t.Context(), must[call.Record](t)(newRecord(id).MarkDead(call.Expired, "", time.Now())), nil); err != nil {
				t.Fatal(err)
			}
		}
		b.measures(Depth{Waiting: 2, Oldest: 130 * time.Second, Due: 2, DeadLetters: 2}, 1)
		if err := g.Delete(t.Context(), "acme", call.Expired, "a"); err != nil {
			t.Fatal(err)
		}
		b.measures(Depth{Waiting: 2, Oldest: 130 * time.Second, Due: 2, DeadLetters: 1}, 1)

		// What a worker holds waits no more, and is in hand until it is finished,
		// handed back or not; what it acknowledged is gone.
		came := b.run(c, always(10))
		for range 3 {
			if err := (<-came).Ack(); err != nil {
				t.Error(err)
			}
		}
		last := <-came
		<-time.After(time.Second)
		b.measures(Depth{AckPending: 1, Oldest: 121 * time.Second, DeadLetters: 1}, 1)
		if err := last.Nak(time.Hour); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		b.measures(Depth{AckPending: 1, Oldest: 122 * time.Second, DeadLetters: 1}, 1)
	})
}

// TestDepthsOfTheDead follow the letters that expire, and unknown calls.
func TestDepthsOfTheDead(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		if err := b.NewDepthMeter().CreateCounters(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		if err := b.NewDeadLetters(time.Minute).Put(t.Context(), must[call.Record](t)(newRecord("a").MarkDead(call.Expired, "", time.Now())), nil); err != nil {
			t.Fatal(err)
		}
		b.measures(Depth{DeadLetters: 1}, 0)
		<-time.After(2 * time.Minute)
		b.measures(Depth{}, 0)

		// Unknown calls are counted by themselves too, until they are resolved.
		g := b.NewDeadLetters(time.Minute)
		for _, id := range []call.ID{"a", "b"} {
			r := must[call.Record](t)(newRecord(id).Claim("worker", "nonce", time.Now()))
			r = must[call.Record](t)(r.MarkUnknown("nonce", call.Outcome{Class: call.Unknown, Reason: call.TimedOut}, time.Now()))
			if err := g.Put(t.Context(), r, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := g.Put(t.Context(), must[call.Record](t)(newRecord("c").MarkDead(call.Expired, "", time.Now())), nil); err != nil {
			t.Fatal(err)
		}
		b.measures(Depth{DeadLetters: 3, Unknown: 2}, 0)
		if err := g.Delete(t.Context(), "acme", call.OutcomeUnknown, "a"); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Minute)
		b.measures(Depth{DeadLetters: 1, Unknown: 1}, 0)
	})
}

func TestProbeAck(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		for range 2 {
			if err := b.CheckAckPermission(t.Context(), "acme"); err != nil {
				t.Error(err)
			}
		}
		// It acknowledges nothing.
		b.publish("calls.requests.acme", "{}")
		came := b.consume(always(1))
		m := <-came
		if err := b.CheckAckPermission(t.Context(), "acme"); err != nil {
			t.Error(err)
		}
		b.holds(StreamCalls, "calls.requests.acme.normal")
		if err := m.Ack(); err != nil {
			t.Error(err)
		}
		b.stop()
		if err := b.CheckAckPermission(t.Context(), "acme"); err == nil || errors.Is(err, ErrAckDenied) {
			t.Errorf("a broker that is down: %v", err)
		}
	})
}

// TestProbeAckWithoutThePermission is told, also where it lacks for one stream
// alone.
func TestProbeAckWithoutThePermission(t *testing.T) {
	for _, denied := range []string{"CALLS_URGENT.>", "CALLS.>", "CALLS_BULK.>", "CALLS_PARKED.>", ">"} {
		bubbleWith(t, t.TempDir(), func(o *server.Options) {
			o.Users = []*server.User{{Username: "worker", Password: "w", Permissions: &server.Permissions{
				Publish:   &server.SubjectPermission{Allow: []string{">"}, Deny: []string{"$JS.ACK." + denied}},
				Subscribe: &server.SubjectPermission{Allow: []string{">"}},
			}}}
		}, func(t *testing.T, b *broker) {
			b.apply()
			if err := b.CheckAckPermission(t.Context(), "acme"); !errors.Is(err, ErrAckDenied) || !strings.Contains(err.Error(), "$JS.ACK") {
				t.Errorf("without %q: %v", denied, err)
			}
		})
	}
}

// TestWhatComesToOneQueueHidesNothingInAnother: while the consumers of one are
// asked, requests come to the others.
func TestWhatComesToOneQueueHidesNothingInAnother(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		c := b.consumer()
		if err := c.Bind(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.publish("calls.requests.nobody", "{}")
		must[*nats.Subscription](t)(b.NATS().Subscribe("$JS.API.CONSUMER.LIST."+StreamUrgent, func(*nats.Msg) {
			_ = b.NATS().Publish("calls.requests.acme.bulk", []byte("{}"))
		}))
		_, unserved, err := b.NewDepthMeter().Measure(t.Context(), time.Now())
		if err != nil || unserved != 1 {
			t.Errorf("%d are said to be nobody's, %v", unserved, err)
		}
		b.holds(StreamBulk, "calls.requests.acme.bulk")
	})
}
