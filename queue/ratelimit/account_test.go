package ratelimit

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/brokertest"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// workers reserve as if there were no end of requests.
type workers struct {
	b *queuetest.Broker

	mu      sync.Mutex
	slots   []time.Time
	stopped chan struct{}
	running sync.WaitGroup
}

const ahead = 250 * time.Millisecond

// reserve reserves over a connection of its own until it is stopped, n at a time.
func (w *workers) reserve(account call.Account, perSecond float64, n int) {
	conn := w.b.Connect()
	limit := New(conn, Config{Provision: true, Replicas: 1}).ForAccount(account, perSecond)
	w.running.Go(func() {
		defer conn.Close()
		for {
			slots, retryAt, err := limit.Reserve(w.b.T.Context(), n, ahead)
			if err != nil {
				retryAt = time.Now().Add(50 * time.Millisecond)
			}
			w.mu.Lock()
			w.slots = append(w.slots, slots...)
			w.mu.Unlock()
			if len(slots) > 0 {
				retryAt = slots[0]
			}
			select {
			case <-w.stopped:
				return
			case <-time.After(max(time.Until(retryAt), time.Millisecond)):
			}
		}
	})
}

// check stops the workers and checks what they reserved: nothing twice, never more
// in a second than the limit, and nearly all slots between the times.
func (w *workers) check(perSecond float64, from, to time.Time, share float64) {
	w.b.T.Helper()
	close(w.stopped)
	w.running.Wait()
	slices.SortFunc(w.slots, time.Time.Compare)
	if n, most := worstSecond(w.slots), int(perSecond*1.05)+1; n > most {
		w.b.T.Errorf("%d slots within a second, at most %d are allowed", n, most)
	}
	reserved := 0
	for _, at := range w.slots {
		if !at.Before(from) && at.Before(to) {
			reserved++
		}
	}
	if all := perSecond * to.Sub(from).Seconds(); float64(reserved) < share*all-1 {
		w.b.T.Errorf("%d slots of %.0f were reserved", reserved, all)
	}
}

// recreateCounters deletes the stream of the counters and creates it again at once.
func recreateCounters(b *queuetest.Broker) {
	b.T.Helper()
	js := b.JetStream()
	cfg := brokertest.Must[jetstream.Stream](b.T)(js.Stream(b.T.Context(), queue.StreamRate)).CachedInfo().Config
	b.DeleteStream(queue.StreamRate)
	brokertest.Must[jetstream.Stream](b.T)(js.CreateStream(b.T.Context(), cfg))
}

func withWorkers(t *testing.T, f func(t *testing.T, w *workers)) {
	t.Helper()
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		w := &workers{b: b, stopped: make(chan struct{})}
		<-time.After(quarantine + window) // nothing is reserved at first
		f(t, w)
	})
}

// TestALimitIsShared among workers that start one after the other, each of which
// reserves nothing at first. Another account has counters of its own.
func TestALimitIsShared(t *testing.T) {
	for _, perSecond := range []float64{0.5, 7.3, 10, 200} {
		t.Run(fmt.Sprint(perSecond), func(t *testing.T) {
			withWorkers(t, func(t *testing.T, w *workers) {
				other := &workers{b: w.b, stopped: make(chan struct{})}
				other.reserve("other", perSecond, 1)
				w.reserve("acme", perSecond, 1)
				<-time.After(2 * quarantine)
				from := time.Now()
				for n := range 3 {
					w.reserve("acme", perSecond, 1+3*n)
					<-time.After(700 * time.Millisecond)
				}
				<-time.After(20 * time.Second)
				other.check(perSecond, from, time.Now(), 0.99)
				w.check(perSecond, from, time.Now(), 0.99)
			})
		})
	}
}

// TestALimitHolds while the broker restarts, the stream is deleted and workers
// hold different limits.
func TestALimitHolds(t *testing.T) {
	for _, c := range []struct {
		name  string
		share float64
		what  func(b *queuetest.Broker)
	}{
		{"quiet", 0.99, func(*queuetest.Broker) {}},
		{"the broker restarts at once", 0.9, func(b *queuetest.Broker) {
			b.Stop()
			b.Start()
		}},
		{"the broker is away", 0.8, func(b *queuetest.Broker) {
			b.Stop()
			<-time.After(2 * time.Second)
			b.Start()
		}},
		{"the stream is deleted", 0.9, func(b *queuetest.Broker) {
			b.DeleteStream(queue.StreamRate)
		}},
		{"the stream is recreated at once", 0.9, func(b *queuetest.Broker) {
			recreateCounters(b)
		}},
		{"the stream is purged", 0.99, func(b *queuetest.Broker) {
			s := brokertest.Must[jetstream.Stream](b.T)(b.JetStream().Stream(b.T.Context(), queue.StreamRate))
			if err := s.Purge(b.T.Context()); err == nil {
				b.T.Error("it was purged, which no worker notices")
			}
		}},
	} {
		for _, perSecond := range []float64{7.3, 50} {
			t.Run(fmt.Sprintf("%s at %v", c.name, perSecond), func(t *testing.T) {
				withWorkers(t, func(t *testing.T, w *workers) {
					for n := range 3 {
						w.reserve("acme", perSecond, 1+3*n)
					}
					<-time.After(time.Second)
					from := time.Now()
					<-time.After(5*time.Second + 60*time.Millisecond)
					c.what(w.b)
					<-time.After(300 * time.Millisecond)
					w.reserve("acme", perSecond, 2) // which has seen no counter
					<-time.After(8 * time.Second)
					w.check(perSecond, from, time.Now(), c.share)
				})
			})
		}
	}
}

func TestWorkersWithDifferentLimits(t *testing.T) {
	withWorkers(t, func(_ *testing.T, w *workers) {
		w.reserve("acme", 100, 3)
		w.reserve("acme", 200, 7)
		<-time.After(time.Second)
		from := time.Now()
		<-time.After(20 * time.Second)
		w.check(200, from, time.Now(), 0.5)
	})
}

// TestNothingIsReservedWithoutCounters while the stream is missing or full.
func TestNothingIsReservedWithoutCounters(t *testing.T) {
	for _, c := range []struct {
		name    string
		breakIt func(b *queuetest.Broker)
	}{
		{"missing", func(b *queuetest.Broker) {
			b.DeleteStream(queue.StreamRate)
		}},
		{"cut down, which the next refresh sees", func(b *queuetest.Broker) {
			b.Change(queue.StreamRate, func(c *jetstream.StreamConfig) { c.MaxMsgs = 1 })
			<-time.After(sampleInterval)
		}},
		{"away", (*queuetest.Broker).Stop},
	} {
		t.Run(c.name, func(t *testing.T) {
			queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
				limit := New(b.Conn, Config{}).ForAccount("acme", 10)
				reserve := func() error {
					_, _, err := limit.Reserve(t.Context(), 1, ahead)
					return err
				}
				if err := reserve(); err != nil {
					t.Fatal(err)
				}
				<-time.After(2 * quarantine)
				if slots, _, err := limit.Reserve(t.Context(), 1, ahead); err != nil || len(slots) != 1 {
					t.Fatalf("%d slots, %v", len(slots), err)
				}
				c.breakIt(b)
				failures := 0
				for range 10 {
					if slots, _, err := limit.Reserve(t.Context(), 1, ahead); err != nil {
						failures++
					} else if len(slots) > 0 {
						t.Error("a slot was reserved")
					}
					<-time.After(window)
				}
				if failures == 0 {
					t.Error("no error was returned")
				}
			})
		})
	}
}

// TestNothingIsReservedInThePast lets most of a window pass unused.
func TestNothingIsReservedInThePast(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		limit := New(b.Conn, Config{}).ForAccount("acme", 1000)
		_, retryAt, err := limit.Reserve(t.Context(), 1, 0)
		if err != nil || !retryAt.After(time.Now().Add(quarantine-window)) {
			t.Fatalf("retry at %s, %v", time.Until(retryAt), err)
		}
		<-time.After(time.Until(retryAt) + window*3/4)
		slots, _, err := limit.Reserve(t.Context(), 3, 0)
		if err != nil || len(slots) != 3 || slots[0].Before(time.Now()) || time.Until(slots[2]) > 10*time.Millisecond {
			t.Errorf("%v from %s, %v", slots, time.Now(), err)
		}
	})
}

// TestNothingIsReservedWithoutMemory fills what the broker may keep in memory.
func TestNothingIsReservedWithoutMemory(t *testing.T) {
	small := func(o *server.Options) { o.JetStreamMaxMemory = 1024 }
	queuetest.RunWith(t, small, func(t *testing.T, b *queuetest.Broker) {
		b.Apply()
		limit := New(b.Conn, Config{}).ForAccount("acme", 10)
		refused := 0
		var slots []time.Time
		for range 200 {
			got, _, err := limit.Reserve(t.Context(), 1, ahead)
			if err != nil {
				refused++
			}
			slots = append(slots, got...)
			<-time.After(window / 2)
		}
		if n := worstSecond(slots); n > 11 || len(slots) == 0 || refused == 0 {
			t.Errorf("%d slots, %d within a second; refused %d times", len(slots), n, refused)
		}
	})
}

// TestAnIdleWorkerNotices that the counters began again while it reserved
// nothing, before it reserves a slot a second time.
func TestAnIdleWorkerNotices(t *testing.T) {
	for name, lose := range map[string]func(b *queuetest.Broker){
		"a restart": func(b *queuetest.Broker) {
			b.Stop()
			b.Start()
		},
		"a new stream": func(b *queuetest.Broker) {
			recreateCounters(b)
		},
	} {
		t.Run(name, func(t *testing.T) {
			withWorkers(t, func(t *testing.T, w *workers) {
				idle := New(w.b.Conn, Config{}).ForAccount("acme", 10)
				if _, _, err := idle.Reserve(t.Context(), 1, 0); err != nil {
					t.Fatal(err)
				}
				w.reserve("acme", 10, 10)
				<-time.After(5*time.Second + 30*time.Millisecond)
				lose(w.b)
				for range 50 {
					slots, _, err := idle.Reserve(t.Context(), 10, ahead)
					if err == nil {
						w.mu.Lock()
						w.slots = append(w.slots, slots...)
						w.mu.Unlock()
					}
					<-time.After(10 * time.Millisecond)
				}
				w.check(10, time.Now(), time.Now(), 0)
			})
		})
	}
}

// TestACancelledReservationInvalidatesNothing: that one account stopped waiting for
// a response makes no other account wait.
func TestACancelledReservationInvalidatesNothing(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		<-time.After(quarantine + window)
		limiter := New(b.Conn, Config{Provision: true, Replicas: 1})
		one, two := limiter.ForAccount("one", 100), limiter.ForAccount("two", 100)
		reserve := func(ctx context.Context, l *AccountLimiter) ([]time.Time, error) {
			slots, _, err := l.Reserve(ctx, 1, ahead)
			return slots, err
		}
		_, _ = reserve(t.Context(), two)
		<-time.After(2 * quarantine)
		before := brokertest.Must[[]time.Time](t)(reserve(t.Context(), two))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := reserve(ended, one); err == nil {
			t.Fatal("it reserved something without waiting")
		}
		if more := brokertest.Must[[]time.Time](t)(reserve(t.Context(), two)); len(before) != 1 || len(more) != 1 || more[0].Sub(before[0]) > 20*time.Millisecond {
			t.Errorf("reserved %v, then %v", before, more)
		}
	})
}
