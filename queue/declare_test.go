package queue_test

import (
	"errors"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

func (o *office) remember(value string) {
	o.t.Helper()
	kv, err := o.conn.JetStream().KeyValue(o.t.Context(), queue.BucketControl)
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := kv.PutString(o.t.Context(), "highwater", value); err != nil {
		o.t.Fatal(err)
	}
}

// What cannot be read is said to be mended by declaring, so declaring must not
// read it.
func TestDeclareOverridesWhatCannotBeRead(t *testing.T) {
	o := newOffice(t)
	o.remember("not JSON")
	if _, err := o.conn.CheckHighWater(t.Context()); err == nil {
		t.Fatal("what cannot be read was taken for valid")
	}
	now := time.Now()
	if _, err := o.conn.DeclareRecords(t.Context(), now, "asha", now); err != nil {
		t.Fatal(err)
	}
	l, err := o.conn.CheckHighWater(t.Context())
	if err != nil || !l.ValidFrom.Equal(now) || l.DeclaredBy != "asha" {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestPeekLedgerWritesNothing(t *testing.T) {
	o := newOffice(t)
	if _, err := o.conn.InspectHighWater(t.Context()); err != nil {
		t.Fatal(err)
	}
	kv, err := o.conn.JetStream().KeyValue(t.Context(), queue.BucketControl)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Get(t.Context(), "highwater"); err == nil {
		t.Error("it wrote what it found")
	}
}

// The same person declares twice: both times the workers must count on from
// what was declared.
func TestEveryDeclarationIsFollowed(t *testing.T) {
	o := newOffice(t)
	regressed := false
	records, err := o.conn.NewRecords(t.Context(), queue.Retention{}, func() { regressed = true })
	if err != nil {
		t.Fatal(err)
	}
	l, err := o.conn.CheckHighWater(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		l.DeclaredBy, l.Sequence = "asha", 1000
		l.DeclaredAt = time.Now().Add(time.Duration(2*round) * time.Hour)
		records.AdoptHighWater(l) // the stream had come to 1000
		l.Sequence, l.DeclaredAt = 0, l.DeclaredAt.Add(time.Hour)
		records.AdoptHighWater(l) // and was restored from an older copy
		claim, err := fresh("c"+string(rune('0'+round))).Claim("worker-1", "nonce", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := records.Put(t.Context(), claim, call.Version{}); err != nil || regressed {
			t.Errorf("round %d: %v, regressed %t", round, err, regressed)
		}
	}
	if _, err := records.Put(t.Context(), fresh("none"), call.Version{Sequence: 77}); !errors.Is(err, call.ErrConflict) {
		t.Errorf("a version that never was: %v", err)
	}
}
