package admin_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/admin"
)

func TestResolveRang(t *testing.T) {
	f := newFixture(t)
	f.unknown("u1", time.Second) // no need to wait: nothing is dialled
	result, err := f.operator.ResolveRang(t.Context(), acct, "u1", note())
	if err != nil || result.AlreadyDone || result.Removed != 1 {
		t.Errorf("%+v, %v", result, err)
	}
	r := f.wantState("u1", call.StatePlaced)
	if !r.Resolved() || len(r.Notes) != 1 || r.Notes[0].Why != "a test" {
		t.Errorf("record %+v", r)
	}
	f.wantNoLetters("u1")

	// Interrupted before the dead letter was deleted.
	f.putLetter(f.unknown("u2", time.Second))
	u2, _ := f.read("u2")
	placed, err := u2.ResolveRang(note())
	if err != nil {
		t.Fatal(err)
	}
	f.put(placed)
	result, err = f.operator.ResolveRang(t.Context(), acct, "u2", note())
	if err != nil || !result.AlreadyDone || result.Removed != 1 {
		t.Errorf("again: %+v, %v", result, err)
	}
	f.wantNoLetters("u2")
	if due := f.due(); len(due) != 0 {
		t.Errorf("%d calls were enqueued", len(due))
	}
}

func TestResolveNotRung(t *testing.T) {
	f := newFixture(t)
	f.unknown("early", 14*time.Minute)
	_, err := f.operator.ResolveNotRung(t.Context(), acct, "early", note())
	wantRefused(t, err)
	f.wantState("early", call.StateUnknown)

	f.unknown("u1", 16*time.Minute)
	result, err := f.operator.ResolveNotRung(t.Context(), acct, "u1", note())
	if err != nil || result.AlreadyDone || result.Removed != 1 {
		t.Errorf("%+v, %v", result, err)
	}
	f.wantState("u1", call.StateWaiting)
	f.wantNoLetters("u1")
	due := f.due()
	if len(due) != 1 {
		t.Fatalf("%d calls were enqueued", len(due))
	}
	if _, err := f.claim(due[0], "claim-1"); err != nil {
		t.Errorf("the call cannot be claimed: %v", err)
	}
}

// Each step of resolving may be the last one result; doing it again completes it.
func TestResolveNotRungInterrupted(t *testing.T) {
	for name, steps := range map[string]int{"after the record": 1, "after it was enqueued": 2} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			r := f.unknown("u1", time.Hour)
			n := note()
			n.What = "resolved as not rung"
			next, err := r.ResolveNotRung(n)
			if err != nil {
				t.Fatal(err)
			}
			version := f.put(next)
			if steps == 2 {
				if err := f.scheduler.EnqueueNow(t.Context(), next, version); err != nil {
					t.Fatal(err)
				}
			}
			result, err := f.operator.ResolveNotRung(t.Context(), acct, "u1", note())
			if err != nil || !result.AlreadyDone || result.Removed != 1 {
				t.Errorf("%+v, %v", result, err)
			}
			f.wantNoLetters("u1")
			due := f.due()
			if len(due) != steps {
				t.Fatalf("%d due messages, want %d", len(due), steps)
			}
			won := 0
			for i, m := range due {
				if _, err := f.claim(m, fmt.Sprintf("claim-%d", i)); err == nil {
					won++
				} else if !errors.Is(err, call.ErrConflict) {
					t.Error(err)
				}
			}
			if won != 1 {
				t.Errorf("%d claims won, want 1", won)
			}
		})
	}
}

// A worker that was believed lost learns that the provider took the call just
// as an operator says that it did not ring. Whichever comes first, the call ends
// as placed, and what was enqueued is not dialled.
func TestResolveNotRungWhileEvidenceArrives(t *testing.T) {
	f := newFixture(t)
	const calls = 40
	for i := range calls {
		id := fmt.Sprintf("u%d", i)
		f.unknown(id, time.Hour)
		var together sync.WaitGroup
		together.Go(func() {
			_, err := f.operator.ResolveNotRung(t.Context(), acct, call.ID(id), note())
			var refused *admin.PreconditionError
			if err != nil && !errors.As(err, &refused) {
				t.Error(err)
			}
		})
		together.Go(func() {
			evidence := call.Outcome{Class: call.Placed, Reason: call.Accepted, RequestUUID: "sfv_ob_req_1"}
			for { // as a worker settles: until it is written
				r, v, err := f.records.Read(t.Context(), acct, call.ID(id))
				if err != nil {
					t.Error(err)
					return
				}
				_, err = f.records.Put(t.Context(), r.MarkPlaced("nonce-"+id, evidence, time.Now()), v)
				if err == nil {
					return
				}
				if !errors.Is(err, call.ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
		together.Wait()
		f.wantState(id, call.StatePlaced)
	}
	for i, m := range f.due() {
		if _, err := f.claim(m, fmt.Sprintf("claim-%d", i)); !errors.Is(err, call.ErrConflict) {
			t.Errorf("claiming a call that is placed gave %v", err)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	f := newFixture(t)
	f.dead("dead", call.Expired)
	f.put(f.claimed("dialling", time.Hour))
	waiting, err := fresh("waiting").Park(call.NotYet, time.Now().Add(time.Hour), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	f.put(waiting)
	for _, id := range []call.ID{"dead", "dialling", "waiting", "absent"} {
		_, err := f.operator.ResolveRang(t.Context(), acct, id, note())
		wantRefused(t, err)
		_, err = f.operator.ResolveNotRung(t.Context(), acct, id, note())
		wantRefused(t, err)
	}
}

func TestResolveADeadCallThatMayHaveRung(t *testing.T) {
	f := newFixture(t)
	for _, id := range []string{"rang", "not-rung"} {
		r, err := f.claimed(id, time.Hour).Reject("nonce-"+id,
			call.Outcome{Class: call.Rejected, Reason: call.WebhookFailed, MayHaveRung: true}, call.WebhookFailed, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		f.put(r)
		f.putLetter(r)
	}
	if _, err := f.operator.ResolveRang(t.Context(), acct, "rang", note()); err != nil {
		t.Error(err)
	}
	if _, err := f.operator.ResolveNotRung(t.Context(), acct, "not-rung", note()); err != nil {
		t.Error(err)
	}
	f.wantState("rang", call.StatePlaced)
	f.wantState("not-rung", call.StateWaiting)
	f.wantNoLetters("rang")
	f.wantNoLetters("not-rung")
}
