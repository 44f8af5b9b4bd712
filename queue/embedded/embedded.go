// Package embedded runs a NATS JetStream server inside the process. It is for
// `ringonce dev` and for tests; production runs its own.
package embedded

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Options says where the server keeps its files and whether it listens.
type Options struct {
	// Dir is where JetStream keeps its files.
	Dir string
	// Port to listen on at the loopback address. 0 takes a free one, and
	// Listen false none at all: only in-process connections are served then.
	Port   int
	Listen bool
	// Configure changes what this package does not name.
	Configure func(*server.Options)
}

// Server is a running server.
type Server struct {
	*server.Server
	options func() server.Options // as it was started with
}

// startTimeout bounds how long recovering the files may take.
const startTimeout = 30 * time.Second

// Start runs a server and waits until it serves.
func Start(o Options) (*Server, error) {
	port := o.Port
	if port == 0 {
		port = server.RANDOM_PORT
	}
	base := server.Options{
		ServerName: "ringonce-embedded", Host: "127.0.0.1", Port: port, DontListen: !o.Listen,
		JetStream: true, StoreDir: o.Dir, NoSigs: true, NoLog: true,
	}
	options := func() server.Options {
		opts := base
		if o.Configure != nil {
			o.Configure(&opts)
		}
		return opts
	}
	opts := options()
	s, err := server.NewServer(&opts)
	if err != nil {
		return nil, fmt.Errorf("set up the embedded NATS server: %w", err)
	}
	said := &complaints{}
	s.SetLoggerV2(said, false, false, false)
	s.Start()
	if said.fatal() || !s.ReadyForConnections(startTimeout) {
		s.Shutdown()
		return nil, fmt.Errorf("the embedded NATS server did not start, with its files in %s: %s", o.Dir, said.text())
	}
	return &Server{Server: s, options: options}, nil
}

// complaints keep why a server did not start.
type complaints struct {
	mu    sync.Mutex
	lines []string
	ended bool // by the server itself
}

const maxComplaints = 5

func (c *complaints) add(format string, v ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lines) < maxComplaints {
		c.lines = append(c.lines, fmt.Sprintf(format, v...))
	}
}

func (c *complaints) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lines) == 0 {
		return "it was not ready within " + startTimeout.String()
	}
	return strings.Join(c.lines, "; ")
}

func (c *complaints) fatal() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// Fatalf is called where a server of its own would end the process.
func (c *complaints) Fatalf(format string, v ...any) {
	c.add(format, v...)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
}

func (c *complaints) Errorf(format string, v ...any) { c.add(format, v...) }
func (c *complaints) Warnf(string, ...any)           {}
func (c *complaints) Noticef(string, ...any)         {}
func (c *complaints) Debugf(string, ...any)          {}
func (c *complaints) Tracef(string, ...any)          {}

// Reload changes the configuration that the server was started with while it
// runs, as a server does whose file has changed.
func (s *Server) Reload(change func(*server.Options)) error {
	opts := s.options()
	change(&opts)
	if err := s.ReloadOptions(&opts); err != nil {
		return fmt.Errorf("reload the embedded NATS server: %w", err)
	}
	return nil
}

// MayStore sets how many bytes its streams may hold in files together; -1 is
// without limit. It is how a test makes the broker full, and frees it again.
func (s *Server) MayStore(bytes int64) error {
	err := s.GlobalAccount().UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": {
		MaxMemory: -1, MaxStore: bytes, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1,
		MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1,
	}})
	if err != nil {
		return fmt.Errorf("limit what the embedded NATS server stores: %w", err)
	}
	return nil
}

// Stop ends the server and waits until it is gone.
func (s *Server) Stop() {
	s.Shutdown()
	s.WaitForShutdown()
}

// FreePort gives the wanted port of the loopback address if it is free, else
// 0.
func FreePort(wanted int) int {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(wanted))) //nolint:noctx // asks only whether the port is free
	if err != nil {
		return 0
	}
	_ = l.Close()
	return wanted
}

// Systems assign ports from 32768 or 49152 on to outgoing connections.
const (
	lastingFrom = 10_000
	lastingTo   = 32_000
)

// LastingPort returns a free port of the loopback address that no outgoing
// connection is assigned, so that a server finds it free again after it was
// stopped; 0 if there is none.
func LastingPort() int {
	for range lastingTo - lastingFrom {
		if port := FreePort(lastingFrom + rand.IntN(lastingTo-lastingFrom)); port != 0 { //nolint:gosec // no secret
			return port
		}
	}
	return 0
}
