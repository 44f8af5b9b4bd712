package dispatcher

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

// FuzzFirstDelivery: whatever a publisher sends, it is decided upon without a
// record: claimed, parked, deferred, read again or ended with a reason; and only
// what has no readable id is ended without a record.
func FuzzFirstDelivery(f *testing.F) {
	f.Add(requestBody("a"), "", "normal", uint64(1), int64(0))
	f.Add(requestBody(""), "b", "urgent", uint64(301), int64(time.Hour))
	f.Add([]byte(`{"id":"=1"}`), "=1", "critical", uint64(1), int64(40*time.Hour))
	f.Add([]byte(`{"id":"a","id":"b"}`), "a.b", "a.b", uint64(1), int64(-time.Hour))
	f.Add([]byte("null"), "", "", uint64(0), int64(25*time.Hour))
	f.Fuzz(func(t *testing.T, body []byte, messageID, priority string, delivered uint64, age int64) {
		now := noon
		d := call.Delivery{
			Account: "acme", Priority: call.Priority(priority), Delivered: delivered, Body: body, MessageID: messageID,
			Origin: call.Origin{Sequence: 1, Published: now.Add(-time.Duration(age))},
		}
		read := identify(d, testSettings())
		if read.digest == "" {
			t.Fatal("no digest")
		}
		if _, err := call.ParseStoredID(string(read.record.ID)); err != nil {
			t.Fatalf("the id %q: %v", read.record.ID, err)
		}
		if _, err := call.ParsePriority(string(read.Priority)); err != nil {
			t.Fatalf("the priority %q: %v", read.Priority, err)
		}
		if read.record.Account != "acme" {
			t.Fatalf("the account %q", read.record.Account)
		}
		s := decide(&read, facts{now: now, maxAge: 24 * time.Hour, keep: 36 * time.Hour})
		switch s.act {
		case actDeadLetterOnly:
			if _, ok := call.ReadID(body); ok || s.reason == "" || s.message == "" {
				t.Errorf("ended without a record: %q, %q", s.reason, s.message)
			}
		case actEnd:
			if s.reason == "" {
				t.Error("ended without a reason")
			}
		case actClaim, actPark:
			if read.invalid != nil {
				t.Errorf("dialled although %v", read.invalid)
			}
		case actRead:
			if delivered <= 100 {
				t.Error("reads on a first delivery")
			}
		case actRecover, actNak, actSchedule, actDeadLetter, actAwaitOwner, actAck, actConflict, actDuplicate:
			t.Errorf("decided %d without a record", s.act)
		default:
			t.Errorf("decided %d", s.act)
		}
	})
}
