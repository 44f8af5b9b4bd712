package rollback

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/brokertest"
	"github.com/ringonce/ringonce/tests/queuetest"
)

// wantRegressed counts records; before them comes the canary.
func wantRegressed(t *testing.T, err error, last, highest uint64) {
	t.Helper()
	var regressed *FaultError
	if !errors.As(err, &regressed) || regressed.LastSequence != last+1 || regressed.HighWater.Sequence != highest+1 {
		t.Errorf("got %v, want that it ends after %d records and had reached %d", err, last, highest)
	}
}

func TestTheHighWaterMarkIsStored(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		r := newRecords(b)
		first := brokertest.Must[queue.HighWater](t)(Check(t.Context(), b.Conn))
		if !first.Created.Equal(r.HighWater().Created) || !first.ValidFrom.Equal(r.HighWater().Created) || first.Sequence != 1 {
			t.Errorf("at first %+v", first)
		}
		fill(t, r, "a", "b")
		if l := brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r)); l.Sequence != 3 {
			t.Errorf("later %+v", l)
		}
		if l := brokertest.Must[queue.HighWater](t)(Check(t.Context(), b.Conn)); l.Sequence != 3 || !l.ValidFrom.Equal(first.ValidFrom) {
			t.Errorf("and again %+v", l)
		}
	})
}

// TestWorkersThatCheckAtOnce, while records are written, find nothing wrong with
// intact records.
func TestWorkersThatCheckAtOnce(t *testing.T) {
	const workers, checks = 8, 50
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		busy := newRecords(b)
		var checking sync.WaitGroup
		for range workers {
			r := newRecords(b)
			checking.Go(func() {
				for range checks {
					if _, err := Verify(t.Context(), r); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for i := range workers * checks {
			fill(t, busy, call.ID(fmt.Sprintf("call-%d", i)))
		}
		checking.Wait()
	})
}

func TestRecreatedRecordsWaitForAnOperator(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		r := newRecords(b)
		fill(t, r, "a", "b")
		brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r))
		b.Recreate(queue.StreamRecords)
		for range 2 {
			_, err := Verify(t.Context(), r)
			wantRegressed(t, err, 0, 2)
		}
		now := time.Now()
		brokertest.Must[queue.HighWater](t)(Declare(t.Context(), b.Conn, now, "ann", now))
		l := brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r))
		if !l.ValidFrom.Equal(now) || l.DeclaredBy != "ann" {
			t.Errorf("declared %+v", l)
		}
		r.AdoptHighWater(l)
		fill(t, r, "c")
		if found, v, err := r.Read(t.Context(), "acme", "a"); err != nil || found.State != call.StateAbsent || !v.Created.Equal(l.Created) {
			t.Errorf("what is gone reads %+v, %+v, %v", found, v, err)
		}
	})
}

// TestARestoredCopyIsDetected although the same copy restored the stored mark:
// one worker knows more.
func TestARestoredCopyIsDetected(t *testing.T) {
	copied := t.TempDir()
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		regressed := 0
		r := brokertest.Must[*queue.Records](t)(b.NewRecords(t.Context(), queue.Retention{}, func() { regressed++ }))
		fill(t, r, "a")
		r.AdoptHighWater(brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r)))
		backUp(b, copied)
		fill(t, r, "b", "c", "d")
		restore(b, copied)

		if _, err := r.Put(t.Context(), queuetest.Waiting(t, "e", time.Now()), call.Version{}); !errors.Is(err, queue.ErrRolledBack) || regressed != 1 {
			t.Fatalf("it goes on: %v", err)
		}
		for range 2 {
			_, err := Verify(t.Context(), r)
			wantRegressed(t, err, 2, 4)
		}
		_, err := Check(t.Context(), b.Conn) // as another worker, or this one after a restart
		wantRegressed(t, err, 2, 4)

		for range 2 { // however often, also by the same person
			now := time.Now()
			brokertest.Must[queue.HighWater](t)(Declare(t.Context(), b.Conn, now, "ann", now))
			r.AdoptHighWater(brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r)))
			<-time.After(time.Second)
		}
		fill(t, r, "f")
		if regressed != 1 {
			t.Error("it went back again")
		}
	})
}

// TestAnIdleWorkerDetectsRecreation that the stream was created again, by the first
// record that it writes.
func TestAnIdleWorkerDetectsRecreation(t *testing.T) {
	for name, know := range map[string]func(*queue.Records, queue.HighWater){"it checks": (*queue.Records).AdoptHighWater, "another reports": (*queue.Records).MergeHighWater} {
		t.Run(name, func(t *testing.T) {
			queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
				idle := newRecords(b)
				idle.AdoptHighWater(brokertest.Must[queue.HighWater](t)(Verify(t.Context(), idle)))
				busy := newRecords(b)
				fill(t, busy, "a", "b")
				know(idle, brokertest.Must[queue.HighWater](t)(Verify(t.Context(), busy)))

				b.Recreate(queue.StreamRecords)
				if _, err := idle.Put(t.Context(), queuetest.Waiting(t, "a", time.Now()), call.Version{}); !errors.Is(err, queue.ErrRolledBack) {
					t.Errorf("it goes on: %v", err)
				}
			})
		})
	}
}

// TestADeclarationOutlivesTheBucket as long as one worker knows of it.
func TestADeclarationOutlivesTheBucket(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		r := newRecords(b)
		fill(t, r, "a")
		now := time.Now().Add(time.Hour)
		declared := brokertest.Must[queue.HighWater](t)(Declare(t.Context(), b.Conn, now, "ann", now))
		r.AdoptHighWater(brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r)))
		b.Recreate("KV_" + queue.BucketControl)
		if l := brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r)); !l.ValidFrom.Equal(declared.ValidFrom) {
			t.Errorf("it says now %+v", l)
		}
		if l := brokertest.Must[queue.HighWater](t)(Check(t.Context(), b.Conn)); !l.ValidFrom.Equal(declared.ValidFrom) || l.DeclaredBy != "ann" {
			t.Errorf("others hear %+v", l)
		}
	})
}

// TestARollbackStandsUntilDeclared until it is declared, also after the stream has counted
// on past where it had been.
func TestARollbackStandsUntilDeclared(t *testing.T) {
	copied := t.TempDir()
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		r := newRecords(b)
		fill(t, r, "a")
		r.AdoptHighWater(brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r)))
		backUp(b, copied)
		fill(t, r, "b", "c", "d")
		restore(b, copied)
		if _, err := r.Put(t.Context(), queuetest.Waiting(t, "e", time.Now()), call.Version{}); !errors.Is(err, queue.ErrRolledBack) {
			t.Fatalf("it goes on: %v", err)
		}
		for _, id := range []call.ID{"f", "g", "h"} { // outcomes, which have to be written all the same
			_, _ = r.Put(t.Context(), queuetest.Waiting(t, id, time.Now()), call.Version{})
		}
		for range 2 {
			_, err := Verify(t.Context(), r)
			wantRegressed(t, err, 5, 5)
		}
		_, err := Check(t.Context(), b.Conn) // as another worker
		wantRegressed(t, err, 5, 5)
		if _, err := r.Put(t.Context(), claimOf(t, "b"), call.Version{}); !errors.Is(err, queue.ErrUnverified) {
			t.Errorf("a claim gets %v", err)
		}
		now := time.Now()
		brokertest.Must[queue.HighWater](t)(Declare(t.Context(), b.Conn, now, "ann", now))
		r.AdoptHighWater(brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r)))
		brokertest.Must[call.Version](t)(r.Put(t.Context(), claimOf(t, "i"), call.Version{}))
	})
}

// TestACopyFromBeforeTheDeclaration is detected by a worker that knows what was declared.
func TestACopyFromBeforeTheDeclaration(t *testing.T) {
	copied := t.TempDir()
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		r := newRecords(b)
		other := newRecords(b)
		fill(t, r, "a")
		for _, records := range []*queue.Records{r, other} {
			records.AdoptHighWater(brokertest.Must[queue.HighWater](t)(Verify(t.Context(), records)))
		}
		backUp(b, copied)
		now := time.Now()
		declared := brokertest.Must[queue.HighWater](t)(Declare(t.Context(), b.Conn, now, "ann", now))
		r.AdoptHighWater(brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r)))
		fill(t, r, "b", "c", "d")
		restore(b, copied)
		other.MergeHighWater(r.HighWater())
		for _, records := range []*queue.Records{other, r} {
			_, err := Verify(t.Context(), records)
			wantRegressed(t, err, 1, 4)
		}
		if l, err := Inspect(t.Context(), b.Conn); err == nil || !l.DeclaredAt.Equal(declared.DeclaredAt) {
			t.Errorf("others find %+v, %v", l, err)
		}
	})
}

// TestRecordsAndBucketAreRecreated: a worker still knows.
func TestRecordsAndBucketAreRecreated(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		r := newRecords(b)
		fill(t, r, "a")
		r.AdoptHighWater(brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r)))
		b.Recreate(queue.StreamRecords)
		b.Recreate("KV_" + queue.BucketControl)
		for range 2 {
			_, err := Verify(t.Context(), r)
			wantRegressed(t, err, 0, 1)
		}
	})
}

// TestTheStoredMarkIsLost with the bucket, and the worker still knows.
func TestTheStoredMarkIsLost(t *testing.T) {
	copied := t.TempDir()
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		r := newRecords(b)
		fill(t, r, "a")
		backUp(b, copied) // before anything was remembered
		fill(t, r, "b")
		restore(b, copied)
		_, err := Verify(t.Context(), r)
		wantRegressed(t, err, 1, 2)
		_, err = Check(t.Context(), b.Conn)
		wantRegressed(t, err, 1, 2)
	})
}

func TestNoClaimOverAnUnverifiedConnection(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		r := newRecords(b)
		first := brokertest.Must[call.Version](t)(r.Put(t.Context(), claimOf(t, "a"), call.Version{}))
		restart(b)
		if _, err := r.Put(t.Context(), claimOf(t, "b"), call.Version{}); !errors.Is(err, queue.ErrUnverified) {
			t.Errorf("a claim gets %v", err)
		}
		// What a call came to is written all the same.
		placed := claimOf(t, "a").MarkPlaced("n1", call.Outcome{Class: call.Placed}, time.Now())
		brokertest.Must[call.Version](t)(r.Put(t.Context(), placed, first))
		b.WantSubjects(queue.StreamRecords, "calls.records.acme.a")
		brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r))
		brokertest.Must[call.Version](t)(r.Put(t.Context(), claimOf(t, "b"), call.Version{}))
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

// TestAReconnectionDuringACheck verifies nothing: what was read may be another
// broker's.
func TestAReconnectionDuringACheck(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		r := newRecords(b)
		js := &moving{b.JetStream(), func() {
			before := b.Generation()
			if err := b.NATS().ForceReconnect(); err != nil {
				t.Error(err)
			}
			for b.Generation() == before || !b.NATS().IsConnected() {
				<-time.After(time.Millisecond)
			}
		}}
		if _, err := verify(t.Context(), js, r); !errors.Is(err, queue.ErrReconnected) {
			t.Errorf("the check gets %v", err)
		}
		if _, err := r.Put(t.Context(), claimOf(t, "a"), call.Version{}); !errors.Is(err, queue.ErrUnverified) {
			t.Errorf("a claim after it gets %v", err)
		}
		brokertest.Must[queue.HighWater](t)(Verify(t.Context(), r))
		brokertest.Must[call.Version](t)(r.Put(t.Context(), claimOf(t, "a"), call.Version{}))
	})
}
