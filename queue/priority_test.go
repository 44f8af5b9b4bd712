package queue

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// dueOf brings a call of this priority back at once.
func (b *broker) dueOf(p call.Priority, id string) {
	b.t.Helper()
	r := waiting(b.t, call.ID(id), time.Now())
	r.Priority = p
	if err := b.NewScheduler().EnqueueNow(b.t.Context(), r, call.Version{}); err != nil {
		b.t.Fatal(err)
	}
}

// name says which message it is.
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
		t.Run(fmt.Sprint("permits for ", n), func(t *testing.T) {
			withBroker(t, func(t *testing.T, b *broker) {
				var want []string
				for _, p := range call.Priorities() {
					want = append(want, string(p)+" due", string(p)+" due", string(p)+" new", string(p)+" new", string(p)+" new")
				}
				for _, p := range []call.Priority{call.Bulk, call.Normal, call.Urgent} {
					b.publish("calls.requests.acme."+string(p), "{}")
					b.publish("calls.requests.acme."+string(p), "{}")
					b.publish(RequestSubject("acme", p), "{}")
					b.dueOf(p, string(p)+"-1")
					b.dueOf(p, string(p)+"-2")
				}
				came := b.run(b.consumer(), always(n))
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

// TestEndlessUrgentRequestsStarveNobody: those below get their least share.
func TestEndlessUrgentRequestsStarveNobody(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		const calls = 400
		for range calls {
			for _, p := range call.Priorities() {
				b.publish(RequestSubject("acme", p), "{}")
			}
		}
		c := b.NewConsumer(ConsumerConfig{Account: "acme", MinShare: 0.05, AckWait: time.Minute, Provision: true, Log: quiet()})
		if err := c.Bind(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := contextOf(t)
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
	withBroker(t, func(t *testing.T, b *broker) {
		at := time.Now().Add(10 * time.Second)
		for _, p := range []call.Priority{call.Bulk, call.Normal, call.Urgent} {
			r := waiting(t, call.ID(p), at)
			r.Priority = p
			if err := b.NewScheduler().Schedule(t.Context(), r, call.Version{}); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Minute)
		came := b.run(b.consumer(), always(1))
		for _, p := range call.Priorities() {
			if m := <-came; m.Priority != p || string(m.Due.Record.ID) != string(p) {
				t.Errorf("%s came when %s was next", m.Due.Record.ID, p)
			}
		}
	})
}

// TestAPriorityThatIsNoneIsRefused, and so whoever asked is told: no stream takes
// it.
func TestAPriorityThatIsNoneIsRefused(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		for _, odd := range []string{"critical", "Urgent", "urgent.1", "normal.bulk", "a.b.c"} {
			_, err := b.JetStream().Publish(t.Context(), "calls.requests.acme."+odd, []byte("{}"), jetstream.WithRetryAttempts(0))
			if !errors.Is(err, jetstream.ErrNoStreamResponse) {
				t.Errorf("%s: %v", odd, err)
			}
		}
	})
}
