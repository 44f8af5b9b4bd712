// Package queuetest is a connection of package queue to the real broker on fake
// time, for the tests of the packages below queue.
package queuetest

import (
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/tests/brokertest"
)

// Broker is the broker of a test and a connection to it.
type Broker struct {
	*brokertest.Broker
	*queue.Conn
	T *testing.T
}

// Run runs a test in a bubble with a broker that has all streams.
func Run(t *testing.T, f func(t *testing.T, b *Broker)) {
	t.Helper()
	RunWith(t, nil, func(t *testing.T, b *Broker) {
		b.Apply()
		f(t, b)
	})
}

// RunWith runs a test in a bubble with an empty broker whose options are changed.
// If they name a user worker with the password w, the connection is that user's.
func RunWith(t *testing.T, configure func(*server.Options), f func(t *testing.T, b *Broker)) {
	t.Helper()
	brokertest.Run(t, t.TempDir(), configure, func(t *testing.T, server *brokertest.Broker) {
		b := &Broker{Broker: server, T: t}
		b.Conn = b.Connect(nats.UserInfo("worker", "w"))
		t.Cleanup(b.Close)
		f(t, b)
	})
}

// Connect returns another connection, which is up.
func (b *Broker) Connect(options ...nats.Option) *queue.Conn {
	b.T.Helper()
	up := make(chan struct{}, 8)
	c, err := queue.Connect(queue.ConnectOptions{
		URL: "nats://in-process", Name: "test",
		Options: append([]nats.Option{nats.InProcessServer(b)}, options...),
		OnConnectionChange: func(is bool, _ error) {
			if is {
				up <- struct{}{}
			}
		},
	})
	if err != nil {
		b.T.Fatal(err)
	}
	<-up
	return c
}

// Apply creates the streams that are missing.
func (b *Broker) Apply() {
	b.T.Helper()
	brokertest.Must[[]string](b.T)(queue.Topology{Replicas: 1}.Apply(b.T.Context(), b.JetStream()))
}

// Publish publishes a message as any NATS client can; headers are names and
// values in turn.
func (b *Broker) Publish(subject, body string, headers ...string) {
	b.T.Helper()
	brokertest.Publish(b.T, b.JetStream(), subject, body, headers...)
}

// WantSubjects wants a stream to hold these messages, and nothing else but the
// canary.
func (b *Broker) WantSubjects(stream string, want ...string) {
	b.T.Helper()
	brokertest.WantSubjects(b.T, b.JetStream(), stream, want...)
}

// Change changes the configuration of a stream.
func (b *Broker) Change(stream string, change func(*jetstream.StreamConfig)) {
	b.T.Helper()
	cfg := brokertest.Must[jetstream.Stream](b.T)(b.JetStream().Stream(b.T.Context(), stream)).CachedInfo().Config
	change(&cfg)
	brokertest.Must[jetstream.Stream](b.T)(b.JetStream().UpdateStream(b.T.Context(), cfg))
}

// DeleteStream deletes a stream.
func (b *Broker) DeleteStream(stream string) {
	b.T.Helper()
	if err := b.JetStream().DeleteStream(b.T.Context(), stream); err != nil {
		b.T.Fatal(err)
	}
}

// Recreate deletes a stream and creates it again.
func (b *Broker) Recreate(stream string) {
	b.T.Helper()
	b.DeleteStream(stream)
	<-time.After(time.Second)
	b.Apply()
}

// NewRecord returns the record of a request that was published just now.
func NewRecord(id call.ID) call.Record {
	return call.NewRecord("acme", id, "f1:digest", call.Origin{Sequence: 7, Published: time.Now()}, call.Normal, "", []byte(`{"id":"`+string(id)+`"}`))
}

// Waiting returns the record of a call that waits for a time.
func Waiting(t testing.TB, id call.ID, next time.Time) call.Record {
	t.Helper()
	return brokertest.Must[call.Record](t)(NewRecord(id).Park(call.NotYet, next, time.Now()))
}

// Quiet returns a logger that discards everything.
func Quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
