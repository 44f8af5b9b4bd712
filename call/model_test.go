package call_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringonce/ringonce/call"
)

// model is a second opinion on the life of a call, as simple as can be: it
// keeps everything and knows only whether the phone may be ringing or may have
// rung.
type model struct {
	state    call.State
	mayRing  bool // an attempt is out, or ended without proof that it did not ring
	spent    int
	attempts []modelAttempt
	notes    []string
}

type modelAttempt struct {
	nonce     string
	claimedAt time.Time
	class     call.Class
}

func (m *model) latest() *modelAttempt {
	if len(m.attempts) == 0 {
		return &modelAttempt{}
	}
	return &m.attempts[len(m.attempts)-1]
}

// machine drives a record and the model side by side.
type machine struct {
	record call.Record
	model  model
	now    time.Time
}

func TestRecordAgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{record: newRecord(), now: published}
		t.Repeat(map[string]func(*rapid.T){
			"":                 m.check,
			"claim":            m.claim,
			"claim again":      m.claim, // twice as likely: without it little else can happen
			"place":            m.place,
			"retry":            m.retry,
			"reject":           m.reject,
			"hold":             m.hold,
			"end":              m.end,
			"wait":             m.wait,
			"cancel":           m.cancel,
			"reopen":           m.reopen,
			"resolve rang":     m.resolveRang,
			"resolve not rung": m.resolveNotRung,
			"discard":          m.discard,
		})
	})
}

// step makes one change. allowed is the model's verdict; a change that the
// model allows is written to it by then.
func (m *machine) step(t *rapid.T, allowed bool, change func(call.Record) (call.Record, error), then func()) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "minutes")) * time.Minute)
	before := deepCopy(m.record)
	after, err := change(m.record)
	if !reflect.DeepEqual(m.record, before) {
		t.Fatalf("the receiver was changed:\n%+v\nwas\n%+v", m.record, before)
	}
	var refusal *call.TransitionError
	switch {
	case allowed && err != nil:
		t.Fatalf("refused: %v", err)
	case !allowed && !errors.As(err, &refusal):
		t.Fatalf("not refused: %v", err)
	case !allowed && !reflect.DeepEqual(after, before):
		t.Fatalf("refused, and yet changed:\n%+v\nwas\n%+v", after, before)
	case !allowed:
		return
	}
	if before.State == call.StatePlaced && after.State != call.StatePlaced {
		t.Fatalf("placed was left for %q", after.State)
	}
	m.record = after
	then()
}

// nonce picks that of any attempt so far, mostly the latest, or a foreign one.
func (m *machine) nonce(t *rapid.T) string {
	nonces := []string{m.model.latest().nonce, m.model.latest().nonce, "foreign", ""}
	for _, a := range m.model.attempts {
		nonces = append(nonces, a.nonce)
	}
	if rapid.Bool().Draw(t, "own nonce") {
		return nonces[0]
	}
	return rapid.SampledFrom(nonces).Draw(t, "nonce")
}

func (m *machine) idle() bool {
	return m.model.state == call.StateAbsent || m.model.state == call.StateWaiting
}

// awaits: only the latest attempt, only while nothing final is known of it.
func (m *machine) awaits(nonce string) bool {
	open := m.model.state == call.StateDialling || m.model.state == call.StateUnknown
	return open && nonce != "" && nonce == m.model.latest().nonce
}

func (m *machine) note(t *rapid.T) call.Note {
	return call.Note{By: "ann", What: fmt.Sprint("note ", len(m.model.notes)), Why: rapid.StringN(0, 20, -1).Draw(t, "why")}
}

func (m *machine) claim(t *rapid.T) {
	nonce := fmt.Sprint("nonce-", len(m.model.attempts))
	m.step(t, m.idle(), func(r call.Record) (call.Record, error) { return r.Claim("worker", nonce, m.now) }, func() {
		m.model.state, m.model.mayRing = call.StateDialling, true
		m.model.attempts = append(m.model.attempts, modelAttempt{nonce: nonce, claimedAt: m.now})
	})
}

func (m *machine) place(t *rapid.T) {
	nonce := m.nonce(t)
	if m.model.state != call.StateDialling && rapid.IntRange(0, 9).Draw(t, "seldom") > 0 {
		return // nothing follows on placed, so it is seldom taken
	}
	m.step(t, true, func(r call.Record) (call.Record, error) { return r.MarkPlaced(nonce, placed, m.now), nil }, func() {
		m.model.state = call.StatePlaced
		m.conclude(nonce, call.Placed)
	})
}

func (m *machine) retry(t *rapid.T) {
	nonce := m.nonce(t)
	o := rapid.SampledFrom([]call.Outcome{refused, suspended, refused, suspended, unknown, placed, rejected, rangDead, {}}).Draw(t, "outcome")
	spent := rapid.Bool().Draw(t, "spent")
	proof := o.Class == call.Refused || o.Class == call.Suspended
	m.step(t, m.awaits(nonce) && proof,
		func(r call.Record) (call.Record, error) { return r.Retry(nonce, o, m.now, true, spent, m.now) },
		func() {
			m.model.state, m.model.mayRing = call.StateWaiting, false
			if spent {
				m.model.spent++
			}
			m.conclude(nonce, o.Class)
		})
}

func (m *machine) reject(t *rapid.T) {
	nonce := m.nonce(t)
	o := rapid.SampledFrom([]call.Outcome{rejected, refused, suspended, rangDead, unknown, placed, {}}).Draw(t, "outcome")
	known := o.Class != call.Unknown && o.Class != call.Placed && o.Class != ""
	m.step(t, m.awaits(nonce) && known,
		func(r call.Record) (call.Record, error) { return r.Reject(nonce, o, call.AttemptsExhausted, m.now) },
		func() {
			m.model.state, m.model.mayRing = call.StateDead, o.MayHaveRung
			m.model.spent++
			m.conclude(nonce, o.Class)
		})
}

func (m *machine) hold(t *rapid.T) {
	nonce := m.nonce(t)
	m.step(t, m.model.state == call.StateDialling && m.awaits(nonce),
		func(r call.Record) (call.Record, error) { return r.MarkUnknown(nonce, unknown, m.now) },
		func() {
			m.model.state = call.StateUnknown
			m.conclude(nonce, call.Unknown)
		})
}

func (m *machine) end(t *rapid.T) {
	m.step(t, m.idle(), func(r call.Record) (call.Record, error) { return r.MarkDead(call.Expired, "too late", m.now) }, func() {
		m.model.state = call.StateDead
	})
}

func (m *machine) wait(t *rapid.T) {
	m.step(t, m.idle(), func(r call.Record) (call.Record, error) { return r.Park(call.NotYet, m.now, m.now) }, func() {
		m.model.state = call.StateWaiting
	})
}

func (m *machine) cancel(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "seldom") > 0 {
		return // nothing follows on cancelled, so it is seldom taken
	}
	n := m.note(t)
	m.step(t, m.idle(), func(r call.Record) (call.Record, error) { n.At = m.now; return r.Cancel(n) }, func() {
		m.model.state = call.StateCancelled
		m.model.notes = append(m.model.notes, n.What)
	})
}

func (m *machine) reopen(t *rapid.T) {
	n := m.note(t)
	m.step(t, m.model.state == call.StateDead && !m.model.mayRing,
		func(r call.Record) (call.Record, error) { n.At = m.now; return r.Reopen(n) },
		func() {
			m.model.state, m.model.spent = call.StateWaiting, 0
			m.model.notes = append(m.model.notes, n.What)
		})
}

func (m *machine) held() bool {
	return m.model.mayRing && (m.model.state == call.StateUnknown || m.model.state == call.StateDead)
}

func (m *machine) resolveRang(t *rapid.T) {
	n := m.note(t)
	m.step(t, m.held(), func(r call.Record) (call.Record, error) { n.At = m.now; return r.ResolveRang(n) }, func() {
		m.model.state = call.StatePlaced
		m.model.notes = append(m.model.notes, n.What)
	})
}

func (m *machine) resolveNotRung(t *rapid.T) {
	n := m.note(t)
	n.At = m.now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "later")) * time.Minute)
	old := !n.At.Before(m.model.latest().claimedAt.Add(15 * time.Minute))
	m.step(t, m.held() && old, func(r call.Record) (call.Record, error) { return r.ResolveNotRung(n) }, func() {
		m.model.state, m.model.spent, m.model.mayRing = call.StateWaiting, 0, false
		m.model.notes = append(m.model.notes, n.What)
	})
}

func (m *machine) discard(t *rapid.T) {
	n := m.note(t)
	allowed := m.model.state == call.StateDead && !m.record.Discarded
	m.step(t, allowed, func(r call.Record) (call.Record, error) { n.At = m.now; return r.Discard(n) }, func() {
		m.model.notes = append(m.model.notes, n.What)
	})
}

func (m *machine) conclude(nonce string, class call.Class) {
	for i := range m.model.attempts {
		if m.model.attempts[i].nonce == nonce {
			m.model.attempts[i].class = class
		}
	}
}

// check holds the record against the model after every step.
func (m *machine) check(t *rapid.T) {
	r, want := m.record, &m.model
	if r.State != want.state || r.Made != len(want.attempts) || r.Spent != want.spent || r.Spent > r.Made {
		t.Fatalf("record %q made %d spent %d, model %q made %d spent %d",
			r.State, r.Made, r.Spent, want.state, len(want.attempts), want.spent)
	}
	if r.Nonce() != want.latest().nonce {
		t.Fatalf("the record awaits %q, the model %q", r.Nonce(), want.latest().nonce)
	}
	held := (r.State == call.StateUnknown || r.State == call.StateDead) && want.mayRing
	if r.MayHaveRung != held {
		t.Fatalf("%q may have rung: %t, model %t", r.State, r.MayHaveRung, held)
	}
	if r.State == call.StateWaiting && want.mayRing {
		t.Fatal("what may have rung waits to be dialled again")
	}

	keptAttempts := keep(len(want.attempts), 32)
	if len(r.Attempts) != len(keptAttempts) {
		t.Fatalf("%d attempts are kept of %d", len(r.Attempts), len(want.attempts))
	}
	for i, from := range keptAttempts {
		a, w := r.Attempts[i], want.attempts[from]
		if a.N != from+1 || a.Nonce != w.nonce || a.Class != w.class || !a.ClaimedAt.Equal(w.claimedAt) {
			t.Fatalf("attempt %+v, model number %d %+v", a, from+1, w)
		}
	}
	keptNotes := keep(len(want.notes), 16)
	if len(r.Notes) != len(keptNotes) {
		t.Fatalf("%d notes are kept of %d", len(r.Notes), len(want.notes))
	}
	for i, from := range keptNotes {
		if r.Notes[i].What != want.notes[from] {
			t.Fatalf("note %d is %q, model %q", i, r.Notes[i].What, want.notes[from])
		}
	}

	stored, err := r.Encode()
	if err != nil || len(stored) >= 128<<10 {
		t.Fatalf("stored in %d bytes: %v", len(stored), err)
	}
	if again, err := call.DecodeRecord(stored); err != nil || !reflect.DeepEqual(again, r) {
		t.Fatalf("read back: %+v, %v; was %+v", again, err, r)
	}
}

// keep gives the places of the first and the latest of n, at most this many.
func keep(n, most int) []int {
	var kept []int
	for i := range n {
		if i == 0 || i > n-most {
			kept = append(kept, i)
		}
	}
	return kept
}
