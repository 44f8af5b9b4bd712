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
	unknown          // rang, the answer was lost
	noRing           // unknown, and did not ring
	webhook          // dead, and rang
	noID             // no id can be read
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

func consistent(t *testing.T) *reconcile.Input {
	t.Helper()
	bodies := [requests][]byte{
		placed: body("placed", placed), dead: body("dead", dead), unknown: body("unknown", unknown), noRing: body("no-ring", noRing),
		webhook: body("webhook", webhook), noID: []byte(`{"from":`), conflict: body("placed", conflict), duplicate: body("placed", placed),
		cancelled: body("cancelled", cancelled), invalid: []byte(`{"id":"invalid","callee":1}`),
	}
	in := &reconcile.Input{Remaining: []reconcile.StreamCount{{Stream: "CALLS"}, {Stream: "CALLS_PARKED"}}}
	for i, b := range bodies {
		in.Published = append(in.Published, reconcile.Published{Name: fmt.Sprintf("line %d", i), OriginKey: strconv.Itoa(i), Body: b})
	}
	add := func(i int, change func(r *call.Record)) {
		in.Records = append(in.Records, record(t, uint64(i), bodies[i], change))
	}
	add(placed, func(r *call.Record) { r.State, r.RequestUUID, r.Made = call.StatePlaced, "u0", 2 })
	add(dead, func(r *call.Record) { r.State, r.Reason = call.StateDead, call.AttemptsExhausted })
	add(unknown, func(r *call.Record) { r.State, r.Reason = call.StateUnknown, call.OutcomeUnknown })
	add(noRing, func(r *call.Record) { r.State, r.Reason = call.StateUnknown, call.OutcomeUnknown })
	add(webhook, func(r *call.Record) {
		r.State, r.Reason, r.MayHaveRung = call.StateDead, call.WebhookFailed, true
	})
	add(cancelled, func(r *call.Record) { r.State, r.Reason = call.StateCancelled, call.Cancelled })
	add(invalid, func(r *call.Record) { r.State, r.Reason = call.StateDead, call.Malformed })
	in.DeadLetters = []reconcile.DeadLetter{
		{OriginKey: strconv.Itoa(dead), ID: "dead", Reason: call.AttemptsExhausted},
		{OriginKey: strconv.Itoa(unknown), ID: "unknown", Reason: call.OutcomeUnknown},
		{OriginKey: strconv.Itoa(noRing), ID: "no-ring", Reason: call.OutcomeUnknown},
		{OriginKey: strconv.Itoa(webhook), ID: "webhook", Reason: call.WebhookFailed},
		{OriginKey: strconv.Itoa(noID), ID: "=5-x", Reason: call.Malformed},
		{OriginKey: strconv.Itoa(conflict), ID: "placed", Reason: call.IDConflict},
		{OriginKey: strconv.Itoa(invalid), ID: "invalid", Reason: call.Malformed},
	}
	in.Rings = []reconcile.Ring{ring("placed", placed, "u0"), ring("unknown", unknown, "u2"), ring("webhook", webhook, "u4")}
	return in
}

func TestConsistentBatch(t *testing.T) {
	report := reconcile.Check(*consistent(t))
	if !report.OK() {
		t.Fatalf("discrepancies: %v, rung twice: %v", report.Discrepancies, report.RungTwice)
	}
	want := reconcile.Report{
		Published: requests, Placed: 1, Retried: 1, Unknown: 2, Duplicates: 1,
		Dead: map[call.Reason]int{
			call.AttemptsExhausted: 1, call.WebhookFailed: 1, call.Malformed: 2, call.IDConflict: 1, call.Cancelled: 1,
		},
	}
	if !reflect.DeepEqual(report, want) {
		t.Errorf("got  %+v\nwant %+v", report, want)
	}
	if report.Placed+report.DeadLetters()+report.Unknown+report.Duplicates != report.Published {
		t.Error("the endings do not add up to what was published")
	}
}

func TestDiscrepancies(t *testing.T) {
	for _, c := range []struct {
		name   string
		breaks func(in *reconcile.Input)
		twice  string // the request that must be named as rung twice
		want   string // else a discrepancy that the report must contain
	}{
		{"a record is gone", func(in *reconcile.Input) { in.Records = in.Records[1:] }, "", "line 0: it was forgotten"},
		{"the only dead letter is gone", func(in *reconcile.Input) { drop(in, noID) }, "", "line 5: it was forgotten"},
		{"a conflict's dead letter is gone", func(in *reconcile.Input) { drop(in, conflict) }, "", "line 6: it was forgotten"},
		{"the dead letter of a record is gone", func(in *reconcile.Input) { drop(in, dead) }, "", "line 1: it is dead, wants"},
		{"the dead letter of an unknown is gone", func(in *reconcile.Input) { drop(in, unknown) }, "", "line 2: it is unknown, wants"},
		{"a dead letter gives another reason", func(in *reconcile.Input) { in.DeadLetters[0].Reason = call.Expired }, "", "line 1: it is dead, wants"},
		{"a duplicate of other content", func(in *reconcile.Input) { in.Published[duplicate].Body = body("placed", 99) }, "", "line 7: it was forgotten"},
		{"a duplicate of nothing", func(in *reconcile.Input) { in.Published[duplicate].Body = body("other", 7) }, "", "line 7: it was forgotten"},
		{"a conflict with nothing", func(in *reconcile.Input) { in.DeadLetters[5].ID = "other" }, "", "line 6: it is dead as id_conflict, and no other"},
		{"a readable id without a record", func(in *reconcile.Input) { in.Records = in.Records[:len(in.Records)-1] }, "", "line 9: it is dead as malformed without a record"},
		{"placed and dead", func(in *reconcile.Input) {
			in.DeadLetters = append(in.DeadLetters, reconcile.DeadLetter{OriginKey: strconv.Itoa(placed), Reason: call.Expired})
		}, "", "line 0: it is placed, wants"},
		{"two dead letters and no record", func(in *reconcile.Input) {
			in.DeadLetters = append(in.DeadLetters, reconcile.DeadLetter{OriginKey: strconv.Itoa(noID), Reason: call.Poison})
		}, "", "line 5: it has 2 dead letters"},
		{"two records", func(in *reconcile.Input) { in.Records = append(in.Records, in.Records[1]) }, "", "line 1: it has 2 records"},
		{"still waiting", func(in *reconcile.Input) { in.Records[1].State = call.StateWaiting }, "", "line 1: it has not ended: its record is waiting"},
		{"still dialling", func(in *reconcile.Input) { in.Records[2].State = call.StateDialling }, "", "line 2: it has not ended: its record is dialling"},
		{"an unknown state", func(in *reconcile.Input) { in.Records[2].State = "lost" }, "", "line 2: its record is in an unknown state"},
		{"the record of another request", func(in *reconcile.Input) { in.Records[1].Request = body("dead", 99) }, "", "line 1: its record holds another request"},
		{"one message for two requests", func(in *reconcile.Input) { in.Published[duplicate].OriginKey = strconv.Itoa(placed) }, "", "line 7: its message 0 is also that of another request"},
		{"the record of a message of another stream", func(in *reconcile.Input) { in.Records[1].Origin.Stream = "CALLS_BULK" }, "", "dead: it has a record, and was not published"},
		{"a record of nothing published", func(in *reconcile.Input) { in.Records[1].Origin.Sequence = 99 }, "", "dead: it has a record, and was not published"},
		{"a dead letter of nothing published", func(in *reconcile.Input) { in.DeadLetters[4].OriginKey = "99" }, "", "=5-x: it has a dead letter (malformed), and was not published"},
		{"a message is left", func(in *reconcile.Input) { in.Remaining[1].Messages = 3 }, "", "CALLS_PARKED: 3 messages are left"},

		{"placed, and never rang", func(in *reconcile.Input) { in.Rings = in.Rings[1:] }, "", "line 0: its record says placed as u0, and the provider rang that 0 times"},
		{"placed under another name", func(in *reconcile.Input) { in.Rings[0].RequestUUID = "u9" }, "", "line 0: the phone rang, and the record does not say so"},
		{"dead, and rang", func(in *reconcile.Input) { in.Rings = append(in.Rings, ring("dead", dead, "u1")) }, "", "line 1: the phone rang, and the record does not say so"},
		{"cancelled, and rang", func(in *reconcile.Input) { in.Rings = append(in.Rings, ring("cancelled", cancelled, "u1")) }, "", "line 8: the phone rang"},
		{"the conflict rang", func(in *reconcile.Input) { in.Rings = append(in.Rings, ring("placed", conflict, "u1")) }, "", "line 6: the phone rang"},
		{"a callee that is not in the batch rang", func(in *reconcile.Input) { in.Rings = append(in.Rings, ring("other", 77, "u7")) }, "", "u7: a phone rang that no request of the batch asked for"},

		{"placed rang twice", func(in *reconcile.Input) { in.Rings = append(in.Rings, ring("placed", placed, "u9")) }, "line 0", ""},
		{"the duplicate rang too", func(in *reconcile.Input) { in.Rings = append(in.Rings, ring("placed", placed, "u9")) }, "line 7", ""},
		{"an unknown rang twice", func(in *reconcile.Input) { in.Rings = append(in.Rings, ring("unknown", unknown, "u9")) }, "line 2", ""},
		{"a failed webhook rang twice", func(in *reconcile.Input) { in.Rings = append(in.Rings, ring("webhook", webhook, "u9")) }, "line 4", ""},
		{"a dead one rang twice", func(in *reconcile.Input) {
			in.Rings = append(in.Rings, ring("dead", dead, "u8"), ring("dead", dead, "u9"))
		}, "line 1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := consistent(t)
			c.breaks(in)
			report := reconcile.Check(*in)
			if report.OK() {
				t.Fatal("the report is OK")
			}
			if c.twice != "" && !strings.Contains(strings.Join(report.RungTwice, ", "), c.twice) {
				t.Errorf("rung twice: %v; want %s among them", report.RungTwice, c.twice)
			}
			if c.twice == "" && !hasDiscrepancy(report, c.want) {
				t.Errorf("discrepancies: %v; want %q", report.Discrepancies, c.want)
			}
		})
	}
}

// Two requests may share a callee and an answer URL: each may ring once.
func TestTwoRequestsForOneCallee(t *testing.T) {
	about := func(id string) []byte {
		return fmt.Appendf(nil, `{"id":%q,"from":"+912071531001","to":"+919876500001","answer_url":"https://publisher.example/answer"}`, id)
	}
	rang := func(uuids ...string) (rings []reconcile.Ring) {
		for _, u := range uuids {
			rings = append(rings, reconcile.Ring{Callee: "+919876500001", AnswerURL: "https://publisher.example/answer", RequestUUID: u})
		}
		return rings
	}
	in := reconcile.Input{
		Published: []reconcile.Published{{Name: "a", OriginKey: "1", Body: about("a")}, {Name: "b", OriginKey: "2", Body: about("b")}},
		Records: []call.Record{
			record(t, 1, about("a"), func(r *call.Record) { r.State, r.RequestUUID = call.StatePlaced, "u1" }),
			record(t, 2, about("b"), func(r *call.Record) { r.State = call.StateUnknown }),
		},
		DeadLetters: []reconcile.DeadLetter{{OriginKey: "2", ID: "b", Reason: call.OutcomeUnknown}},
	}
	for _, c := range []struct {
		rings []reconcile.Ring
		ok    bool
	}{
		{rang("u1", "u2"), true},
		{rang("u1"), true}, // the unknown one did not ring
		{rang("u1", "u2", "u3"), false},
		{rang("u2"), false},
	} {
		in.Rings = c.rings
		if report := reconcile.Check(in); report.OK() != c.ok {
			t.Errorf("rings %v: OK %t, want %t; %v %v", c.rings, report.OK(), c.ok, report.Discrepancies, report.RungTwice)
		}
	}
}

func drop(in *reconcile.Input, message int) {
	var rest []reconcile.DeadLetter
	for _, l := range in.DeadLetters {
		if l.OriginKey != strconv.Itoa(message) {
			rest = append(rest, l)
		}
	}
	in.DeadLetters = rest
}

func hasDiscrepancy(report reconcile.Report, want string) bool {
	for _, c := range report.Discrepancies {
		if strings.HasPrefix(c.String(), want) {
			return true
		}
	}
	return false
}
