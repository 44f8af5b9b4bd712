package queue

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// wide makes the consumers of the version that had one for all priorities.
func (b *broker) wide() {
	b.t.Helper()
	cfg := ConsumerConfig{Account: "acme", AckWait: 45 * time.Second}
	must[jetstream.Consumer](b.t)(b.JetStream().CreateConsumer(b.t.Context(), StreamParked, durable("due-acme", cfg, "calls.due.acme.*")))
	must[jetstream.Consumer](b.t)(b.JetStream().CreateConsumer(b.t.Context(), StreamCalls,
		durable("new-acme", cfg, "calls.requests.acme", "calls.requests.acme.*")))
}

// publishedBefore puts requests into CALLS as it was when it took every subject
// and kept it.
func (b *broker) publishedBefore(body string, subjects ...string) {
	b.t.Helper()
	b.earlier()
	for _, subject := range subjects {
		b.publish(subject, body)
	}
	b.narrow()
}

// earlier makes CALLS what it was in earlier versions, the only stream of
// requests.
func (b *broker) earlier() {
	b.t.Helper()
	for _, name := range []string{StreamUrgent, StreamBulk} {
		if err := b.JetStream().DeleteStream(b.t.Context(), name); err != nil {
			b.t.Fatal(err)
		}
	}
	cfg := Topology{Replicas: 1}.requests(call.Normal, normalMaxBytes)
	cfg.Subjects, cfg.SubjectTransform = []string{"calls.requests.>"}, nil
	must[jetstream.Stream](b.t)(b.JetStream().UpdateStream(b.t.Context(), cfg))
}

// narrow does what whoever runs such a stream is told to do.
func (b *broker) narrow() {
	b.t.Helper()
	must[jetstream.Stream](b.t)(b.JetStream().UpdateStream(b.t.Context(), Topology{Replicas: 1}.requests(call.Normal, normalMaxBytes)))
	b.apply()
}

// TestRequestsWithoutAPriorityAreNormal: those that come, those that came before
// the stream kept them so, and those that come to a stream that never does.
func TestRequestsWithoutAPriorityAreNormal(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		// The consumer of an earlier version, with one of them in hand.
		cfg := ConsumerConfig{Account: "acme", AckWait: 45 * time.Second}
		old := must[jetstream.Consumer](t)(b.JetStream().CreateConsumer(t.Context(), StreamCalls,
			durable("new-acme_normal", cfg, "calls.requests.acme.normal", "calls.requests.acme")))
		b.publishedBefore("held", "calls.requests.acme")
		b.publishedBefore("waits", "calls.requests.acme")
		held := must[jetstream.Msg](t)(old.Next())
		if err := held.Nak(); err != nil {
			t.Fatal(err)
		}
		b.publish("calls.requests.acme", "new")
		b.publish("calls.requests.acme.normal", "named")

		c := b.consumer()
		came := b.run(c, always(5))
		got := map[string]bool{}
		take := func() {
			t.Helper()
			select {
			case m := <-came:
				if m.Priority != call.Normal || m.Account != "acme" {
					t.Errorf("%s came as %+v", m.Body, m.Delivery)
				}
				got[string(m.Body)] = true
				if err := m.Ack(); err != nil {
					t.Error(err)
				}
			case <-time.After(time.Hour):
				t.Fatalf("nothing more came after %v", got)
			}
		}
		take()
		take()
		<-time.After(10 * time.Second)
		b.look(c)
		take()
		take()
		b.publishedBefore("kept as it is", "calls.requests.acme")
		<-time.After(10 * time.Second)
		b.look(c)
		take()
		if len(got) != 5 {
			t.Errorf("came %v", got)
		}
		b.holds(StreamCalls)
	})
}

// TestConsumersForAllPrioritiesGiveWay to one for each, and nothing is lost:
// not what waits, nor what a worker of the earlier version holds.
func TestConsumersForAllPrioritiesGiveWay(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		b.earlier()
		b.wide()
		b.publish("calls.requests.acme.bulk", "held")
		b.narrow()
		// An account whose name continues the other's is none of its business.
		other := b.NewConsumer(ConsumerConfig{Account: "acme-urgent", AckWait: time.Minute, Provision: true, Log: quiet()})
		if err := other.Bind(t.Context()); err != nil {
			t.Fatal(err)
		}
		old := must[jetstream.Consumer](t)(b.JetStream().Consumer(t.Context(), StreamCalls, "new-acme"))
		held := must[jetstream.Msg](t)(old.Next())
		b.publish("calls.requests.acme", "waits")
		b.dueOf(call.Urgent, "due")

		c := b.consumer()
		came := b.run(c, always(5))
		for range 2 {
			if err := (<-came).Ack(); err != nil {
				t.Error(err)
			}
		}
		b.look(c)
		if err := (<-came).Ack(); err != nil {
			t.Error(err)
		}
		_ = held.Ack() // too late, and harmless
		<-time.After(2 * time.Minute)
		if len(came) > 0 {
			t.Errorf("%d came twice", len(came))
		}
		b.holds(StreamCalls)
		b.holds(StreamParked)
		for stream, wide := range map[string]string{StreamCalls: "new-acme", StreamParked: "due-acme"} {
			if _, err := b.JetStream().Consumer(t.Context(), stream, wide); err == nil {
				t.Errorf("%s is still there", wide)
			}
			if _, err := b.JetStream().Consumer(t.Context(), stream, wide+"-urgent_normal"); err != nil {
				t.Errorf("%s-urgent: %v", wide, err)
			}
		}
	})
}

// TestAStreamOfEveryPriorityIsNarrowed: until it is, it is said how. Nothing that
// waits there is lost, nor what a worker of the earlier version holds, and the
// consumers that it pulled from are in nobody's way.
func TestAStreamOfEveryPriorityIsNarrowed(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		b.earlier()
		cfg := ConsumerConfig{Account: "acme", AckWait: 45 * time.Second}
		for _, p := range call.Priorities() {
			must[jetstream.Consumer](t)(b.JetStream().CreateConsumer(t.Context(), StreamCalls,
				durable(consumerName(consumesNew, "acme", p), cfg, storedSubject("acme", p))))
		}
		asked := []string{".urgent", ".urgent", ".bulk", ".normal", "", ".critical"}
		for i, last := range asked {
			b.publish("calls.requests.acme"+last, fmt.Sprint("before", i, last))
		}
		old := must[jetstream.Consumer](t)(b.JetStream().Consumer(t.Context(), StreamCalls, "new-acme_urgent"))
		must[jetstream.Msg](t)(old.Next())

		_, err := Topology{Replicas: 1}.Apply(t.Context(), b.JetStream())
		if err == nil || !strings.Contains(err.Error(), "nats stream edit CALLS") {
			t.Fatalf("it is not said what to do: %v", err)
		}
		b.narrow()
		if found, err := (Topology{Replicas: 1}).Check(t.Context(), b.JetStream()); err != nil || len(found) > 0 {
			t.Errorf("then they differ in %v, %v", found, err)
		}
		for i, last := range asked[:5] {
			b.publish("calls.requests.acme"+last, fmt.Sprint("after", i, last))
		}

		c := b.consumer()
		came := b.run(c, always(20))
		got := map[string]bool{}
		take := func(n int) {
			t.Helper()
			for range n {
				select {
				case m := <-came:
					if got[string(m.Body)] {
						t.Errorf("%s came twice", m.Body)
					}
					got[string(m.Body)] = true
					if err := m.Ack(); err != nil {
						t.Error(err)
					}
				case <-time.After(time.Hour):
					t.Fatalf("nothing more came after %v", got)
				}
			}
		}
		take(len(asked[:5]) + 1) // and the normal one of before
		<-time.After(10 * time.Second)
		depths, unserved, err := b.NewDepths().Measure(t.Context(), time.Now())
		if err != nil || depths["acme"].InHand != 1 || unserved != 5 {
			t.Errorf("measured %+v and %d that no consumer has, %v", depths["acme"], unserved, err)
		}
		b.look(c)
		take(len(asked) - 1)
		<-time.After(2 * time.Minute)
		if len(came) > 0 {
			t.Errorf("%d came twice", len(came))
		}
		for _, stream := range RequestStreams() {
			b.holds(stream)
		}
	})
}

// TestWhatAnEarlierWorkerHeldIsFound although it is all that is left: no count of
// what waits has it.
func TestWhatAnEarlierWorkerHeldIsFound(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		b.earlier()
		old := must[jetstream.Consumer](t)(b.JetStream().CreateConsumer(t.Context(), StreamCalls,
			durable("new-acme_bulk", ConsumerConfig{Account: "acme", AckWait: 45 * time.Second}, "calls.requests.acme.bulk")))
		b.publish("calls.requests.acme.bulk", "held")
		must[jetstream.Msg](t)(old.Next())
		b.narrow()
		c := b.consumer()
		came := b.run(c, always(5))
		<-time.After(time.Hour)
		depths, unserved, err := b.NewDepths().Measure(t.Context(), time.Now())
		if err != nil || depths["acme"].InHand != 1 || unserved != 1 {
			t.Fatalf("measured %+v, %d that nobody serves, %v", depths["acme"], unserved, err)
		}
		b.look(c)
		select {
		case m := <-came:
			if err := m.Ack(); err != nil {
				t.Error(err)
			}
		case <-time.After(time.Hour):
			t.Fatal("it does not come")
		}
		b.holds(StreamCalls)
	})
}

// TestWhatAnEarlierVersionLeftComesBeforeABacklog: a queue that is never empty
// would keep it for ever.
func TestWhatAnEarlierVersionLeftComesBeforeABacklog(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		b.publishedBefore("left", "calls.requests.acme.urgent", "calls.requests.acme", "calls.requests.acme.bulk")
		for range 30 {
			b.publish("calls.requests.acme", "new")
		}
		c := b.consumer()
		came := b.run(c, always(1))
		left := 0
		for n := range 100 {
			m := <-came
			if string(m.Body) == "left" {
				left++
			}
			if err := m.Ack(); err != nil {
				t.Fatal(err)
			}
			b.publish("calls.requests.acme", "new")
			if n == 10 {
				b.look(c)
			}
		}
		if left != 3 {
			t.Errorf("%d of 3 came", left)
		}
	})
}
