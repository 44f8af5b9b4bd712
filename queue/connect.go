package queue

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/ringonce/ringonce/internal/retry"
)

// RequestTimeout bounds one request to the broker.
const RequestTimeout = 5 * time.Second

// A network that swallows everything closes no connection: only a ping without an
// answer shows it. With the client's default of two minutes a worker would hold on to
// a dead connection for six.
const (
	pingInterval = 10 * time.Second
	maxPingsOut  = 2
)

// ConnectOptions are how to reach the broker, and what to call when that changes.
type ConnectOptions struct {
	URL  string
	Name string // shown in the broker's connection list
	// Options are credentials, TLS and, in tests, an in-process connection.
	Options []nats.Option
	// Domain is the JetStream domain of the streams; empty for that of the server.
	Domain string
	// NKey, if any, returns the key pair to authenticate by. It is called each time
	// the connection is made.
	NKey func() (nkeys.KeyPair, error)

	// OnConnectionChange is called when the connection comes and goes.
	OnConnectionChange func(up bool, err error)
	// OnError is called with asynchronous errors of the client: credentials or subjects
	// that the broker refuses.
	OnError func(error)
}

// Conn is the connection to the broker.
type Conn struct {
	nc      *nats.Conn
	js      jetstream.JetStream
	replies *replyMux
	denials denials

	mu        sync.Mutex
	listeners map[*func()]func() // called when the connection is made again
	onDenied  []func(subject string)
}

// Connect begins to connect and returns at once. A broker that is down is tried again
// for ever, with growing delays.
func Connect(o ConnectOptions) (*Conn, error) {
	c := &Conn{listeners: map[*func()]func(){}}
	notify := func(up bool, err error) {
		if o.OnConnectionChange != nil {
			o.OnConnectionChange(up, err)
		}
	}
	options := append([]nats.Option{
		nats.Name(o.Name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		// A password that is changed at the broker first, and here a minute later,
		// must not close the connection for good.
		nats.IgnoreAuthErrorAbort(),
		nats.CustomReconnectDelay(reconnectDelay),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(maxPingsOut),
		// What cannot be sent now must fail now: a claim that is sent later, out of a
		// buffer, would be one that no worker waits for.
		nats.ReconnectBufSize(-1),
		nats.ConnectHandler(func(*nats.Conn) { notify(true, nil) }),
		nats.ReconnectHandler(func(*nats.Conn) {
			c.denials.clear() // permissions may be others now
			c.notifyReconnected()
			notify(true, nil)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { notify(false, err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { notify(false, err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.handleError(err, o) }),
	}, o.Options...)
	var key *nkey
	if o.NKey != nil {
		var err error
		if key, err = newNKey(o.NKey); err != nil {
			return nil, err
		}
		options = append(options, nats.Nkey(key.public, key.sign))
	}
	nc, err := nats.Connect(o.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	if key != nil {
		key.conn.Store(nc)
	}
	js, err := newJetStream(nc, o.Domain)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("connect to JetStream: %w", err)
	}
	if c.replies, err = newReplyMux(nc); err != nil {
		nc.Close()
		return nil, fmt.Errorf("connect to JetStream: %w", err)
	}
	c.mu.Lock() // it may have been made again already
	defer c.mu.Unlock()
	c.nc, c.js = nc, js
	return c, nil
}

func newJetStream(nc *nats.Conn, domain string) (jetstream.JetStream, error) {
	if domain == "" {
		return jetstream.New(nc, jetstream.WithDefaultTimeout(RequestTimeout))
	}
	return jetstream.NewWithDomain(nc, domain, jetstream.WithDefaultTimeout(RequestTimeout))
}

// OnReconnect has f called soon after each time the connection is made again,
// until remove is called: something may be sent before. f must not block.
func (c *Conn) OnReconnect(f func()) (remove func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := &f
	c.listeners[key] = f
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.listeners, key)
	}
}

// OnPublishDenied has f called with each subject that the broker refuses to let us
// publish to.
func (c *Conn) OnPublishDenied(f func(subject string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onDenied = append(c.onDenied, f)
}

func (c *Conn) notifyReconnected() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.listeners {
		f()
	}
}

// JetStream returns the client for what this package does not wrap.
func (c *Conn) JetStream() jetstream.JetStream { return c.js }

// NATS returns the underlying connection.
func (c *Conn) NATS() *nats.Conn { return c.nc }

// Generation counts the connections. What is answered over the same one is answered
// by the same run of the same broker.
type Generation uint64

const (
	// NoGeneration is no connection.
	NoGeneration Generation = 0
	// anyGeneration is whichever there is.
	anyGeneration Generation = math.MaxUint64
)

// Generation returns that of the present connection, or of the last one if there is
// none now. It changes before anything is sent over the new one.
func (c *Conn) Generation() Generation { return generationOf(c.nc) }

func generationOf(nc *nats.Conn) Generation { return Generation(nc.Stats().Reconnects + 1) }

// Close flushes what was written and ends the connection.
//
//nolint:contextcheck,nolintlint // the caller is past its context; the linter reports it at the callers
func (c *Conn) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), RequestTimeout)
	defer cancel()
	if c.nc.IsConnected() { // else nothing is on its way: there is no buffer to fill
		_ = c.nc.FlushWithContext(ctx) // what cannot be flushed now is lost
	}
	c.nc.Close()
}

// reconnectDelay grows with the attempts.
func reconnectDelay(attempts int) time.Duration {
	b := retry.NewBackoff(100*time.Millisecond, 5*time.Second)
	d := b.NextBackOff()
	for range min(attempts, 8) {
		d = b.NextBackOff()
	}
	return d
}
