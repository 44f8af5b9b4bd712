package devenv

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/internal/app"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/embedded"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

const (
	readyTimeout      = 30 * time.Second
	simulatorShutdown = time.Second // for answers that the simulator holds back
)

// stack is what runs: the broker, the simulated provider and a worker.
type stack struct {
	dir      string // of the broker's files and the worker's log
	log      *os.File
	broker   *embedded.Server
	provider *simulator.Simulator
	worker   *app.App
	conn     *queue.Conn

	providerURL, metricsURL string

	stopWorker func() error // as SIGTERM does; may be called more than once
	workerDone <-chan struct{}
	closers    []func() error // called last to first
}

// start starts one part after the other and returns when the worker is ready to
// dial.
func (e *Env) start(ctx context.Context) (*stack, error) {
	s := &stack{}
	for _, start := range []func(context.Context, *Env) error{
		s.openDir, s.startBroker, s.startProvider, s.startWorker, s.connect, s.awaitReady,
	} {
		if err := start(ctx, e); err != nil {
			return nil, errors.Join(err, s.close(), ignoreClosed(e.metrics.Close()))
		}
	}
	return s, nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// close stops everything in reverse order and removes all files.
func (s *stack) close() (err error) {
	for len(s.closers) > 0 {
		last := len(s.closers) - 1
		err = errors.Join(err, s.closers[last]())
		s.closers = s.closers[:last]
	}
	return err
}

func (s *stack) onClose(f func() error) { s.closers = append(s.closers, f) }

func (s *stack) openDir(context.Context, *Env) (err error) {
	if s.dir, err = os.MkdirTemp("", "ringonce-dev-"); err != nil {
		return fmt.Errorf("create a temporary directory: %w", err)
	}
	s.onClose(func() error { return os.RemoveAll(s.dir) })
	if s.log, err = os.Create(filepath.Join(s.dir, "worker.log")); err != nil {
		return fmt.Errorf("create the worker's log: %w", err)
	}
	s.onClose(s.log.Close)
	return nil
}

func (s *stack) startBroker(_ context.Context, e *Env) (err error) {
	if s.broker, err = embedded.Start(embedded.Options{Dir: s.dir, Port: e.port, Listen: true}); err != nil {
		return err
	}
	s.onClose(func() error { s.broker.Stop(); return nil })
	return nil
}

func (s *stack) startProvider(ctx context.Context, _ *Env) (err error) {
	if s.provider, err = simulator.New(simulator.Config{
		Latency: simulator.Latency{Fixed: 20 * time.Millisecond, Jitter: 40 * time.Millisecond},
	}); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the simulated provider: %w", err)
	}
	s.providerURL = "http://" + listener.Addr().String()
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() {
		done <- s.provider.Serve(serving, listener, simulatorShutdown, log.New(s.log, "simulator: ", log.LstdFlags))
	}()
	s.onClose(func() error {
		stop()
		if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return nil // the sample includes answers that never come
	})
	return nil
}

func (s *stack) startWorker(ctx context.Context, e *Env) (err error) {
	s.metricsURL = "http://" + e.metrics.Addr().String() + "/metrics"
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	config := workerConfig(s.broker.ClientURL(), s.providerURL, e.callsPerSecond)
	if err = config.Validate(); err == nil {
		s.worker, err = app.New(app.Options{
			Config: config, Log: slog.New(slog.NewTextHandler(s.log, nil)), Registry: registry, Build: e.options.Build,
			Worker: "dev", Listener: e.metrics,
		})
	}
	if err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	var runErr error
	go func() {
		defer close(done)
		runErr = s.worker.Run(running)
	}()
	s.workerDone = done
	s.stopWorker = func() error {
		stop()
		<-done
		return runErr
	}
	s.onClose(s.stopWorker)
	return nil
}

func (s *stack) connect(context.Context, *Env) (err error) {
	if s.conn, err = queue.Connect(queue.ConnectOptions{URL: s.broker.ClientURL(), Name: "ringonce dev"}); err != nil {
		return err
	}
	s.onClose(func() error { s.conn.Close(); return nil })
	return nil
}

// awaitReady waits until the worker may dial and the publisher is connected.
func (s *stack) awaitReady(ctx context.Context, _ *Env) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	timeout := time.NewTimer(readyTimeout)
	defer timeout.Stop()
	for {
		err := s.worker.Ready()
		if err == nil && s.conn.NATS().IsConnected() {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errInterrupted
		case <-s.workerDone:
			return fmt.Errorf("the worker ended before it was ready: %w\n%s", s.stopWorker(), strings.Join(s.warnings(5), "\n"))
		case <-timeout.C:
			return fmt.Errorf("the worker did not become ready in time: %w\n%s", err, strings.Join(s.warnings(5), "\n"))
		}
	}
}

// warnings returns the last warnings and errors of the worker's log.
func (s *stack) warnings(limit int) []string {
	text, err := os.ReadFile(s.log.Name())
	if err != nil {
		return []string{fmt.Sprintf("cannot read the worker's log: %v", err)}
	}
	return lastWarnings(string(text), limit)
}

func lastWarnings(log string, limit int) []string {
	var warnings []string
	for line := range strings.Lines(log) {
		if strings.Contains(line, " level=WARN ") || strings.Contains(line, " level=ERROR ") {
			warnings = append(warnings, strings.TrimSuffix(line, "\n"))
		}
	}
	return warnings[max(0, len(warnings)-limit):]
}

// workerConfig is production's configuration, with short times. Nothing of it
// comes from the environment: `ringonce dev` never calls the real provider.
func workerConfig(natsURL, providerURL string, callsPerSecond float64) configs.Config {
	c := configs.Default()
	c.NATS.URL, c.Provider.BaseURL = natsURL, providerURL
	c.Provider.ConnectTimeout, c.Provider.RequestTimeout = time.Second, 4*time.Second
	c.Retry = configs.Retry{InitialDelay: initialRetryDelay, Multiplier: 2, MaxDelay: maxRetryDelay, MaxAttempts: maxAttempts}
	c.ShutdownGrace = 10 * time.Second
	c.Streams.MaxUrgentMiB, c.Streams.MaxNormalMiB, c.Streams.MaxBulkMiB = 0, 0, 0 // reserves no disk space
	a := configs.DefaultAccount()
	a.APIKey, a.CallsPerSecond = configs.NewSecret(simulator.DefaultAPIKey), callsPerSecond
	c.Accounts[string(account)] = a
	return c
}
