package queue

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/ringonce/ringonce/call"
)

// TestDeadLettersAreByteForByte: the body is the request, and the headers say why
// it ended.
func TestDeadLettersAreByteForByte(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		d := b.NewDeadLetters(time.Hour)
		body := []byte("{ \"id\" : \"a\",\n\t\"to\":\"+14155552671\" \x00\xff}")
		r := call.NewRecord("acme", "a", "b1:x", call.Origin{Sequence: 7, Published: time.Now()}, call.Bulk, "", body)
		r = must[call.Record](t)(r.Claim("one", "n", time.Now()))
		o := call.Outcome{Class: call.Rejected, Reason: call.WebhookFailed, Status: 502, Message: "answer_url timeout", MayHaveRung: true}
		r = must[call.Record](t)(r.Reject("n", o, o.Reason, time.Now()))
		for range 2 { // the second Put replaces it
			if err := d.Put(t.Context(), r, nil); err != nil {
				t.Fatal(err)
			}
		}
		b.holds(StreamDead, "calls.dead.acme.webhook_failed.a")
		m := b.last(StreamDead, "calls.dead.acme.webhook_failed.a")
		if !bytes.Equal(m.Data, body) {
			t.Errorf("the letter holds %q", m.Data)
		}
		for header, want := range map[string]string{
			headerAccount: "acme", HeaderID: "a", headerReason: "webhook_failed", headerStatus: "502", headerMessage: "answer_url timeout",
			headerAttempts: "1", headerOrigin: "7", headerMayHaveRung: "true", headerPublished: r.Origin.Published.Format(time.RFC3339Nano),
		} {
			if got := m.Header.Get(header); got != want {
				t.Errorf("%s is %q, want %q", header, got, want)
			}
		}
		var history []call.Attempt
		if err := json.Unmarshal([]byte(m.Header.Get(headerHistory)), &history); err != nil || len(history) != 1 || history[0].Reason != o.Reason {
			t.Errorf("the history is %+v, %v", history, err)
		}
	})
}

// TestDeadLettersExpire, except those of unknown calls.
func TestDeadLettersExpire(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		d := b.NewDeadLetters(time.Minute)
		dead := must[call.Record](t)(newRecord("dead").MarkDead(call.Expired, "", time.Now()))
		unknown := must[call.Record](t)(newRecord("unknown").Claim("one", "n", time.Now()))
		unknown = must[call.Record](t)(unknown.MarkUnknown("n", call.Outcome{Class: call.Unknown, Reason: call.TimedOut}, time.Now()))
		for _, r := range []call.Record{dead, unknown} {
			if err := d.Put(t.Context(), r, nil); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(2 * time.Minute)
		b.holds(StreamDead, "calls.dead.acme.outcome_unknown.unknown")
		if err := d.Delete(t.Context(), "acme", call.OutcomeUnknown, "unknown"); err != nil {
			t.Error(err)
		}
		b.holds(StreamDead)
		if err := d.Delete(t.Context(), "acme", call.OutcomeUnknown, "unknown"); err != nil {
			t.Errorf("a letter that is gone: %v", err)
		}
	})
}

// TestConflictsAreKeptApart by the message that each request came by.
func TestConflictsAreKeptApart(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		d := b.NewDeadLetters(time.Hour)
		for _, origin := range []call.Origin{{Sequence: 70}, {Sequence: 71}, {Sequence: 70, Stream: StreamBulk}} {
			r := newRecord("a")
			r.Origin = origin
			if err := d.PutConflict(t.Context(), must[call.Record](t)(r.MarkDead(call.IDConflict, "", time.Now())), nil); err != nil {
				t.Fatal(err)
			}
		}
		page := must[DeadLetterPage](t)(d.List(t.Context(), DeadLetterFilter{Limit: 10}))
		if len(page.Letters) != 3 {
			t.Errorf("%d dead letters, want 3", len(page.Letters))
		}
		for _, l := range page.Letters {
			if l.ID != "a" || l.SubjectToken != l.Origin.Key() {
				t.Errorf("the dead letter %s is of the message %+v and the call %s", l.SubjectToken, l.Origin, l.ID)
			}
		}
		for _, id := range []call.ID{"a", "70"} { // a sequence may be an id, too
			letters := must[[]DeadLetter](t)(d.ForCall(t.Context(), "acme", id))
			accounts := must[[]call.Account](t)(d.AccountsOf(t.Context(), id))
			if len(letters) != 0 || len(accounts) != 0 {
				t.Errorf("%s has the dead letters %+v in %v", id, letters, accounts)
			}
		}
	})
}

// TestAnOversizedRequestIsKeptWhole although no record holds it.
func TestAnOversizedRequestIsKeptWhole(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		body := bytes.Repeat([]byte("x"), callsMaxMessage-1<<10)
		r := call.NewRecord("acme", "=1-x", "", call.Origin{}, call.Normal, "", body)
		if err := b.NewDeadLetters(time.Hour).Put(t.Context(), must[call.Record](t)(r.MarkDead(call.Malformed, "", time.Now())), body); err != nil {
			t.Fatal(err)
		}
		if m := b.last(StreamDead, "calls.dead.acme.malformed.=1-x"); !bytes.Equal(m.Data, body) {
			t.Errorf("%d bytes are left of %d", len(m.Data), len(body))
		}
	})
}

// TestADeadLetterIsReadAsItWasWritten with its body, by its call and by its
// sequence.
func TestADeadLetterIsReadAsItWasWritten(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		d := b.NewDeadLetters(time.Hour)
		r := must[call.Record](t)(newRecord("u1").Claim("one", "nonce", time.Now()))
		r = must[call.Record](t)(r.MarkUnknown("nonce", call.Outcome{
			Class: call.Unknown, Reason: call.TimedOut, Status: 504, Message: "no answer",
		}, time.Now()))
		r.Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		if err := d.Put(t.Context(), r, nil); err != nil {
			t.Fatal(err)
		}
		letters := must[[]DeadLetter](t)(d.ForCall(t.Context(), "acme", "u1"))
		if len(letters) != 1 {
			t.Fatalf("%d dead letters", len(letters))
		}
		l := letters[0]
		if l.Account != "acme" || l.ID != "u1" || l.Reason != call.OutcomeUnknown || l.Message != "no answer" || l.Status != 504 ||
			!l.MayHaveRung || l.Attempts != 1 || l.Trace != r.Trace || l.SubjectToken != "u1" || l.Size != len(l.Body) {
			t.Errorf("dead letter %+v", l)
		}
		if !bytes.Equal(l.Body, r.Request) || !l.Ended.Equal(r.Changed) || !l.Origin.Same(r.Origin) {
			t.Errorf("body %s, ended %s, origin %+v", l.Body, l.Ended, l.Origin)
		}
		if len(l.History) != 1 || l.History[0].Nonce != "nonce" || l.History[0].Reason != call.TimedOut {
			t.Errorf("history %+v", l.History)
		}
		if bySequence, err := d.Get(t.Context(), l.Sequence); err != nil || bySequence.ID != "u1" {
			t.Errorf("by its sequence: %+v, %v", bySequence, err)
		}
		if _, err := d.Get(t.Context(), l.Sequence+1); !errors.Is(err, ErrDeadLetterNotFound) {
			t.Errorf("a dead letter that does not exist: %v", err)
		}
	})
}

func TestListDeadLetters(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		d := b.NewDeadLetters(720 * time.Hour)
		put := func(a call.Account, id call.ID, reason call.Reason, ago time.Duration) {
			t.Helper()
			r := newRecord(id)
			r.Account = a
			if err := d.Put(t.Context(), must[call.Record](t)(r.MarkDead(reason, "", time.Now().Add(-ago))), nil); err != nil {
				t.Fatal(err)
			}
		}
		const many = 600 // more than one batch
		for i := range many {
			put("acme", call.ID(fmt.Sprintf("e%03d", i)), call.Expired, time.Duration(many-i)*time.Minute)
		}
		put("acme", "p1", call.Poison, 0)
		put("other", "x1", call.Expired, 0)

		list := func(f DeadLetterFilter) ([]string, bool) {
			t.Helper()
			page := must[DeadLetterPage](t)(d.List(t.Context(), f))
			var ids []string
			for _, l := range page.Letters {
				if l.Body != nil || l.Size == 0 {
					t.Errorf("%s: a page has the size and not the body, got %d and %d bytes", l.ID, l.Size, len(l.Body))
				}
				ids = append(ids, string(l.ID))
			}
			return ids, page.More
		}
		if ids, more := list(DeadLetterFilter{Limit: 10000}); len(ids) != many+2 || more || ids[0] != "e000" {
			t.Errorf("all: %d dead letters, more %t", len(ids), more)
		}
		if ids, more := list(DeadLetterFilter{Limit: 5, Reasons: []call.Reason{call.Expired}}); len(ids) != 5 || !more {
			t.Errorf("limited: %v, more %t", ids, more)
		}
		if ids, more := list(DeadLetterFilter{Limit: many, Account: "acme", Reasons: []call.Reason{call.Expired}}); len(ids) != many || more {
			t.Errorf("as many as there are: %d dead letters, more %t", len(ids), more)
		}
		if ids, _ := list(DeadLetterFilter{Limit: 100, Reasons: []call.Reason{call.Poison, call.WebhookFailed}}); !slices.Equal(ids, []string{"p1"}) {
			t.Errorf("by reason: %v", ids)
		}
		if ids, _ := list(DeadLetterFilter{Limit: 100, Account: "other"}); !slices.Equal(ids, []string{"x1"}) {
			t.Errorf("by account: %v", ids)
		}
		window := DeadLetterFilter{
			Limit: 100, Account: "acme",
			After: time.Now().Add(-4*time.Minute - 30*time.Second), Before: time.Now().Add(-2*time.Minute - 30*time.Second),
		}
		if ids, _ := list(window); !slices.Equal(ids, []string{"e596", "e597"}) {
			t.Errorf("by age: %v", ids)
		}
		if ids, _ := list(DeadLetterFilter{Limit: 100, Account: "none"}); len(ids) != 0 {
			t.Errorf("of an account that has none: %v", ids)
		}
	})
}
