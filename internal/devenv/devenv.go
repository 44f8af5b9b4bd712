// Package devenv runs all of ringonce in one process, for `ringonce dev`: an
// embedded broker, the simulated provider, a worker as in production, and a
// batch of requests. It then reconciles what was published, what the records
// say, and who was rung.
package devenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/ringonce/ringonce/internal/app"
	"github.com/ringonce/ringonce/queue/embedded"
)

// Short times, so that a run is over in seconds.
const (
	initialRetryDelay = 200 * time.Millisecond
	maxRetryDelay     = 2 * time.Second
	maxAttempts       = 8
	// firstAttempts is how long the first attempts take together.
	firstAttempts = 5 * time.Second
	// The provider is down for a while, counted from the first publish.
	outageStart = 1500 * time.Millisecond
	outageEnd   = 4500 * time.Millisecond
	// runTimeout bounds a run, plus requestTimeout for each request.
	runTimeout     = 50 * time.Second
	requestTimeout = 10 * time.Millisecond
	// verifyTimeout bounds the reading of records and dead letters, which also
	// happens after an interrupt.
	verifyTimeout = 30 * time.Second
)

// DefaultPort is where NATS listens if the port is free.
const DefaultPort = 4222

// errInterrupted is the end of a run before every request has ended.
var errInterrupted = errors.New("interrupted before every request had ended")

// Options are the flags of `ringonce dev`.
type Options struct {
	Requests       int    // of the sample
	File           string // of requests, instead of the sample
	Stay           bool   // keep running until interrupted
	Port           int    // of NATS on the loopback address; 0 takes a free one
	RequirePort    bool   // fail if the port is taken
	MetricsAddress string
	Build          app.Build
}

// Env is a run of `ringonce dev`.
type Env struct {
	options        Options
	requests       []request
	port           int
	metrics        net.Listener
	callsPerSecond float64
}

// New reads the requests and opens the listener for metrics. Its errors are those
// of the options. The caller runs the environment once.
func New(ctx context.Context, o Options) (*Env, error) {
	switch {
	case o.File == "" && (o.Requests < 1 || o.Requests > maxRequests):
		return nil, fmt.Errorf("--calls must be from 1 to %d", maxRequests)
	case o.Port < 0 || o.Port > 65535:
		return nil, errors.New("--port must be from 0 to 65535; 0 takes a free one")
	}
	e := &Env{options: o, port: embedded.FreePort(o.Port)}
	if e.port == 0 && o.RequirePort && o.Port != 0 {
		return nil, fmt.Errorf("--port %d is taken; choose another, or 0 for a free one", o.Port)
	}
	var err error
	if o.File != "" {
		e.requests, err = readFile(o.File)
	} else {
		e.requests, err = sampleRequests(o.Requests)
	}
	if err != nil {
		return nil, err
	}
	// Spread the first attempts, so that the outage affects some of them.
	e.callsPerSecond = min(10_000, max(1, float64(len(e.requests))/firstAttempts.Seconds()))
	if e.metrics, err = (&net.ListenConfig{}).Listen(ctx, "tcp", o.MetricsAddress); err != nil {
		return nil, fmt.Errorf("listen for metrics: %w; choose another --metrics-address", err)
	}
	return e, nil
}

// Run starts everything, publishes the requests, waits until they have ended, and
// reports the result. It returns an error if a request is not accounted for or a
// phone rang twice.
func (e *Env) Run(ctx context.Context, out, errOut io.Writer) (err error) {
	s, err := e.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	e.printIntroduction(out, s)
	err = s.run(ctx, out, e.requests)
	if err != nil {
		for _, line := range s.warnings(20) {
			fmt.Fprintln(errOut, line)
		}
	}
	if e.options.Stay && ctx.Err() == nil {
		s.stay(ctx, out)
	}
	return err
}
