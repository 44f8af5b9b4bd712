// Package brokertest runs the real broker on the fake time of a testing/synctest
// bubble, for the tests of package queue and of those below it. It imports none
// of them.
package brokertest

import (
	"errors"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/queue/embedded"
)

// Main is the TestMain of a package whose tests run a broker in a bubble: it
// keeps the server's one global ticker outside of all bubbles.
func Main(m *testing.M) {
	ats.Register()
	code := m.Run()
	ats.Unregister()
	os.Exit(code)
}

// Broker is a broker on a bubble's clock and without a socket.
type Broker struct {
	t         *testing.T
	dir       string
	configure func(*server.Options)

	mu      sync.Mutex
	server  *embedded.Server
	mute    bool // what the server sends is held back
	unmuted *sync.Cond
}

// Run runs a test in a bubble with a broker that is empty. dir keeps the broker's
// files; configure, if any, changes its options.
//
// Tests of a package that run a broker do not run in parallel: the NATS client
// keeps timers in a sync.Pool, and a timer of a bubble must not be used outside.
func Run(t *testing.T, dir string, configure func(*server.Options), f func(t *testing.T, b *Broker)) {
	t.Helper()
	emptyPools()
	defer emptyPools()
	synctest.Test(t, func(t *testing.T) {
		b := &Broker{t: t, dir: dir, configure: configure}
		b.unmuted = sync.NewCond(&b.mu)
		b.Start()
		t.Cleanup(b.Stop)
		f(t, b)
	})
}

func emptyPools() {
	runtime.GC()
	runtime.GC() // what survived the first as a victim
}

// Start starts the broker on its files.
func (b *Broker) Start() {
	b.t.Helper()
	s, err := embedded.Start(embedded.Options{Dir: b.dir, Configure: b.configure})
	if err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	b.server = s
	b.mu.Unlock()
}

// Stop stops the broker once it has done what it was asked for: while it shuts
// down it sleeps with a lock held, and a request that waits for that lock keeps
// the time of the bubble from passing.
func (b *Broker) Stop() {
	synctest.Wait()
	b.mu.Lock()
	s := b.server
	b.server = nil
	b.mu.Unlock()
	if s != nil {
		s.Stop()
	}
}

// Server returns the server that runs now.
func (b *Broker) Server() *embedded.Server {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.server
}

// InProcessConn connects to the server that runs now, so that a client finds the
// next one after a restart.
func (b *Broker) InProcessConn() (net.Conn, error) {
	s := b.Server()
	if s == nil {
		return nil, errors.New("the broker is down")
	}
	conn, err := s.InProcessConn()
	if err != nil {
		return nil, err
	}
	return &mutableConn{conn, b}, nil
}

// mutableConn is a connection whose broker can be mute for a while.
type mutableConn struct {
	net.Conn
	b *Broker
}

func (c *mutableConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	for c.b.mute {
		c.b.unmuted.Wait()
	}
	return n, err
}

// SetMute has what the broker sends held back, or sent.
func (b *Broker) SetMute(mute bool) {
	b.mu.Lock()
	b.mute = mute
	b.mu.Unlock()
	b.unmuted.Broadcast()
}

// Publish publishes a message as any NATS client can; headers are names and
// values in turn.
func Publish(t testing.TB, js jetstream.JetStream, subject, body string, headers ...string) {
	t.Helper()
	m := &nats.Msg{Subject: subject, Data: []byte(body), Header: nats.Header{}}
	for i := 0; i+1 < len(headers); i += 2 {
		m.Header[headers[i]] = []string{headers[i+1]}
	}
	if _, err := js.PublishMsg(t.Context(), m); err != nil {
		t.Fatalf("publish to %s: %v", subject, err)
	}
}

// Subjects lists the subjects of what a stream holds but for the canary, one for
// each message.
func Subjects(t testing.TB, js jetstream.JetStream, stream string) []string {
	t.Helper()
	s := Must[jetstream.Stream](t)(js.Stream(t.Context(), stream))
	info := Must[*jetstream.StreamInfo](t)(s.Info(t.Context(), jetstream.WithSubjectFilter(">")))
	var subjects []string
	for subject, n := range info.State.Subjects {
		if subject == "calls.records.canary" {
			continue
		}
		for range n {
			subjects = append(subjects, subject)
		}
	}
	slices.Sort(subjects)
	return subjects
}

// WantSubjects wants a stream to hold these messages, and nothing else but the
// canary.
func WantSubjects(t testing.TB, js jetstream.JetStream, stream string, want ...string) {
	t.Helper()
	synctest.Wait() // for acknowledgements, which are not answered
	if got := Subjects(t, js, stream); !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", stream, got, want)
	}
}

// Must returns the value of a call that has to succeed.
func Must[V any](t testing.TB) func(V, error) V {
	return func(v V, err error) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// BackUp copies the broker's files while it is stopped, and starts it again.
func (b *Broker) BackUp(to string) {
	b.t.Helper()
	b.Stop()
	if err := os.CopyFS(to, os.DirFS(b.dir)); err != nil {
		b.t.Fatal(err)
	}
	b.Start()
}

// Restore stops the broker, replaces its files by a copy, and starts it again.
func (b *Broker) Restore(copied string) {
	b.t.Helper()
	b.Stop()
	if err := os.RemoveAll(b.dir); err != nil {
		b.t.Fatal(err)
	}
	if err := os.CopyFS(b.dir, os.DirFS(copied)); err != nil {
		b.t.Fatal(err)
	}
	b.Start()
}
