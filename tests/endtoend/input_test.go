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

// with is the body of a good request with one field set to this JSON.
func with(id, field, value string) string {
	fields := map[string]string{
		"id": fmt.Sprintf("%q", id), "from": fmt.Sprintf("%q", simulator.DefaultNumber), "to": `"+919876543210"`,
		"answer_url": fmt.Sprintf("%q", harness.AnswerURL),
	}
	fields[field] = value
	var parts []string
	for name, v := range fields {
		parts = append(parts, fmt.Sprintf("%q:%s", name, v))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// TestBadInput is dead-lettered as it came, with a reason and a word about what
// to repair, and rings no phone.
func TestBadInput(t *testing.T) {
	t.Parallel()
	secret := "+91987654" + "3210"
	inputs := []struct {
		name, body string // {id} stands for the id
		reason     call.Reason
		withoutID  bool
		says       string
	}{
		{"not JSON", "call me", call.Malformed, true, "JSON"},
		{"empty", "", call.Malformed, true, "JSON"},
		{"null", "null", call.Malformed, true, "object"},
		{"a list", `[{"id":"{id}"}]`, call.Malformed, true, "object"},
		{"two objects", with("{id}", "app_id", `"a"`) + "{}", call.Malformed, false, "JSON"},
		{"cut short", `{"id":"{id}","from":"+91`, call.Malformed, false, "JSON"},
		{"not UTF-8", "{\"id\":\"{id}\",\"from\":\"\xff\xfe\"}", call.Malformed, false, "UTF-8"},
		{"unknown field", with("{id}", "colour", `"red"`), call.Malformed, false, "colour"},
		{"wrong case", with("{id}", "FROM", `"x"`), call.Malformed, false, "FROM"},
		{"duplicate field", `{"id":"{id}","to":"+919876543210","to":"+919876543211"}`, call.Malformed, false, "to"},
		{"wrong type", with("{id}", "ring_timeout", `"30"`), call.Malformed, false, "ring_timeout"},
		{"larger than 16 KiB", with("{id}", "metadata", `{"a":"`+strings.Repeat("x", 17<<10)+`"}`), call.Malformed, true, "bytes"},
		{"deeply nested", with("{id}", "metadata", strings.Repeat(`{"a":`, 2000)+"1"+strings.Repeat("}", 2000)), call.Malformed, false, "metadata"},
		{"deeply nested lists", strings.Repeat("[", 16000), call.Malformed, true, ""},
		{"an id that cannot be one", with("a.b", "app_id", `"a"`), call.Malformed, true, "id"},
		{"an id of ours", with("=1-x", "app_id", `"a"`), call.Malformed, true, "id"},
		{"an id for another subject", with("a.*.>", "app_id", `"a"`), call.Malformed, true, "id"},
		{"no from", with("{id}", "from", `""`), call.InvalidRequest, false, "from"},
		{"list of callees", with("{id}", "to", `"`+secret+`<+919876543211"`), call.InvalidRequest, false, "to"},
		{"callees with a comma", with("{id}", "to", `"`+secret+`,+919876543211"`), call.InvalidRequest, false, "to"},
		{"a JSON list of callees", with("{id}", "to", `["`+secret+`"]`), call.Malformed, false, "to"},
		{"SIP URI", with("{id}", "to", `"sip:alice@example.com"`), call.InvalidRequest, false, "to"},
		{"tel URI", with("{id}", "to", `"tel:`+secret+`"`), call.InvalidRequest, false, "to"},
		{"short code", with("{id}", "to", `"+91112"`), call.InvalidRequest, false, "to"},
		{"emergency", with("{id}", "to", `"112"`), call.InvalidRequest, false, "to"},
		{"bare national number", with("{id}", "to", `"9876543210"`), call.InvalidRequest, false, "to"},
		{"trunk prefix", with("{id}", "to", `"+9109876543210"`), call.InvalidRequest, false, "to"},
		{"letters", with("{id}", "to", `"+1800FLOWERS"`), call.InvalidRequest, false, "to"},
		{"spaces", with("{id}", "to", `"+91 98765 43210"`), call.InvalidRequest, false, "to"},
		{"control characters", with("{id}", "to", `"`+secret+`\r\nX-Evil: 1"`), call.InvalidRequest, false, "to"},
		{"digits of another script", with("{id}", "to", `"+९१९८७६५४३२१०"`), call.InvalidRequest, false, "to"},
		{"control characters in a URL", with("{id}", "answer_url", `"https://a.example/\u0000"`), call.InvalidRequest, false, "answer_url"},
		{"line break in a URL", with("{id}", "answer_url", `"https://a.example/\r\nx"`), call.InvalidRequest, false, "answer_url"},
		{"URL with user info", with("{id}", "answer_url", `"https://user:hunter2@a.example/"`), call.InvalidRequest, false, "answer_url"},
		{"URL of another scheme", with("{id}", "ring_url", `"file:///etc/passwd"`), call.InvalidRequest, false, "ring_url"},
		{"URL without a scheme", with("{id}", "hangup_url", `"a.example/x"`), call.InvalidRequest, false, "hangup_url"},
		{"no answer_url", with("{id}", "answer_url", `""`), call.InvalidRequest, false, "answer_url"},
		{"method", with("{id}", "answer_method", `"DELETE"`), call.InvalidRequest, false, "answer_method"},
		{"rings for too long", with("{id}", "ring_timeout", "601"), call.InvalidRequest, false, "ring_timeout"},
		{"rings for no time", with("{id}", "ring_timeout", "0"), call.InvalidRequest, false, "ring_timeout"},
		{"lasts too long", with("{id}", "call_time_limit", "86401"), call.InvalidRequest, false, "call_time_limit"},
		{"a negative limit", with("{id}", "call_time_limit", "-1"), call.InvalidRequest, false, "call_time_limit"},
		{"no time", with("{id}", "not_before", `"tomorrow"`), call.InvalidRequest, false, "not_before"},
		{"not_before beyond request.max_age", with("{id}", "not_before", `"2999-01-01T00:00:00Z"`), call.InvalidRequest, false, "not_before"},
		{"expired", with("{id}", "expires_at", `"2001-01-01T00:00:00Z"`), call.Expired, false, "deadline"},
	}
	env := harness.New(t, simulator.Config{}, nil)
	env.AwaitReady(env.Start("one"))
	for i, in := range inputs {
		// Bytes as they are, not as Go would write them.
		publish(t, env, &nats.Msg{Subject: "calls.requests.default", Data: []byte(named(in.body, i))})
	}
	env.AwaitDrained()
	for i, in := range inputs {
		t.Run(in.name, func(t *testing.T) {
			body := named(in.body, i)
			letter := letterOf(t, env, body)
			if letter.Reason != in.reason || !strings.Contains(letter.Message, in.says) {
				t.Errorf("it ended %s: %s", letter.Reason, letter.Message)
			}
			if strings.Contains(letter.Message, "98765") || strings.Contains(letter.Message, "hunter2") {
				t.Errorf("the letter says too much: %s", letter.Message)
			}
			record := env.Record(fmt.Sprintf("bad-%d", i))
			if in.withoutID != (record.State == call.StateAbsent) {
				t.Errorf("its record is %q", record.State)
			}
			if !in.withoutID && (record.State != call.StateDead || record.Made != 0) {
				t.Errorf("its record is %q after %d attempts", record.State, record.Made)
			}
		})
	}
	if s := env.Simulator.Oracle().Summary; s.Posts != 0 {
		t.Errorf("%d POSTs", s.Posts)
	}
}

func named(body string, i int) string {
	return strings.ReplaceAll(body, "{id}", fmt.Sprintf("bad-%d", i))
}

func publish(t *testing.T, env *harness.Environment, m *nats.Msg) {
	t.Helper()
	if _, err := env.Conn.JetStream().PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// letter is a dead letter.
type letter struct {
	Subject string
	Reason  call.Reason
	Message string
	Header  nats.Header
}

// letterOf finds the dead letter that holds this body, byte for byte.
func letterOf(t *testing.T, env *harness.Environment, body string) letter {
	t.Helper()
	s, err := env.Conn.JetStream().Stream(t.Context(), queue.StreamDead)
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n := info.State.FirstSeq; n <= info.State.LastSeq; n++ {
		m, err := s.GetMsg(t.Context(), n)
		if err == nil && string(m.Data) == body {
			return letter{
				Subject: m.Subject, Reason: call.Reason(m.Header.Get("Ringonce-Reason")),
				Message: m.Header.Get("Ringonce-Message"), Header: m.Header,
			}
		}
	}
	t.Fatal("no dead letter holds it byte for byte")
	return letter{}
}
