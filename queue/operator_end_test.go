package queue_test

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

func (o *office) parked(id string) uint64 {
	o.t.Helper()
	s, err := o.conn.JetStream().Stream(o.t.Context(), queue.StreamParked)
	if err != nil {
		o.t.Fatal(err)
	}
	info, err := s.Info(o.t.Context(), jetstream.WithSubjectFilter("calls.parked.*."+id))
	if err != nil {
		o.t.Fatal(err)
	}
	return info.State.Subjects["calls.parked."+string(acct)+"."+id]
}

func (o *office) waiting(id string) call.Record {
	o.t.Helper()
	r, err := fresh(id).Park(call.NotYet, time.Now().Add(time.Hour), time.Now())
	if err != nil {
		o.t.Fatal(err)
	}
	if err := o.parking.Schedule(o.t.Context(), r, o.put(r)); err != nil {
		o.t.Fatal(err)
	}
	return r
}

func TestCancel(t *testing.T) {
	o := newOffice(t)
	o.waiting("w1")
	if o.parked("w1") != 1 {
		t.Fatal("it is not parked")
	}
	done, err := o.operator.Cancel(t.Context(), acct, "w1", note())
	if err != nil || done.AlreadyDone {
		t.Errorf("%+v, %v", done, err)
	}
	r := o.wantState("w1", call.StateCancelled)
	if len(r.Notes) != 1 || r.Notes[0].What != "cancelled" {
		t.Errorf("notes %+v", r.Notes)
	}
	if o.parked("w1") != 0 {
		t.Error("its schedule is still there")
	}

	// Broken off after the record was written.
	r, err = o.waiting("w2").Cancel(note())
	if err != nil {
		t.Fatal(err)
	}
	o.put(r)
	if done, err = o.operator.Cancel(t.Context(), acct, "w2", note()); err != nil || !done.AlreadyDone {
		t.Errorf("again: %+v, %v", done, err)
	}
	if o.parked("w2") != 0 {
		t.Error("its schedule is still there")
	}
}

func TestCancelBeforeAnyWorkerSawIt(t *testing.T) {
	o := newOffice(t)
	if _, err := o.operator.Cancel(t.Context(), acct, "c1", note()); err != nil {
		t.Fatal(err)
	}
	r := o.wantState("c1", call.StateCancelled)
	if r.Digest != "" {
		t.Errorf("the tombstone has the digest %q, and would make the request a conflict", r.Digest)
	}
	claim, err := fresh("c1").Claim("worker-1", "nonce", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.records.Put(t.Context(), claim, call.Version{}); !errors.Is(err, call.ErrConflict) {
		t.Errorf("claiming it as a first delivery gave %v", err)
	}
}

func TestCancelRefuses(t *testing.T) {
	o := newOffice(t)
	o.dead("dead", call.Expired)
	o.unknown("unknown", time.Hour)
	o.put(o.claimed("dialling", time.Hour))
	o.put(o.claimed("placed", time.Hour).MarkPlaced("nonce-placed", call.Outcome{Class: call.Placed, RequestUUID: "x"}, time.Now()))
	for _, id := range []string{"dead", "unknown", "dialling", "placed"} {
		before, _ := o.read(id)
		_, err := o.operator.Cancel(t.Context(), acct, call.ID(id), note())
		wantRefused(t, err)
		o.wantState(id, before.State)
	}
}

// A claim and a cancellation race for the same record: one of them wins, never
// both, never neither.
func TestCancelWhileAWorkerClaims(t *testing.T) {
	o := newOffice(t)
	for i := range 60 {
		id := fmt.Sprintf("c%d", i)
		version := call.Version{}
		r := fresh(id)
		if i%2 == 0 { // one that waits, else one that nobody has seen
			r = o.waiting(id)
			_, version = o.read(id)
		}
		var cancelled, claimed error
		var together sync.WaitGroup
		together.Go(func() { _, cancelled = o.operator.Cancel(t.Context(), acct, call.ID(id), note()) })
		together.Go(func() {
			claim, err := r.Claim("worker-1", "nonce", time.Now())
			if err != nil {
				t.Error(err)
				return
			}
			_, claimed = o.records.Put(t.Context(), claim, version)
		})
		together.Wait()
		record, _ := o.read(id)
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
	o := newOffice(t)
	o.dead("d1", call.Expired)
	done, err := o.operator.Discard(t.Context(), acct, "d1", note())
	if err != nil || done.Removed != 1 || done.AlreadyDone {
		t.Errorf("%+v, %v", done, err)
	}
	r := o.wantState("d1", call.StateDead)
	if !r.Discarded || r.Reason != call.Expired || len(r.Notes) != 1 {
		t.Errorf("record %+v", r)
	}
	o.wantNoLetters("d1")

	// Broken off after the record was written; or a late worker wrote the letter
	// again.
	o.bury(o.dead("d2", call.Expired))
	d2, _ := o.read("d2")
	if d2, err = d2.Discard(note()); err != nil {
		t.Fatal(err)
	}
	o.put(d2)
	if done, err = o.operator.Discard(t.Context(), acct, "d2", note()); err != nil || !done.AlreadyDone || done.Removed != 1 {
		t.Errorf("again: %+v, %v", done, err)
	}
	o.wantNoLetters("d2")

	// A replay that a worker has not taken yet loses against it.
	o.dead("d3", call.Expired)
	if _, err := o.operator.Replay(t.Context(), acct, "d3", note(), false); err != nil {
		t.Fatal(err)
	}
	if _, err := o.operator.Discard(t.Context(), acct, "d3", note()); err != nil {
		t.Fatal(err)
	}
	if _, err := o.claim(o.due()[0], "claim-1"); !errors.Is(err, call.ErrConflict) {
		t.Errorf("claiming what was discarded gave %v", err)
	}
}

func TestDiscardWithoutARecord(t *testing.T) {
	o := newOffice(t)
	r, err := fresh("gone").MarkDead(call.Malformed, "no JSON", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	o.bury(r)
	if done, err := o.operator.Discard(t.Context(), acct, "gone", note()); err != nil || done.Removed != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	o.wantNoLetters("gone")
	o.wantState("gone", call.StateAbsent)
	_, err = o.operator.Discard(t.Context(), acct, "gone", note())
	wantRefused(t, err)
}

func TestDiscardRefuses(t *testing.T) {
	o := newOffice(t)
	o.unknown("unknown", time.Hour)
	o.waiting("waiting")
	o.put(o.claimed("dialling", time.Hour))
	for _, id := range []call.ID{"unknown", "waiting", "dialling"} {
		_, err := o.operator.Discard(t.Context(), acct, id, note())
		wantRefused(t, err)
	}
	if len(o.letters("unknown")) != 1 {
		t.Error("the letter of a call that may have rung is gone")
	}
}
