package call

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Encode returns the stored form of the record: the JSON that its tags describe.
// It is written by hand because a record is encoded twice for each call, and
// reflection made that the most expensive step of the two writes.
func (r Record) Encode() ([]byte, error) {
	const typicalSize = 1024 // bytes, without the request
	e := encoder{b: make([]byte, 0, typicalSize+2*len(r.Request))}
	e.record(r)
	if e.err != nil {
		return nil, fmt.Errorf("encode the record of a call: %w", e.err)
	}
	return e.b, nil
}

func (e *encoder) record(r Record) {
	e.open('{')
	e.number("format", int64(r.Format))
	e.text("account", string(r.Account))
	e.text("id", string(r.ID))
	e.textOmitEmpty("digest", string(r.Digest))
	e.name("origin")
	e.origin(r.Origin)
	e.textOmitEmpty("priority", string(r.Priority))
	e.textOmitEmpty("traceparent", r.Trace)
	if r.Request != nil {
		e.name("request")
		e.b = append(base64.StdEncoding.AppendEncode(append(e.b, '"'), r.Request), '"')
	}
	e.text("state", string(r.State))
	e.time("changed", r.Changed)
	e.time("since", r.Since)
	e.numberOmitZero("made", r.Made)
	e.numberOmitZero("spent", r.Spent)
	if r.Attempts != nil {
		e.name("attempts")
		e.open('[')
		for _, a := range r.Attempts {
			e.next()
			e.attempt(a)
		}
		e.close(']')
	}
	e.timeOmitZero("next_at", r.NextAt)
	e.boolOmitFalse("parked", r.Parked)
	e.textOmitEmpty("reason", string(r.Reason))
	e.textOmitEmpty("message", r.Message)
	e.boolOmitFalse("may_have_rung", r.MayHaveRung)
	e.boolOmitFalse("discarded", r.Discarded)
	e.textOmitEmpty("request_uuid", r.RequestUUID)
	if r.Notes != nil {
		e.name("notes")
		e.open('[')
		for _, n := range r.Notes {
			e.next()
			e.note(n)
		}
		e.close(']')
	}
	e.close('}')
}

func (e *encoder) origin(o Origin) {
	e.open('{')
	e.textOmitEmpty("stream", o.Stream)
	e.name("seq")
	e.b = strconv.AppendUint(e.b, o.Sequence, 10)
	e.time("published", o.Published)
	e.close('}')
}

func (e *encoder) attempt(a Attempt) {
	e.open('{')
	e.number("n", int64(a.N))
	e.text("worker", a.Worker)
	e.text("nonce", a.Nonce)
	e.time("claimed_at", a.ClaimedAt)
	e.timeOmitZero("ended_at", a.EndedAt)
	e.textOmitEmpty("class", string(a.Class))
	e.textOmitEmpty("reason", string(a.Reason))
	e.numberOmitZero("status", a.Status)
	e.textOmitEmpty("message", a.Message)
	e.textOmitEmpty("request_uuid", a.RequestUUID)
	e.boolOmitFalse("spent", a.Spent)
	e.close('}')
}

func (e *encoder) note(n Note) {
	e.open('{')
	e.time("at", n.At)
	e.text("by", n.By)
	e.text("what", n.What)
	e.textOmitEmpty("why", n.Why)
	e.close('}')
}

// encoder appends JSON and keeps the first error.
type encoder struct {
	b   []byte
	err error
}

func (e *encoder) open(bracket byte)  { e.b = append(e.b, bracket) }
func (e *encoder) close(bracket byte) { e.b = append(e.b, bracket) }

// next appends a comma unless this is the first member.
func (e *encoder) next() {
	if last := e.b[len(e.b)-1]; last != '{' && last != '[' {
		e.b = append(e.b, ',')
	}
}

// name begins a field. Names need no escaping.
func (e *encoder) name(name string) {
	e.next()
	e.b = append(append(append(e.b, '"'), name...), '"', ':')
}

func (e *encoder) text(name, value string) {
	e.name(name)
	b, err := jsontext.AppendQuote(e.b, value)
	if err != nil && e.err == nil {
		e.err = err
	}
	e.b = b
}

func (e *encoder) textOmitEmpty(name, value string) {
	if value != "" {
		e.text(name, value)
	}
}

func (e *encoder) number(name string, n int64) {
	e.name(name)
	e.b = strconv.AppendInt(e.b, n, 10)
}

func (e *encoder) numberOmitZero(name string, n int) {
	if n != 0 {
		e.number(name, int64(n))
	}
}

func (e *encoder) time(name string, t time.Time) {
	e.name(name)
	b, err := t.AppendText(append(e.b, '"')) // RFC 3339, or an error for a time that it cannot express
	if err != nil && e.err == nil {
		e.err = err
	}
	e.b = append(b, '"')
}

func (e *encoder) timeOmitZero(name string, t time.Time) {
	if !t.IsZero() {
		e.time(name, t)
	}
}

func (e *encoder) boolOmitFalse(name string, marked bool) {
	if marked {
		e.name(name)
		e.b = append(e.b, "true"...)
	}
}
