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
