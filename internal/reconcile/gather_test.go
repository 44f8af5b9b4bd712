package reconcile_test

import (
	"slices"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/reconcile"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/embedded"
)

// connect gives a broker with the streams of the protocol.
func connect(t *testing.T) *queue.Conn {
	t.Helper()
	broker, err := embedded.Start(embedded.Options{Dir: t.TempDir(), Listen: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)
	up := make(chan struct{}, 1)
	conn, err := queue.Connect(queue.ConnectOptions{URL: broker.ClientURL(), Name: "test", OnConnectionChange: func(ok bool, _ error) {
		if ok {
			up <- struct{}{}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	<-up
	if _, err := (queue.Topology{Replicas: 1}).Apply(t.Context(), conn.JetStream()); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestGatherAnEmptyBroker(t *testing.T) {
	conn := connect(t)
	e, err := reconcile.Gather(t.Context(), conn.JetStream(), "default")
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Records) != 0 || len(e.DeadLetters) != 0 || !reconcile.Check(e).OK() {
		t.Errorf("found %+v", e)
	}
}

// What is written as workers write it is found again, of this account alone.
func TestGather(t *testing.T) {
	conn := connect(t)
	records, err := conn.NewRecords(t.Context(), queue.Retention{Placed: time.Hour, Dead: time.Hour}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	letters := conn.NewDeadLetters(time.Hour)
	for i, account := range []call.Account{"default", "default", "other"} {
		b := body("dead", i)
		r := record(t, uint64(40+i), b, func(r *call.Record) {
			r.Account, r.ID = account, call.ID("dead-"+string(rune('a'+i)))
			r.State, r.Reason = call.StateDead, call.Expired
		})
		if _, err := records.Put(t.Context(), r, call.Version{}); err != nil {
			t.Fatal(err)
		}
		if err := letters.Put(t.Context(), r, b); err != nil {
			t.Fatal(err)
		}
	}
	for _, last := range []string{"", ".bulk", ".bulk"} {
		if _, err := conn.JetStream().Publish(t.Context(), "calls.requests.default"+last, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}

	e, err := reconcile.Gather(t.Context(), conn.JetStream(), "default")
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Records) != 2 || len(e.DeadLetters) != 2 {
		t.Fatalf("found %d records and %d dead letters, want 2 of each", len(e.Records), len(e.DeadLetters))
	}
	if e.Records[1].ID != "dead-b" || e.Records[1].State != call.StateDead {
		t.Errorf("found the record %+v", e.Records[1])
	}
	if want := (reconcile.DeadLetter{OriginKey: "41", ID: "dead-b", Reason: call.Expired}); e.DeadLetters[1] != want {
		t.Errorf("found the dead letter %+v, want %+v", e.DeadLetters[1], want)
	}
	want := []reconcile.StreamCount{{Stream: queue.StreamUrgent}, {Stream: queue.StreamCalls, Messages: 1}, {Stream: queue.StreamBulk, Messages: 2}, {Stream: queue.StreamParked}}
	if !slices.Equal(e.Remaining, want) {
		t.Errorf("found left behind %+v", e.Remaining)
	}
}
