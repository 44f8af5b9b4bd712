package rollback

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/brokertest"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// colleague is another worker, as far as it knows the records.
type colleague struct {
	*queue.Conn
	records *queue.Records
	gossip  *Gossip
	leave   func()
}

func newColleague(b *queuetest.Broker, c *queue.Conn) *colleague {
	b.T.Helper()
	r := brokertest.Must[*queue.Records](b.T)(c.NewRecords(b.T.Context(), queue.Retention{}, func() {}))
	r.AdoptHighWater(brokertest.Must[queue.HighWater](b.T)(Verify(b.T.Context(), r)))
	w := &colleague{Conn: c, records: r, gossip: brokertest.Must[*Gossip](b.T)(NewGossip(r))}
	if err := w.gossip.WaitForPeers(b.T.Context()); err != nil {
		b.T.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.T.Context())
	var running sync.WaitGroup
	running.Go(func() { w.gossip.Run(ctx) })
	w.leave = func() {
		stop()
		running.Wait()
	}
	b.T.Cleanup(w.leave)
	synctest.Wait()
	return w
}

// sinceTheCopy has a copy taken, and one of two colleagues go on alone since.
func sinceTheCopy(b *queuetest.Broker, copied string) (idle, busy *colleague) {
	b.T.Helper()
	idle, busy = newColleague(b, b.Conn), newColleague(b, b.Connect())
	fill(b.T, busy.records, "a")
	backUp(b, copied)
	<-time.After(time.Minute + time.Second) // both connections are new, and no report is due just now
	for _, w := range []*colleague{idle, busy} {
		brokertest.Must[queue.HighWater](b.T)(Verify(b.T.Context(), w.records))
	}
	fill(b.T, busy.records, "b", "c", "d")
	return idle, busy
}

// connected waits until the connection is made again.
func (w *colleague) connected() {
	for !w.NATS().IsConnected() {
		<-time.After(time.Millisecond)
	}
}

// TestAnIdleWorkerDetectsAnOlderCopy: the others had the work lately, and
// are heard before anything is claimed.
func TestAnIdleWorkerDetectsAnOlderCopy(t *testing.T) {
	copied := t.TempDir()
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		idle, busy := sinceTheCopy(b, copied)
		defer busy.Close()
		b.Restore(copied)
		idle.connected()

		if _, err := idle.records.Put(t.Context(), claimOf(t, "b"), call.Version{}); !errors.Is(err, queue.ErrUnverified) {
			t.Fatalf("a claim before the check gets %v", err)
		}
		if err := idle.gossip.WaitForPeers(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := Verify(t.Context(), idle.records)
		wantRegressed(t, err, 1, 4)
		if _, err := idle.records.Put(t.Context(), claimOf(t, "b"), call.Version{}); !errors.Is(err, queue.ErrUnverified) {
			t.Errorf("a claim after it gets %v", err)
		}
		b.WantSubjects(queue.StreamRecords, "calls.records.acme.a")
	})
}

// TestPeersAreKeptWhileTheBrokerIsAway, however long.
func TestPeersAreKeptWhileTheBrokerIsAway(t *testing.T) {
	copied := t.TempDir()
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		idle, busy := sinceTheCopy(b, copied)
		defer busy.Close()
		b.Stop()
		<-time.After(time.Hour)
		b.Restore(copied)
		idle.connected()
		if err := idle.gossip.WaitForPeers(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := Verify(t.Context(), idle.records)
		wantRegressed(t, err, 1, 4)
	})
}

// TestAStartingWorkerAsksFirst: the bucket was restored, too, and its peers have
// not corrected it yet.
func TestAStartingWorkerAsksFirst(t *testing.T) {
	copied := t.TempDir()
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		old := newColleague(b, b.Conn)
		fill(t, old.records, "a")
		backUp(b, copied)
		fill(t, old.records, "b", "c")
		restore(b, copied)
		c := b.Connect()
		defer c.Close()
		r := brokertest.Must[*queue.Records](t)(c.NewRecords(t.Context(), queue.Retention{}, func() {}))
		w := brokertest.Must[*Gossip](t)(NewGossip(r))
		defer func() { _ = w.sub.Unsubscribe() }()
		if err := w.WaitForPeers(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := Verify(t.Context(), r)
		wantRegressed(t, err, 1, 3)
	})
}

func TestAMissingPeerIsAwaitedOnce(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		one, other := newColleague(b, b.Conn), newColleague(b, b.Connect())
		other.Close() // as if it was killed
		restart(b)
		began := time.Now()
		if err := one.gossip.WaitForPeers(t.Context()); !errors.Is(err, ErrPeersMissing) {
			t.Errorf("gets %v", err)
		}
		if waited := time.Since(began); waited < peerTimeout || waited > peerTimeout+queryInterval {
			t.Errorf("after %v", waited)
		}
		if err := one.gossip.WaitForPeers(t.Context()); err != nil {
			t.Errorf("and again: %v", err)
		}
	})
}

// TestPeersThatAreNotAwaited : they left, fell silent, or were heard since.
func TestPeersThatAreNotAwaited(t *testing.T) {
	for name, before := range map[string]func(*queuetest.Broker, *colleague){
		"left":        func(_ *queuetest.Broker, w *colleague) { w.leave(); synctest.Wait() },
		"silent":      func(_ *queuetest.Broker, w *colleague) { w.Close(); <-time.After(peerTTL + gossipInterval) },
		"heard again": func(b *queuetest.Broker, _ *colleague) { restart(b) },
	} {
		t.Run(name, func(t *testing.T) {
			queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
				one, other := newColleague(b, b.Conn), newColleague(b, b.Connect())
				defer other.Close()
				before(b, other)
				if name != "heard again" {
					restart(b)
				}
				began := time.Now()
				if err := one.gossip.WaitForPeers(t.Context()); err != nil || time.Since(began) > 0 {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
			})
		})
	}
}

// TestAReportThatCannotBeRead is ignored.
func TestAReportThatCannotBeRead(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		one := newColleague(b, b.Conn)
		for _, bad := range []string{"", "{", `{"sequence":7}`, `{"from":"x","sequence":-1}`, `{"from":"` + string(make([]byte, 5000)) + `"}`} {
			if err := b.NATS().Publish(gossipSubject, []byte(bad)); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if len(one.gossip.peers) != 0 || one.records.HighWater().Sequence != 1 {
			t.Errorf("heard %v, highest %d", one.gossip.peers, one.records.HighWater().Sequence)
		}
	})
}

// TestALeavingWorkerReports, although no report is due.
func TestALeavingWorkerReports(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		idle, busy := newColleague(b, b.Conn), newColleague(b, b.Connect())
		defer busy.Close()
		fill(t, busy.records, "a", "b", "c")
		busy.leave()
		synctest.Wait()
		if got, want := idle.records.HighWater().Sequence, busy.records.HighWater().Sequence; got != want {
			t.Errorf("the other knows of sequence %d, want %d", got, want)
		}
	})
}
