package endtoend_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
)

const callee = "+919876543210"

// TestTheSameIDRingsOnce however often it is published, and another request
// under it never.
func TestTheSameIDRingsOnce(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{}, nil)
	env.AwaitReady(env.Start("one"))
	for range 5 {
		env.Publish("calls.requests.default", harness.Body("a", callee))
	}
	// The same content in another order and spacing is the same request.
	env.Publish("calls.requests.default", `{ "answer_url":"`+harness.AnswerURL+`", "to":"`+callee+`", "from":"`+simulator.DefaultNumber+`", "id":"a" }`)
	env.AwaitState("a", call.StatePlaced)
	other := harness.Body("a", "+919876543211")
	env.Publish("calls.requests.default", other)
	env.AwaitDrained()
	if n := env.Simulator.Rung(callee); n != 1 {
		t.Errorf("rang %d times", n)
	}
	if n := env.Simulator.Rung("+919876543211"); n != 0 {
		t.Errorf("the other request under the id rang %d times", n)
	}
	if l := letterOf(t, env, other); l.Reason != call.IDConflict || strings.HasSuffix(l.Subject, ".a") {
		t.Errorf("it ended %s at %s", l.Reason, l.Subject)
	}
	if record := env.Record("a"); record.State != call.StatePlaced || record.Made != 1 {
		t.Errorf("the first became %s after %d attempts", record.State, record.Made)
	}
}

// TestWithoutAnID uses the Nats-Msg-Id, and makes one up without it.
func TestWithoutAnID(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{}, nil)
	env.AwaitReady(env.Start("one"))
	body := strings.Replace(harness.Body("x", callee), `"id":"x",`, "", 1)
	env.Publish("calls.requests.default", body, nats.MsgIdHdr, "from-the-header")
	env.AwaitState("from-the-header", call.StatePlaced)
	env.Publish("calls.requests.default", strings.Replace(body, callee, "+919876543211", 1), nats.MsgIdHdr, "not an id")
	env.Publish("calls.requests.default", strings.Replace(body, callee, "+919876543212", 1))
	env.Publish("calls.requests.default", harness.Body("payload", "+919876543213"), nats.MsgIdHdr, "header")
	env.AwaitDrained()
	for number, want := range map[string]int{callee: 1, "+919876543211": 0, "+919876543212": 1, "+919876543213": 1} {
		if got := env.Simulator.Rung(number); got != want {
			t.Errorf("%s rang %d times, want %d", number, got, want)
		}
	}
	if n := env.Messages(queue.StreamRecords, "calls.records.default.=*"); n > 1 {
		t.Errorf("%d records of made-up ids", n)
	}
	env.AwaitState("payload", call.StatePlaced)
	if env.Record("header").State != call.StateAbsent {
		t.Error("the header won over the payload")
	}
	if n := env.Messages(queue.StreamDead, "calls.dead.default.malformed.>"); n != 1 {
		t.Errorf("%d letters for an id that cannot be one", n)
	}
}

// TestAPlainPublisher asks for a call with nothing but NATS, of every priority,
// and may put on it whatever headers it likes.
func TestAPlainPublisher(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{}, nil)
	env.AwaitReady(env.Start("one"))
	nc, err := nats.Connect(env.Broker.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	forged := nats.Header{}
	for _, h := range []string{"Ringonce-Record", "Ringonce-Account", "Ringonce-Id", "Ringonce-Origin", "Ringonce-Published", "Ringonce-Reason"} {
		forged.Set(h, "1/1")
	}
	for i, subject := range []string{"calls.requests.default", "calls.requests.default.urgent", "calls.requests.default.normal", "calls.requests.default.bulk"} {
		id := string(rune('a' + i))
		if err := nc.PublishMsg(&nats.Msg{Subject: subject, Data: []byte(harness.Body(id, "+91987654321"+string(rune('0'+i)))), Header: forged}); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]call.Priority{"a": call.Normal, "b": call.Urgent, "c": call.Normal, "d": call.Bulk} {
		record := env.AwaitState(id, call.StatePlaced)
		if record.Account != "default" || record.Priority != want {
			t.Errorf("%s is of %s, %s", id, record.Account, record.Priority)
		}
	}
	// What only workers may do is refused by the stream, and loses nothing.
	for _, h := range [][2]string{
		{"Nats-Schedule", "@at 2000-01-01T00:00:00Z"},
		{"Nats-Schedule-Target", "calls.requests.other"},
		{"Nats-Rollup", "all"},
		{"Nats-TTL", "1s"},
	} {
		m := &nats.Msg{Subject: "calls.requests.default", Data: []byte(harness.Body("e", "+919876543219")), Header: nats.Header{h[0]: {h[1]}}}
		_, err := env.Conn.JetStream().PublishMsg(t.Context(), m)
		if err == nil && h[0] != "Nats-Schedule-Target" {
			t.Errorf("%s was taken", h[0])
		}
	}
	env.AwaitDrained()
	if s := env.Simulator.Oracle().Summary; s.RungTwice != 0 {
		t.Error("a phone rang twice")
	}
}

func TestTheTraceIsCarriedThrough(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{Rules: []simulator.Rule{{Name: "bad", Fault: "bad_request"}}}, nil)
	env.AwaitReady(env.Start("one"))
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	env.Publish("calls.requests.default", harness.Body("a", callee), "traceparent", trace)
	env.AwaitDrained()
	if got := letterOf(t, env, harness.Body("a", callee)).Header.Get("traceparent"); got != trace || env.Record("a").Trace != trace {
		t.Errorf("the letter carries %q, the record %q", got, env.Record("a").Trace)
	}
}

// TestEveryClaimHasANonceOfItsOwn, by which its worker recognises it
// claim, its own earlier ones included.
func TestEveryClaimHasANonceOfItsOwn(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{}, nil)
	env.AwaitReady(env.Start("one"))
	seen := map[string]bool{}
	for i, refusals := range []int{2, 1} {
		id := fmt.Sprintf("call-%d", i)
		env.Publish("calls.requests.default", harness.Body(id, simulator.MagicCallee("service_temporarily_unavailable", refusals)))
		record := env.AwaitState(id, call.StatePlaced)
		if len(record.Attempts) != refusals+1 {
			t.Errorf("%s was attempted %d times", id, len(record.Attempts))
		}
		for _, a := range record.Attempts {
			if a.Nonce == "" || seen[a.Nonce] {
				t.Errorf("attempt %d of %s has the nonce of another, or none", a.N, id)
			}
			seen[a.Nonce] = true
		}
	}
}
