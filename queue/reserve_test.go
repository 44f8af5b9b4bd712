package queue

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
)

// takers are workers that reserve as if there were no end of requests.
type takers struct {
	b *broker

	mu      sync.Mutex
	slots   []time.Time
	stopped chan struct{}
	running sync.WaitGroup
}

const ahead = 250 * time.Millisecond

// take reserves over a connection of its own until it is stopped, n at a time.
func (k *takers) take(account call.Account, perSecond float64, n int) {
	conn := k.b.connect()
	limit := conn.NewRate(RateConfig{Provision: true, Replicas: 1}).ForAccount(account, perSecond)
	k.running.Go(func() {
		defer conn.Close()
		for {
			slots, again, err := limit.Reserve(k.b.t.Context(), n, ahead)
			if err != nil {
				again = time.Now().Add(50 * time.Millisecond)
			}
			k.mu.Lock()
			k.slots = append(k.slots, slots...)
			k.mu.Unlock()
			if len(slots) > 0 {
				again = slots[0]
			}
			select {
			case <-k.stopped:
				return
			case <-time.After(max(time.Until(again), time.Millisecond)):
			}
		}
	})
}

// judge ends the taking, and looks at what was given out: nothing twice, never
// more in a second than may be, and nearly all that there was between the times.
func (k *takers) judge(perSecond float64, from, to time.Time, share float64) {
	k.b.t.Helper()
	close(k.stopped)
	k.running.Wait()
	slices.SortFunc(k.slots, time.Time.Compare)
	if n, most := worstSecond(k.slots), int(perSecond*1.05)+1; n > most {
		k.b.t.Errorf("%d slots within a second, at most %d are allowed", n, most)
	}
	given := 0
	for _, at := range k.slots {
		if !at.Before(from) && at.Before(to) {
			given++
		}
	}
	if all := perSecond * to.Sub(from).Seconds(); float64(given) < share*all-1 {
		k.b.t.Errorf("%d slots of %.0f were given out", given, all)
	}
}

func withTakers(t *testing.T, f func(t *testing.T, k *takers)) {
	t.Helper()
	withBroker(t, func(t *testing.T, b *broker) {
		k := &takers{b: b, stopped: make(chan struct{})}
		<-time.After(forgets + window) // nothing is believed at first
		f(t, k)
	})
}

// TestALimitIsShared among workers that come one after the other, each of which
// believes nothing at first. Another account's counters are others.
func TestALimitIsShared(t *testing.T) {
	for _, perSecond := range []float64{0.5, 7.3, 10, 200} {
		t.Run(fmt.Sprint(perSecond), func(t *testing.T) {
			withTakers(t, func(t *testing.T, k *takers) {
				other := &takers{b: k.b, stopped: make(chan struct{})}
				other.take("other", perSecond, 1)
				k.take("acme", perSecond, 1)
				<-time.After(2 * forgets)
				from := time.Now()
				for n := range 3 {
					k.take("acme", perSecond, 1+3*n)
					<-time.After(700 * time.Millisecond)
				}
				<-time.After(20 * time.Second)
				other.judge(perSecond, from, time.Now(), 0.99)
				k.judge(perSecond, from, time.Now(), 0.99)
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
		what  func(b *broker)
	}{
		{"quiet", 0.99, func(*broker) {}},
		{"the broker restarts at once", 0.9, func(b *broker) {
			b.stop()
			b.start(nil)
		}},
		{"the broker is away", 0.8, func(b *broker) {
			b.stop()
			<-time.After(2 * time.Second)
			b.start(nil)
		}},
		{"the stream is deleted", 0.9, func(b *broker) {
			if err := b.JetStream().DeleteStream(b.t.Context(), StreamRate); err != nil {
				b.t.Error(err)
			}
		}},
		{"the stream is made anew at once", 0.9, func(b *broker) {
			js := b.JetStream()
			if err := js.DeleteStream(b.t.Context(), StreamRate); err != nil {
				b.t.Error(err)
			}
			if _, err := js.CreateStream(b.t.Context(), Topology{Replicas: 1}.rate()); err != nil {
				b.t.Error(err)
			}
		}},
		{"somebody wants to purge the stream", 0.99, func(b *broker) {
			s := must[jetstream.Stream](b.t)(b.JetStream().Stream(b.t.Context(), StreamRate))
			if err := s.Purge(b.t.Context()); err == nil {
				b.t.Error("nobody would notice")
			}
		}},
	} {
		for _, perSecond := range []float64{7.3, 50} {
			t.Run(fmt.Sprintf("%s at %v", c.name, perSecond), func(t *testing.T) {
				withTakers(t, func(t *testing.T, k *takers) {
					for n := range 3 {
						k.take("acme", perSecond, 1+3*n)
					}
					<-time.After(time.Second)
					from := time.Now()
					<-time.After(5*time.Second + 60*time.Millisecond)
					c.what(k.b)
					<-time.After(300 * time.Millisecond)
					k.take("acme", perSecond, 2) // which remembers nothing
					<-time.After(8 * time.Second)
					k.judge(perSecond, from, time.Now(), c.share)
				})
			})
		}
	}
}

func TestWorkersOfDifferentLimits(t *testing.T) {
	withTakers(t, func(_ *testing.T, k *takers) {
		k.take("acme", 100, 3)
		k.take("acme", 200, 7)
		<-time.After(time.Second)
		from := time.Now()
		<-time.After(20 * time.Second)
		k.judge(200, from, time.Now(), 0.5)
	})
}

// TestWithoutCountersThereIsNothing asks while the stream is missing or full.
func TestWithoutCountersThereIsNothing(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(b *broker)
	}{
		{"missing", func(b *broker) {
			if err := b.JetStream().DeleteStream(b.t.Context(), StreamRate); err != nil {
				b.t.Error(err)
			}
		}},
		{"cut down, which is seen the next time that it is looked at", func(b *broker) {
			cfg := Topology{Replicas: 1}.rate()
			cfg.MaxMsgs = 1
			must[jetstream.Stream](b.t)(b.JetStream().UpdateStream(b.t.Context(), cfg))
			<-time.After(readEvery)
		}},
		{"away", (*broker).stop},
	} {
		t.Run(c.name, func(t *testing.T) {
			withBroker(t, func(t *testing.T, b *broker) {
				limit := b.NewRate(RateConfig{}).ForAccount("acme", 10)
				reserve := func() error {
					_, _, err := limit.Reserve(t.Context(), 1, ahead)
					return err
				}
				if err := reserve(); err != nil {
					t.Fatal(err)
				}
				<-time.After(2 * forgets)
				if slots, _, err := limit.Reserve(t.Context(), 1, ahead); err != nil || len(slots) != 1 {
					t.Fatalf("%d slots, %v", len(slots), err)
				}
				c.spoil(b)
				failures := 0
				for range 10 {
					if slots, _, err := limit.Reserve(t.Context(), 1, ahead); err != nil {
						failures++
					} else if len(slots) > 0 {
						t.Error("a slot was given out")
					}
					<-time.After(window)
				}
				if failures == 0 {
					t.Error("nobody was told")
				}
			})
		})
	}
}

// TestNothingIsReservedInThePast lets most of a window pass unused.
func TestNothingIsReservedInThePast(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		limit := b.NewRate(RateConfig{}).ForAccount("acme", 1000)
		_, again, err := limit.Reserve(t.Context(), 1, 0)
		if err != nil || !again.After(time.Now().Add(forgets-window)) {
			t.Fatalf("asked again at %s, %v", time.Until(again), err)
		}
		<-time.After(time.Until(again) + window*3/4)
		slots, _, err := limit.Reserve(t.Context(), 3, 0)
		if err != nil || len(slots) != 3 || slots[0].Before(time.Now()) || time.Until(slots[2]) > 10*time.Millisecond {
			t.Errorf("%v from %s, %v", slots, time.Now(), err)
		}
	})
}

// TestWhereNothingCanBeCountedThereIsNothing fills what the broker may keep in
// memory.
func TestWhereNothingCanBeCountedThereIsNothing(t *testing.T) {
	small := func(o *server.Options) { o.JetStreamMaxMemory = 1024 }
	bubbleWith(t, t.TempDir(), small, func(t *testing.T, b *broker) {
		b.apply()
		limit := b.NewRate(RateConfig{}).ForAccount("acme", 10)
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
// nothing, before it gives anything out a second time.
func TestAnIdleWorkerNotices(t *testing.T) {
	for name, lose := range map[string]func(b *broker){
		"a restart": func(b *broker) {
			b.stop()
			b.start(nil)
		},
		"a new stream": func(b *broker) {
			js := b.JetStream()
			if err := js.DeleteStream(b.t.Context(), StreamRate); err != nil {
				b.t.Error(err)
			}
			must[jetstream.Stream](b.t)(js.CreateStream(b.t.Context(), Topology{Replicas: 1}.rate()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			withTakers(t, func(t *testing.T, k *takers) {
				idle := k.b.NewRate(RateConfig{}).ForAccount("acme", 10)
				if _, _, err := idle.Reserve(t.Context(), 1, 0); err != nil {
					t.Fatal(err)
				}
				k.take("acme", 10, 10)
				<-time.After(5*time.Second + 30*time.Millisecond)
				lose(k.b)
				for range 50 {
					slots, _, err := idle.Reserve(t.Context(), 10, ahead)
					if err == nil {
						k.mu.Lock()
						k.slots = append(k.slots, slots...)
						k.mu.Unlock()
					}
					<-time.After(10 * time.Millisecond)
				}
				k.judge(10, time.Now(), time.Now(), 0)
			})
		})
	}
}

// TestWhoGivesUpCastsNoDoubt on the counters: that somebody stopped waiting for
// an answer makes no other account wait.
func TestWhoGivesUpCastsNoDoubt(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		<-time.After(forgets + window)
		rate := b.NewRate(RateConfig{Provision: true, Replicas: 1})
		one, two := rate.ForAccount("one", 100), rate.ForAccount("two", 100)
		reserve := func(ctx context.Context, l *AccountLimiter) ([]time.Time, error) {
			slots, _, err := l.Reserve(ctx, 1, ahead)
			return slots, err
		}
		_, _ = reserve(t.Context(), two)
		<-time.After(2 * forgets)
		given := must[[]time.Time](t)(reserve(t.Context(), two))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := reserve(ended, one); err == nil {
			t.Fatal("it was given something without waiting")
		}
		if more := must[[]time.Time](t)(reserve(t.Context(), two)); len(given) != 1 || len(more) != 1 || more[0].Sub(given[0]) > 20*time.Millisecond {
			t.Errorf("given %v, then %v", given, more)
		}
	})
}
