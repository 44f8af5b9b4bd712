package queue

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// colleague is another worker, as far as it knows the ledger.
type colleague struct {
	*Conn
	records   *Records
	witnesses *Gossip
	leave     func()
}

func (b *broker) colleague(c *Conn) *colleague {
	b.t.Helper()
	r := must[*Records](b.t)(c.NewRecords(b.t.Context(), Retention{}, func() {}))
	r.AdoptHighWater(must[HighWater](b.t)(r.Verify(b.t.Context())))
	w := &colleague{Conn: c, records: r, witnesses: must[*Gossip](b.t)(c.NewGossip(r))}
	if err := w.witnesses.WaitForPeers(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.witnesses.Run(ctx) })
	w.leave = func() {
		stop()
		running.Wait()
	}
	b.t.Cleanup(w.leave)
	synctest.Wait()
	return w
}

// sinceTheCopy has a copy taken, and one of two colleagues go on alone since.
func (b *broker) sinceTheCopy(copied string) (idle, busy *colleague) {
	b.t.Helper()
	idle, busy = b.colleague(b.Conn), b.colleague(b.connect())
	busy.records.fill(b.t, "a")
	b.backUp(copied)
	<-time.After(time.Minute + time.Second) // both connections are new, and nobody says anything just now
	for _, w := range []*colleague{idle, busy} {
		must[HighWater](b.t)(w.records.Verify(b.t.Context()))
	}
	busy.records.fill(b.t, "b", "c", "d")
	return idle, busy
}

// connected waits until the connection is made anew.
func (w *colleague) connected() {
	for !w.nc.IsConnected() {
		<-time.After(time.Millisecond)
	}
}

// restart gives a moment to every connection to be made anew.
func (b *broker) restart() {
	b.t.Helper()
	b.stop()
	b.start(nil)
	<-time.After(time.Minute)
}

func claimOf(t *testing.T, id call.ID) call.Record {
	t.Helper()
	return must[call.Record](t)(newRecord(id).Claim("one", "n1", time.Now()))
}

// TestAnOlderCopyIsFoundOutByWhoSawLittle: the others had the work lately, and
// are heard before anything is claimed.
func TestAnOlderCopyIsFoundOutByWhoSawLittle(t *testing.T) {
	copied := t.TempDir()
	withBroker(t, func(t *testing.T, b *broker) {
		idle, busy := b.sinceTheCopy(copied)
		defer busy.Close()
		b.restore(copied)
		idle.connected()

		if _, err := idle.records.Put(t.Context(), claimOf(t, "b"), call.Version{}); !errors.Is(err, ErrUnverified) {
			t.Fatalf("a claim before the check gets %v", err)
		}
		if err := idle.witnesses.WaitForPeers(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := idle.records.Verify(t.Context())
		wantRegressed(t, err, 1, 4)
		if _, err := idle.records.Put(t.Context(), claimOf(t, "b"), call.Version{}); !errors.Is(err, ErrUnverified) {
			t.Errorf("a claim after it gets %v", err)
		}
		b.holds(StreamRecords, "calls.records.acme.a")
	})
}

// TestNobodyIsForgottenWhileTheBrokerIsAway, however long.
func TestNobodyIsForgottenWhileTheBrokerIsAway(t *testing.T) {
	copied := t.TempDir()
	withBroker(t, func(t *testing.T, b *broker) {
		idle, busy := b.sinceTheCopy(copied)
		defer busy.Close()
		b.stop()
		<-time.After(time.Hour)
		b.restore(copied)
		idle.connected()
		if err := idle.witnesses.WaitForPeers(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := idle.records.Verify(t.Context())
		wantRegressed(t, err, 1, 4)
	})
}

// TestWhoStartsAsksFirst: the bucket was put back, too, and those who know better
// have not corrected it yet.
func TestWhoStartsAsksFirst(t *testing.T) {
	copied := t.TempDir()
	withBroker(t, func(t *testing.T, b *broker) {
		old := b.colleague(b.Conn)
		old.records.fill(t, "a")
		b.backUp(copied)
		old.records.fill(t, "b", "c")
		b.restoreTo(copied)
		c := b.connect()
		defer c.Close()
		r := must[*Records](t)(c.NewRecords(t.Context(), Retention{}, func() {}))
		w := must[*Gossip](t)(c.NewGossip(r))
		defer func() { _ = w.sub.Unsubscribe() }()
		if err := w.WaitForPeers(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := r.Verify(t.Context())
		wantRegressed(t, err, 1, 3)
	})
}

func TestNoClaimGoesOverAConnectionThatWasNotChecked(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := b.records()
		first := must[call.Version](t)(r.Put(t.Context(), claimOf(t, "a"), call.Version{}))
		b.restart()
		if _, err := r.Put(t.Context(), claimOf(t, "b"), call.Version{}); !errors.Is(err, ErrUnverified) {
			t.Errorf("a claim gets %v", err)
		}
		// What a call came to is written all the same.
		placed := claimOf(t, "a").MarkPlaced("n1", call.Outcome{Class: call.Placed}, time.Now())
		must[call.Version](t)(r.Put(t.Context(), placed, first))
		b.holds(StreamRecords, "calls.records.acme.a")
		must[HighWater](t)(r.Verify(t.Context()))
		must[call.Version](t)(r.Put(t.Context(), claimOf(t, "b"), call.Version{}))
	})
}

// TestAClaimThatMovedIsUncertain: nobody knows which broker took it.
func TestAClaimThatMovedIsUncertain(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		m := &nats.Msg{Subject: "calls.records.acme.a", Header: nats.Header{}}
		if _, err := publishOn(t.Context(), b.replies, generationOf(b.nc)+1, StreamRecords, m); !errors.Is(err, ErrReconnected) {
			t.Errorf("gets %v", err)
		}
	})
}

func TestAWitnessThatStaysAwayIsAwaitedOnce(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		one, other := b.colleague(b.Conn), b.colleague(b.connect())
		other.Close() // as if it was killed
		b.restart()
		began := time.Now()
		if err := one.witnesses.WaitForPeers(t.Context()); !errors.Is(err, ErrPeersMissing) {
			t.Errorf("gets %v", err)
		}
		if waited := time.Since(began); waited < awaitWitness || waited > awaitWitness+askEvery {
			t.Errorf("after %v", waited)
		}
		if err := one.witnesses.WaitForPeers(t.Context()); err != nil {
			t.Errorf("and again: %v", err)
		}
	})
}

// TestNobodyIsAwaited who left, was not heard for long, or was heard since.
func TestNobodyIsAwaited(t *testing.T) {
	for name, before := range map[string]func(*broker, *colleague){
		"who left":           func(_ *broker, w *colleague) { w.leave(); synctest.Wait() },
		"who fell silent":    func(_ *broker, w *colleague) { w.Close(); <-time.After(goneAfter + testifyEvery) },
		"who was heard anew": func(b *broker, _ *colleague) { b.restart() },
	} {
		t.Run(name, func(t *testing.T) {
			withBroker(t, func(t *testing.T, b *broker) {
				one, other := b.colleague(b.Conn), b.colleague(b.connect())
				defer other.Close()
				before(b, other)
				if name != "who was heard anew" {
					b.restart()
				}
				began := time.Now()
				if err := one.witnesses.WaitForPeers(t.Context()); err != nil || time.Since(began) > 0 {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
			})
		})
	}
}

// TestATestimonyThatCannotBeRead is nobody's.
func TestATestimonyThatCannotBeRead(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		one := b.colleague(b.Conn)
		for _, bad := range []string{"", "{", `{"sequence":7}`, `{"from":"x","sequence":-1}`, `{"from":"` + string(make([]byte, 5000)) + `"}`} {
			if err := b.nc.Publish(witnessSubject, []byte(bad)); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if len(one.witnesses.heard) != 0 || one.records.Highest() != 1 {
			t.Errorf("heard %v, highest %d", one.witnesses.heard, one.records.Highest())
		}
	})
}

// TestWhoLeavesTellsWhatItSaw, though nothing was due to be told.
func TestWhoLeavesTellsWhatItSaw(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		idle, busy := b.colleague(b.Conn), b.colleague(b.connect())
		defer busy.Close()
		busy.records.fill(t, "a", "b", "c")
		busy.leave()
		synctest.Wait()
		if got, want := idle.records.Highest(), busy.records.Highest(); got != want {
			t.Errorf("the other knows of sequence %d, want %d", got, want)
		}
	})
}

// moving is JetStream over a connection that is made again once a stream was looked
// up.
type moving struct {
	jetstream.JetStream
	after func()
}

func (m *moving) Stream(ctx context.Context, name string) (jetstream.Stream, error) {
	s, err := m.JetStream.Stream(ctx, name)
	m.after()
	return s, err
}

// TestAConnectionThatIsMadeAgainDuringACheck was not checked: what was found may
// be another broker's.
func TestAConnectionThatIsMadeAgainDuringACheck(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := must[*Records](t)(b.NewRecords(t.Context(), Retention{}, func() {}))
		js := r.js
		r.js = &moving{js, func() {
			before := generationOf(b.nc)
			if err := b.nc.ForceReconnect(); err != nil {
				t.Error(err)
			}
			for generationOf(b.nc) == before || !b.nc.IsConnected() {
				<-time.After(time.Millisecond)
			}
		}}
		if _, err := r.Verify(t.Context()); !errors.Is(err, ErrReconnected) {
			t.Errorf("the check gets %v", err)
		}
		if _, err := r.Put(t.Context(), claimOf(t, "a"), call.Version{}); !errors.Is(err, ErrUnverified) {
			t.Errorf("a claim after it gets %v", err)
		}
		r.js = js
		must[HighWater](t)(r.Verify(t.Context()))
		must[call.Version](t)(r.Put(t.Context(), claimOf(t, "a"), call.Version{}))
	})
}
