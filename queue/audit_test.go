package queue_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

const patience = 15 * time.Minute

func (o *office) audit(a call.Account) []queue.AuditFinding {
	o.t.Helper()
	return o.auditAfter(a, patience)
}

func (o *office) auditAfter(a call.Account, patience time.Duration) []queue.AuditFinding {
	o.t.Helper()
	var found []queue.AuditFinding
	_, err := o.operator.Audit(o.t.Context(), a, patience, time.Now(), func(f queue.AuditFinding) error {
		found = append(found, f)
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return found
}

func ids(found []queue.AuditFinding) []string {
	var list []string
	for _, f := range found {
		list = append(list, string(f.Record.ID))
	}
	slices.Sort(list)
	return list
}

// lose empties a stream, as a power loss may.
func (o *office) lose(stream string) {
	o.t.Helper()
	s, err := o.conn.JetStream().Stream(o.t.Context(), stream)
	if err != nil {
		o.t.Fatal(err)
	}
	if err := s.Purge(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

// since is the record of a call that got into its state an hour ago.
func since(r call.Record, err error) call.Record {
	if err != nil {
		panic(err)
	}
	r.Changed = time.Now().Add(-time.Hour).UTC()
	return r
}

// overdue makes a call for each way to be overdue, with all that belongs to it.
func (o *office) overdue() {
	o.t.Helper()
	hourAgo := time.Now().Add(-time.Hour)
	waiting := since(fresh("waiting").Park(call.ServiceUnavailable, hourAgo, hourAgo))
	o.put(waiting)
	later := waiting
	later.NextAt = time.Now().Add(time.Hour) // its schedule must not fire under the test
	_, version := o.read("waiting")
	if err := o.parking.Schedule(o.t.Context(), later, version); err != nil {
		o.t.Fatal(err)
	}
	ack, err := o.conn.JetStream().Publish(o.t.Context(), queue.RequestSubject(acct, call.Normal), body("dialling"))
	if err != nil {
		o.t.Fatal(err)
	}
	dialling := o.claimed("dialling", time.Hour)
	dialling.Origin.Sequence = ack.Sequence
	o.put(dialling)
	due := since(fresh("due").Park(call.ServiceUnavailable, hourAgo, hourAgo))
	if err := o.parking.EnqueueNow(o.t.Context(), due, o.put(due)); err != nil {
		o.t.Fatal(err)
	}
	for id, reason := range map[string]call.Reason{"dead": call.Expired, "unknown": call.OutcomeUnknown} {
		r := since(fresh(id).MarkDead(reason, "it ended", hourAgo))
		if id == "unknown" {
			r = since(o.claimed(id, time.Hour).MarkUnknown("nonce-"+id, call.Outcome{Class: call.Unknown, Reason: call.TimedOut}, hourAgo))
		}
		o.put(r)
		o.bury(r)
	}
}

func TestAuditFindsNothingWhereNothingIsLost(t *testing.T) {
	o := newOffice(t)
	o.overdue()
	o.waiting("later")
	o.put(fresh("placed").MarkPlaced("", call.Outcome{RequestUUID: "sfv_ob_req_1"}, time.Now().Add(-time.Hour)))
	o.put(o.claimed("just-now", time.Minute))
	if got := ids(o.audit("")); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}

func TestAuditAndRepair(t *testing.T) {
	o := newOffice(t)
	o.overdue()
	discarded := since(fresh("discarded").MarkDead(call.Expired, "it ended", time.Now()))
	discarded, err := discarded.Discard(note())
	if err != nil {
		t.Fatal(err)
	}
	o.put(since(discarded, nil))
	for _, stream := range []string{queue.StreamCalls, queue.StreamParked, queue.StreamDead} {
		o.lose(stream)
	}
	want := []string{"dead", "dialling", "due", "unknown", "waiting"}
	found := o.audit("")
	if got := ids(found); !slices.Equal(got, want) {
		t.Fatalf("found %v, want %v", got, want)
	}
	if got := ids(o.audit("another")); len(got) > 0 {
		t.Errorf("found %v of another account", got)
	}
	for range 2 { // doing it twice costs nothing
		for _, f := range found {
			if err := o.operator.Repair(t.Context(), f, time.Now()); err != nil {
				t.Fatalf("%s: %v", f.Record.ID, err)
			}
		}
	}
	if got := ids(o.audit("")); len(got) > 0 {
		t.Errorf("after the repair, found %v", got)
	}
	for _, id := range []string{"dead", "unknown"} {
		if n := len(o.letters(id)); n != 1 {
			t.Errorf("%s has %d letters", id, n)
		}
	}
}

// A dead call that is being replayed has no letter, and needs none.
func TestAuditLetsAReplayPass(t *testing.T) {
	o := newOffice(t)
	o.dead("replayed", call.Expired)
	if _, err := o.operator.Replay(t.Context(), acct, "replayed", note(), false); err != nil {
		t.Fatal(err)
	}
	o.wantNoLetters("replayed")
	if got := ids(o.auditAfter("", 0)); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}

// A call that was settled between the audit and the repair keeps no letter of
// the time before.
func TestRepairTooLate(t *testing.T) {
	o := newOffice(t)
	r := since(o.claimed("u", time.Hour).MarkUnknown("nonce-u", call.Outcome{Class: call.Unknown, Reason: call.TimedOut}, time.Now()))
	o.put(r)
	found := o.audit("")
	if len(found) != 1 || found[0].Missing != call.MissingDeadLetter {
		t.Fatalf("found %+v", found)
	}
	if _, err := o.operator.ResolveRang(t.Context(), acct, "u", note()); err != nil {
		t.Fatal(err)
	}
	if err := o.operator.Repair(t.Context(), found[0], time.Now()); err != nil {
		t.Fatal(err)
	}
	o.wantNoLetters("u")
	o.wantState("u", call.StatePlaced)
}

// There are more records than are asked for at once.
func TestAuditReadsAllRecords(t *testing.T) {
	o := newOffice(t)
	const calls = 600
	for i := range calls {
		o.put(since(fresh(fmt.Sprintf("c%d", i)).Park(call.NotYet, time.Now().Add(-time.Hour), time.Now())))
	}
	if got := len(o.audit(acct)); got != calls {
		t.Errorf("found %d of %d", got, calls)
	}
	stream, err := o.conn.JetStream().Stream(t.Context(), queue.StreamRecords)
	if err != nil {
		t.Fatal(err)
	}
	for info := range stream.ListConsumers(t.Context()).Info() {
		t.Errorf("consumer %s is left over", info.Name)
	}
}

// TestAuditLooksWhereTheRequestWaited: another stream has a message with the same
// sequence, which says nothing.
func TestAuditLooksWhereTheRequestWaited(t *testing.T) {
	for _, left := range call.Priorities() {
		for _, asked := range call.Priorities() {
			o := newOffice(t)
			ack, err := o.conn.JetStream().Publish(t.Context(), queue.RequestSubject(acct, left), body("c1"))
			if err != nil {
				t.Fatal(err)
			}
			dialling := o.claimed("c1", time.Hour)
			dialling.Origin = queue.Origin(queue.StreamOf(asked), ack.Sequence, time.Now())
			o.put(dialling)
			if lost := len(o.audit("")) > 0; lost != (left != asked) {
				t.Errorf("a message in %s, a call that came by %s: found to be lost: %t", left, asked, lost)
			}
		}
	}
}
