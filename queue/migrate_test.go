package queue

import (
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

// publishedBefore puts a request into CALLS as it was before it kept requests
// without a priority as normal.
func (b *broker) publishedBefore(subject, body string) {
	b.t.Helper()
	b.transform(nil)
	b.publish(subject, body)
	b.transform(withoutPriority())
}

// transform changes how CALLS names what it keeps.
func (b *broker) transform(t *jetstream.SubjectTransformConfig) {
	b.t.Helper()
	for _, cfg := range (Topology{Replicas: 1}).streams() {
		if cfg.Name == StreamCalls {
			cfg.SubjectTransform = t
			must[jetstream.Stream](b.t)(b.JetStream().UpdateStream(b.t.Context(), cfg))
		}
	}
}

// TestRequestsWithoutAPriorityAreNormal: those that come, those that came before
// the stream kept them so, and those that come to a stream that never does.
func TestRequestsWithoutAPriorityAreNormal(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		// The consumer of an earlier version, with one of them in hand.
		cfg := ConsumerConfig{Account: "acme", AckWait: 45 * time.Second}
		old := must[jetstream.Consumer](t)(b.JetStream().CreateConsumer(t.Context(), StreamCalls,
			durable("new-acme_normal", cfg, "calls.requests.acme.normal", "calls.requests.acme")))
		b.publishedBefore("calls.requests.acme", "held")
		b.publishedBefore("calls.requests.acme", "waits")
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
		b.transform(nil) // by somebody's own tools
		b.publish("calls.requests.acme", "kept as it is")
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
		b.wide()
		// An account whose name continues the other's is none of its business.
		other := b.NewConsumer(ConsumerConfig{Account: "acme-urgent", AckWait: time.Minute, Provision: true, Log: quiet()})
		if err := other.Bind(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.publish("calls.requests.acme.bulk", "held")
		old := must[jetstream.Consumer](t)(b.JetStream().Consumer(t.Context(), StreamCalls, "new-acme"))
		held := must[jetstream.Msg](t)(old.Next())
		b.publish("calls.requests.acme", "waits")
		b.dueOf(call.Urgent, "due")

		came := b.run(b.consumer(), always(5))
		for range 3 {
			if err := (<-came).Ack(); err != nil {
				t.Error(err)
			}
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
