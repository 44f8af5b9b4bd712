package queue

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/tests/brokertest"
)

// broker is the real one on fake time, and a connection to it.
type broker struct {
	*Conn
	*brokertest.Broker
	t *testing.T
}

// withBroker runs a test against a broker with all streams.
func withBroker(t *testing.T, f func(t *testing.T, b *broker)) {
	t.Helper()
	bubbleWith(t, nil, func(t *testing.T, b *broker) {
		b.apply()
		f(t, b)
	})
}

// bubbleWith runs a test against an empty broker whose options are changed.
func bubbleWith(t *testing.T, configure func(*server.Options), f func(t *testing.T, b *broker)) {
	t.Helper()
	brokertest.Run(t, t.TempDir(), configure, func(t *testing.T, server *brokertest.Broker) {
		b := &broker{Broker: server, t: t}
		b.Conn = b.connect(nats.UserInfo("worker", "w"))
		t.Cleanup(b.Close)
		f(t, b)
	})
}

// connect returns another connection, which is up.
func (b *broker) connect(options ...nats.Option) *Conn {
	b.t.Helper()
	up := make(chan struct{}, 8)
	c, err := Connect(ConnectOptions{
		URL: "nats://in-process", Name: "test",
		Options: append([]nats.Option{nats.InProcessServer(b)}, options...),
		OnConnectionChange: func(is bool, _ error) {
			if is {
				up <- struct{}{}
			}
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	<-up
	return c
}

func (b *broker) records() *Records {
	b.t.Helper()
	r, err := b.NewRecords(b.t.Context(), Retention{Placed: 36 * time.Hour, Dead: 720 * time.Hour}, func() { b.t.Error("the records were rolled back") })
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// holds wants a stream to hold these messages, and nothing else but the canary.
func (b *broker) holds(stream string, want ...string) {
	b.t.Helper()
	brokertest.WantSubjects(b.t, b.JetStream(), stream, want...)
}

// last gives the last message of a subject.
func (b *broker) last(stream, subject string) *jetstream.RawStreamMsg {
	b.t.Helper()
	s, err := b.JetStream().Stream(b.t.Context(), stream)
	if err != nil {
		b.t.Fatal(err)
	}
	m, err := s.GetLastMsgForSubject(b.t.Context(), subject)
	if err != nil {
		b.t.Fatalf("read %s: %v", subject, err)
	}
	return m
}

// newRecord is the record of a request that was published just now.
func newRecord(id call.ID) call.Record {
	return call.NewRecord("acme", id, "f1:digest", call.Origin{Sequence: 7, Published: time.Now()}, call.Normal, "", []byte(`{"id":"`+string(id)+`"}`))
}

// must returns the value of a call that has to succeed.
func must[V any](t testing.TB) func(V, error) V { return brokertest.Must[V](t) }

func waiting(t *testing.T, id call.ID, next time.Time) call.Record {
	t.Helper()
	return must[call.Record](t)(newRecord(id).Park(call.NotYet, next, time.Now()))
}
