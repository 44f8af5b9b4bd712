package adversarial

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// callee returns a phone number of its own.
func callee(n int) string { return fmt.Sprintf("+9198765%05d", n%100000) }

// trySubjects publishes where the publisher has no business: nothing takes it.
func (p *publisher) trySubjects(t *testing.T) {
	t.Helper()
	body := p.body("subject", callee(1))
	for _, subject := range []string{
		"calls.requests." + honest, "calls.requests." + honest + ".urgent", "calls.requests." + p.account + "." + honest + ".urgent",
		"calls.requests." + p.account + ".urgent.more", "calls.requests." + p.account + ".a.b.c.d", "calls.requests.ACME", "calls.requests.acme-2", "calls.requests",
		"calls.requests." + p.account + ".critical", "calls.requests." + p.account + ".URGENT", "calls.requests." + p.account + "." + honest,
		"calls.requests." + p.account + ".=", "calls.requests." + p.account + ".ünïcode",
		"calls.due." + p.account + ".normal", "calls.due." + honest + ".normal", "calls.parked." + honest + ".honest-0",
		"calls.records." + honest + ".honest-0", "calls.records." + p.account + ".mine", "calls.dead." + honest + ".expired.honest-0",
		"calls.rate." + honest, "$KV.CALL_CONTROL.paused-all", "$KV.CALL_CONTROL.paused." + honest, "$KV.CALL_CONTROL.highwater",
		"$JS.API.INFO", "$JS.API.STREAM.INFO.CALLS", "$JS.API.STREAM.PURGE.CALLS", "$JS.API.STREAM.DELETE.CALL_RECORDS",
		"$JS.API.STREAM.MSG.GET.CALL_RECORDS", "$JS.API.DIRECT.GET.CALL_RECORDS.calls.records." + honest + ".honest-0",
		"$JS.API.CONSUMER.MSG.NEXT.CALLS.new-" + honest, "$JS.API.CONSUMER.DELETE.CALLS.new-" + honest, "$JS.API.CONSUMER.LIST.CALLS",
		"$JS.API.CONSUMER.PAUSE.CALLS.new-" + honest, "$JS.ACK.CALLS.new-" + honest + ".1.1.1.1.0", "$JS.FC.CALLS.new-" + honest + ".1",
		"$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.RINGONCE.CONNZ", "_INBOX.worker.1", "_R_.abc.def",
	} {
		if err := p.try(subject, body, nil); err == nil {
			t.Errorf("%s took a message", subject)
		}
	}
	for _, subject := range []string{
		"calls.requests." + p.account + ".urgent", "calls.requests." + p.account + ".normal", "calls.requests." + p.account + ".bulk",
	} {
		if err := p.try(subject, p.body("subject-"+fmt.Sprintf("%x", subject[len(subject)-3:]), callee(2)), nil); err != nil {
			t.Errorf("%s: %v", subject, err)
		}
	}
}

// tryReplies has the broker confirm a request to a subject at which a
// confirmation would do harm. The broker confirms with its own rights.
func (p *publisher) tryReplies(t *testing.T) []string {
	t.Helper()
	var ids []string
	for i, reply := range []string{
		"calls.requests." + honest, "calls.due." + honest + ".normal", "calls.parked." + honest + ".honest-0",
		"calls.records." + honest + ".honest-0", "calls.dead." + honest + ".expired.honest-0", "calls.rate." + honest,
		"$KV.CALL_CONTROL.paused-all", "$KV.CALL_CONTROL.suspended." + honest, "$KV.CALL_CONTROL.highwater",
		"$JS.API.STREAM.PURGE.CALL_RECORDS", "$JS.API.STREAM.DELETE.CALLS", "$JS.API.STREAM.MSG.DELETE.CALL_RECORDS",
		"$JS.API.CONSUMER.DELETE.CALLS.new-" + honest, "$JS.API.CONSUMER.MSG.NEXT.CALLS.new-" + honest, "_INBOX.worker.1",
		"calls.requests." + p.account, "calls.requests." + p.account + ".urgent",
	} {
		id := fmt.Sprintf("reply-%d", i)
		if err := p.nc.PublishMsg(&nats.Msg{Subject: "calls.requests." + p.account, Reply: reply, Data: p.body(id, callee(3+i))}); err != nil {
			t.Errorf("a reply to %s: %v", reply, err)
		}
		ids = append(ids, id)
	}
	for _, reply := range []string{"$JS.ACK.CALLS.new-" + honest + ".1.1.1.1.0", "_R_.abc.def", "_GR_.x.y.z"} {
		// The broker refuses these, and reports that to the publisher alone.
		if err := p.nc.PublishMsg(&nats.Msg{Subject: "calls.requests." + p.account, Reply: reply, Data: p.body("refused", callee(99))}); err != nil {
			t.Errorf("a reply to %s: %v", reply, err)
		}
	}
	return ids
}

// tryBodies publishes what is no request, or one that looks like another.
func (p *publisher) tryBodies(t *testing.T) {
	t.Helper()
	subject := "calls.requests." + p.account
	first := p.body("twin", callee(30))
	for _, body := range [][]byte{
		first, first, // published twice
		fmt.Appendf(nil, `{"answer_url":%q,"to":%q, "from":%q,"id":"twin"}`, answerURL(p.account, "twin"), callee(30), callerID[p.account]),                     // another order
		fmt.Appendf(nil, `{"id":"tw\u0069n","from":%q,"to":%q,"answer_url":%q}`, callerID[p.account], callee(30), answerURL(p.account, "twin")),                 // escaped
		fmt.Appendf(nil, "\n{ \"id\" : \"twin\" ,\t\"from\":%q,\"to\":%q,\"answer_url\":%q }\n", callerID[p.account], callee(30), answerURL(p.account, "twin")), // spaced
		p.body("twin", callee(31)), // another call under its id
		fmt.Appendf(nil, `{"id":"twin","id":"other","from":%q,"to":%q,"answer_url":%q}`, callerID[p.account], callee(30), answerURL(p.account, "twin")),
		fmt.Appendf(nil, `{"id":"other","id":"twin","from":%q,"to":%q,"answer_url":%q}`, callerID[p.account], callee(30), answerURL(p.account, "twin")),
		fmt.Appendf(nil, `{"ID":"twin","from":%q,"to":%q,"answer_url":%q}`, callerID[p.account], callee(30), answerURL(p.account, "twin")),
		p.body("honest-0", callee(32)), // an id of the other account's
		p.body("=1-abc", callee(33)), p.body("a.b", callee(34)), p.body("*", callee(35)), p.body(">", callee(36)), p.body("", callee(37)),
		p.body(strings.Repeat("x", 65), callee(38)), p.body("new\nline", callee(39)), p.body("\u0000", callee(40)),
		fmt.Appendf(nil, `{"id":"theirs","from":%q,"to":%q,"answer_url":%q}`, callerID[honest], callee(41), answerURL(honest, "theirs")), // from the other's number
		fmt.Appendf(nil, `{"id":"account","account":%q,"from":%q,"to":%q}`, honest, callerID[p.account], callee(42)),
		nil, []byte("null"), []byte("[]"), []byte(`""`), []byte("{}"), []byte("{"), []byte("\xff\xfe"), []byte(`{"id":"cut","from":"+91`), bytes.Repeat([]byte{0}, 100),
		[]byte(strings.Repeat(`{"metadata":`, 5000)), []byte(strings.Repeat("[", 16000)), []byte(`{"metadata":{` + strings.Repeat(`"a":"b",`, 1000) + `"z":"z"}}`),
		bytes.Repeat([]byte(" "), 16<<10), bytes.Repeat([]byte("x"), 17<<10), bytes.Repeat([]byte("x"), 500<<10),
		fmt.Appendf(nil, `{"id":"long","from":%q,"to":%q,"answer_url":"https://a.example/%s"}`, callerID[p.account], callee(43), strings.Repeat("y", 3000)),
		fmt.Appendf(nil, `{"id":"file","from":%q,"to":%q,"answer_url":"file:///etc/passwd"}`, callerID[p.account], callee(44)),
	} {
		if err := p.try(subject, body, nil); err != nil {
			t.Errorf("%.80q: %v", body, err)
		}
	}
	for _, size := range []int{512<<10 + 1, 900 << 10} {
		if err := p.try(subject, bytes.Repeat([]byte("x"), size), nil); err == nil {
			t.Errorf("%d bytes were taken", size)
		}
	}
	if err := p.try(subject, p.body("headers", callee(45)), nats.Header{"X": {strings.Repeat("y", 60<<10)}}); err != nil {
		t.Errorf("60 KiB of headers: %v", err)
	}
}
