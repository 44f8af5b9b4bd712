package admin_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/rollback"
)

func TestRepeatedReplaysRingOnce(t *testing.T) {
	f := newFixture(t)
	f.dead("r1", call.NumberNotLinked)
	const operators = 4
	var together sync.WaitGroup
	for range operators {
		together.Go(func() {
			// The slower may find the dead letter deleted, but the record is dead until it
			// is claimed.
			if _, err := f.operator.Replay(t.Context(), acct, "r1", note(), false); err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	f.wantNoLetters("r1")
	messages := f.due()
	if len(messages) != operators {
		t.Fatalf("%d due messages, want %d", len(messages), operators)
	}
	won := 0
	for i, m := range messages {
		_, err := f.claim(m, fmt.Sprintf("claim-%d", i))
		switch {
		case err == nil:
			won++
		case !errors.Is(err, call.ErrConflict):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d claims won, want 1", won)
	}
	r := f.wantState("r1", call.StateDialling)
	if len(r.Notes) != 1 || r.Notes[0].By != "asha@desk" || r.Notes[0].What != "replayed" || r.Spent != 0 {
		t.Errorf("the record notes %+v, %d spent", r.Notes, r.Spent)
	}
}

func TestReplayInterrupted(t *testing.T) {
	f := newFixture(t)
	r := f.dead("r1", call.Expired)
	reopened, err := r.Reopen(note())
	if err != nil {
		t.Fatal(err)
	}
	_, version := f.read("r1")
	if err := f.scheduler.EnqueueNow(t.Context(), reopened, version); err != nil { // and here it was interrupted
		t.Fatal(err)
	}
	m := f.due()[0]
	placing, err := f.claim(m, "claim-1")
	if err != nil {
		t.Fatal(err)
	}
	f.put(placing.MarkPlaced("claim-1", call.Outcome{Class: call.Placed, RequestUUID: "sfv_ob_req_1"}, time.Now()))
	if err := m.Ack(); err != nil {
		t.Fatal(err)
	}

	result, err := f.operator.Replay(t.Context(), acct, "r1", note(), false)
	if err != nil || !result.AlreadyDone || result.Removed != 1 || result.Record.State != call.StatePlaced {
		t.Errorf("again: %+v, %v", result, err)
	}
	f.wantNoLetters("r1")
	_, err = f.operator.Replay(t.Context(), acct, "r1", note(), false)
	wantRefused(t, err)
}

func TestReplayKeepsANewerDeadLetter(t *testing.T) {
	f := newFixture(t)
	r := f.dead("r1", call.NumberNotLinked)
	stale := f.letters("r1")[0]
	if _, err := f.operator.Replay(t.Context(), acct, "r1", note(), false); err != nil {
		t.Fatal(err)
	}
	f.putLetter(r) // it died again for the same reason
	if err := f.deadLetters.DeleteLetter(t.Context(), stale); err != nil {
		t.Fatal(err)
	}
	if l := f.letters("r1"); len(l) != 1 || l[0].Sequence == stale.Sequence {
		t.Errorf("letters %+v", l)
	}
}

func TestReplayRefuses(t *testing.T) {
	f := newFixture(t)
	f.unknown("unknown", time.Hour)
	f.dead("too-old", call.TooOldToKnow)
	rang, err := f.claimed("rang", time.Hour).Reject("nonce-rang",
		call.Outcome{Class: call.Rejected, Reason: call.WebhookFailed, MayHaveRung: true}, call.WebhookFailed, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	f.put(rang)
	f.putLetter(rang)
	f.dead("given-up", call.Expired)
	if _, err := f.operator.Discard(t.Context(), acct, "given-up", note()); err != nil {
		t.Fatal(err)
	}
	noID, err := call.NewRecord(acct, "=1-abc", "b1:x", call.Origin{Sequence: 1}, call.Normal, "", []byte("{")).
		MarkDead(call.Malformed, "no JSON", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	f.putLetter(noID)
	over := fresh("over")
	over.Request = []byte(`{"id":"over","from":"+912071531001","to":"+919812345678","expires_at":"2020-01-01T00:00:00Z"}`)
	if over, err = over.MarkDead(call.Expired, "over", time.Now()); err != nil {
		t.Fatal(err)
	}
	f.put(over)

	for _, id := range []call.ID{"unknown", "too-old", "rang", "given-up", "=1-abc", "over", "never-seen"} {
		_, err := f.operator.Replay(t.Context(), acct, id, note(), false)
		t.Log(id, err)
		wantRefused(t, err)
	}
	for _, id := range []call.ID{"unknown", "rang", "over"} {
		_, err := f.operator.Replay(t.Context(), acct, id, note(), true)
		wantRefused(t, err)
	}
	if due := f.due(); len(due) != 0 {
		t.Errorf("%d calls were enqueued", len(due))
	}
	if _, err := f.operator.Replay(t.Context(), acct, "too-old", note(), true); err != nil {
		t.Errorf("the uncertainty was accepted: %v", err)
	}
}

func TestReplayOfARecordFromBeforeTheDeclaration(t *testing.T) {
	f := newFixture(t)
	f.dead("r1", call.Expired)
	if _, err := rollback.Declare(t.Context(), f.conn, time.Now().Add(time.Second), "asha", time.Now()); err != nil {
		t.Fatal(err)
	}
	_, err := f.operator.Replay(t.Context(), acct, "r1", note(), false)
	wantRefused(t, err)
	if _, err := f.operator.Replay(t.Context(), acct, "r1", note(), true); err != nil {
		t.Error(err)
	}
}

func TestReplayAndResolveRefuseAfterARollback(t *testing.T) {
	f := newFixture(t)
	f.dead("r1", call.Expired)
	f.unknown("u1", time.Hour)
	if _, err := rollback.Check(t.Context(), f.conn); err != nil {
		t.Fatal(err)
	}
	stream, err := f.conn.JetStream().Stream(t.Context(), queue.StreamRecords)
	if err != nil {
		t.Fatal(err)
	}
	kv, err := f.conn.JetStream().KeyValue(t.Context(), queue.BucketControl)
	if err != nil {
		t.Fatal(err)
	}
	remembered := fmt.Sprintf(`{"created":%q,"sequence":999}`, stream.CachedInfo().Created.UTC().Format(time.RFC3339Nano))
	if _, err := kv.PutString(t.Context(), "highwater", remembered); err != nil {
		t.Fatal(err)
	}
	var fault *rollback.FaultError
	if _, err := f.operator.Replay(t.Context(), acct, "r1", note(), true); !errors.As(err, &fault) {
		t.Errorf("replay: %v", err)
	}
	if _, err := f.operator.ResolveNotRung(t.Context(), acct, "u1", note()); !errors.As(err, &fault) {
		t.Errorf("resolve: %v", err)
	}
	if due := f.due(); len(due) != 0 {
		t.Errorf("%d calls were enqueued", len(due))
	}
}
