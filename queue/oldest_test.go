package queue

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// TestOldest is that of the first message that is left, whatever was finished
// before it and of which priority, and costs at most one question for each
// consumer, and one alone where it stands behind the first front.
func TestOldest(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		random := rand.New(rand.NewPCG(1, 2))
		came := b.run(b.consumer(), always(1))
		var held []*Message
		for range 200 {
			switch random.IntN(3) {
			case 0, 1:
				b.publish("calls.requests.acme."+string(call.Priorities()[random.IntN(3)]), "{}")
				held = append(held, <-came)
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
			for _, name := range RequestStreams() {
				if s := must[jetstream.Stream](t)(b.JetStream().Stream(t.Context(), name)); s.CachedInfo().State.Msgs > 0 {
					want = max(want, time.Since(s.CachedInfo().State.FirstTime))
				}
			}
			depths, _, err := b.NewDepthMeter().Measure(t.Context(), time.Now())
			if got := depths["acme"].Oldest; err != nil || got != want {
				t.Fatalf("with %d held it is %s, want %s: %v", len(held), got, want, err)
			}
		}
	})
}

// TestOldestAsksLittle where one consumer is behind the others, as it is with
// priorities: the first of its messages stands before all that the others have.
func TestOldestAsksLittle(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		for i := range 5 {
			for _, p := range call.Priorities() {
				b.dueOf(p, fmt.Sprint(p, i))
			}
		}
		came := b.run(b.consumer(), always(1))
		for range 7 { // all urgent ones, and two normal ones
			m := <-came
			if err := m.Ack(); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Second)
		s := must[jetstream.Stream](t)(b.JetStream().Stream(t.Context(), StreamParked))
		var fronts []front
		if err := ForEachConsumer(t.Context(), s, func(info *jetstream.ConsumerInfo) {
			fronts = append(fronts, front{info.AckFloor.Stream, info.Config.FilterSubject})
		}); err != nil {
			t.Fatal(err)
		}
		before := b.NATS().Stats().OutMsgs
		age, err := oldest(t.Context(), s, fronts, time.Now())
		if asked := b.NATS().Stats().OutMsgs - before; err != nil || age == 0 || asked != 1 {
			t.Errorf("asked %d times, found %s, %v", asked, age, err)
		}
	})
}

// TestOldestBehindAnotherFront: the one that lies first need not have the first
// message.
func TestOldestBehindAnotherFront(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		for i, p := range []call.Priority{call.Urgent, call.Normal, call.Urgent} {
			b.dueOf(p, fmt.Sprint(i))
			<-time.After(time.Minute)
		}
		s := must[jetstream.Stream](t)(b.JetStream().Stream(t.Context(), StreamParked))
		if err := s.DeleteMsg(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		age, err := oldest(t.Context(), s, []front{
			{after: 1, subject: "calls.due.acme.normal"},
			{after: 0, subject: "calls.due.acme.urgent"},
		}, time.Now())
		if err != nil || age != 2*time.Minute {
			t.Errorf("it is %s, %v", age, err)
		}
	})
}
