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

// look covers what no consumer does, as a worker does now and then.
func (b *broker) look(c *Consumer) {
	b.t.Helper()
	strays, err := b.Strays(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := c.Cover(b.t.Context(), strays["acme"]); err != nil {
		b.t.Fatal(err)
	}
}

// TestAPriorityThatIsNone reaches the worker, which ends it with a reason:
// while it is idle, again later, and by other subjects than before.
func TestAPriorityThatIsNone(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		c := b.consumer()
		came := b.run(c, always(10))
		for _, odd := range []call.Priority{"critical", "critical", "Urgent", "bulk.1"} {
			b.publishedBefore("{}", "calls.requests.globex.odd", "calls.requests.acme."+string(odd)) // one of another account
			<-time.After(10 * time.Second)
			b.look(c)
			var m *Message
			select {
			case m = <-came:
			case <-time.After(time.Hour):
				t.Fatalf("nobody is given the request of priority %q", odd)
			}
			if m.Priority != odd || m.Account != "acme" {
				t.Errorf("it came as %+v", m.Delivery)
			}
			if err := m.Ack(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestManyStraySubjects are covered some at a time, and each comes once.
func TestManyStraySubjects(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		c := b.consumer()
		came := b.run(c, always(10))
		const subjects = 2*mostStrays + 1
		var odd []string
		for i := range subjects {
			odd = append(odd, fmt.Sprint("calls.requests.acme.", i))
		}
		b.publishedBefore("{}", odd...)
		got := map[call.Priority]bool{}
		for range 10 {
			if len(got) == subjects {
				return
			}
			<-time.After(10 * time.Second)
			b.look(c)
			for range min(mostStrays, subjects-len(got)) {
				var m *Message
				select {
				case m = <-came:
				case <-time.After(2 * time.Minute):
					t.Fatalf("%d of %d came", len(got), subjects)
				}
				if got[m.Priority] {
					t.Fatalf("%s came twice", m.Priority)
				}
				got[m.Priority] = true
				if err := m.Ack(); err != nil {
					t.Error(err)
				}
			}
		}
		t.Errorf("%d of %d came", len(got), subjects)
	})
}

// TestStrays are those of every account, and nothing that a consumer covers.
func TestStrays(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		b.publishedBefore("{}", "calls.requests.initech", "calls.requests.acme.urgent", "calls.requests.acme.normal",
			"calls.requests.acme.URGENT", "calls.requests.acme.bulk.x", "calls.requests.globex.1")
		for _, rest := range []string{"acme", "acme.urgent", "acme.normal", "acme.bulk", "globex"} {
			b.publish("calls.requests."+rest, "{}")
		}
		strays, err := b.Strays(t.Context())
		if err != nil || len(strays) != 3 ||
			!slices.Equal(strays["initech"], []string{"calls.requests.initech"}) ||
			!slices.Equal(strays["acme"], []string{"calls.requests.acme.URGENT", "calls.requests.acme.bulk.x", "calls.requests.acme.urgent"}) ||
			!slices.Equal(strays["globex"], []string{"calls.requests.globex.1"}) {
			t.Errorf("found %q, %v", strays, err)
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

// TestStraysOfTheNextRoundAreRead although the consumer of the round before was
// deleted for them, which may be heard of last.
func TestStraysOfTheNextRoundAreRead(t *testing.T) {
	cfg := ConsumerConfig{Account: "acme", AckWait: time.Minute}
	b := newInbox(nil, "acme", quiet())
	b.sources = sourcesOf(cfg)
	round := func() *source {
		s := newSource(StreamCalls, 1, durable("odd-acme", cfg, "calls.requests.acme.odd"))
		b.cover(s)
		b.adopt()
		return s
	}
	before := round()
	before.brought = []*delivery{{}}
	next := round()
	if len(next.brought) != 1 {
		t.Error("what the one before had brought is lost")
	}
	next.brought = nil
	b.unbind(before, refusedError{"the broker ended the pull: 409 Consumer Deleted"})
	if !slices.Contains(b.sources, next) || len(b.sources) != 2*priorities+1 {
		t.Errorf("it is pulled from %d sources", len(b.sources))
	}
}

// TestStraysAreCoveredOnce, and anew when there are others: their consumer is
// another one, of which the source before knows nothing.
func TestStraysAreCoveredOnce(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		c := b.consumer()
		for _, round := range []struct {
			what, publish string
			anew          bool
		}{
			{"nothing is astray", "", false},
			{"the first", "calls.requests.acme.odd", true},
			{"the same", "calls.requests.acme.odd", false},
			{"another one", "calls.requests.acme.other", true},
		} {
			if round.publish != "" {
				b.publishedBefore("{}", round.publish)
			}
			b.look(c)
			if anew := c.inbox.stray != nil; anew != round.anew {
				t.Errorf("%s: they are covered anew: %t", round.what, anew)
			}
			c.inbox.adopt()
		}
		if n := len(c.inbox.sources) - 2*priorities; n != 1 {
			t.Errorf("they are pulled from %d sources", n)
		}
	})
}
