package queue

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/embedded"
)

// broker is the real one, on a bubble's clock and without a socket.
type broker struct {
	*Conn
	t   *testing.T
	dir string

	mu     sync.Mutex
	server *embedded.Server
	deaf   bool // what the server says is held back
	heard  *sync.Cond
}

// withBroker runs a test against a broker with all streams.
func withBroker(t *testing.T, f func(t *testing.T, b *broker)) {
	t.Helper()
	bubbleWith(t, t.TempDir(), nil, func(t *testing.T, b *broker) {
		b.apply()
		f(t, b)
	})
}

// bubbleWith runs a test against a broker that is set up in another way, and
// empty.
func bubbleWith(t *testing.T, dir string, configure func(*server.Options), f func(t *testing.T, b *broker)) {
	t.Helper()
	emptyPools()
	defer emptyPools()
	synctest.Test(t, func(t *testing.T) { f(t, startBroker(t, dir, configure)) })
}

// emptyPools drops what sync.Pools hold. The NATS client keeps its timers in
// one, and a timer of a bubble breaks whoever uses it outside; so tests with a
// broker of this package do not run in parallel, and none leaves a timer behind.
func emptyPools() {
	runtime.GC()
	runtime.GC() // what survived the first as a victim
}

func startBroker(t *testing.T, dir string, configure func(*server.Options)) *broker {
	t.Helper()
	b := &broker{t: t, dir: dir}
	b.heard = sync.NewCond(&b.mu)
	b.start(configure)
	if configure != nil {
		b.Conn = b.connect(nats.UserInfo("worker", "w"))
	} else {
		b.Conn = b.connect()
	}
	t.Cleanup(func() {
		b.Close()
		b.stop()
	})
	return b
}

func (b *broker) start(configure func(*server.Options)) {
	b.t.Helper()
	s, err := embedded.Start(embedded.Options{Dir: b.dir, Configure: configure})
	if err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	b.server = s
	b.mu.Unlock()
}

// stop ends the broker, once it has done what it was asked for: while it shuts
// down it sleeps with a lock held, and in a bubble nobody wakes it as long as a
// request waits for that lock.
func (b *broker) stop() {
	synctest.Wait()
	b.mu.Lock()
	s := b.server
	b.server = nil
	b.mu.Unlock()
	if s != nil {
		s.Stop()
	}
}

// connect gives another connection, and waits for it.
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

// InProcessConn connects to the server that runs now.
func (b *broker) InProcessConn() (net.Conn, error) {
	b.mu.Lock()
	s := b.server
	b.mu.Unlock()
	if s == nil {
		return nil, errors.New("the broker is down")
	}
	conn, err := s.InProcessConn()
	if err != nil {
		return nil, err
	}
	return &hearing{conn, b}, nil
}

// hearing is a connection that can be deaf for a while.
type hearing struct {
	net.Conn
	b *broker
}

func (h *hearing) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.b.mu.Lock()
	defer h.b.mu.Unlock()
	for h.b.deaf {
		h.b.heard.Wait()
	}
	return n, err
}

func (b *broker) setDeaf(deaf bool) {
	b.mu.Lock()
	b.deaf = deaf
	b.mu.Unlock()
	b.heard.Broadcast()
}

func (b *broker) records() *Records {
	b.t.Helper()
	r, err := b.NewRecords(b.t.Context(), Retention{Placed: 36 * time.Hour, Dead: 720 * time.Hour}, func() { b.t.Error("the ledger went back") })
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// publish asks for a call as any NATS client can.
func (b *broker) publish(subject, body string, headers ...string) {
	b.t.Helper()
	m := &nats.Msg{Subject: subject, Data: []byte(body), Header: nats.Header{}}
	for i := 0; i+1 < len(headers); i += 2 {
		m.Header[headers[i]] = []string{headers[i+1]}
	}
	if _, err := b.JetStream().PublishMsg(b.t.Context(), m); err != nil {
		b.t.Fatalf("publish to %s: %v", subject, err)
	}
}

// subjects lists what a stream holds, but for the canary.
func (b *broker) subjects(stream string) []string {
	b.t.Helper()
	s, err := b.JetStream().Stream(b.t.Context(), stream)
	if err != nil {
		b.t.Fatal(err)
	}
	info, err := s.Info(b.t.Context(), jetstream.WithSubjectFilter(">"))
	if err != nil {
		b.t.Fatal(err)
	}
	var subjects []string
	for subject, n := range info.State.Subjects {
		if subject == canarySubject {
			continue
		}
		for range n {
			subjects = append(subjects, subject)
		}
	}
	slices.Sort(subjects)
	return subjects
}

func (b *broker) holds(stream string, want ...string) {
	b.t.Helper()
	synctest.Wait() // for acknowledgements, which nobody waits for
	if got := b.subjects(stream); !slices.Equal(got, want) {
		b.t.Errorf("%s holds %q, want %q", stream, got, want)
	}
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

// must gives the value of a transition or a call that has to work.
func must[V any](t testing.TB) func(V, error) V {
	return func(v V, err error) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func waiting(t *testing.T, id call.ID, next time.Time) call.Record {
	t.Helper()
	return must[call.Record](t)(newRecord(id).Park(call.NotYet, next, time.Now()))
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// contextOf gives a context to be cancelled before the test ends.
func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}
