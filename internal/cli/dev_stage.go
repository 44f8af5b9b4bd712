package cli

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

// stageOptions say where a stage listens, and how fast it calls.
type stageOptions struct {
	port           int // 0 takes a free one
	metricsAddress string
	callsPerSecond float64
}

// stage is everything that `ringonce dev` runs in its process: the broker, the
// simulated provider and a worker as in production. Whoever starts it closes it.
type stage struct {
	dir      string // of the broker's files and the worker's log
	log      *os.File
	broker   *embedded.Server
	provider *simulator.Simulator
	worker   *app.App
	conn     *queue.Conn

	providerURL, metricsURL string

	stopWorker func() error // as SIGTERM would; may be called again
	workerDone <-chan struct{}
	closers    []func() error // called last to first
}

const (
	readyPatience = 30 * time.Second
	stageGrace    = time.Second // for answers that the simulator holds back
)

// startStage starts the parts one after the other and returns when the worker
// is ready to dial.
func startStage(ctx context.Context, o stageOptions) (*stage, error) {
	s := &stage{}
	for _, start := range []func(context.Context, stageOptions) error{
		s.openDir, s.startBroker, s.startProvider, s.startWorker, s.connect, s.ready,
	} {
		if err := start(ctx, o); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

// close stops everything in the reverse order and removes all files.
func (s *stage) close() error {
	var failed error
	for len(s.closers) > 0 {
		last := len(s.closers) - 1
		failed = errors.Join(failed, s.closers[last]())
		s.closers = s.closers[:last]
	}
	return failed
}

func (s *stage) closing(f func() error) { s.closers = append(s.closers, f) }

func (s *stage) openDir(context.Context, stageOptions) (err error) {
	if s.dir, err = os.MkdirTemp("", "ringonce-dev-"); err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	s.closing(func() error { return os.RemoveAll(s.dir) })
	if s.log, err = os.Create(filepath.Join(s.dir, "worker.log")); err != nil {
		return fmt.Errorf("open the worker's log: %w", err)
	}
	s.closing(s.log.Close)
	return nil
}

func (s *stage) startBroker(_ context.Context, o stageOptions) (err error) {
	if s.broker, err = embedded.Start(embedded.Options{Dir: s.dir, Port: o.port, Listen: true}); err != nil {
		return err
	}
	s.closing(func() error { s.broker.Stop(); return nil })
	return nil
}

func (s *stage) startProvider(ctx context.Context, _ stageOptions) (err error) {
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
		done <- s.provider.Serve(serving, listener, stageGrace, log.New(s.log, "simulator: ", log.LstdFlags))
	}()
	s.closing(func() error {
		stop()
		if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return nil // answers that hang are part of the play
	})
	return nil
}

func (s *stage) startWorker(ctx context.Context, o stageOptions) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.metricsAddress)
	if err != nil {
		return usageError{fmt.Errorf("listen for metrics: %w; choose another --metrics-address", err)}
	}
	s.metricsURL = "http://" + listener.Addr().String() + "/metrics"
	config := devConfig(s.broker.ClientURL(), s.providerURL, o.callsPerSecond)
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	if err = config.Validate(); err == nil {
		s.worker, err = app.New(app.Options{
			Config: config, Log: slog.New(slog.NewTextHandler(s.log, nil)), Registry: registry, Build: build(),
			Worker: "dev", Listener: listener,
		})
	}
	if err != nil {
		return errors.Join(fmt.Errorf("start the worker: %w", err), listener.Close())
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	var failed error
	go func() {
		defer close(done)
		failed = s.worker.Run(running)
	}()
	s.workerDone = done
	s.stopWorker = func() error {
		stop()
		<-done
		return failed
	}
	s.closing(s.stopWorker)
	return nil
}

func (s *stage) connect(context.Context, stageOptions) (err error) {
	if s.conn, err = queue.Connect(queue.ConnectOptions{URL: s.broker.ClientURL(), Name: "ringonce dev"}); err != nil {
		return err
	}
	s.closing(func() error { s.conn.Close(); return nil })
	return nil
}

// ready waits until the worker may dial and the publisher is connected.
func (s *stage) ready(ctx context.Context, _ stageOptions) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	patience := time.NewTimer(readyPatience)
	defer patience.Stop()
	for {
		err := s.worker.Ready()
		if err == nil && s.conn.NATS().IsConnected() {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errDevStopped
		case <-s.workerDone:
			return fmt.Errorf("the worker ended before it was ready: %w%s", s.stopWorker(), s.warned())
		case <-patience.C:
			return fmt.Errorf("the worker did not become ready in time: %w%s", err, s.warned())
		}
	}
}

// warned is what the worker warned of, each on a line of its own.
func (s *stage) warned() string {
	var b strings.Builder
	for _, line := range s.loggedWarnings(5) {
		b.WriteString("\n" + line)
	}
	return b.String()
}

// loggedWarnings gives the last lines of the worker's log that warn of
// something.
func (s *stage) loggedWarnings(most int) []string {
	text, err := os.ReadFile(s.log.Name())
	if err != nil {
		return []string{fmt.Sprintf("the worker's log cannot be read: %v", err)}
	}
	return lastWarnings(string(text), most)
}

// devConfig is production's configuration, with short times and nothing read
// from the environment: `ringonce dev` never calls the real provider.
func devConfig(natsURL, providerURL string, callsPerSecond float64) configs.Config {
	c := configs.Default()
	c.NATS.URL, c.Provider.BaseURL = natsURL, providerURL
	c.Provider.ConnectTimeout, c.Provider.RequestTimeout = time.Second, 4*time.Second
	c.Retry = configs.Retry{InitialDelay: devRetryFirst, Multiplier: 2, MaxDelay: devRetryMost, MaxAttempts: devAttempts}
	c.ShutdownGrace = 10 * time.Second
	c.Streams.MaxUrgentMiB, c.Streams.MaxNormalMiB, c.Streams.MaxBulkMiB = 0, 0, 0 // reserves nothing on this disk
	account := configs.DefaultAccount()
	account.APIKey, account.CallsPerSecond = configs.NewSecret(simulator.DefaultAPIKey), callsPerSecond
	c.Accounts[string(devAccount)] = account
	return c
}
