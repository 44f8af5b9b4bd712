package pull

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// testCapacity is capacity that a test sets.
type testCapacity struct {
	mu      sync.Mutex
	n       int
	changed chan struct{}
}

func newTestCapacity(n int) *testCapacity { return &testCapacity{n: n, changed: make(chan struct{})} }

func (c *testCapacity) set(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n = n
	close(c.changed)
	c.changed = make(chan struct{})
}

// use uses up so many.
func (c *testCapacity) use(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n -= n
}

func (c *testCapacity) wait(ctx context.Context) (int, <-chan struct{}) {
	for {
		c.mu.Lock()
		n, changed := c.n, c.changed
		c.mu.Unlock()
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

// pending is how many requests the broker believes workers to hold.
func pending(b *queuetest.Broker) int {
	b.T.Helper()
	c, err := b.JetStream().Consumer(b.T.Context(), queue.StreamCalls, "new-acme_normal")
	if err != nil {
		b.T.Fatal(err)
	}
	return c.CachedInfo().NumAckPending
}

// TestNoMoreIsPulledThanCapacity with many waiting, for as long as it takes.
func TestNoMoreIsPulledThanCapacity(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		for i := range 50 {
			b.Publish("calls.requests.acme", fmt.Sprint(i))
		}
		g := newTestCapacity(0)
		var came []*Message
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		c := newBound(b)
		go func() {
			defer close(ended)
			c.Run(ctx, g.wait, func(m *Message) {
				g.use(1)
				came = append(came, m)
			})
		}()
		want := 0
		for _, n := range []int{1, 3, 0, 7, 2} {
			g.set(n)
			want += n
			<-time.After(10 * time.Second)
			synctest.Wait()
			if len(came) != want || pending(b) != want {
				t.Fatalf("%d came, %d are held, capacity was %d", len(came), pending(b), want)
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

// TestAnIdleConsumerGetsANewMessageAtOnce from whichever stream.
func TestAnIdleConsumerGetsANewMessageAtOnce(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		came := run(b, newBound(b), always(5))
		for range 3 {
			<-time.After(2 * time.Minute)
			start := time.Now()
			b.Publish("calls.requests.acme", "{}")
			_ = (<-came).Ack()
			if err := b.NewScheduler().EnqueueNow(t.Context(), queuetest.Waiting(t, "a", time.Now()), call.Version{}); err != nil {
				t.Fatal(err)
			}
			_ = (<-came).Ack()
			if waited := time.Since(start); waited > time.Second {
				t.Errorf("they came after %s", waited)
			}
		}
	})
}

// TestRevokedCapacityPullsNothing leaves what comes then to others, at once.
func TestRevokedCapacityPullsNothing(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		stopped := newTestCapacity(5)
		held := run(b, newBound(b), stopped.wait)
		<-time.After(time.Minute)
		stopped.set(0)
		synctest.Wait()
		b.Publish("calls.requests.acme", "{}")
		<-time.After(10 * time.Second)
		if len(held) > 0 {
			t.Fatalf("%d came", len(held))
		}
		start := time.Now()
		other := run(b, newBound(b), always(5))
		<-other
		if waited := time.Since(start); waited > 0 {
			t.Errorf("the other worker got it after %s", waited)
		}
	})
}

// TestNothingIsHeldWithoutCapacity lets both streams bring something to an idle
// consumer that may take one, and then more while it may take none.
func TestNothingIsHeldWithoutCapacity(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		g := newTestCapacity(1)
		came := make(chan *Message, 10)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		c := newBound(b)
		go func() {
			defer close(ended)
			c.Run(ctx, g.wait, func(m *Message) {
				g.use(1)
				came <- m
			})
		}()
		<-time.After(time.Minute)
		for range 2 {
			b.Publish("calls.requests.acme", "{}")
			if err := b.NewScheduler().EnqueueNow(t.Context(), queuetest.Waiting(t, "a", time.Now()), call.Version{}); err != nil {
				t.Fatal(err)
			}
			<-time.After(10 * time.Second)
		}
		other := run(b, newBound(b), always(10))
		<-time.After(time.Second)
		if len(came) != 1 || len(other) != 3 {
			t.Errorf("%d came, capacity was 1; %d of 3 are left for others", len(came), len(other))
		}
		cancel()
		<-ended
	})
}

// TestRunEndsWithItsContext and leaves nothing behind that pulls.
func TestRunEndsWithItsContext(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		c := newBound(b)
		go func() {
			defer close(ended)
			c.Run(ctx, newTestCapacity(5).wait, func(*Message) { t.Error("something came") })
		}()
		<-time.After(time.Minute)
		cancel()
		<-ended
		b.Publish("calls.requests.acme", "{}")
		<-time.After(10 * time.Second)
		if n := pending(b); n != 0 {
			t.Errorf("%d are held although no worker has them", n)
		}
	})
}

// TestADeletedConsumerIsRecreated while it waits and while it fetches.
func TestADeletedConsumerIsRecreated(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		came := run(b, newBound(b), always(5))
		for _, idle := range []time.Duration{0, time.Minute} {
			<-time.After(idle)
			for stream, consumer := range map[string]string{queue.StreamCalls: "new-acme_normal", queue.StreamParked: "due-acme_normal"} {
				if err := b.JetStream().DeleteConsumer(t.Context(), stream, consumer); err != nil {
					t.Fatal(err)
				}
			}
			b.Publish("calls.requests.acme", "{}")
			if err := b.NewScheduler().EnqueueNow(t.Context(), queuetest.Waiting(t, "a", time.Now()), call.Version{}); err != nil {
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
// later; what it held back comes when it was recreated.
func TestWithoutOneConsumerTheOthersGoOn(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		without := func() {
			for stream, consumer := range map[string]string{queue.StreamUrgent: "new-acme_urgent", queue.StreamParked: "due-acme_urgent"} {
				if err := b.JetStream().DeleteConsumer(t.Context(), stream, consumer); err != nil {
					t.Fatal(err)
				}
			}
		}
		newBound(b)
		without()
		var unbound atomic.Int64
		c := newConsumers(b).New(Config{
			Account: "acme", AckWait: 45 * time.Second, Log: queuetest.Quiet(),
			OnUnbound: func(n int) { unbound.Store(int64(n)) },
		})
		came := run(b, c, always(5))
		for round := range 2 {
			b.Publish("calls.requests.acme.urgent", "held back")
			for _, idle := range []time.Duration{0, time.Second, time.Minute} {
				<-time.After(idle)
				b.Publish("calls.requests.acme", "normal")
				b.Publish("calls.requests.acme.bulk", "bulk")
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
			if n := unbound.Load(); n != 2 {
				t.Errorf("round %d: %d are reported as unbound, 2 are", round, n)
			}
			newBound(b)
			if m := <-came; string(m.Body) != "held back" {
				t.Fatalf("%q came", m.Body)
			} else {
				_ = m.Ack()
			}
			<-time.After(10 * time.Second)
			if n := unbound.Load(); n != 0 {
				t.Errorf("round %d: %d are reported as unbound, none is", round, n)
			}
			without()
		}
	})
}

// TestAConsumerThatMayNotBeCreated is waited for until another worker creates it.
func TestAConsumerThatMayNotBeCreated(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		c := newConsumers(b).New(Config{Account: "acme", AckWait: 45 * time.Second, Log: queuetest.Quiet()})
		if err := c.Bind(t.Context()); err == nil {
			t.Error("it was bound")
		}
		came := run(b, c, always(5))
		b.Publish("calls.requests.acme", "{}")
		<-time.After(time.Minute)
		if len(came) > 0 {
			t.Fatal("something came")
		}
		newBound(b)
		<-came
	})
}

// TestABrokerThatRestarts loses nothing, and is pulled from again.
func TestABrokerThatRestarts(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		came := run(b, newBound(b), always(5))
		<-time.After(time.Minute)
		b.Publish("calls.requests.acme", "held")
		<-came
		b.Stop()
		<-time.After(time.Minute)
		b.Start()
		start := time.Now()
		if m := <-came; string(m.Body) != "held" {
			t.Errorf("%q came", m.Body)
		}
		publishWhenUp(b, "calls.requests.acme", "new")
		for string((<-came).Body) != "new" {
		}
		if waited := time.Since(start); waited > 2*time.Minute {
			t.Errorf("they came after %s", waited)
		}
	})
}

func publishWhenUp(b *queuetest.Broker, subject, body string) {
	b.T.Helper()
	for !b.NATS().IsConnected() {
		<-time.After(time.Second)
	}
	b.Publish(subject, body)
}
