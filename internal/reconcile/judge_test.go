package reconcile_test

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/reconcile"
)

// The batch that every case begins with: each ending once, and all is well.
const (
	placed    = iota // at the second attempt
	dead             // refused for the last time
	unknown          // rang, nobody was told
	silent           // unknown, and did not ring
	webhook          // dead, and rang
	nameless         // no id can be read
	conflict         // the id of placed, another callee
	duplicate        // the same as placed
	cancelled
	invalid // has an id, and so a record
	requests
)

func body(id string, n int) []byte {
	return fmt.Appendf(nil, `{"id":%q,"from":"+912071531001","to":"+91987650%04d","answer_url":"https://publisher.example/answer?call=%s"}`, id, n, id)
}

func ring(id string, n int, uuid string) reconcile.Ring {
	return reconcile.Ring{
		Callee: fmt.Sprintf("+91987650%04d", n), AnswerURL: "https://publisher.example/answer?call=" + id, RequestUUID: uuid,
	}
}

// record is a stored record of the request in the state that change gives it.
func record(t *testing.T, sequence uint64, body []byte, change func(r *call.Record)) call.Record {
	t.Helper()
	request, digest, err := call.DecodeRequest(body, call.PossibleNumbers)
	id := request.ID
	if err != nil {
		id, _ = call.ReadID(body)
	}
	origin := call.Origin{Sequence: sequence, Published: time.Unix(1_700_000_000, 0)}
	r := call.NewRecord("default", id, digest, origin, call.Normal, "", body)
	change(&r)
	return r
}

func kept(t *testing.T) *reconcile.Input {
	t.Helper()
	bodies := [requests][]byte{
		placed: body("placed", placed), dead: body("dead", dead), unknown: body("unknown", unknown), silent: body("silent", silent),
		webhook: body("webhook", webhook), nameless: []byte(`{"from":`), conflict: body("placed", conflict), duplicate: body("placed", placed),
		cancelled: body("cancelled", cancelled), invalid: []byte(`{"id":"invalid","callee":1}`),
	}
	e := &reconcile.Input{Remaining: []reconcile.StreamCount{{Stream: "CALLS"}, {Stream: "CALLS_PARKED"}}}
	for i, b := range bodies {
		e.Published = append(e.Published, reconcile.Published{Name: fmt.Sprintf("line %d", i), OriginKey: strconv.Itoa(i), Body: b})
	}
	add := func(i int, change func(r *call.Record)) {
		e.Records = append(e.Records, record(t, uint64(i), bodies[i], change))
	}
	add(placed, func(r *call.Record) { r.State, r.RequestUUID, r.Made = call.StatePlaced, "u0", 2 })
	add(dead, func(r *call.Record) { r.State, r.Reason = call.StateDead, call.AttemptsExhausted })
	add(unknown, func(r *call.Record) { r.State, r.Reason = call.StateUnknown, call.OutcomeUnknown })
	add(silent, func(r *call.Record) { r.State, r.Reason = call.StateUnknown, call.OutcomeUnknown })
	add(webhook, func(r *call.Record) {
		r.State, r.Reason, r.MayHaveRung = call.StateDead, call.WebhookFailed, true
	})
	add(cancelled, func(r *call.Record) { r.State, r.Reason = call.StateCancelled, call.Cancelled })
	add(invalid, func(r *call.Record) { r.State, r.Reason = call.StateDead, call.Malformed })
	e.DeadLetters = []reconcile.DeadLetter{
		{OriginKey: strconv.Itoa(dead), ID: "dead", Reason: call.AttemptsExhausted},
		{OriginKey: strconv.Itoa(unknown), ID: "unknown", Reason: call.OutcomeUnknown},
		{OriginKey: strconv.Itoa(silent), ID: "silent", Reason: call.OutcomeUnknown},
		{OriginKey: strconv.Itoa(webhook), ID: "webhook", Reason: call.WebhookFailed},
		{OriginKey: strconv.Itoa(nameless), ID: "=5-x", Reason: call.Malformed},
		{OriginKey: strconv.Itoa(conflict), ID: "placed", Reason: call.IDConflict},
		{OriginKey: strconv.Itoa(invalid), ID: "invalid", Reason: call.Malformed},
	}
	e.Rings = []reconcile.Ring{ring("placed", placed, "u0"), ring("unknown", unknown, "u2"), ring("webhook", webhook, "u4")}
	return e
}

func TestAKeptPromise(t *testing.T) {
	v := reconcile.Check(*kept(t))
	if !v.OK() {
		t.Fatalf("not kept: %v, rung twice: %v", v.Discrepancies, v.RungTwice)
	}
	want := reconcile.Report{
		Published: requests, Placed: 1, Retried: 1, Unknown: 2, Duplicates: 1,
		Dead: map[call.Reason]int{
			call.AttemptsExhausted: 1, call.WebhookFailed: 1, call.Malformed: 2, call.IDConflict: 1, call.Cancelled: 1,
		},
	}
	if !reflect.DeepEqual(v, want) {
		t.Errorf("got  %+v\nwant %+v", v, want)
	}
	if v.Placed+v.DeadLetters()+v.Unknown+v.Duplicates != v.Published {
		t.Error("the endings do not add up to what was published")
	}
}

func TestABrokenPromise(t *testing.T) {
	for _, c := range []struct {
		name   string
		breaks func(e *reconcile.Input)
		twice  string // the request that must be named as rung twice
		want   string // else a contradiction that must be among the verdict's
	}{
		{"a record is gone", func(e *reconcile.Input) { e.Records = e.Records[1:] }, "", "line 0: it was forgotten"},
		{"the only dead letter is gone", func(e *reconcile.Input) { drop(e, nameless) }, "", "line 5: it was forgotten"},
		{"a conflict's dead letter is gone", func(e *reconcile.Input) { drop(e, conflict) }, "", "line 6: it was forgotten"},
		{"the dead letter of a record is gone", func(e *reconcile.Input) { drop(e, dead) }, "", "line 1: it is dead, which asks for"},
		{"the dead letter of an unknown is gone", func(e *reconcile.Input) { drop(e, unknown) }, "", "line 2: it is unknown, which asks for"},
		{"a dead letter gives another reason", func(e *reconcile.Input) { e.DeadLetters[0].Reason = call.Expired }, "", "line 1: it is dead, which asks for"},
		{"a duplicate of other content", func(e *reconcile.Input) { e.Published[duplicate].Body = body("placed", 99) }, "", "line 7: it was forgotten"},
		{"a duplicate of nothing", func(e *reconcile.Input) { e.Published[duplicate].Body = body("other", 7) }, "", "line 7: it was forgotten"},
		{"a conflict with nothing", func(e *reconcile.Input) { e.DeadLetters[5].ID = "nobody" }, "", "line 6: it is dead as id_conflict, and no other"},
		{"a readable id without a record", func(e *reconcile.Input) { e.Records = e.Records[:len(e.Records)-1] }, "", "line 9: it is dead as malformed without a record"},
		{"placed and dead", func(e *reconcile.Input) {
			e.DeadLetters = append(e.DeadLetters, reconcile.DeadLetter{OriginKey: strconv.Itoa(placed), Reason: call.Expired})
		}, "", "line 0: it is placed, which asks for"},
		{"two dead letters and no record", func(e *reconcile.Input) {
			e.DeadLetters = append(e.DeadLetters, reconcile.DeadLetter{OriginKey: strconv.Itoa(nameless), Reason: call.Poison})
		}, "", "line 5: it has 2 dead letters"},
		{"two records", func(e *reconcile.Input) { e.Records = append(e.Records, e.Records[1]) }, "", "line 1: it has 2 records"},
		{"still waiting", func(e *reconcile.Input) { e.Records[1].State = call.StateWaiting }, "", "line 1: it has not ended: its record is waiting"},
		{"still dialling", func(e *reconcile.Input) { e.Records[2].State = call.StateDialling }, "", "line 2: it has not ended: its record is dialling"},
		{"a state from nowhere", func(e *reconcile.Input) { e.Records[2].State = "lost" }, "", "line 2: its record is in a state that is not known"},
		{"the record of another request", func(e *reconcile.Input) { e.Records[1].Request = body("dead", 99) }, "", "line 1: its record holds another request"},
		{"one message for two requests", func(e *reconcile.Input) { e.Published[duplicate].OriginKey = strconv.Itoa(placed) }, "", "line 7: it came by message 0, and so did another"},
		{"the record of a message of another stream", func(e *reconcile.Input) { e.Records[1].Origin.Stream = "CALLS_BULK" }, "", "dead: it has a record, and nobody"},
		{"a record that nobody published", func(e *reconcile.Input) { e.Records[1].Origin.Sequence = 99 }, "", "dead: it has a record, and nobody"},
		{"a dead letter that nobody published", func(e *reconcile.Input) { e.DeadLetters[4].OriginKey = "99" }, "", "=5-x: it has a dead letter (malformed), and nobody"},
		{"a message left behind", func(e *reconcile.Input) { e.Remaining[1].Messages = 3 }, "", "CALLS_PARKED: 3 messages were left behind"},

		{"placed, and never rang", func(e *reconcile.Input) { e.Rings = e.Rings[1:] }, "", "line 0: its record says placed as u0, and the provider rang that 0 times"},
		{"placed under another name", func(e *reconcile.Input) { e.Rings[0].RequestUUID = "u9" }, "", "line 0: the phone rang, and the record does not say so"},
		{"dead, and rang", func(e *reconcile.Input) { e.Rings = append(e.Rings, ring("dead", dead, "u1")) }, "", "line 1: the phone rang, and the record does not say so"},
		{"cancelled, and rang", func(e *reconcile.Input) { e.Rings = append(e.Rings, ring("cancelled", cancelled, "u1")) }, "", "line 8: the phone rang"},
		{"the conflict rang", func(e *reconcile.Input) { e.Rings = append(e.Rings, ring("placed", conflict, "u1")) }, "", "line 6: the phone rang"},
		{"somebody else rang", func(e *reconcile.Input) { e.Rings = append(e.Rings, ring("stranger", 77, "u7")) }, "", "u7: a phone rang that nobody of the batch asked for"},

		{"placed rang twice", func(e *reconcile.Input) { e.Rings = append(e.Rings, ring("placed", placed, "u9")) }, "line 0", ""},
		{"the duplicate rang too", func(e *reconcile.Input) { e.Rings = append(e.Rings, ring("placed", placed, "u9")) }, "line 7", ""},
		{"an unknown rang twice", func(e *reconcile.Input) { e.Rings = append(e.Rings, ring("unknown", unknown, "u9")) }, "line 2", ""},
		{"a failed webhook rang twice", func(e *reconcile.Input) { e.Rings = append(e.Rings, ring("webhook", webhook, "u9")) }, "line 4", ""},
		{"a dead one rang twice", func(e *reconcile.Input) {
			e.Rings = append(e.Rings, ring("dead", dead, "u8"), ring("dead", dead, "u9"))
		}, "line 1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := kept(t)
			c.breaks(e)
			v := reconcile.Check(*e)
			if v.OK() {
				t.Fatal("the promise counts as kept")
			}
			if c.twice != "" && !strings.Contains(strings.Join(v.RungTwice, ", "), c.twice) {
				t.Errorf("rung twice: %v; want %s among them", v.RungTwice, c.twice)
			}
			if c.twice == "" && !contradicts(v, c.want) {
				t.Errorf("contradictions: %v; want %q", v.Discrepancies, c.want)
			}
		})
	}
}

// Two requests may share a callee and an answer URL: each may ring once.
func TestTwoRequestsForOnePerson(t *testing.T) {
	about := func(id string) []byte {
		return fmt.Appendf(nil, `{"id":%q,"from":"+912071531001","to":"+919876500001","answer_url":"https://publisher.example/answer"}`, id)
	}
	rang := func(uuids ...string) (rings []reconcile.Ring) {
		for _, u := range uuids {
			rings = append(rings, reconcile.Ring{Callee: "+919876500001", AnswerURL: "https://publisher.example/answer", RequestUUID: u})
		}
		return rings
	}
	e := reconcile.Input{
		Published: []reconcile.Published{{Name: "a", OriginKey: "1", Body: about("a")}, {Name: "b", OriginKey: "2", Body: about("b")}},
		Records: []call.Record{
			record(t, 1, about("a"), func(r *call.Record) { r.State, r.RequestUUID = call.StatePlaced, "u1" }),
			record(t, 2, about("b"), func(r *call.Record) { r.State = call.StateUnknown }),
		},
		DeadLetters: []reconcile.DeadLetter{{OriginKey: "2", ID: "b", Reason: call.OutcomeUnknown}},
	}
	for _, c := range []struct {
		rings []reconcile.Ring
		kept  bool
	}{
		{rang("u1", "u2"), true},
		{rang("u1"), true}, // the unknown one did not ring
		{rang("u1", "u2", "u3"), false},
		{rang("u2"), false},
	} {
		e.Rings = c.rings
		if v := reconcile.Check(e); v.OK() != c.kept {
			t.Errorf("rings %v: kept %t, want %t; %v %v", c.rings, v.OK(), c.kept, v.Discrepancies, v.RungTwice)
		}
	}
}

func drop(e *reconcile.Input, message int) {
	var rest []reconcile.DeadLetter
	for _, l := range e.DeadLetters {
		if l.OriginKey != strconv.Itoa(message) {
			rest = append(rest, l)
		}
	}
	e.DeadLetters = rest
}

func contradicts(v reconcile.Report, want string) bool {
	for _, c := range v.Discrepancies {
		if strings.HasPrefix(c.String(), want) {
			return true
		}
	}
	return false
}
