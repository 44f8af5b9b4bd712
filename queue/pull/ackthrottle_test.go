package pull

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/brokertest"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// behind plays a broker that takes acknowledgements and confirms them when it is
// told to: a real one is never slow on demand.
type behind struct {
	*queuetest.Broker
	*Consumers
	waited chan time.Duration // gets how long accounts waited to pull

	mu  sync.Mutex
	due []string
}

const taken = "taken.acknowledgements"

func newBehind(b *queuetest.Broker) *behind {
	b.T.Helper()
	o := &behind{Broker: b, waited: make(chan time.Duration, 100)}
	o.Consumers = brokertest.Must[*Consumers](b.T)(NewConsumers(b.Conn, Options{OnAckBackpressure: func(d time.Duration) { o.waited <- d }}))
	other := b.Connect()
	b.T.Cleanup(other.Close)
	brokertest.Must[*nats.Subscription](b.T)(other.NATS().Subscribe(taken, func(m *nats.Msg) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if m.Reply != "" {
			o.due = append(o.due, m.Reply)
		}
	}))
	if err := other.NATS().Flush(); err != nil {
		b.T.Fatal(err)
	}
	return o
}

// fallBehind has it fall behind by so many confirmations.
func (o *behind) fallBehind(confirmations int) {
	o.T.Helper()
	for range confirmations * confirmEveryN {
		if err := o.throttle.ack(taken); err != nil {
			o.T.Fatal(err)
		}
	}
	synctest.Wait()
}

// confirm answers so many of them.
func (o *behind) confirm(n int) {
	o.T.Helper()
	o.mu.Lock()
	if n > len(o.due) {
		o.T.Fatalf("%d confirmations are due, not %d", len(o.due), n)
	}
	due := o.due[:n]
	o.due = o.due[n:]
	o.mu.Unlock()
	for _, reply := range due {
		if err := o.NATS().Publish(reply, nil); err != nil {
			o.T.Fatal(err)
		}
	}
	synctest.Wait()
}

// accounts wait to pull, and are written down when they may.
func (o *behind) accounts(n int) (admitted func() []int) {
	var mu sync.Mutex
	var order []int
	for i := range n {
		go func() {
			o.throttle.wait(o.T.Context())
			mu.Lock()
			defer mu.Unlock()
			order = append(order, i)
		}()
		synctest.Wait()
	}
	return func() []int {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(order)
	}
}

// TestAccountsWaitForABrokerThatIsBehind, and go on as it catches up: those that
// came first, as many as it did acknowledgements.
func TestAccountsWaitForABrokerThatIsBehind(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		o := newBehind(b)
		o.fallBehind(maxPending - 1)
		if got := o.accounts(1)(); len(got) != 1 {
			t.Error("an account waits although few are pending")
		}
		o.fallBehind(2)
		const many = 3 * confirmEveryN
		admitted := o.accounts(many)
		if got := admitted(); len(got) > 0 {
			t.Fatalf("%d accounts pull although too many are pending", len(got))
		}
		o.confirm(1)
		if got := admitted(); len(got) > 0 {
			t.Fatalf("%d accounts pull although %d confirmations are due", len(got), maxPending)
		}
		o.confirm(1)
		got := admitted()
		slices.Sort(got) // those that go on together do so in any order
		if len(got) != confirmEveryN || got[len(got)-1] != confirmEveryN-1 {
			t.Errorf("after one more was confirmed, %v pull", got)
		}
		if late := o.accounts(1)(); len(late) > 0 {
			t.Error("one that came later pulls before those that wait")
		}
		o.confirm(maxPending - 1)
		if got := admitted(); len(got) != many {
			t.Errorf("nothing is pending, and %d of %d pull", len(got), many)
		}
	})
}

// TestALostConfirmationExpires after the time that a request may take.
func TestALostConfirmationExpires(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		o := newBehind(b)
		o.fallBehind(2 * maxPending)
		admitted := o.accounts(2)
		<-time.After(queue.RequestTimeout - time.Millisecond)
		if got := admitted(); len(got) > 0 {
			t.Errorf("%d pull too soon", len(got))
		}
		<-time.After(time.Millisecond)
		if got := admitted(); len(got) != 2 {
			t.Errorf("%d of 2 pull", len(got))
		}
		if got := o.accounts(1)(); len(got) != 1 {
			t.Error("what is lost still counts")
		}
	})
}

// TestAStoppingAccountDoesNotWait, and takes no other account's turn.
func TestAStoppingAccountDoesNotWait(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		o := newBehind(b)
		o.fallBehind(maxPending)
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			o.throttle.wait(ctx)
		}()
		synctest.Wait()
		admitted := o.accounts(confirmEveryN)
		stop()
		<-stopped
		if got := admitted(); len(got) > 0 {
			t.Errorf("%d pull", len(got))
		}
		o.confirm(1)
		if got := admitted(); len(got) != confirmEveryN {
			t.Errorf("%d of %d pull", len(got), confirmEveryN)
		}
	})
}

// TestNothingIsPendingAfterAReconnect: the broker knows nothing of what it was asked.
func TestNothingIsPendingAfterAReconnect(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		o := newBehind(b)
		o.fallBehind(maxPending)
		admitted := o.accounts(2)
		b.Stop()
		b.Start()
		<-time.After(queue.RequestTimeout / 2)
		if got := admitted(); len(got) != 2 {
			t.Errorf("%d of 2 pull", len(got))
		}
	})
}

// TestNothingIsPulledMeanwhile, nor is capacity waited for, which would reserve a
// rate slot; and the time is reported.
func TestNothingIsPulledMeanwhile(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		o := newBehind(b)
		o.fallBehind(maxPending)
		b.Publish("calls.requests.acme", "{}")
		var waits atomic.Int64
		came := run(b, bind(b, o.Consumers), func(ctx context.Context) (int, <-chan struct{}) {
			waits.Add(1)
			return always(1)(ctx)
		})
		<-time.After(time.Second)
		if len(came) > 0 || waits.Load() > 0 {
			t.Errorf("%d were pulled, with capacity asked for %d times", len(came), waits.Load())
		}
		o.confirm(1)
		if err := (<-came).Ack(); err != nil {
			t.Error(err)
		}
		select {
		case d := <-o.waited:
			if d != time.Second {
				t.Errorf("it waited %s", d)
			}
		default:
			t.Error("no time was reported")
		}
	})
}

// TestTheBrokerConfirms what it is asked to, for new requests and due calls, and
// also if the consumer has gone.
func TestTheBrokerConfirms(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		const each = 2 * confirmEveryN
		for i := range each {
			b.Publish("calls.requests.acme", "{}")
			enqueueDue(b, "normal", fmt.Sprint("due-", i))
		}
		consumers := newConsumers(b)
		came := run(b, bind(b, consumers), always(10))
		var last *Message
		for range 2 * each {
			last = <-came
			if err := last.Ack(); err != nil {
				t.Error(err)
			}
		}
		b.WantSubjects(queue.StreamCalls)
		b.WantSubjects(queue.StreamParked)
		if err := b.JetStream().DeleteConsumer(t.Context(), queue.StreamCalls, "new-acme_normal"); err != nil {
			t.Fatal(err)
		}
		for range confirmEveryN {
			_ = last.Ack()
		}
		synctest.Wait()
		consumers.throttle.mu.Lock()
		defer consumers.throttle.mu.Unlock()
		if n := consumers.throttle.sent.Load(); n != 2*each+confirmEveryN || len(consumers.throttle.pending) > 0 {
			t.Errorf("of %d acknowledgements %d confirmations are due", n, len(consumers.throttle.pending))
		}
	})
}
