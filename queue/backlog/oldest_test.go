package backlog

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/pull"
	"github.com/ringonce/ringonce/tests/brokertest"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// TestOldest: the age is that of the first message that is left, whatever was
// finished before it and of whichever priority.
func TestOldest(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		random := rand.New(rand.NewPCG(1, 2))
		messages := run(b, boundConsumer(b), 1)
		var held []*pull.Message
		for range 200 {
			switch random.IntN(3) {
			case 0, 1:
				b.Publish("calls.requests.acme."+string(call.Priorities()[random.IntN(3)]), "{}")
				held = append(held, <-messages)
			case 2:
				if len(held) == 0 {
					continue
				}
				i := random.IntN(len(held))
				if err := held[i].Ack(); err != nil {
					t.Fatal(err)
				}
				held = append(held[:i], held[i+1:]...)
			}
			<-time.After(time.Second)
			var want time.Duration
			for _, name := range queue.RequestStreams() {
				if s := brokertest.Must[jetstream.Stream](t)(b.JetStream().Stream(t.Context(), name)); s.CachedInfo().State.Msgs > 0 {
					want = max(want, time.Since(s.CachedInfo().State.FirstTime))
				}
			}
			depths, _, err := NewMeter(b.Conn).Measure(t.Context(), time.Now())
			if got := depths["acme"].Oldest; err != nil || got != want {
				t.Fatalf("with %d held it is %s, want %s: %v", len(held), got, want, err)
			}
		}
	})
}

// TestOldestCostsOneRequest where one consumer is behind the others, as it is with
// priorities: its first message comes before all that the others have.
func TestOldestCostsOneRequest(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		for i := range 5 {
			for _, p := range call.Priorities() {
				enqueue(b, p, fmt.Sprint(p, i))
			}
		}
		messages := run(b, boundConsumer(b), 1)
		for range 7 { // all urgent ones, and two normal ones
			m := <-messages
			if err := m.Ack(); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Second)
		s := brokertest.Must[jetstream.Stream](t)(b.JetStream().Stream(t.Context(), queue.StreamParked))
		var floors []ackFloor
		if err := queue.ForEachConsumer(t.Context(), s, func(info *jetstream.ConsumerInfo) {
			floors = append(floors, ackFloor{info.AckFloor.Stream, info.Config.FilterSubject})
		}); err != nil {
			t.Fatal(err)
		}
		before := b.NATS().Stats().OutMsgs
		age, err := oldestAge(t.Context(), s, floors, time.Now())
		if asked := b.NATS().Stats().OutMsgs - before; err != nil || age == 0 || asked != 1 {
			t.Errorf("%d requests, found %s, %v", asked, age, err)
		}
	})
}

// TestOldestAboveAnotherFloor: the consumer with the lowest floor need not have the
// first message.
func TestOldestAboveAnotherFloor(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		for i, p := range []call.Priority{call.Urgent, call.Normal, call.Urgent} {
			enqueue(b, p, fmt.Sprint(i))
			<-time.After(time.Minute)
		}
		s := brokertest.Must[jetstream.Stream](t)(b.JetStream().Stream(t.Context(), queue.StreamParked))
		if err := s.DeleteMsg(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		age, err := oldestAge(t.Context(), s, []ackFloor{
			{sequence: 1, subject: "calls.due.acme.normal"},
			{sequence: 0, subject: "calls.due.acme.urgent"},
		}, time.Now())
		if err != nil || age != 2*time.Minute {
			t.Errorf("it is %s, %v", age, err)
		}
	})
}
