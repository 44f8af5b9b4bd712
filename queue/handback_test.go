package queue

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

// TestAMessageThatComesAsThePermitEnds is with the next worker at once, not
// after AckWait: published before, at, and after the very moment.
func TestAMessageThatComesAsThePermitEnds(t *testing.T) {
	aMessageAsItEnds(t, func(g *gate, _ func()) { g.set(0) })
}

// TestAMessageThatComesAsAWorkerStops is with the next one at once, too.
func TestAMessageThatComesAsAWorkerStops(t *testing.T) {
	aMessageAsItEnds(t, func(_ *gate, stop func()) { stop() })
}

func aMessageAsItEnds(t *testing.T, ends func(g *gate, stop func())) {
	withBroker(t, func(t *testing.T, b *broker) {
		for i := range 60 {
			g := newGate(5)
			handed := make(chan *Message, 2)
			work := func(permit Capacity) (stop func()) {
				ctx, cancel := contextOf(t)
				ended := make(chan struct{})
				c := b.consumer()
				go func() {
					defer close(ended)
					c.Run(ctx, permit, func(m *Message) { handed <- m })
				}()
				return func() {
					cancel()
					<-ended
				}
			}
			stop := work(g.permit)
			synctest.Wait() // it listens
			var both sync.WaitGroup
			both.Go(func() { b.publish("calls.requests.acme", fmt.Sprint(i)) })
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

// TestPermitsThatAreFarBetween: ten workers share ten calls per second, so that
// each has a permit once in a second, and waits for it with what it listened
// for. An urgent request behind many bulk ones is with whoever has the next
// permit.
func TestPermitsThatAreFarBetween(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		const workers, pace = 10, 100 * time.Millisecond
		for i := range 500 {
			b.publish("calls.requests.acme.bulk", fmt.Sprint(i))
		}
		// Every turn goes to the worker that has waited longest for one.
		turn := make(chan struct{})
		ctx, cancel := contextOf(t)
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
		permit := func(ctx context.Context) (int, <-chan struct{}) {
			select {
			case <-ctx.Done():
				return 0, ctx.Done()
			case <-turn:
				return 1, ctx.Done()
			}
		}
		came := make(chan *Message, 1000)
		for range workers {
			c := b.consumer()
			running.Go(func() { c.Run(ctx, permit, func(m *Message) { came <- m }) })
		}
		for i := range 30 {
			<-time.After(time.Duration(i) * 37 * time.Millisecond)
			start := time.Now()
			b.publish("calls.requests.acme.urgent", "{}")
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
