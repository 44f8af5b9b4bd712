package queue

import (
	"errors"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

func (b *broker) rememberMark(value string) {
	b.t.Helper()
	kv, err := b.JetStream().KeyValue(b.t.Context(), BucketControl)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := kv.PutString(b.t.Context(), "highwater", value); err != nil {
		b.t.Fatal(err)
	}
}

// What cannot be read is said to be mended by declaring, so declaring must not
// read it.
func TestDeclareOverridesWhatCannotBeRead(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		b.rememberMark("not JSON")
		if _, err := b.CheckHighWater(t.Context()); err == nil {
			t.Fatal("what cannot be read was taken for valid")
		}
		now := time.Now()
		if _, err := b.DeclareRecords(t.Context(), now, "asha", now); err != nil {
			t.Fatal(err)
		}
		l, err := b.CheckHighWater(t.Context())
		if err != nil || !l.ValidFrom.Equal(now) || l.DeclaredBy != "asha" {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

func TestPeekLedgerWritesNothing(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		if _, err := b.InspectHighWater(t.Context()); err != nil {
			t.Fatal(err)
		}
		kv, err := b.JetStream().KeyValue(t.Context(), BucketControl)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := kv.Get(t.Context(), "highwater"); err == nil {
			t.Error("it wrote what it found")
		}
	})
}

// The same person declares twice: both times the workers must count on from
// what was declared.
func TestEveryDeclarationIsFollowed(t *testing.T) {
	withBroker(t, func(t *testing.T, b *broker) {
		regressed := false
		records, err := b.NewRecords(t.Context(), Retention{}, func() { regressed = true })
		if err != nil {
			t.Fatal(err)
		}
		l, err := b.CheckHighWater(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for round := range 2 {
			l.DeclaredBy, l.Sequence = "asha", 1000
			l.DeclaredAt = time.Now().Add(time.Duration(2*round) * time.Hour)
			records.AdoptHighWater(l) // the stream had come to 1000
			l.Sequence, l.DeclaredAt = 0, l.DeclaredAt.Add(time.Hour)
			records.AdoptHighWater(l) // and was restored from an older copy
			claim, err := newRecord(call.ID("c"+string(rune('0'+round)))).Claim("worker-1", "nonce", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := records.Put(t.Context(), claim, call.Version{}); err != nil || regressed {
				t.Errorf("round %d: %v, regressed %t", round, err, regressed)
			}
		}
		if _, err := records.Put(t.Context(), newRecord("none"), call.Version{Sequence: 77}); !errors.Is(err, call.ErrConflict) {
			t.Errorf("a version that never was: %v", err)
		}
	})
}
