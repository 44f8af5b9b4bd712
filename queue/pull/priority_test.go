package pull

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// enqueueDue brings a call of this priority back at once.
func enqueueDue(b *queuetest.Broker, p call.Priority, id string) {
	b.T.Helper()
	r := queuetest.Waiting(b.T, call.ID(id), time.Now())
	r.Priority = p
	if err := b.NewScheduler().EnqueueNow(b.T.Context(), r, call.Version{}); err != nil {
		b.T.Fatal(err)
	}
}

// name returns the priority and the kind of a message.
func name(m *Message) string {
	kind := "new"
	if m.Due != nil {
		kind = "due"
	}
	return string(m.Priority) + " " + kind
}

// TestOrder of what waits: by priority, due calls before new requests.
func TestOrder(t *testing.T) {
	for _, n := range []int{1, 4, 100} {
		t.Run(fmt.Sprint("capacity of ", n), func(t *testing.T) {
			queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
				var want []string
				for _, p := range call.Priorities() {
					want = append(want, string(p)+" due", string(p)+" due", string(p)+" new", string(p)+" new", string(p)+" new")
				}
				for _, p := range []call.Priority{call.Bulk, call.Normal, call.Urgent} {
					b.Publish("calls.requests.acme."+string(p), "{}")
					b.Publish("calls.requests.acme."+string(p), "{}")
					b.Publish(queue.RequestSubject("acme", p), "{}")
					enqueueDue(b, p, string(p)+"-1")
					enqueueDue(b, p, string(p)+"-2")
				}
				came := run(b, newBound(b), always(n))
				var got []string
				for range want {
					m := <-came
					got = append(got, name(m))
					if err := m.Ack(); err != nil {
						t.Error(err)
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("came %q", got)
				}
			})
		})
	}
}

// TestEndlessUrgentRequestsStarveNone: those below get their share.
func TestEndlessUrgentRequestsStarveNone(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		const calls = 400
		for range calls {
			for _, p := range call.Priorities() {
				b.Publish(queue.RequestSubject("acme", p), "{}")
			}
		}
		c := newConsumers(b).New(Config{Account: "acme", MinShare: 0.05, AckWait: time.Minute, Provision: true, Log: queuetest.Quiet()})
		if err := c.Bind(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		got := map[call.Priority]int{}
		n := 0
		c.Run(ctx, always(1), func(m *Message) {
			got[m.Priority]++
			if n++; n == calls {
				cancel()
			}
		})
		for _, p := range []call.Priority{call.Normal, call.Bulk} {
			if got[p] < 18 || got[p] > 21 {
				t.Errorf("of %d calls %d are %s, want 20", calls, got[p], p)
			}
		}
	})
}

// TestRetriesKeepTheirPriority through parking.
func TestRetriesKeepTheirPriority(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		at := time.Now().Add(10 * time.Second)
		for _, p := range []call.Priority{call.Bulk, call.Normal, call.Urgent} {
			r := queuetest.Waiting(t, call.ID(p), at)
			r.Priority = p
			if err := b.NewScheduler().Schedule(t.Context(), r, call.Version{}); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Minute)
		came := run(b, newBound(b), always(1))
		for _, p := range call.Priorities() {
			if m := <-came; m.Priority != p || string(m.Due.Record.ID) != string(p) {
				t.Errorf("%s came when %s was next", m.Due.Record.ID, p)
			}
		}
	})
}

// TestAnUnknownPriorityIsRefused: no stream takes it, and the publisher is told so.
func TestAnUnknownPriorityIsRefused(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		for _, odd := range []string{"critical", "Urgent", "urgent.1", "normal.bulk", "a.b.c"} {
			_, err := b.JetStream().Publish(t.Context(), "calls.requests.acme."+odd, []byte("{}"), jetstream.WithRetryAttempts(0))
			if !errors.Is(err, jetstream.ErrNoStreamResponse) {
				t.Errorf("%s: %v", odd, err)
			}
		}
	})
}
