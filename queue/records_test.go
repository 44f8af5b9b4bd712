package queue

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

func TestRecordsCompareAndSet(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := b.records()
		found, none, err := r.Read(t.Context(), "acme", "a")
		if err != nil || found.State != call.StateAbsent || none.Sequence != 0 || !none.Created.Equal(r.HighWater().Created) {
			t.Fatalf("an absent record reads %+v, %+v, %v", found, none, err)
		}
		claimed := must[call.Record](t)(newRecord("a").Claim("one", "n1", time.Now()))
		first := must[call.Version](t)(r.Put(t.Context(), claimed, none))
		rival := must[call.Record](t)(newRecord("a").Claim("two", "n2", time.Now()))
		if _, err := r.Put(t.Context(), rival, none); !errors.Is(err, call.ErrConflict) {
			t.Errorf("a rival gets %v", err)
		}
		if found, v, err := r.Read(t.Context(), "acme", "a"); err != nil || found.Nonce() != "n1" || v != first {
			t.Errorf("it reads %+v, %+v, %v", found, v, err)
		}
		second := must[call.Version](t)(r.Put(t.Context(), claimed.MarkPlaced("n1", call.Outcome{Class: call.Placed, RequestUUID: "u"}, time.Now()), first))
		if second.Sequence <= first.Sequence || r.HighWater().Sequence != second.Sequence {
			t.Errorf("versions %d, %d, highest %d", first.Sequence, second.Sequence, r.HighWater().Sequence)
		}
		if _, err := r.Put(t.Context(), claimed, first); !errors.Is(err, call.ErrConflict) {
			t.Errorf("the version before gets %v", err)
		}
		b.holds(StreamRecords, "calls.records.acme.a")
	})
}

// TestRecordsOfOneIDInTwoAccounts are two records.
func TestRecordsOfOneIDInTwoAccounts(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := b.records()
		other := newRecord("a")
		other.Account = "globex"
		for _, record := range []call.Record{newRecord("a"), other} {
			if _, err := r.Put(t.Context(), must[call.Record](t)(record.Claim("one", "n", time.Now())), call.Version{}); err != nil {
				t.Error(err)
			}
		}
		b.holds(StreamRecords, "calls.records.acme.a", "calls.records.globex.a")
	})
}

// TestFinalRecordsAreForgotten when their time is over, and no others.
func TestFinalRecordsAreForgotten(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := must[*Records](t)(b.NewRecords(t.Context(), Retention{Placed: time.Minute, Dead: 10 * time.Minute}, func() {}))
		claim := func(id call.ID) call.Record { return must[call.Record](t)(newRecord(id).Claim("one", "n", time.Now())) }
		o := call.Outcome{Class: call.Unknown, Reason: call.TimedOut}
		for _, record := range []call.Record{
			claim("dialling"),
			claim("placed").MarkPlaced("n", call.Outcome{Class: call.Placed}, time.Now()),
			must[call.Record](t)(newRecord("dead").MarkDead(call.Expired, "", time.Now())),
			must[call.Record](t)(newRecord("cancelled").Cancel(call.Note{At: time.Now()})),
			must[call.Record](t)(claim("unknown").MarkUnknown("n", o, time.Now())),
			waiting(t, "waiting", time.Now()),
		} {
			must[call.Version](t)(r.Put(t.Context(), record, call.Version{}))
		}
		<-time.After(2 * time.Minute)
		b.holds(StreamRecords, "calls.records.acme.cancelled", "calls.records.acme.dead", "calls.records.acme.dialling", "calls.records.acme.unknown", "calls.records.acme.waiting")
		<-time.After(10 * time.Minute)
		b.holds(StreamRecords, "calls.records.acme.dialling", "calls.records.acme.unknown", "calls.records.acme.waiting")
	})
}

// TestALostConfirmationIsReadBack blackholes the connection while a claim is written.
func TestALostConfirmationIsReadBack(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := b.records()
		claimed := must[call.Record](t)(newRecord("a").Claim("one", "n1", time.Now()))
		b.SetMute(true)
		hears := time.AfterFunc(RequestTimeout+time.Second, func() { b.SetMute(false) })
		defer hears.Stop()
		v, err := r.Put(t.Context(), claimed, call.Version{})
		if err != nil || v.Sequence != 2 {
			t.Errorf("version %+v, %v", v, err)
		}
	})
}

// TestAWriteWithoutAnyReplyIsUncertain lets neither the write nor its reading back be answered.
func TestAWriteWithoutAnyReplyIsUncertain(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := b.records()
		claimed := must[call.Record](t)(newRecord("a").Claim("one", "n1", time.Now()))
		b.SetMute(true)
		if _, err := r.Put(t.Context(), claimed, call.Version{}); !errors.Is(err, call.ErrUncertain) {
			t.Errorf("a blackholed writer gets %v", err)
		}
		if _, _, err := r.Read(t.Context(), "acme", "a"); err == nil {
			t.Error("a blackholed reader gets no error")
		}
		b.SetMute(false)
		<-time.After(time.Minute)
		if found, _, err := r.Read(t.Context(), "acme", "a"); err != nil || found.Nonce() != "n1" {
			t.Errorf("it was written, and reads %+v, %v", found, err)
		}
	})
}

// TestABrokerThatIsDownIsUncertain, and fails at once: nothing is sent later
// out of a buffer.
func TestABrokerThatIsDownIsUncertain(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := b.records()
		b.Stop()
		synctest.Wait()
		claimed := must[call.Record](t)(newRecord("a").Claim("one", "n1", time.Now()))
		if _, err := r.Put(t.Context(), claimed, call.Version{}); !errors.Is(err, call.ErrUncertain) {
			t.Errorf("gets %v", err)
		}
		b.Start()
		<-time.After(time.Minute)
		if found, _, err := r.Read(t.Context(), "acme", "a"); err != nil || found.State != call.StateAbsent {
			t.Errorf("after the restart it reads %+v, %v", found, err)
		}
	})
}

// TestReadBack lists what a write whose answer was lost or was an error can
// find.
func TestReadBack(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r := b.records()
		mine := must[call.Record](t)(newRecord("a").Claim("one", "n1", time.Now()))
		theirs := must[call.Record](t)(newRecord("a").Claim("two", "n2", time.Now()))
		data := must[[]byte](t)(mine.Encode())
		before := r.HighWater()
		back := func(cause error) error {
			_, err := r.readBack(t.Context(), mine, data, call.Version{}, before, cause)
			return err
		}
		timedOut := context.DeadlineExceeded
		if err := back(timedOut); !errors.Is(err, call.ErrUncertain) || errors.Is(err, call.ErrConflict) {
			t.Errorf("nothing there yet: %v", err)
		}
		v := must[call.Version](t)(r.Put(t.Context(), mine, call.Version{}))
		for _, cause := range []error{timedOut, call.ErrConflict, errDuplicate} {
			if err := back(cause); err != nil {
				t.Errorf("one's own write: %v", err)
			}
		}
		must[call.Version](t)(r.Put(t.Context(), theirs, v))
		for _, cause := range []error{timedOut, call.ErrConflict} {
			if err := back(cause); !errors.Is(err, call.ErrConflict) {
				t.Errorf("somebody else's write: %v", err)
			}
		}
		if _, err := b.JetStream().Publish(t.Context(), "calls.records.acme.a", []byte(`{"format":2}`)); err != nil {
			t.Fatal(err)
		}
		if err := back(timedOut); !errors.Is(err, call.ErrUncertain) {
			t.Errorf("what cannot be read: %v", err)
		}
	})
}

// TestASequenceThatWasAssignedBefore is found out by the worker that had it.
func TestASequenceThatWasAssignedBefore(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		regressed := 0
		r := must[*Records](t)(b.NewRecords(t.Context(), Retention{Placed: time.Hour, Dead: time.Hour}, func() { regressed++ }))
		for _, id := range []call.ID{"a", "b", "c"} {
			must[call.Version](t)(r.Put(t.Context(), waiting(t, id, time.Now()), call.Version{}))
		}
		b.recreate(StreamRecords)
		if _, err := r.Put(t.Context(), waiting(t, "d", time.Now()), call.Version{}); !errors.Is(err, call.ErrUncertain) || !errors.Is(err, ErrRolledBack) || regressed != 1 {
			t.Errorf("gets %v, told %d times", err, regressed)
		}
	})
}

// recreate deletes a stream and makes it anew.
func (b *broker) recreate(stream string) {
	b.t.Helper()
	if err := b.JetStream().DeleteStream(b.t.Context(), stream); err != nil {
		b.t.Fatal(err)
	}
	<-time.After(time.Second)
	b.apply()
}

func (b *broker) apply() {
	b.t.Helper()
	if _, err := (Topology{Replicas: 1}).Apply(b.t.Context(), b.JetStream()); err != nil {
		b.t.Fatal(err)
	}
}

// TestARewriteThatWasNotStored fails because the broker refuses it. The record is
// as it was, at the sequence that it had: that is neither the rewrite nor a
// rollback.
func TestARewriteThatWasNotStored(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r, fresh := b.records(), b.records()
		record := waiting(t, "a", time.Now())
		v := must[call.Version](t)(r.Put(t.Context(), record, call.Version{}))
		b.change(StreamRecords, func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1 })
		for _, records := range []*Records{r, fresh} { // the second has not seen the sequence before
			if _, err := records.Put(t.Context(), record, v); !errors.Is(err, call.ErrUncertain) || errors.Is(err, ErrRolledBack) {
				t.Errorf("the rewrite gets %v", err)
			}
		}
		b.change(StreamRecords, func(c *jetstream.StreamConfig) { c.MaxMsgSize = -1 })
		if next := must[call.Version](t)(r.Put(t.Context(), record, v)); next.Sequence <= v.Sequence {
			t.Errorf("the rewrite is version %d after %d", next.Sequence, v.Sequence)
		}
	})
}

// TestARewriteThatAnotherMade of the same record, before this worker wrote
// something else, is not this worker's.
func TestARewriteThatAnotherMade(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		r, other := b.records(), b.records()
		record := waiting(t, "a", time.Now())
		v := must[call.Version](t)(r.Put(t.Context(), record, call.Version{}))
		must[call.Version](t)(other.Put(t.Context(), record, v))
		must[call.Version](t)(r.Put(t.Context(), waiting(t, "b", time.Now()), call.Version{}))
		if _, err := r.Put(t.Context(), record, v); !errors.Is(err, call.ErrConflict) {
			t.Errorf("the second rewrite gets %v", err)
		}
	})
}

// change alters the configuration of a stream.
func (b *broker) change(stream string, alter func(*jetstream.StreamConfig)) {
	b.t.Helper()
	cfg := must[jetstream.Stream](b.t)(b.JetStream().Stream(b.t.Context(), stream)).CachedInfo().Config
	alter(&cfg)
	must[jetstream.Stream](b.t)(b.JetStream().UpdateStream(b.t.Context(), cfg))
}
