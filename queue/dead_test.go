package queue

import (
	"bytes"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/ringonce/ringonce/call"
)

// TestDeadLettersAreByteForByte and say why, in headers that hold no number.
func TestDeadLettersAreByteForByte(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		g := b.NewDeadLetters(time.Hour)
		body := []byte("{ \"id\" : \"a\",\n\t\"to\":\"+14155552671\" \x00\xff}")
		r := call.NewRecord("acme", "a", "b1:x", call.Origin{Sequence: 7, Published: time.Now()}, call.Bulk, "", body)
		r = must[call.Record](t)(r.Claim("one", "n", time.Now()))
		o := call.Outcome{Class: call.Rejected, Reason: call.WebhookFailed, Status: 502, Message: "answer_url timeout", MayHaveRung: true}
		r = must[call.Record](t)(r.Reject("n", o, o.Reason, time.Now()))
		for range 2 { // burying again replaces
			if err := g.Put(t.Context(), r, nil); err != nil {
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
			headerAttempts: "1", headerOrigin: "7", headerRang: "true", headerPublished: r.Origin.Published.Format(time.RFC3339Nano),
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

// TestLettersExpire but for those of unknown calls.
func TestLettersExpire(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		g := b.NewDeadLetters(time.Minute)
		dead := must[call.Record](t)(newRecord("dead").MarkDead(call.Expired, "", time.Now()))
		unknown := must[call.Record](t)(newRecord("unknown").Claim("one", "n", time.Now()))
		unknown = must[call.Record](t)(unknown.MarkUnknown("n", call.Outcome{Class: call.Unknown, Reason: call.TimedOut}, time.Now()))
		for _, r := range []call.Record{dead, unknown} {
			if err := g.Put(t.Context(), r, nil); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(2 * time.Minute)
		b.holds(StreamDead, "calls.dead.acme.outcome_unknown.unknown")
		if err := g.Delete(t.Context(), "acme", call.OutcomeUnknown, "unknown"); err != nil {
			t.Error(err)
		}
		b.holds(StreamDead)
		if err := g.Delete(t.Context(), "acme", call.OutcomeUnknown, "unknown"); err != nil {
			t.Errorf("a letter that is gone: %v", err)
		}
	})
}

// TestConflictsAreKeptApart by the sequence of their own message.
func TestConflictsAreKeptApart(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		g := b.NewDeadLetters(time.Hour)
		for sequence := range uint64(2) {
			r := newRecord("a")
			r.Origin.Sequence = 70 + sequence
			if err := g.PutConflict(t.Context(), must[call.Record](t)(r.MarkDead(call.IDConflict, "", time.Now())), nil); err != nil {
				t.Fatal(err)
			}
		}
		b.holds(StreamDead, "calls.dead.acme.id_conflict.70", "calls.dead.acme.id_conflict.71")
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
