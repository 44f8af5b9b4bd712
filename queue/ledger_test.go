package queue

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

// put writes so many records that were not there.
func (r *Records) fill(t *testing.T, ids ...call.ID) {
	t.Helper()
	for _, id := range ids {
		must[call.Version](t)(r.Put(t.Context(), waiting(t, id, time.Now()), call.Version{}))
	}
}

// restoreTo restores, and gives every connection the time to be made anew.
func (b *broker) restoreTo(copied string) {
	b.t.Helper()
	b.restore(copied)
	<-time.After(time.Minute)
}

// restore stops the broker, puts back the files of an earlier day, and starts
// it again.
func (b *broker) restore(copied string) {
	b.t.Helper()
	b.stop()
	if err := os.RemoveAll(b.dir); err != nil {
		b.t.Fatal(err)
	}
	if err := os.CopyFS(b.dir, os.DirFS(copied)); err != nil {
		b.t.Fatal(err)
	}
	b.start(nil)
}

// backUp copies the files of the broker while it is down.
func (b *broker) backUp(to string) {
	b.t.Helper()
	b.stop()
	if err := os.CopyFS(to, os.DirFS(b.dir)); err != nil {
		b.t.Fatal(err)
	}
	b.start(nil)
	<-time.After(time.Minute)
}

// wantRegressed counts records; before them comes the canary.
func wantRegressed(t *testing.T, err error, last, highest uint64) {
	t.Helper()
	var regressed *FaultError
	if !errors.As(err, &regressed) || regressed.LastSequence != last+1 || regressed.HighWater.Sequence != highest+1 {
		t.Errorf("got %v, want that it ends after %d records and had reached %d", err, last, highest)
	}
}

func TestTheLedgerIsRemembered(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := b.records()
		first := must[HighWater](t)(b.CheckHighWater(t.Context()))
		if !first.Created.Equal(r.Created()) || !first.ValidFrom.Equal(r.Created()) || first.Sequence != 1 {
			t.Errorf("at first %+v", first)
		}
		r.fill(t, "a", "b")
		if l := must[HighWater](t)(r.Verify(t.Context())); l.Sequence != 3 {
			t.Errorf("later %+v", l)
		}
		if l := must[HighWater](t)(b.CheckHighWater(t.Context())); l.Sequence != 3 || !l.ValidFrom.Equal(first.ValidFrom) {
			t.Errorf("and again %+v", l)
		}
	})
}

// TestWorkersThatCheckAtOnce, while records are written, find nothing wrong with
// a ledger with which nothing is wrong.
func TestWorkersThatCheckAtOnce(t *testing.T) {
	const workers, checks = 8, 50
	withBroker(t, func(t *testing.T, b *broker) {
		busy := b.records()
		var checking sync.WaitGroup
		for range workers {
			r := must[*Records](t)(b.NewRecords(t.Context(), Retention{}, func() {}))
			checking.Go(func() {
				for range checks {
					if _, err := r.Verify(t.Context()); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for i := range workers * checks {
			busy.fill(t, call.ID(fmt.Sprintf("call-%d", i)))
		}
		checking.Wait()
	})
}

func TestARecreatedLedgerWaitsForAnOperator(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := must[*Records](t)(b.NewRecords(t.Context(), Retention{}, func() {}))
		r.fill(t, "a", "b")
		must[HighWater](t)(r.Verify(t.Context()))
		b.recreate(StreamRecords)
		for range 2 {
			_, err := r.Verify(t.Context())
			wantRegressed(t, err, 0, 2)
		}
		now := time.Now()
		must[HighWater](t)(b.DeclareRecords(t.Context(), now, "ann", now))
		l := must[HighWater](t)(r.Verify(t.Context()))
		if !l.ValidFrom.Equal(now) || l.DeclaredBy != "ann" {
			t.Errorf("declared %+v", l)
		}
		r.AdoptHighWater(l)
		r.fill(t, "c")
		if found, v, err := r.Read(t.Context(), "acme", "a"); err != nil || found.State != call.StateAbsent || !v.Created.Equal(l.Created) {
			t.Errorf("what is gone reads %+v, %+v, %v", found, v, err)
		}
	})
}

// TestARestoredLedgerIsFoundOut although the same copy brought back what was
// remembered of it: one worker knows better, and tells.
func TestARestoredLedgerIsFoundOut(t *testing.T) {
	copied := t.TempDir()
	withBroker(t, func(t *testing.T, b *broker) {
		regressed := 0
		r := must[*Records](t)(b.NewRecords(t.Context(), Retention{}, func() { regressed++ }))
		r.fill(t, "a")
		r.AdoptHighWater(must[HighWater](t)(r.Verify(t.Context())))
		b.backUp(copied)
		r.fill(t, "b", "c", "d")
		b.restoreTo(copied)

		if _, err := r.Put(t.Context(), waiting(t, "e", time.Now()), call.Version{}); !errors.Is(err, ErrRolledBack) || regressed != 1 {
			t.Fatalf("it goes on: %v", err)
		}
		for range 2 {
			_, err := r.Verify(t.Context())
			wantRegressed(t, err, 2, 4)
		}
		_, err := b.CheckHighWater(t.Context()) // as another worker, or this one after a restart
		wantRegressed(t, err, 2, 4)

		for range 2 { // however often, also by the same person
			now := time.Now()
			must[HighWater](t)(b.DeclareRecords(t.Context(), now, "ann", now))
			r.AdoptHighWater(must[HighWater](t)(r.Verify(t.Context())))
			<-time.After(time.Second)
		}
		r.fill(t, "f")
		if regressed != 1 {
			t.Error("it went back again")
		}
	})
}

// TestAWorkerThatWroteNothingFindsOut that the stream was made anew, by the first
// record that it writes.
func TestAWorkerThatWroteNothingFindsOut(t *testing.T) {
	for name, know := range map[string]func(*Records, HighWater){"it checks": (*Records).AdoptHighWater, "another tells": (*Records).MergeHighWater} {
		t.Run(name, func(t *testing.T) {
			withBroker(t, func(t *testing.T, b *broker) {
				idle := must[*Records](t)(b.NewRecords(t.Context(), Retention{}, func() {}))
				idle.AdoptHighWater(must[HighWater](t)(idle.Verify(t.Context())))
				busy := must[*Records](t)(b.NewRecords(t.Context(), Retention{}, func() {}))
				busy.fill(t, "a", "b")
				know(idle, must[HighWater](t)(busy.Verify(t.Context())))

				b.recreate(StreamRecords)
				if _, err := idle.Put(t.Context(), waiting(t, "a", time.Now()), call.Version{}); !errors.Is(err, ErrRolledBack) {
					t.Errorf("it goes on: %v", err)
				}
			})
		})
	}
}

// TestADeclarationOutlivesTheBucket as long as one worker knows of it.
func TestADeclarationOutlivesTheBucket(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := must[*Records](t)(b.NewRecords(t.Context(), Retention{}, func() {}))
		r.fill(t, "a")
		now := time.Now().Add(time.Hour)
		declared := must[HighWater](t)(b.DeclareRecords(t.Context(), now, "ann", now))
		r.AdoptHighWater(must[HighWater](t)(r.Verify(t.Context())))
		b.recreate("KV_" + BucketControl)
		if l := must[HighWater](t)(r.Verify(t.Context())); !l.ValidFrom.Equal(declared.ValidFrom) {
			t.Errorf("it says now %+v", l)
		}
		if l := must[HighWater](t)(b.CheckHighWater(t.Context())); !l.ValidFrom.Equal(declared.ValidFrom) || l.DeclaredBy != "ann" {
			t.Errorf("others hear %+v", l)
		}
	})
}

// TestALedgerThatWentBackStaysSo until it is declared, also after it has counted
// on past where it had been.
func TestALedgerThatWentBackStaysSo(t *testing.T) {
	copied := t.TempDir()
	withBroker(t, func(t *testing.T, b *broker) {
		r := must[*Records](t)(b.NewRecords(t.Context(), Retention{}, func() {}))
		r.fill(t, "a")
		r.AdoptHighWater(must[HighWater](t)(r.Verify(t.Context())))
		b.backUp(copied)
		r.fill(t, "b", "c", "d")
		b.restoreTo(copied)
		if _, err := r.Put(t.Context(), waiting(t, "e", time.Now()), call.Version{}); !errors.Is(err, ErrRolledBack) {
			t.Fatalf("it goes on: %v", err)
		}
		for _, id := range []call.ID{"f", "g", "h"} { // outcomes, which have to be written all the same
			_, _ = r.Put(t.Context(), waiting(t, id, time.Now()), call.Version{})
		}
		for range 2 {
			_, err := r.Verify(t.Context())
			wantRegressed(t, err, 5, 5)
		}
		_, err := b.CheckHighWater(t.Context()) // as another worker
		wantRegressed(t, err, 5, 5)
		if _, err := r.Put(t.Context(), claimOf(t, "b"), call.Version{}); !errors.Is(err, ErrUnverified) {
			t.Errorf("a claim gets %v", err)
		}
		now := time.Now()
		must[HighWater](t)(b.DeclareRecords(t.Context(), now, "ann", now))
		r.AdoptHighWater(must[HighWater](t)(r.Verify(t.Context())))
		must[call.Version](t)(r.Put(t.Context(), claimOf(t, "i"), call.Version{}))
	})
}

// TestAWriteAcrossADeclaration is not certain, and says nothing of the ledger that
// was declared while it was under way.
func TestAWriteAcrossADeclaration(t *testing.T) {
	began := time.Now()
	for name, sequence := range map[string]uint64{"lower": 5, "higher": 1001} {
		t.Run(name, func(t *testing.T) {
			r := &Records{known: HighWater{Created: began, Sequence: 1000}}
			before := r.HighWater()
			declared := HighWater{Created: began.Add(time.Hour), DeclaredAt: began.Add(2 * time.Hour), Sequence: 4}
			r.AdoptHighWater(declared)
			if v, ok := r.advance(sequence, before); ok || r.HighWater() != declared {
				t.Errorf("version %v is certain: %t; remembered is %+v", v, ok, r.HighWater())
			}
		})
	}
}

// TestACopyOfBeforeTheDeclaration is found out by who knows what was declared.
func TestACopyOfBeforeTheDeclaration(t *testing.T) {
	copied := t.TempDir()
	withBroker(t, func(t *testing.T, b *broker) {
		r := must[*Records](t)(b.NewRecords(t.Context(), Retention{}, func() {}))
		other := must[*Records](t)(b.NewRecords(t.Context(), Retention{}, func() {}))
		r.fill(t, "a")
		for _, records := range []*Records{r, other} {
			records.AdoptHighWater(must[HighWater](t)(records.Verify(t.Context())))
		}
		b.backUp(copied)
		now := time.Now()
		declared := must[HighWater](t)(b.DeclareRecords(t.Context(), now, "ann", now))
		r.AdoptHighWater(must[HighWater](t)(r.Verify(t.Context())))
		r.fill(t, "b", "c", "d")
		b.restoreTo(copied)
		other.MergeHighWater(r.HighWater())
		for _, records := range []*Records{other, r} {
			_, err := records.Verify(t.Context())
			wantRegressed(t, err, 1, 4)
		}
		if l, err := b.InspectHighWater(t.Context()); err == nil || !l.DeclaredAt.Equal(declared.DeclaredAt) {
			t.Errorf("others find %+v, %v", l, err)
		}
	})
}

// TestBothAreMadeAnew, the records and what is remembered of them: a worker knows.
func TestBothAreMadeAnew(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := must[*Records](t)(b.NewRecords(t.Context(), Retention{}, func() {}))
		r.fill(t, "a")
		r.AdoptHighWater(must[HighWater](t)(r.Verify(t.Context())))
		b.recreate(StreamRecords)
		b.recreate("KV_" + BucketControl)
		for range 2 {
			_, err := r.Verify(t.Context())
			wantRegressed(t, err, 0, 1)
		}
	})
}

// TestWhatIsRememberedIsLost with the bucket, and the worker still knows.
func TestWhatIsRememberedIsLost(t *testing.T) {
	copied := t.TempDir()
	withBroker(t, func(t *testing.T, b *broker) {
		r := must[*Records](t)(b.NewRecords(t.Context(), Retention{}, func() {}))
		r.fill(t, "a")
		b.backUp(copied) // before anything was remembered
		r.fill(t, "b")
		b.restoreTo(copied)
		_, err := r.Verify(t.Context())
		wantRegressed(t, err, 1, 2)
		_, err = b.CheckHighWater(t.Context())
		wantRegressed(t, err, 1, 2)
	})
}
