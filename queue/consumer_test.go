package queue

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

// gate is a permit that a test opens and closes.
type gate struct {
	mu      sync.Mutex
	n       int
	changed chan struct{}
}

func newGate(n int) *gate { return &gate{n: n, changed: make(chan struct{})} }

func (g *gate) set(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n = n
	close(g.changed)
	g.changed = make(chan struct{})
}

// took uses up so many.
func (g *gate) took(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n -= n
}

func (g *gate) permit(ctx context.Context) (int, <-chan struct{}) {
	for {
		g.mu.Lock()
		n, changed := g.n, g.changed
		g.mu.Unlock()
		if ctx.Err() != nil {
			return 0, changed
		}
		if n > 0 {
			return n, changed
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

func (b *broker) consumer() *Consumer {
	b.t.Helper()
	c := b.NewConsumer(ConsumerConfig{Account: "acme", AckWait: 45 * time.Second, Provision: true, Log: quiet()})
	if err := c.Bind(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	return c
}

// pending is how many requests the broker believes workers to hold.
func (b *broker) pending() int {
	b.t.Helper()
	c, err := b.JetStream().Consumer(b.t.Context(), StreamCalls, "new-acme_normal")
	if err != nil {
		b.t.Fatal(err)
	}
	return c.CachedInfo().NumAckPending
}

// TestNoMoreIsPulledThanPermitted with many waiting, for as long as it takes.
func TestNoMoreIsPulledThanPermitted(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		for i := range 50 {
			b.publish("calls.requests.acme", fmt.Sprint(i))
		}
		g := newGate(0)
		var came []*Message
		ctx, cancel := contextOf(t)
		ended := make(chan struct{})
		c := b.consumer()
		go func() {
			defer close(ended)
			c.Run(ctx, g.permit, func(m *Message) {
				g.took(1)
				came = append(came, m)
			})
		}()
		want := 0
		for _, n := range []int{1, 3, 0, 7, 2} {
			g.set(n)
			want += n
			<-time.After(10 * time.Second)
			synctest.Wait()
			if len(came) != want || b.pending() != want {
				t.Fatalf("%d came, %d are held, permitted were %d", len(came), b.pending(), want)
			}
		}
		for i, m := range came {
			if string(m.Body) != fmt.Sprint(i) {
				t.Errorf("%s came in place %d", m.Body, i)
			}
		}
		cancel()
		<-ended
	})
}

// TestAnIdleConsumerHearsOfANewMessageAtOnce whichever stream it comes by.
func TestAnIdleConsumerHearsOfANewMessageAtOnce(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		came := b.run(b.consumer(), always(5))
		for range 3 {
			<-time.After(2 * time.Minute)
			start := time.Now()
			b.publish("calls.requests.acme", "{}")
			_ = (<-came).Ack()
			if err := b.NewScheduler().EnqueueNow(t.Context(), waiting(t, "a", time.Now()), call.Version{}); err != nil {
				t.Fatal(err)
			}
			_ = (<-came).Ack()
			if waited := time.Since(start); waited > time.Second {
				t.Errorf("they came after %s", waited)
			}
		}
	})
}

// TestAWithdrawnPermitPullsNothing leaves what comes then to others, at once.
func TestAWithdrawnPermitPullsNothing(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		stopped := newGate(5)
		held := b.run(b.consumer(), stopped.permit)
		<-time.After(time.Minute)
		stopped.set(0)
		synctest.Wait()
		b.publish("calls.requests.acme", "{}")
		<-time.After(10 * time.Second)
		if len(held) > 0 {
			t.Fatalf("%d came", len(held))
		}
		start := time.Now()
		other := b.run(b.consumer(), always(5))
		<-other
		if waited := time.Since(start); waited > 0 {
			t.Errorf("the other worker got it after %s", waited)
		}
	})
}

// TestNothingIsHeldWithoutAPermit lets both streams bring something to an idle
// consumer that may take one, and then more while it may take none.
func TestNothingIsHeldWithoutAPermit(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		g := newGate(1)
		came := make(chan *Message, 10)
		ctx, cancel := contextOf(t)
		ended := make(chan struct{})
		c := b.consumer()
		go func() {
			defer close(ended)
			c.Run(ctx, g.permit, func(m *Message) {
				g.took(1)
				came <- m
			})
		}()
		<-time.After(time.Minute)
		for range 2 {
			b.publish("calls.requests.acme", "{}")
			if err := b.NewScheduler().EnqueueNow(t.Context(), waiting(t, "a", time.Now()), call.Version{}); err != nil {
				t.Fatal(err)
			}
			<-time.After(10 * time.Second)
		}
		other := b.run(b.consumer(), always(10))
		<-time.After(time.Second)
		if len(came) != 1 || len(other) != 3 {
			t.Errorf("%d came, permitted was 1; %d of 3 are left for others", len(came), len(other))
		}
		cancel()
		<-ended
	})
}

// TestRunEndsWithItsContext and leaves nothing behind that pulls.
func TestRunEndsWithItsContext(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		ctx, cancel := contextOf(t)
		ended := make(chan struct{})
		c := b.consumer()
		go func() {
			defer close(ended)
			c.Run(ctx, newGate(5).permit, func(*Message) { t.Error("something came") })
		}()
		<-time.After(time.Minute)
		cancel()
		<-ended
		b.publish("calls.requests.acme", "{}")
		<-time.After(10 * time.Second)
		if n := b.pending(); n != 0 {
			t.Errorf("%d are held by nobody", n)
		}
	})
}

// TestAConsumerThatWasDeletedIsMadeAgain while it listens and while it pulls.
func TestAConsumerThatWasDeletedIsMadeAgain(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		came := b.run(b.consumer(), always(5))
		for _, idle := range []time.Duration{0, time.Minute} {
			<-time.After(idle)
			for stream, consumer := range map[string]string{StreamCalls: "new-acme_normal", StreamParked: "due-acme_normal"} {
				if err := b.JetStream().DeleteConsumer(t.Context(), stream, consumer); err != nil {
					t.Fatal(err)
				}
			}
			b.publish("calls.requests.acme", "{}")
			if err := b.NewScheduler().EnqueueNow(t.Context(), waiting(t, "a", time.Now()), call.Version{}); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			for range 2 {
				_ = (<-came).Ack()
			}
			if waited := time.Since(start); waited > time.Minute {
				t.Errorf("they came after %s", waited)
			}
		}
	})
}

// TestWithoutOneConsumerTheOthersGoOn at the start, and when it is deleted
// later; what it held back comes when somebody has made it again.
func TestWithoutOneConsumerTheOthersGoOn(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		without := func() {
			for stream, consumer := range map[string]string{StreamUrgent: "new-acme_urgent", StreamParked: "due-acme_urgent"} {
				if err := b.JetStream().DeleteConsumer(t.Context(), stream, consumer); err != nil {
					t.Fatal(err)
				}
			}
		}
		b.consumer()
		without()
		var missing atomic.Int64
		c := b.NewConsumer(ConsumerConfig{
			Account: "acme", AckWait: 45 * time.Second, Log: quiet(),
			OnUnbound: func(n int) { missing.Store(int64(n)) },
		})
		came := b.run(c, always(5))
		for round := range 2 {
			b.publish("calls.requests.acme.urgent", "held back")
			for _, idle := range []time.Duration{0, time.Second, time.Minute} {
				<-time.After(idle)
				b.publish("calls.requests.acme", "normal")
				b.publish("calls.requests.acme.bulk", "bulk")
				start := time.Now()
				for range 2 {
					m := <-came
					if string(m.Body) == "held back" {
						t.Fatal("it came without its consumer")
					}
					_ = m.Ack()
				}
				if waited := time.Since(start); waited > time.Second {
					t.Errorf("round %d, %s later: they came after %s", round, idle, waited)
				}
			}
			if n := missing.Load(); n != 2 {
				t.Errorf("round %d: %d are said to be missing, 2 are", round, n)
			}
			b.consumer()
			if m := <-came; string(m.Body) != "held back" {
				t.Fatalf("%q came", m.Body)
			} else {
				_ = m.Ack()
			}
			<-time.After(10 * time.Second)
			if n := missing.Load(); n != 0 {
				t.Errorf("round %d: %d are said to be missing, none is", round, n)
			}
			without()
		}
	})
}

// TestAConsumerThatMayNotBeMade is waited for: somebody else makes it.
func TestAConsumerThatMayNotBeMade(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		c := b.NewConsumer(ConsumerConfig{Account: "acme", AckWait: 45 * time.Second, Log: quiet()})
		if err := c.Bind(t.Context()); err == nil {
			t.Error("it was bound")
		}
		came := b.run(c, always(5))
		b.publish("calls.requests.acme", "{}")
		<-time.After(time.Minute)
		if len(came) > 0 {
			t.Fatal("something came")
		}
		b.consumer()
		<-came
	})
}

// TestABrokerThatRestarts loses nothing, and is pulled from again.
func TestABrokerThatRestarts(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		came := b.run(b.consumer(), always(5))
		<-time.After(time.Minute)
		b.publish("calls.requests.acme", "held")
		<-came
		b.stop()
		<-time.After(time.Minute)
		b.start(nil)
		start := time.Now()
		if m := <-came; string(m.Body) != "held" {
			t.Errorf("%q came", m.Body)
		}
		b.publishWhenUp("calls.requests.acme", "new")
		for string((<-came).Body) != "new" {
		}
		if waited := time.Since(start); waited > 2*time.Minute {
			t.Errorf("they came after %s", waited)
		}
	})
}

func (b *broker) publishWhenUp(subject, body string) {
	b.t.Helper()
	for !b.NATS().IsConnected() {
		<-time.After(time.Second)
	}
	b.publish(subject, body)
}
