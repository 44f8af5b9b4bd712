package call_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

var (
	published = time.Date(2026, 1, 31, 9, 0, 0, 123, time.UTC)
	worst     = strings.Repeat("\"\\", 50_000) + "\x00\xff" // what JSON escapes most, and what it refuses
)

func newRecord() call.Record {
	return call.NewRecord("acme", "order-1", "f1:x", call.Origin{Sequence: 7, Published: published}, call.Urgent,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", []byte(`{"from":"+919876543210"}`))
}

func TestNewRecord(t *testing.T) {
	r := newRecord()
	if r.State != call.StateAbsent || !r.Since.Equal(published) || r.Made != 0 || r.Nonce() != "" {
		t.Errorf("got %+v", r)
	}
	if _, ok := r.LastAttempt(); ok {
		t.Error("it has an attempt")
	}
	large := call.NewRecord("acme", "order-1", "", call.Origin{}, "", strings.Repeat("0", 1000), make([]byte, call.MaxRequestSize+1))
	if large.Request != nil || large.Trace != "" {
		t.Errorf("it keeps a request of %d bytes and a trace of %d", len(large.Request), len(large.Trace))
	}
}

func TestRecordRoundTrip(t *testing.T) {
	// Time as a worker has it: with a monotonic reading, in a zone of its own.
	now := time.Now().In(time.FixedZone("IST", 19800))
	r := call.NewRecord("acme", "order-1", "f1:x", call.Origin{Sequence: 7, Published: now}, call.Bulk, "", []byte("{}"))
	records := map[string]call.Record{"new": r}
	records["waiting"] = must(r.Park(call.NotYet, now.Add(time.Hour), now))
	records["dialling"] = must(records["waiting"].Claim("worker-1", "nonce-1", now))
	records["retried"] = must(records["dialling"].Retry("nonce-1", refused, now.Add(time.Minute), true, true, now))
	records["placed"] = records["dialling"].MarkPlaced("nonce-1", placed, now)
	records["rejected"] = must(records["dialling"].Reject("nonce-1", rejected, call.NumberNotLinked, now))
	records["unknown"] = must(records["dialling"].MarkUnknown("nonce-1", unknown, now))
	records["resolved"] = must(records["unknown"].ResolveRang(call.Note{At: now, By: "ann", What: "rang", Why: "the callee said so"}))
	records["discarded"] = must(records["rejected"].Discard(call.Note{At: now, By: "ann", What: "discard"}))
	records["cancelled"] = must(records["waiting"].Cancel(call.Note{At: now, By: "ann", What: "cancel"}))
	for name, want := range records {
		t.Run(name, func(t *testing.T) {
			data := must(want.Encode())
			got := must(call.DecodeRecord(data))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if again := must(got.Encode()); !bytes.Equal(again, data) {
				t.Errorf("encoded again:\n%s\nwas\n%s", again, data)
			}
		})
	}
}

func TestDecodeRecord(t *testing.T) {
	good := string(must(must(newRecord().Claim("worker-1", "nonce-1", published)).Encode()))
	t.Run("unknown fields are ignored", func(t *testing.T) {
		more := strings.Replace(good, `{`, `{"later":{"a":[1]},`, 1)
		more = strings.Replace(more, `"nonce":`, `"later":1,"nonce":`, 1)
		if got, want := must(call.DecodeRecord([]byte(more))), must(call.DecodeRecord([]byte(good))); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
	tests := []struct {
		name, data string
		newer      bool
	}{
		{"a higher format", strings.Replace(good, `"format":1`, `"format":2`, 1), true},
		{"a higher format with other types", `{"format":2,"state":["x"],"attempts":{"a":1}}`, true},
		{"no format", strings.Replace(good, `"format":1,`, ``, 1), false},
		{"format 0", strings.Replace(good, `"format":1`, `"format":0`, 1), false},
		{"a negative format", strings.Replace(good, `"format":1`, `"format":-1`, 1), false},
		{"a format of another type", strings.Replace(good, `"format":1`, `"format":"1"`, 1), false},
		{"wrong types", strings.Replace(good, `"made":1`, `"made":"+919876543210"`, 1), false},
		{"a duplicate field", strings.Replace(good, `{`, `{"made":2,`, 1), false},
		{"null", "null", false},
		{"nothing", "", false},
		{"cut short", good[:len(good)-1], false},
		{"two", good + good, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := call.DecodeRecord([]byte(test.data))
			if err == nil || !reflect.DeepEqual(r, call.Record{}) {
				t.Fatalf("got %+v, %v; want it refused", r, err)
			}
			if newer := strings.Contains(err.Error(), "newer ringonce"); newer != test.newer {
				t.Errorf("%v: says that it is newer: %t, want %t", err, newer, test.newer)
			}
			if runOfSeven.MatchString(err.Error()) {
				t.Errorf("the error repeats a value: %v", err)
			}
		})
	}
}

// TestRecordStaysSmall fills everything that can be filled, with what JSON
// spends most bytes on.
func TestRecordStaysSmall(t *testing.T) {
	now := published
	r := call.NewRecord(call.Account(strings.Repeat("a", 32)), call.ID(strings.Repeat("i", 64)), "f1:x",
		call.Origin{Sequence: 1<<64 - 1, Published: now}, call.Normal, worst, bytes.Repeat([]byte{0xff}, call.MaxRequestSize))
	o := call.Outcome{Class: call.Rejected, Reason: call.WebhookFailed, Status: 502, Message: worst, RequestUUID: worst, MayHaveRung: true}
	for i := range 100 {
		nonce := fmt.Sprintf("nonce-%032d", i)
		r = must(r.Claim(worst, nonce, now))
		r = must(r.Reject(nonce, o, call.WebhookFailed, now))
		now = now.Add(time.Hour)
		r = must(r.ResolveNotRung(call.Note{At: now, By: worst, What: worst, Why: worst}))
	}
	r = must(r.MarkDead(call.Poison, worst, now))
	if len(r.Attempts) != 32 || len(r.Notes) != 16 {
		t.Errorf("%d attempts and %d notes are kept", len(r.Attempts), len(r.Notes))
	}
	data := must(r.Encode())
	if len(data) >= 128<<10 {
		t.Errorf("the record has %d bytes", len(data))
	}
	if got := must(call.DecodeRecord(data)); !reflect.DeepEqual(got, r) {
		t.Error("it does not come back as it was")
	}
}

func TestFirstAndLatestAttemptsAreKept(t *testing.T) {
	r := newRecord()
	for i := 1; i <= 100; i++ {
		nonce := fmt.Sprint(i)
		r = must(r.Claim("worker-1", nonce, published))
		r = must(r.Reject(nonce, rejected, call.InvalidRequest, published))
		r = must(r.Reopen(call.Note{At: published, By: "ann", What: nonce}))
		first, last := r.Attempts[0], r.Attempts[len(r.Attempts)-1]
		if first.N != 1 || first.Nonce != "1" || last.N != i || last.Nonce != nonce || len(r.Attempts) != min(i, 32) || r.Made != i {
			t.Fatalf("after %d attempts: %d kept, from %+v to %+v", i, len(r.Attempts), first, last)
		}
		if r.Notes[0].What != "1" || r.Notes[len(r.Notes)-1].What != nonce || len(r.Notes) != min(i, 16) {
			t.Fatalf("after %d notes: %d kept, from %+v", i, len(r.Notes), r.Notes[0])
		}
	}
	for i, a := range r.Attempts[1:] {
		if a.N != 70+i {
			t.Fatalf("attempt %d is kept at place %d", a.N, i+1)
		}
	}
}

func TestTrailingAttempts(t *testing.T) {
	r := newRecord()
	attempt := func(reason call.Reason) {
		nonce := fmt.Sprint(r.Made)
		r = must(r.Claim("worker-1", nonce, published))
		r = must(r.Retry(nonce, call.Outcome{Class: call.Refused, Reason: reason}, published, true, false, published))
	}
	if n := r.TrailingAttempts(call.RateLimited); n != 0 {
		t.Errorf("without an attempt: %d", n)
	}
	attempt(call.RateLimited)
	attempt(call.NotSent)
	attempt(call.RateLimited)
	attempt(call.RateLimited)
	if n := r.TrailingAttempts(call.RateLimited); n != 2 {
		t.Errorf("rate limited twice in a row: %d", n)
	}
	if n := r.TrailingAttempts(call.NotSent); n != 0 {
		t.Errorf("not sent before that: %d", n)
	}
	r = must(r.Claim("worker-1", "next", published))
	if n := r.TrailingAttempts(call.RateLimited); n != 2 {
		t.Errorf("while the next is dialling: %d", n)
	}
}

func TestHasOutcome(t *testing.T) {
	r := must(newRecord().Claim("worker-1", "n", published))
	if r.HasOutcome("n", call.Unknown) || r.HasOutcome("foreign", "") {
		t.Error("concluded while it is dialling")
	}
	r = must(r.MarkUnknown("n", unknown, published))
	if !r.HasOutcome("n", call.Unknown) || r.HasOutcome("n", call.Placed) || r.HasOutcome("foreign", call.Unknown) {
		t.Errorf("held: %+v", r.Attempts)
	}
	if r = r.MarkPlaced("n", placed, published); !r.HasOutcome("n", call.Placed) || r.HasOutcome("n", call.Unknown) {
		t.Errorf("placed: %+v", r.Attempts)
	}
}

func TestResolved(t *testing.T) {
	from := starts()
	note := call.Note{At: published.Add(24 * time.Hour), By: "ann", What: "rang"}
	if !must(from["unknown"].ResolveRang(note)).Resolved() || !must(from["dead, rang"].ResolveRang(note)).Resolved() {
		t.Error("declared as rang, and not resolved")
	}
	for name, r := range from {
		if r.Resolved() {
			t.Errorf("%s counts as resolved", name)
		}
	}
}

func TestStates(t *testing.T) {
	states := call.States()
	if slices.Contains(states, call.StateAbsent) || len(states) != 6 {
		t.Errorf("stored states: %v", states)
	}
	for _, s := range append(states, call.StateAbsent) {
		want := s == call.StatePlaced || s == call.StateDead || s == call.StateCancelled
		if s.Final() != want {
			t.Errorf("%q: final %t", s, s.Final())
		}
	}
}

// must gives the value of a step that a test takes for granted.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func FuzzDecodeRecord(f *testing.F) {
	r := must(newRecord().Claim("worker-1", "nonce-1", published))
	f.Add(must(r.Encode()))
	f.Add(must(must(r.MarkUnknown("nonce-1", unknown, published)).Encode()))
	f.Add([]byte(`{"format":2,"attempts":{}}`))
	f.Add([]byte(`{"format":1,"account":"a","changed":"2026-01-31T09:00:00+05:30","attempts":[{"n":1},null],"notes":[null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := call.DecodeRecord(data)
		if err != nil {
			return
		}
		stored, err := r.Encode()
		if err != nil {
			t.Fatalf("a record that was read cannot be stored: %v", err)
		}
		again, err := call.DecodeRecord(stored)
		if err != nil {
			t.Fatalf("a record that was stored cannot be read: %v", err)
		}
		if stored2 := must(again.Encode()); !bytes.Equal(stored, stored2) {
			t.Fatalf("stored twice:\n%s\n%s", stored, stored2)
		}
		// Whatever the record says, no operation on it may panic.
		for _, s := range operations() {
			_, _ = s.do(r, published)
		}
	})
}
