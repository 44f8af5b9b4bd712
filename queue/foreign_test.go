package queue

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// TestAConsumerOfSomethingElse is named with the command that removes it, wherever
// it takes requests; what waits behind it is counted as the account's.
func TestAConsumerOfSomethingElse(t *testing.T) {
	for _, c := range []struct {
		name, stream, filter string
		keeps                bool // ours from being made
		says                 []string
	}{
		{"one subject", StreamCalls, "calls.requests.acme.normal", true, []string{"[calls.requests.acme.normal]"}},
		{"a pattern", StreamCalls, "calls.requests.>", true, []string{"[calls.requests.>]"}},
		{"everything", StreamCalls, "", true, []string{"everything there"}},
		{"urgent requests", StreamUrgent, "", true, nil},
		{"due calls", StreamParked, "calls.due.>", true, nil},
		{"another account", StreamCalls, "calls.requests.nobody.normal", false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			withBroker(t, func(t *testing.T, b *broker) {
				if err := b.CheckForeignConsumers(t.Context()); err != nil {
					t.Errorf("without any: %v", err)
				}
				cfg := jetstream.ConsumerConfig{Durable: "theirs", AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: c.filter}
				must[jetstream.Consumer](t)(b.JetStream().CreateOrUpdateConsumer(t.Context(), c.stream, cfg))
				consumer := b.NewConsumer(ConsumerConfig{Account: "acme", MinShare: 0.05, AckWait: time.Minute, Provision: true, Log: quiet()})
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
					var foreign ForeignConsumer
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
					b.publish("calls.requests.acme", "{}")
				}
				d := b.NewDepthMeter()
				depths, unserved, err := d.Measure(t.Context(), time.Now(), "acme")
				if err != nil || depths["acme"].Waiting != 3 || unserved != 0 || len(d.ForeignConsumers()) != 1 {
					t.Errorf("measured %+v, %d unserved, %v: %v", depths, unserved, d.ForeignConsumers(), err)
				}
				if err := b.JetStream().DeleteConsumer(t.Context(), c.stream, "theirs"); err != nil {
					t.Fatal(err)
				}
				if err := consumer.Bind(t.Context()); err != nil {
					t.Errorf("when it is removed: %v", err)
				}
				depths, unserved, err = d.Measure(t.Context(), time.Now(), "acme")
				if err != nil || depths["acme"].Waiting != 3 || unserved != 0 || len(d.ForeignConsumers()) != 0 {
					t.Errorf("then measured %+v, %d unserved, %v: %v", depths, unserved, d.ForeignConsumers(), err)
				}
			})
		})
	}
}
