package rollback

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/brokertest"
	"github.com/ringonce/ringonce/tests/queuetest"
)

func bucket(b *queuetest.Broker) jetstream.KeyValue {
	b.T.Helper()
	return brokertest.Must[jetstream.KeyValue](b.T)(b.JetStream().KeyValue(b.T.Context(), queue.BucketControl))
}

// TestDeclareOverridesWhatCannotBeRead: the error says to declare, so declaring must
// not read it.
func TestDeclareOverridesWhatCannotBeRead(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		brokertest.Must[uint64](t)(bucket(b).PutString(t.Context(), "highwater", "not JSON"))
		if _, err := Check(t.Context(), b.Conn); err == nil {
			t.Fatal("a mark that cannot be read was taken for valid")
		}
		now := time.Now()
		brokertest.Must[queue.HighWater](t)(Declare(t.Context(), b.Conn, now, "asha", now))
		h, err := Check(t.Context(), b.Conn)
		if err != nil || !h.ValidFrom.Equal(now) || h.DeclaredBy != "asha" {
			t.Errorf("%+v, %v", h, err)
		}
	})
}

func TestInspectWritesNothing(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		brokertest.Must[queue.HighWater](t)(Inspect(t.Context(), b.Conn))
		if _, err := bucket(b).Get(t.Context(), "highwater"); err == nil {
			t.Error("it wrote the mark")
		}
	})
}

// TestEveryDeclarationIsAdopted, also when the same person declares twice: both times
// workers count on from what was declared.
func TestEveryDeclarationIsAdopted(t *testing.T) {
	queuetest.Run(t, func(t *testing.T, b *queuetest.Broker) {
		rolledBack := false
		records := brokertest.Must[*queue.Records](t)(b.NewRecords(t.Context(), queue.Retention{}, func() { rolledBack = true }))
		h := brokertest.Must[queue.HighWater](t)(Check(t.Context(), b.Conn))
		for round := range 2 {
			h.DeclaredBy, h.Sequence = "asha", 1000
			h.DeclaredAt = time.Now().Add(time.Duration(2*round) * time.Hour)
			records.AdoptHighWater(h) // the stream had come to 1000
			h.Sequence, h.DeclaredAt = 0, h.DeclaredAt.Add(time.Hour)
			records.AdoptHighWater(h) // and was restored from an older copy
			if _, err := records.Put(t.Context(), claimOf(t, call.ID("c"+string(rune('0'+round)))), call.Version{}); err != nil || rolledBack {
				t.Errorf("round %d: %v, rolled back %t", round, err, rolledBack)
			}
		}
		if _, err := records.Put(t.Context(), queuetest.NewRecord("none"), call.Version{Sequence: 77}); !errors.Is(err, call.ErrConflict) {
			t.Errorf("a version that never was: %v", err)
		}
	})
}
