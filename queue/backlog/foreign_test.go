package backlog

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/brokertest"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// TestForeignConsumer: the error names it with the command that removes it, wherever
// it takes requests; what waits behind it counts as the account's.
func TestForeignConsumer(t *testing.T) {
	for _, c := range []struct {
		name, stream, filter string
		keeps                bool // ours from being made
		says                 []string
	}{
		{"one subject", queue.StreamCalls, "calls.requests.acme.normal", true, []string{"[calls.requests.acme.normal]"}},
		{"a pattern", queue.StreamCalls, "calls.requests.>", true, []string{"[calls.requests.>]"}},
		{"everything", queue.StreamCalls, "", true, []string{"everything there"}},
		{"urgent requests", queue.StreamUrgent, "", true, nil},
		{"due calls", queue.StreamParked, "calls.due.>", true, nil},
		{"another account", queue.StreamCalls, "calls.requests.other.normal", false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
				if err := b.CheckForeignConsumers(t.Context()); err != nil {
					t.Errorf("without any: %v", err)
				}
				cfg := jetstream.ConsumerConfig{Durable: "theirs", AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: c.filter}
				brokertest.Must[jetstream.Consumer](t)(b.JetStream().CreateOrUpdateConsumer(t.Context(), c.stream, cfg))
				consumer := newConsumer(b)
				bind := consumer.Bind(t.Context())
				if (bind != nil) != c.keeps {
					t.Errorf("ours is made: %v", bind)
				}
				found := b.CheckForeignConsumers(t.Context())
				errs := []error{found}
				if c.keeps {
					errs = append(errs, bind)
				}
				for _, err := range errs {
					var foreign queue.ForeignConsumer
					if !errors.As(err, &foreign) || foreign.Name != "theirs" || foreign.Stream != c.stream {
						t.Fatalf("it is not named: %v", err)
					}
					for _, part := range append(c.says, "nats consumer rm "+c.stream+" theirs") {
						if !strings.Contains(err.Error(), part) {
							t.Errorf("it does not say %q: %v", part, err)
						}
					}
				}
				for range 3 {
					b.Publish("calls.requests.acme", "{}")
				}
				synctest.Wait() // a consumer counts what was stored a moment later
				d := NewMeter(b.Conn)
				depths, orphaned, err := d.Measure(t.Context(), time.Now(), "acme")
				if err != nil || depths["acme"].Waiting != 3 || orphaned != 0 || len(d.ForeignConsumers()) != 1 {
					t.Errorf("measured %+v, %d orphaned, %v: %v", depths, orphaned, d.ForeignConsumers(), err)
				}
				if err := b.JetStream().DeleteConsumer(t.Context(), c.stream, "theirs"); err != nil {
					t.Fatal(err)
				}
				if err := consumer.Bind(t.Context()); err != nil {
					t.Errorf("when it is removed: %v", err)
				}
				depths, orphaned, err = d.Measure(t.Context(), time.Now(), "acme")
				if err != nil || depths["acme"].Waiting != 3 || orphaned != 0 || len(d.ForeignConsumers()) != 0 {
					t.Errorf("then measured %+v, %d orphaned, %v: %v", depths, orphaned, d.ForeignConsumers(), err)
				}
			})
		})
	}
}
