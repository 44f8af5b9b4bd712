package queue

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
)

// behind plays a broker that takes acknowledgements and confirms them when it is
// told to: reality is never slow on demand.
type behind struct {
	*broker
	mu  sync.Mutex
	due []string
}

const taken = "taken.acknowledgements"

func (b *broker) behind() *behind {
	b.t.Helper()
	o := &behind{broker: b}
	other := b.connect()
	b.t.Cleanup(other.Close)
	must[*nats.Subscription](b.t)(other.NATS().Subscribe(taken, func(m *nats.Msg) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if m.Reply != "" {
			o.due = append(o.due, m.Reply)
		}
	}))
	if err := other.NATS().Flush(); err != nil {
		b.t.Fatal(err)
	}
	return o
}

// owe has it fall behind by so many confirmations.
func (o *behind) owe(confirmations int) {
	o.t.Helper()
	for range confirmations * confirmEvery {
		if err := o.debt.ack(taken); err != nil {
			o.t.Fatal(err)
		}
	}
	synctest.Wait()
}

// confirm answers so many of them.
func (o *behind) confirm(n int) {
	o.t.Helper()
	o.mu.Lock()
	if n > len(o.due) {
		o.t.Fatalf("%d confirmations are due, not %d", len(o.due), n)
	}
	due := o.due[:n]
	o.due = o.due[n:]
	o.mu.Unlock()
	for _, reply := range due {
		if err := o.NATS().Publish(reply, nil); err != nil {
			o.t.Fatal(err)
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
			o.debt.wait(o.t.Context())
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
	withBroker(t, func(t *testing.T, b *broker) {
		o := b.behind()
		o.owe(mostOwed - 1)
		if got := o.accounts(1)(); len(got) != 1 {
			t.Error("an account waits although little is owed")
		}
		o.owe(2)
		const many = 3 * confirmEvery
		admitted := o.accounts(many)
		if got := admitted(); len(got) > 0 {
			t.Fatalf("%d accounts pull although too much is owed", len(got))
		}
		o.confirm(1)
		if got := admitted(); len(got) > 0 {
			t.Fatalf("%d accounts pull although %d confirmations are due", len(got), mostOwed)
		}
		o.confirm(1)
		got := admitted()
		slices.Sort(got) // those that go on together do so in any order
		if len(got) != confirmEvery || got[len(got)-1] != confirmEvery-1 {
			t.Errorf("after one more was confirmed, %v pull", got)
		}
		if late := o.accounts(1)(); len(late) > 0 {
			t.Error("one that came later pulls before those that wait")
		}
		o.confirm(mostOwed - 1)
		if got := admitted(); len(got) != many {
			t.Errorf("nothing is owed, and %d of %d pull", len(got), many)
		}
	})
}

// TestNobodyWaitsForAnAnswerThatIsLost for longer than a question may take.
func TestNobodyWaitsForAnAnswerThatIsLost(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		o := b.behind()
		o.owe(2 * mostOwed)
		admitted := o.accounts(2)
		<-time.After(RequestTimeout - time.Millisecond)
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

// TestAStoppingAccountWaitsForNothing, and takes nobody's turn.
func TestAStoppingAccountWaitsForNothing(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		o := b.behind()
		o.owe(mostOwed)
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			o.debt.wait(ctx)
		}()
		synctest.Wait()
		admitted := o.accounts(confirmEvery)
		stop()
		<-stopped
		if got := admitted(); len(got) > 0 {
			t.Errorf("%d pull", len(got))
		}
		o.confirm(1)
		if got := admitted(); len(got) != confirmEvery {
			t.Errorf("%d of %d pull", len(got), confirmEvery)
		}
	})
}

// TestABrokerThatCameBackOwesNothing: it knows nothing of what it was asked.
func TestABrokerThatCameBackOwesNothing(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		o := b.behind()
		o.owe(mostOwed)
		admitted := o.accounts(2)
		b.stop()
		b.start(nil)
		<-time.After(RequestTimeout / 2)
		if got := admitted(); len(got) != 2 {
			t.Errorf("%d of 2 pull", len(got))
		}
	})
}

// TestNothingIsPulledMeanwhile, nor is a permit asked for, which would reserve a
// moment in the limit; and the time counts.
func TestNothingIsPulledMeanwhile(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		o := b.behind()
		b.waited = make(chan time.Duration, 8)
		o.owe(mostOwed)
		b.publish("calls.requests.acme", "{}")
		var permits atomic.Int64
		came := b.run(b.consumer(), func(ctx context.Context) (int, <-chan struct{}) {
			permits.Add(1)
			return always(1)(ctx)
		})
		<-time.After(time.Second)
		if len(came) > 0 || permits.Load() > 0 {
			t.Errorf("%d were pulled, with %d permits", len(came), permits.Load())
		}
		o.confirm(1)
		if err := (<-came).Ack(); err != nil {
			t.Error(err)
		}
		select {
		case d := <-b.waited:
			if d != time.Second {
				t.Errorf("it waited %s", d)
			}
		default:
			t.Error("it did not wait")
		}
	})
}

// TestTheBrokerConfirms what it is asked to, for new requests and due calls, and
// also if the consumer has gone.
func TestTheBrokerConfirms(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		const each = 2 * confirmEvery
		for i := range each {
			b.publish("calls.requests.acme", "{}")
			b.dueOf("normal", fmt.Sprint("due-", i))
		}
		came := b.run(b.consumer(), always(10))
		var last *Message
		for range 2 * each {
			last = <-came
			if err := last.Ack(); err != nil {
				t.Error(err)
			}
		}
		b.holds(StreamCalls)
		b.holds(StreamParked)
		if err := b.JetStream().DeleteConsumer(t.Context(), StreamCalls, "new-acme_normal"); err != nil {
			t.Fatal(err)
		}
		for range confirmEvery {
			_ = last.Ack()
		}
		synctest.Wait()
		b.debt.mu.Lock()
		defer b.debt.mu.Unlock()
		if n := b.debt.sent.Load(); n != 2*each+confirmEvery || len(b.debt.owed) > 0 {
			t.Errorf("of %d acknowledgements %d confirmations are due", n, len(b.debt.owed))
		}
	})
}
