package admin_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/admin"
)

const overdueAfter = 15 * time.Minute

func (f *fixture) audit(a call.Account) []admin.AuditFinding {
	f.t.Helper()
	return f.auditAfter(a, overdueAfter)
}

func (f *fixture) auditAfter(a call.Account, overdueAfter time.Duration) []admin.AuditFinding {
	f.t.Helper()
	var found []admin.AuditFinding
	_, err := f.operator.Audit(f.t.Context(), a, overdueAfter, time.Now(), func(finding admin.AuditFinding) error {
		found = append(found, finding)
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return found
}

func ids(found []admin.AuditFinding) []string {
	var list []string
	for _, finding := range found {
		list = append(list, string(finding.Record.ID))
	}
	slices.Sort(list)
	return list
}

// lose empties a stream, as a power loss may.
func (f *fixture) lose(stream string) {
	f.t.Helper()
	s, err := f.conn.JetStream().Stream(f.t.Context(), stream)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := s.Purge(f.t.Context()); err != nil {
		f.t.Fatal(err)
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
func (f *fixture) overdue() {
	f.t.Helper()
	hourAgo := time.Now().Add(-time.Hour)
	waiting := since(fresh("waiting").Park(call.ServiceUnavailable, hourAgo, hourAgo))
	f.put(waiting)
	later := waiting
	later.NextAt = time.Now().Add(time.Hour) // its schedule must not fire under the test
	_, version := f.read("waiting")
	if err := f.scheduler.Schedule(f.t.Context(), later, version); err != nil {
		f.t.Fatal(err)
	}
	ack, err := f.conn.JetStream().Publish(f.t.Context(), queue.RequestSubject(acct, call.Normal), body("dialling"))
	if err != nil {
		f.t.Fatal(err)
	}
	dialling := f.claimed("dialling", time.Hour)
	dialling.Origin.Sequence = ack.Sequence
	f.put(dialling)
	due := since(fresh("due").Park(call.ServiceUnavailable, hourAgo, hourAgo))
	if err := f.scheduler.EnqueueNow(f.t.Context(), due, f.put(due)); err != nil {
		f.t.Fatal(err)
	}
	for id, reason := range map[string]call.Reason{"dead": call.Expired, "unknown": call.OutcomeUnknown} {
		r := since(fresh(id).MarkDead(reason, "it ended", hourAgo))
		if id == "unknown" {
			r = since(f.claimed(id, time.Hour).MarkUnknown("nonce-"+id, call.Outcome{Class: call.Unknown, Reason: call.TimedOut}, hourAgo))
		}
		f.put(r)
		f.putLetter(r)
	}
}

func TestAuditWithoutLoss(t *testing.T) {
	f := newFixture(t)
	f.overdue()
	f.waiting("later")
	f.put(fresh("placed").MarkPlaced("", call.Outcome{RequestUUID: "sfv_ob_req_1"}, time.Now().Add(-time.Hour)))
	f.put(f.claimed("just-now", time.Minute))
	if got := ids(f.audit("")); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}

func TestAuditAndRepair(t *testing.T) {
	f := newFixture(t)
	f.overdue()
	discarded := since(fresh("discarded").MarkDead(call.Expired, "it ended", time.Now()))
	discarded, err := discarded.Discard(note())
	if err != nil {
		t.Fatal(err)
	}
	f.put(since(discarded, nil))
	for _, stream := range []string{queue.StreamCalls, queue.StreamParked, queue.StreamDead} {
		f.lose(stream)
	}
	want := []string{"dead", "dialling", "due", "unknown", "waiting"}
	found := f.audit("")
	if got := ids(found); !slices.Equal(got, want) {
		t.Fatalf("found %v, want %v", got, want)
	}
	if got := ids(f.audit("another")); len(got) > 0 {
		t.Errorf("found %v of another account", got)
	}
	for range 2 { // doing it twice costs nothing
		for _, finding := range found {
			if err := f.operator.Repair(t.Context(), finding, time.Now()); err != nil {
				t.Fatalf("%s: %v", finding.Record.ID, err)
			}
		}
	}
	if got := ids(f.audit("")); len(got) > 0 {
		t.Errorf("after the repair, found %v", got)
	}
	for _, id := range []string{"dead", "unknown"} {
		if n := len(f.letters(id)); n != 1 {
			t.Errorf("%s has %d letters", id, n)
		}
	}
}

// A dead call that is being replayed has no letter, and needs none.
func TestAuditDuringAReplay(t *testing.T) {
	f := newFixture(t)
	f.dead("replayed", call.Expired)
	if _, err := f.operator.Replay(t.Context(), acct, "replayed", note(), false); err != nil {
		t.Fatal(err)
	}
	f.wantNoLetters("replayed")
	if got := ids(f.auditAfter("", 0)); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}

// A call that was settled between the audit and the repair keeps no dead letter
// from before.
func TestRepairAfterTheCallWasSettled(t *testing.T) {
	f := newFixture(t)
	r := since(f.claimed("u", time.Hour).MarkUnknown("nonce-u", call.Outcome{Class: call.Unknown, Reason: call.TimedOut}, time.Now()))
	f.put(r)
	found := f.audit("")
	if len(found) != 1 || found[0].Missing != call.MissingDeadLetter {
		t.Fatalf("found %+v", found)
	}
	if _, err := f.operator.ResolveRang(t.Context(), acct, "u", note()); err != nil {
		t.Fatal(err)
	}
	if err := f.operator.Repair(t.Context(), found[0], time.Now()); err != nil {
		t.Fatal(err)
	}
	f.wantNoLetters("u")
	f.wantState("u", call.StatePlaced)
}

// There are more records than are asked for at once.
func TestAuditReadsAllRecords(t *testing.T) {
	f := newFixture(t)
	const calls = 600
	for i := range calls {
		f.put(since(fresh(fmt.Sprintf("c%d", i)).Park(call.NotYet, time.Now().Add(-time.Hour), time.Now())))
	}
	if got := len(f.audit(acct)); got != calls {
		t.Errorf("found %d of %d", got, calls)
	}
	stream, err := f.conn.JetStream().Stream(t.Context(), queue.StreamRecords)
	if err != nil {
		t.Fatal(err)
	}
	for info := range stream.ListConsumers(t.Context()).Info() {
		t.Errorf("consumer %s is left over", info.Name)
	}
}

// TestAuditReadsTheStreamOfTheRequest: another stream has a message with the same
// sequence, which says nothing.
func TestAuditReadsTheStreamOfTheRequest(t *testing.T) {
	for _, left := range call.Priorities() {
		for _, asked := range call.Priorities() {
			f := newFixture(t)
			ack, err := f.conn.JetStream().Publish(t.Context(), queue.RequestSubject(acct, left), body("c1"))
			if err != nil {
				t.Fatal(err)
			}
			dialling := f.claimed("c1", time.Hour)
			dialling.Origin = queue.Origin(queue.StreamOf(asked), ack.Sequence, time.Now())
			f.put(dialling)
			if lost := len(f.audit("")) > 0; lost != (left != asked) {
				t.Errorf("a message in %s, a call that came by %s: found to be lost: %t", left, asked, lost)
			}
		}
	}
}
