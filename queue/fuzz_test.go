package queue

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
)

// FuzzSubject: the account of a request comes from its subject alone, and so
// has to be one that can stand in the subjects of its effects.
func FuzzSubject(f *testing.F) {
	for _, s := range []string{
		"calls.requests.acme", "calls.requests.acme.urgent", "calls.requests.acme.a.b", "calls.requests.", "calls.requests..urgent",
		"calls.due.acme.normal", "calls.due.ACME.normal", "calls.dead.acme.expired.a", "calls.dead.acme.expired.a.b", "calls.dead...", "calls",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, subject string) {
		if a, p, err := parseSubject(subject); err == nil {
			if _, err := call.ParseAccount(string(a)); err != nil {
				t.Errorf("%q: the account %q is none", subject, a)
			}
			with, bare := string(a)+"."+string(p), string(a)
			named := subject == RequestsPrefix+with || subject == DuePrefix+with
			if !named && (p != call.Normal || (subject != RequestsPrefix+bare && subject != DuePrefix+bare)) {
				t.Errorf("%q was read as account %q, priority %q", subject, a, p)
			}
		}
		if a, r, token, err := parseDeadSubject(subject); err == nil && deadSubject(a, r, token) != subject {
			t.Errorf("%q was read as %q, %q, %q", subject, a, r, token)
		}
	})
}

// FuzzMessage hands a message with any subject, headers and body to what reads
// messages. Nothing of ours is believed on a request; on a due call all of it
// has to fit together; and whatever may stand in a dead letter is shown.
func FuzzMessage(f *testing.F) {
	record, err := call.NewRecord("acme", "a", "f1:x", call.Origin{Sequence: 1, Published: time.Unix(1, 0).UTC()}, call.Normal, "", []byte("{}")).Encode()
	if err != nil {
		f.Fatal(err)
	}
	version := encodeVersion(call.Version{Created: time.Unix(2, 3), Sequence: 4})
	trace := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	f.Add("calls.requests.acme", version, "b", trace, "[]", record, true)
	f.Add("calls.due.acme.normal", version, "", "", "", record, false)
	f.Add("calls.due.evil.normal", version, "", "", "", record, false)
	f.Add("calls.due.acme.bulk", "1/-1", "=", "00-", `[{"n":1}]`, []byte(`{"stream":"CALLS","seq":1}`), false)
	f.Add("calls.dead.acme.expired.=1-a", "", "=1-a", "", `[{"n":1,"class":"refused"}]`, []byte("{}"), false)
	f.Fuzz(func(t *testing.T, subject, versioned, id, trace, history string, body []byte, isRequest bool) {
		header := nats.Header{
			headerVersion: {versioned}, HeaderID: {id}, HeaderMessageID: {id}, headerTrace: {trace}, headerAccount: {id},
			headerHistory: {history}, headerStatus: {versioned}, headerPublished: {versioned}, headerMayHaveRung: {id},
		}
		meta := &nats.MsgMetadata{
			Stream: StreamParked, NumDelivered: 1, Timestamp: time.Unix(1, 0), Sequence: nats.SequencePair{Stream: 7, Consumer: 1},
		}
		if isRequest {
			meta.Stream = StreamCalls
		}
		if v, ok := decodeVersion(versioned); ok {
			if again, ok := decodeVersion(encodeVersion(v)); !ok || again != v {
				t.Errorf("the version %q became %+v, then %+v", versioned, v, again)
			}
		}
		if l, err := parseDeadLetter(subject, 1, time.Unix(1, 0), header, body); err == nil && l.Size != len(body) {
			t.Errorf("a letter of %d bytes says %d", len(body), l.Size)
		}
		m, err := ReadDelivery(&nats.Msg{Subject: subject, Header: header, Data: body}, meta)
		if err != nil {
			return
		}
		if m.Trace != "" && len(m.Trace) != len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") {
			t.Errorf("the trace %q was believed", m.Trace)
		}
		switch {
		case isRequest && (m.Due != nil || string(m.Body) != string(body) || m.MessageID != id || m.Origin.Sequence != 7):
			t.Errorf("a request was read as %+v", m)
		case !isRequest && (m.Due == nil || m.Due.Record.Account != m.Account || !strings.Contains(subject, string(m.Account))):
			t.Errorf("a due call was read as %+v", m)
		}
	})
}
