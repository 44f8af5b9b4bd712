package queue_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

func TestResolveRang(t *testing.T) {
	o := newOffice(t)
	o.unknown("u1", time.Second) // no need to wait: nothing is dialled
	done, err := o.operator.ResolveRang(t.Context(), acct, "u1", note())
	if err != nil || done.AlreadyDone || done.Removed != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	r := o.wantState("u1", call.StatePlaced)
	if !r.Resolved() || len(r.Notes) != 1 || r.Notes[0].Why != "a test" {
		t.Errorf("record %+v", r)
	}
	o.wantNoLetters("u1")

	// Broken off before the letter was removed.
	o.bury(o.unknown("u2", time.Second))
	u2, _ := o.read("u2")
	placed, err := u2.ResolveRang(note())
	if err != nil {
		t.Fatal(err)
	}
	o.put(placed)
	done, err = o.operator.ResolveRang(t.Context(), acct, "u2", note())
	if err != nil || !done.AlreadyDone || done.Removed != 1 {
		t.Errorf("again: %+v, %v", done, err)
	}
	o.wantNoLetters("u2")
	if due := o.due(); len(due) != 0 {
		t.Errorf("%d calls were brought back", len(due))
	}
}

func TestResolveNotRung(t *testing.T) {
	o := newOffice(t)
	o.unknown("early", 14*time.Minute)
	_, err := o.operator.ResolveNotRung(t.Context(), acct, "early", note())
	wantRefused(t, err)
	o.wantState("early", call.StateUnknown)

	o.unknown("u1", 16*time.Minute)
	done, err := o.operator.ResolveNotRung(t.Context(), acct, "u1", note())
	if err != nil || done.AlreadyDone || done.Removed != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	o.wantState("u1", call.StateWaiting)
	o.wantNoLetters("u1")
	due := o.due()
	if len(due) != 1 {
		t.Fatalf("%d calls were brought back", len(due))
	}
	if _, err := o.claim(due[0], "claim-1"); err != nil {
		t.Errorf("the call cannot be claimed: %v", err)
	}
}

// Each step of resolving may be the last one done; doing it again completes it.
func TestResolveNotRungBrokenOff(t *testing.T) {
	for name, steps := range map[string]int{"after the record": 1, "after it was brought back": 2} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			r := o.unknown("u1", time.Hour)
			n := note()
			n.What = "resolved as not rung"
			next, err := r.ResolveNotRung(n)
			if err != nil {
				t.Fatal(err)
			}
			version := o.put(next)
			if steps == 2 {
				if err := o.parking.EnqueueNow(t.Context(), next, version); err != nil {
					t.Fatal(err)
				}
			}
			done, err := o.operator.ResolveNotRung(t.Context(), acct, "u1", note())
			if err != nil || !done.AlreadyDone || done.Removed != 1 {
				t.Errorf("%+v, %v", done, err)
			}
			o.wantNoLetters("u1")
			due := o.due()
			if len(due) != steps {
				t.Fatalf("%d due messages, want %d", len(due), steps)
			}
			won := 0
			for i, m := range due {
				if _, err := o.claim(m, fmt.Sprintf("claim-%d", i)); err == nil {
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

// A worker that was taken for lost learns that the provider took the call just
// as an operator says that it did not ring. Whoever comes first, the call ends
// as placed, and what was brought back is not dialled.
func TestResolveNotRungWhileEvidenceArrives(t *testing.T) {
	o := newOffice(t)
	const calls = 40
	for i := range calls {
		id := fmt.Sprintf("u%d", i)
		o.unknown(id, time.Hour)
		var together sync.WaitGroup
		together.Go(func() {
			_, err := o.operator.ResolveNotRung(t.Context(), acct, call.ID(id), note())
			var refused *queue.PreconditionError
			if err != nil && !errors.As(err, &refused) {
				t.Error(err)
			}
		})
		together.Go(func() {
			evidence := call.Outcome{Class: call.Placed, Reason: call.Accepted, RequestUUID: "sfv_ob_req_1"}
			for { // as a worker settles: until it is written
				r, v, err := o.records.Read(t.Context(), acct, call.ID(id))
				if err != nil {
					t.Error(err)
					return
				}
				_, err = o.records.Put(t.Context(), r.MarkPlaced("nonce-"+id, evidence, time.Now()), v)
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
		o.wantState(id, call.StatePlaced)
	}
	for i, m := range o.due() {
		if _, err := o.claim(m, fmt.Sprintf("claim-%d", i)); !errors.Is(err, call.ErrConflict) {
			t.Errorf("claiming a call that is placed gave %v", err)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	o := newOffice(t)
	o.dead("dead", call.Expired)
	o.put(o.claimed("dialling", time.Hour))
	waiting, err := fresh("waiting").Park(call.NotYet, time.Now().Add(time.Hour), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	o.put(waiting)
	for _, id := range []call.ID{"dead", "dialling", "waiting", "absent"} {
		_, err := o.operator.ResolveRang(t.Context(), acct, id, note())
		wantRefused(t, err)
		_, err = o.operator.ResolveNotRung(t.Context(), acct, id, note())
		wantRefused(t, err)
	}
}

func TestResolveWhatWasPickedUp(t *testing.T) {
	o := newOffice(t)
	for _, id := range []string{"rang", "not-rung"} {
		r, err := o.claimed(id, time.Hour).Reject("nonce-"+id,
			call.Outcome{Class: call.Rejected, Reason: call.WebhookFailed, MayHaveRung: true}, call.WebhookFailed, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		o.put(r)
		o.bury(r)
	}
	if _, err := o.operator.ResolveRang(t.Context(), acct, "rang", note()); err != nil {
		t.Error(err)
	}
	if _, err := o.operator.ResolveNotRung(t.Context(), acct, "not-rung", note()); err != nil {
		t.Error(err)
	}
	o.wantState("rang", call.StatePlaced)
	o.wantState("not-rung", call.StateWaiting)
	o.wantNoLetters("rang")
	o.wantNoLetters("not-rung")
}
