package pull

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// TestAMessageThatComesAsCapacityEnds is with the next worker at once, not
// after AckWait: published before, at, and after the very moment.
func TestAMessageThatComesAsCapacityEnds(t *testing.T) {
	aMessageAsItEnds(t, func(c *testCapacity, _ func()) { c.set(0) })
}

// TestAMessageThatComesAsAWorkerStops is with the next one at once, too.
func TestAMessageThatComesAsAWorkerStops(t *testing.T) {
	aMessageAsItEnds(t, func(_ *testCapacity, stop func()) { stop() })
}

func aMessageAsItEnds(t *testing.T, ends func(c *testCapacity, stop func())) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		for i := range 60 {
			g := newTestCapacity(5)
			handed := make(chan *Message, 2)
			work := func(capacity Capacity) (stop func()) {
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan struct{})
				c := newBound(b)
				go func() {
					defer close(ended)
					c.Run(ctx, capacity, func(m *Message) { handed <- m })
				}()
				return func() {
					cancel()
					<-ended
				}
			}
			stop := work(g.wait)
			synctest.Wait() // it listens
			var both sync.WaitGroup
			both.Go(func() { b.Publish("calls.requests.acme", fmt.Sprint(i)) })
			both.Go(func() { ends(g, stop) })
			both.Wait()
			start := time.Now()
			stopOther := work(always(1))
			_ = (<-handed).Ack()
			if waited := time.Since(start); waited > time.Second {
				t.Fatalf("in round %d it came after %s", i, waited)
			}
			stop()
			stopOther()
		}
	})
}

// TestRareCapacity: ten workers share ten calls per second, so that
// each may dial once in a second. An urgent request behind many bulk ones is with
// the worker that may dial next.
func TestRareCapacity(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		const workers, pace = 10, 100 * time.Millisecond
		for i := range 500 {
			b.Publish("calls.requests.acme.bulk", fmt.Sprint(i))
		}
		// Every turn goes to the worker that has waited longest for one.
		turn := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		running.Go(func() {
			tick := time.NewTicker(pace)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				select {
				case <-ctx.Done():
					return
				case turn <- struct{}{}:
				}
			}
		})
		capacity := func(ctx context.Context) (int, <-chan struct{}) {
			select {
			case <-ctx.Done():
				return 0, ctx.Done()
			case <-turn:
				return 1, ctx.Done()
			}
		}
		came := make(chan *Message, 1000)
		for range workers {
			c := newBound(b)
			running.Go(func() { c.Run(ctx, capacity, func(m *Message) { came <- m }) })
		}
		for i := range 30 {
			<-time.After(time.Duration(i) * 37 * time.Millisecond)
			start := time.Now()
			b.Publish("calls.requests.acme.urgent", "{}")
			for m := range came {
				_ = m.Ack()
				if m.Priority == call.Urgent {
					break
				}
			}
			if waited := time.Since(start); waited > 2*pace {
				t.Errorf("urgent request %d came after %s", i, waited)
			}
		}
	})
}
