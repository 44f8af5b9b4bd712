package control

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// TestAForeignConsumer keeps the worker from being ready, which says how to remove
// it, and counts what waits. Then the requests are dialled.
func TestAForeignConsumer(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, env *environment) {
		js := env.Conn.JetStream()
		if _, err := (queue.Topology{Replicas: 1}).Apply(t.Context(), js); err != nil {
			t.Fatal(err)
		}
		if _, err := js.CreateConsumer(t.Context(), queue.StreamCalls, jetstream.ConsumerConfig{
			Durable: "theirs", AckPolicy: jetstream.AckExplicitPolicy,
		}); err != nil {
			t.Fatal(err)
		}
		worker := env.StartWorker("one")
		env.publish("default", "call", simulator.DefaultNumber, 3)
		<-time.After(5 * time.Minute)
		if err := worker.App.Ready(); err == nil || !strings.Contains(err.Error(), "nats consumer rm CALLS theirs") {
			t.Errorf("it is ready: %v", err)
		}
		if n, found := metric(t, worker, "ringonce_queue_waiting", "default"); n != 3 {
			t.Errorf("%v wait (%t)", n, found)
		}
		if err := js.DeleteConsumer(t.Context(), queue.StreamCalls, "theirs"); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Minute)
		if states := env.states("default", "call", 3); states[call.StatePlaced] != 3 {
			t.Errorf("then they are %v", states)
		}
		if err := worker.App.Ready(); err != nil {
			t.Errorf("then it is not ready: %v", err)
		}
	})
}
