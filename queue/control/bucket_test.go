package control

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/brokertest"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// suspend is Suspend where it does not matter which one is in force then.
func suspend(t *testing.T, c *Bucket, s call.Suspension) error {
	t.Helper()
	_, err := c.Suspend(t.Context(), "acme", s)
	return err
}

// watch tells in a word what every change says of account acme.
func watch(b *queuetest.Broker) <-chan string {
	b.T.Helper()
	ctx, cancel := context.WithCancel(b.T.Context())
	said := make(chan string, 1000)
	ended := make(chan struct{})
	last := ""
	go func() {
		defer close(ended)
		New(b.Conn, queuetest.Quiet()).Watch(ctx, func(f *Flags) {
			word := "not known"
			if f != nil {
				word = describe(f.Blocks("acme"))
			}
			if word != last {
				said <- word
			}
			last = word
		})
	}()
	b.T.Cleanup(func() {
		cancel()
		<-ended
	})
	return said
}

func describe(s call.Blocks) string {
	word := "free"
	if s.Pause != nil {
		word = "paused by " + s.Pause.By
	}
	if s.Suspension.Reason != "" {
		word += fmt.Sprintf(", suspended for %s (%d, lifted: %t)", s.Suspension.Reason, s.Suspension.Times, s.Suspension.Lifted)
	}
	return word
}

func says(t *testing.T, said <-chan string, want string) {
	t.Helper()
	select {
	case got := <-said:
		if got != want {
			t.Errorf("the watch says %q, want %q", got, want)
		}
	case <-time.After(time.Hour):
		t.Fatalf("the watch does not say %q", want)
	}
}

func TestTheWatchFollowsEveryFlag(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		c := New(b.Conn, queuetest.Quiet())
		do := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		s := call.Suspension{Reason: call.Forbidden, Since: time.Now().UTC(), Times: 2}
		do(suspend(t, c, s))
		do(c.Pause(t.Context(), "globex", call.Pause{By: "somebody"}))
		said := watch(b)
		says(t, said, "free, suspended for forbidden (2, lifted: false)") // complete at once
		do(c.Pause(t.Context(), "acme", call.Pause{By: "ann"}))
		says(t, said, "paused by ann, suspended for forbidden (2, lifted: false)")
		do(c.Pause(t.Context(), "", call.Pause{By: "bob"}))
		says(t, said, "paused by bob, suspended for forbidden (2, lifted: false)")
		do(c.Lift(t.Context(), "acme", s))
		says(t, said, "paused by bob, suspended for forbidden (2, lifted: true)")
		do(c.Resume(t.Context(), ""))
		says(t, said, "paused by ann, suspended for forbidden (2, lifted: true)")
		do(c.Resume(t.Context(), "acme"))
		says(t, said, "free, suspended for forbidden (2, lifted: true)")
		do(c.ClearLifted(t.Context(), "acme"))
		says(t, said, "free")
		do(suspend(t, c, s))
		says(t, said, "free, suspended for forbidden (2, lifted: false)")
		do(c.RemoveSuspension(t.Context(), "acme"))
		says(t, said, "free")
	})
}

// TestAPausedNumber is a flag of its own, whose key does not tell the number.
func TestAPausedNumber(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		c := New(b.Conn, queuetest.Quiet())
		number, _, err := call.ParsePhone("+912071531001", call.PossibleNumbers)
		if err != nil {
			t.Fatal(err)
		}
		paused := func() (call.Pause, bool) {
			t.Helper()
			p, ok := brokertest.Must[Flags](t)(c.Read(t.Context())).Blocks("acme").Numbers[number]
			return p, ok
		}
		if err := c.PauseNumber(t.Context(), number, call.Pause{By: "ann"}); err != nil {
			t.Fatal(err)
		}
		if p, ok := paused(); !ok || p.By != "ann" {
			t.Errorf("paused: %t, by %q", ok, p.By)
		}
		kv := brokertest.Must[jetstream.KeyValue](t)(b.JetStream().KeyValue(t.Context(), queue.BucketControl))
		keys := brokertest.Must[[]string](t)(kv.Keys(t.Context()))
		if len(keys) != 1 || strings.Contains(keys[0], "2071531001") {
			t.Errorf("the keys are %q", keys)
		}
		if err := c.ResumeNumber(t.Context(), number); err != nil {
			t.Fatal(err)
		}
		if _, ok := paused(); ok {
			t.Error("it is paused still")
		}
	})
}

// TestLiftAndClearKeepANewerSuspension whichever worker set it.
func TestLiftAndClearKeepANewerSuspension(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		c := New(b.Conn, queuetest.Quiet())
		is := func(want string) {
			t.Helper()
			f := brokertest.Must[Flags](t)(c.Read(t.Context()))
			if got := describe(f.Blocks("acme")); got != want {
				t.Errorf("it is %q, want %q", got, want)
			}
		}
		older := call.Suspension{Reason: call.Forbidden, Since: time.Now().UTC(), Times: 1}
		newer := call.Suspension{Reason: call.PaymentRequired, Since: time.Now().UTC().Add(time.Second), Until: time.Now().UTC().Add(time.Minute), Times: 2}
		for _, err := range []error{
			c.Lift(t.Context(), "acme", older), c.ClearLifted(t.Context(), "acme"), // nothing is there
			suspend(t, c, older), suspend(t, c, newer),
			c.Lift(t.Context(), "acme", older), c.ClearLifted(t.Context(), "acme"),
		} {
			if err != nil {
				t.Error(err)
			}
		}
		is("free, suspended for payment_required (2, lifted: false)")
		for range 2 {
			if err := c.Lift(t.Context(), "acme", newer); err != nil {
				t.Error(err)
			}
		}
		is("free, suspended for payment_required (2, lifted: true)")
	})
}

// TestTheSuspensionThatLastsStays, whichever worker's comes first: one that a probe
// lifts must not take the place of one that has to last.
func TestTheSuspensionThatLastsStays(t *testing.T) {
	now := time.Now().UTC()
	lasting := call.Suspension{Reason: call.Forbidden, Since: now, Until: now.Add(time.Minute), Times: 1}
	probed := call.Suspension{Reason: call.Unauthorized, Since: now.Add(time.Millisecond), Times: 1}
	for name, order := range map[string][]call.Suspension{"first": {lasting, probed}, "last": {probed, lasting}} {
		t.Run(name, func(t *testing.T) {
			queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
				c := New(b.Conn, queuetest.Quiet())
				for _, s := range order {
					if err := suspend(t, c, s); err != nil {
						t.Error(err)
					}
				}
				if got := brokertest.Must[Flags](t)(c.Read(t.Context())).Blocks("acme").Suspension.Reason; got != call.Forbidden {
					t.Errorf("it is suspended for %s", got)
				}
			})
		})
	}
}

// TestAConcurrentSuspensionIsNotOverwritten between reading a suspension and changing it.
func TestAConcurrentSuspensionIsNotOverwritten(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		c := New(b.Conn, queuetest.Quiet())
		lifted := call.Suspension{Reason: call.Forbidden, Times: 1, Lifted: true}
		for _, next := range []call.Suspension{{}, {Reason: call.Redirected}} {
			if err := errors.Join(c.RemoveSuspension(t.Context(), "acme"), suspend(t, c, lifted)); err != nil {
				t.Fatal(err)
			}
			err := c.compareAndSet(t.Context(), "acme", func(call.Suspension) (call.Suspension, bool) {
				if err := suspend(t, c, call.Suspension{Reason: call.Unauthorized, Times: 2}); err != nil {
					t.Error(err)
				}
				return next, true
			})
			if !errors.Is(err, call.ErrConflict) {
				t.Errorf("the slower one gets %v", err)
			}
			if f := brokertest.Must[Flags](t)(c.Read(t.Context())); f.Blocks("acme").Suspension.Reason != call.Unauthorized {
				t.Errorf("left is %+v", f.Blocks("acme"))
			}
		}
	})
}

// TestTwoSuspendAtOnce where there was nothing: the one that lasts stays.
func TestTwoSuspendAtOnce(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		c := New(b.Conn, queuetest.Quiet())
		lasting := call.Suspension{Reason: call.Forbidden, Until: time.Now().UTC().Add(time.Minute), Times: 1}
		probed := call.Suspension{Reason: call.Unauthorized, Times: 1}
		var both sync.WaitGroup
		for _, s := range []call.Suspension{lasting, probed, lasting, probed} {
			both.Go(func() {
				if held, err := c.Suspend(t.Context(), "acme", s); err != nil || s == lasting && held != lasting {
					t.Errorf("%s: held is %+v: %v", s.Reason, held, err)
				}
			})
		}
		both.Wait()
		if held, err := c.Suspend(t.Context(), "acme", probed); err != nil || held != lasting {
			t.Errorf("held is %+v: %v", held, err)
		}
		if got := brokertest.Must[Flags](t)(c.Read(t.Context())).Blocks("acme").Suspension.Reason; got != call.Forbidden {
			t.Errorf("it is suspended for %s", got)
		}
	})
}

// TestADeletedBucketIsNotAnEmptyOne stops everything until there is a bucket.
func TestADeletedBucketIsNotAnEmptyOne(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		said := watch(b)
		says(t, said, "free")
		if err := b.JetStream().DeleteKeyValue(t.Context(), queue.BucketControl); err != nil {
			t.Fatal(err)
		}
		says(t, said, "not known")
		<-time.After(time.Minute)
		b.Apply()
		says(t, said, "free")
	})
}

// TestAPauseOutlivesTheBucket, and so does whatever else stops somebody: nobody
// resumed it. What was resumed in the new bucket stays so.
func TestAPauseOutlivesTheBucket(t *testing.T) {
	for _, away := range []time.Duration{time.Millisecond, time.Minute, time.Hour} {
		t.Run(away.String(), func(t *testing.T) {
			queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
				c := New(b.Conn, queuetest.Quiet())
				number := brokertest.Must[call.Phone](t)(parsePossible("+912071531001"))
				suspended := call.Suspension{Reason: call.Forbidden, Since: time.Now().UTC(), Times: 2}
				for _, err := range []error{
					c.Pause(t.Context(), "", call.Pause{By: "all"}),
					c.Pause(t.Context(), "acme", call.Pause{By: "ann"}),
					c.Pause(t.Context(), "globex", call.Pause{By: "bob"}),
					c.Pause(t.Context(), "initech", call.Pause{By: "cyd"}),
					c.PauseNumber(t.Context(), number, call.Pause{By: "dee"}),
					suspend(t, c, suspended),
					c.Resume(t.Context(), "initech"),
				} {
					if err != nil {
						t.Fatal(err)
					}
				}
				for range 3 { // several workers know it
					watch(b)
				}
				synctest.Wait()
				if err := b.JetStream().DeleteKeyValue(t.Context(), queue.BucketControl); err != nil {
					t.Fatal(err)
				}
				<-time.After(away)
				b.Apply()
				for _, account := range []call.Account{"globex", ""} {
					if err := c.Resume(t.Context(), account); err != nil {
						t.Fatal(err)
					}
				}
				<-time.After(time.Minute)
				f := brokertest.Must[Flags](t)(c.Read(t.Context()))
				if got := f.Blocks("acme"); got.Pause == nil || got.Pause.By != "ann" || got.Suspension != suspended {
					t.Errorf("acme is left with %s", describe(got))
				}
				if got := f.PausedNumbers()[number]; got.By != "dee" {
					t.Errorf("the number is paused by %q", got.By)
				}
				for _, account := range []call.Account{"globex", "initech"} {
					if got := describe(f.Blocks(account)); got != "free" {
						t.Errorf("%s is %s", account, got)
					}
				}
			})
		})
	}
}

func parsePossible(number string) (call.Phone, error) {
	p, _, err := call.ParsePhone(number, call.PossibleNumbers)
	return p, err
}

// TestABucketThatIsRecreatedAtOnce holds flags at sequences that the old one had
// reached long before.
func TestABucketThatIsRecreatedAtOnce(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		c := New(b.Conn, queuetest.Quiet())
		for range 20 {
			if err := c.Pause(t.Context(), "globex", call.Pause{By: "somebody"}); err != nil {
				t.Fatal(err)
			}
		}
		said := watch(b)
		says(t, said, "free")
		<-time.After(existsInterval + existsInterval/4) // just after it has looked
		if err := b.JetStream().DeleteKeyValue(t.Context(), queue.BucketControl); err != nil {
			t.Fatal(err)
		}
		b.Apply()
		if err := c.Pause(t.Context(), "acme", call.Pause{By: "ann"}); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		for len(said) > 1 {
			<-said
		}
		says(t, said, "paused by ann")
	})
}

// TestABrokerThatComesBack is not known meanwhile, and its flags are as before.
func TestABrokerThatComesBack(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		if err := New(b.Conn, queuetest.Quiet()).Pause(t.Context(), "acme", call.Pause{By: "ann"}); err != nil {
			t.Fatal(err)
		}
		said := watch(b)
		says(t, said, "paused by ann")
		b.Stop()
		says(t, said, "not known")
		<-time.After(10 * time.Minute)
		b.Start()
		says(t, said, "paused by ann")
		if err := New(b.Conn, queuetest.Quiet()).Resume(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
		says(t, said, "free")
	})
}

// TestAPauseJustAfterTheBrokerCameBack is heard within a second: the broker has
// forgotten who watches.
func TestAPauseJustAfterTheBrokerCameBack(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		said := watch(b)
		says(t, said, "free")
		b.Stop()
		b.Start()
		other := b.Connect()
		defer other.Close()
		for !b.NATS().IsConnected() {
			<-time.After(time.Millisecond)
		}
		if err := New(other, queuetest.Quiet()).Pause(t.Context(), "acme", call.Pause{By: "ann"}); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		synctest.Wait()
		last := ""
		for len(said) > 0 {
			last = <-said
		}
		if last != "paused by ann" {
			t.Errorf("the watch says %q", last)
		}
	})
}

// TestAFlagThatCannotBeReadIsNotOverlooked stops everything until it is corrected.
func TestAFlagThatCannotBeReadIsNotOverlooked(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		kv := brokertest.Must[jetstream.KeyValue](t)(b.JetStream().KeyValue(t.Context(), queue.BucketControl))
		said := watch(b)
		says(t, said, "free")
		for _, key := range []string{"suspended.globex", "paused.globex", "paused-all", "paused-number.0", "highwater"} {
			brokertest.Must[uint64](t)(kv.PutString(t.Context(), key, "{"))
			says(t, said, "not known")
			<-time.After(time.Minute)
			synctest.Wait()
			if len(said) > 0 {
				t.Errorf("%s: the watch says %q", key, <-said)
			}
			if err := kv.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			says(t, said, "free")
		}
		brokertest.Must[uint64](t)(kv.PutString(t.Context(), "paused-number.0", `{"number":"+912071531001","by":"ann"}`))
		says(t, said, "not known") // it is another number's key
		if err := kv.Delete(t.Context(), "paused-number.0"); err != nil {
			t.Fatal(err)
		}
		says(t, said, "free")
		brokertest.Must[uint64](t)(kv.PutString(t.Context(), "of-a-newer-worker", "{"))
		<-time.After(time.Minute)
		if len(said) > 0 {
			t.Errorf("another key: the watch says %q", <-said)
		}
	})
}
