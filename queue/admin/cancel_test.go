package admin_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

func (f *fixture) parked(id string) uint64 {
	f.t.Helper()
	s, err := f.conn.JetStream().Stream(f.t.Context(), queue.StreamParked)
	if err != nil {
		f.t.Fatal(err)
	}
	info, err := s.Info(f.t.Context(), jetstream.WithSubjectFilter("calls.parked.*."+id))
	if err != nil {
		f.t.Fatal(err)
	}
	return info.State.Subjects["calls.parked."+string(acct)+"."+id]
}

func (f *fixture) waiting(id string) call.Record {
	f.t.Helper()
	r, err := fresh(id).Park(call.NotYet, time.Now().Add(time.Hour), time.Now())
	if err != nil {
		f.t.Fatal(err)
	}
	if err := f.scheduler.Schedule(f.t.Context(), r, f.put(r)); err != nil {
		f.t.Fatal(err)
	}
	return r
}

func TestCancel(t *testing.T) {
	f := newFixture(t)
	f.waiting("w1")
	if f.parked("w1") != 1 {
		t.Fatal("it is not parked")
	}
	result, err := f.operator.Cancel(t.Context(), acct, "w1", note())
	if err != nil || result.AlreadyDone {
		t.Errorf("%+v, %v", result, err)
	}
	r := f.wantState("w1", call.StateCancelled)
	if len(r.Notes) != 1 || r.Notes[0].What != "cancelled" {
		t.Errorf("notes %+v", r.Notes)
	}
	if f.parked("w1") != 0 {
		t.Error("its schedule is still there")
	}

	// Interrupted after the record was written.
	r, err = f.waiting("w2").Cancel(note())
	if err != nil {
		t.Fatal(err)
	}
	f.put(r)
	if result, err = f.operator.Cancel(t.Context(), acct, "w2", note()); err != nil || !result.AlreadyDone {
		t.Errorf("again: %+v, %v", result, err)
	}
	if f.parked("w2") != 0 {
		t.Error("its schedule is still there")
	}
}

func TestCancelBeforeTheRequestIsRecorded(t *testing.T) {
	f := newFixture(t)
	if _, err := f.operator.Cancel(t.Context(), acct, "c1", note()); err != nil {
		t.Fatal(err)
	}
	r := f.wantState("c1", call.StateCancelled)
	if r.Digest != "" {
		t.Errorf("the tombstone has the digest %q, and would make the request a conflict", r.Digest)
	}
	claim, err := fresh("c1").Claim("worker-1", "nonce", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.records.Put(t.Context(), claim, call.Version{}); !errors.Is(err, call.ErrConflict) {
		t.Errorf("claiming it as a first delivery gave %v", err)
	}
}

func TestCancelRefuses(t *testing.T) {
	f := newFixture(t)
	f.dead("dead", call.Expired)
	f.unknown("unknown", time.Hour)
	f.put(f.claimed("dialling", time.Hour))
	f.put(f.claimed("placed", time.Hour).MarkPlaced("nonce-placed", call.Outcome{Class: call.Placed, RequestUUID: "x"}, time.Now()))
	for _, id := range []string{"dead", "unknown", "dialling", "placed"} {
		before, _ := f.read(id)
		_, err := f.operator.Cancel(t.Context(), acct, call.ID(id), note())
		wantRefused(t, err)
		f.wantState(id, before.State)
	}
}

// A claim and a cancellation race for the same record: one of them wins, never
// both, never neither.
func TestCancelWhileAWorkerClaims(t *testing.T) {
	f := newFixture(t)
	for i := range 60 {
		id := fmt.Sprintf("c%d", i)
		version := call.Version{}
		r := fresh(id)
		if i%2 == 0 { // one that waits, else one that no worker has recorded
			r = f.waiting(id)
			_, version = f.read(id)
		}
		var cancelled, claimed error
		var together sync.WaitGroup
		together.Go(func() { _, cancelled = f.operator.Cancel(t.Context(), acct, call.ID(id), note()) })
		together.Go(func() {
			claim, err := r.Claim("worker-1", "nonce", time.Now())
			if err != nil {
				t.Error(err)
				return
			}
			_, claimed = f.records.Put(t.Context(), claim, version)
		})
		together.Wait()
		record, _ := f.read(id)
		switch {
		case cancelled == nil && errors.Is(claimed, call.ErrConflict) && record.State == call.StateCancelled:
		case claimed == nil && record.State == call.StateDialling:
			wantRefused(t, cancelled)
		default:
			t.Errorf("%s is %s; cancelling: %v, claiming: %v", id, record.State, cancelled, claimed)
		}
	}
}

func TestDiscard(t *testing.T) {
	f := newFixture(t)
	f.dead("d1", call.Expired)
	result, err := f.operator.Discard(t.Context(), acct, "d1", note())
	if err != nil || result.Removed != 1 || result.AlreadyDone {
		t.Errorf("%+v, %v", result, err)
	}
	r := f.wantState("d1", call.StateDead)
	if !r.Discarded || r.Reason != call.Expired || len(r.Notes) != 1 {
		t.Errorf("record %+v", r)
	}
	f.wantNoLetters("d1")

	// Interrupted after the record was written; or a late worker wrote the dead
	// letter again.
	f.putLetter(f.dead("d2", call.Expired))
	d2, _ := f.read("d2")
	if d2, err = d2.Discard(note()); err != nil {
		t.Fatal(err)
	}
	f.put(d2)
	if result, err = f.operator.Discard(t.Context(), acct, "d2", note()); err != nil || !result.AlreadyDone || result.Removed != 1 {
		t.Errorf("again: %+v, %v", result, err)
	}
	f.wantNoLetters("d2")

	// A replay that a worker has not taken yet loses against it.
	f.dead("d3", call.Expired)
	if _, err := f.operator.Replay(t.Context(), acct, "d3", note(), false); err != nil {
		t.Fatal(err)
	}
	if _, err := f.operator.Discard(t.Context(), acct, "d3", note()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.claim(f.due()[0], "claim-1"); !errors.Is(err, call.ErrConflict) {
		t.Errorf("claiming what was discarded gave %v", err)
	}
}

func TestDiscardWithoutARecord(t *testing.T) {
	f := newFixture(t)
	r, err := fresh("gone").MarkDead(call.Malformed, "no JSON", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	f.putLetter(r)
	if result, err := f.operator.Discard(t.Context(), acct, "gone", note()); err != nil || result.Removed != 1 {
		t.Errorf("%+v, %v", result, err)
	}
	f.wantNoLetters("gone")
	f.wantState("gone", call.StateAbsent)
	_, err = f.operator.Discard(t.Context(), acct, "gone", note())
	wantRefused(t, err)
}

func TestDiscardRefuses(t *testing.T) {
	f := newFixture(t)
	f.unknown("unknown", time.Hour)
	f.waiting("waiting")
	f.put(f.claimed("dialling", time.Hour))
	for _, id := range []call.ID{"unknown", "waiting", "dialling"} {
		_, err := f.operator.Discard(t.Context(), acct, id, note())
		wantRefused(t, err)
	}
	if len(f.letters("unknown")) != 1 {
		t.Error("the dead letter of a call that may have rung is gone")
	}
}
