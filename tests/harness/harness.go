// Package harness runs a whole ringonce for tests: the embedded broker, the
// simulated provider and real workers, over real sockets.
package harness

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/internal/app"
	"github.com/ringonce/ringonce/internal/reconcile"
	"github.com/ringonce/ringonce/metrics"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/embedded"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// Account is the one that the workers serve.
const Account call.Account = "default"

// AnswerURL is the answer_url of the calls.
const AnswerURL = "https://publisher.example/answer"

// waitTimeout bounds every wait. It is generous, because no test asserts how long
// something takes.
const waitTimeout = 60 * time.Second

// Environment is a broker, a provider, and the workers that a test starts.
type Environment struct {
	t         testing.TB
	Broker    *embedded.Server
	Simulator *simulator.Simulator
	Provider  *httptest.Server
	Conn      *queue.Conn
	Config    configs.Config
	Log       *slog.Logger
}

// New starts a broker and a provider, and returns them with a configuration with
// short times for workers. change, if not nil, changes the configuration.
func New(t testing.TB, sim simulator.Config, change func(*configs.Config)) *Environment {
	t.Helper()
	broker, err := embedded.Start(embedded.Options{Dir: t.TempDir(), Port: embedded.LastingPort(), Listen: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)
	r := NewWithBroker(t, broker.ClientURL(), sim, change)
	r.Broker = broker
	return r
}

// NewWithBroker is [New] with a broker that already runs at this URL; Broker stays
// nil.
func NewWithBroker(t testing.TB, url string, sim simulator.Config, change func(*configs.Config)) *Environment {
	t.Helper()
	r := &Environment{t: t, Log: slog.New(slog.NewTextHandler(logWriter{t}, &slog.HandlerOptions{Level: slog.LevelInfo}))}
	var err error
	if r.Simulator, err = simulator.New(sim); err != nil {
		t.Fatal(err)
	}
	r.Provider = httptest.NewServer(r.Simulator)
	t.Cleanup(func() {
		r.Provider.CloseClientConnections()
		r.Provider.Close()
		_ = r.Simulator.Close(context.WithoutCancel(t.Context())) // says only that calls were under way
	})
	r.Config = r.config(url, change)
	if r.Conn, err = queue.Connect(queue.ConnectOptions{URL: url, Name: "test", Domain: r.Config.NATS.Domain}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Conn.Close)
	r.Eventually("the test connects to the broker", func() bool { return r.Conn.NATS().IsConnected() })
	return r
}

func (r *Environment) config(url string, change func(*configs.Config)) configs.Config {
	c := configs.Default()
	c.NATS.URL = url
	c.Provider.BaseURL = r.Provider.URL
	c.Provider.ConnectTimeout, c.Provider.RequestTimeout = 500*time.Millisecond, time.Second
	c.Retry.InitialDelay, c.Retry.MaxDelay = 50*time.Millisecond, 500*time.Millisecond
	c.ShutdownGrace = 10 * time.Second
	c.Streams.MaxUrgentMiB, c.Streams.MaxNormalMiB, c.Streams.MaxBulkMiB = 0, 0, 0
	account := configs.DefaultAccount()
	account.APIKey, account.CallsPerSecond, account.Concurrency = configs.NewSecret(simulator.DefaultAPIKey), 0, 16
	c.Accounts[string(Account)] = account
	if change != nil {
		change(&c)
	}
	return c
}

// Worker is a running worker.
type Worker struct {
	App      *app.App
	Registry *prometheus.Registry
	URL      string // of its health and metrics
	stop     context.CancelFunc
	done     chan struct{}
	err      error
}

// Start runs a worker until the test ends or it is stopped.
func (r *Environment) Start(name string) *Worker {
	r.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(r.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	w := &Worker{Registry: prometheus.NewRegistry(), URL: "http://" + listener.Addr().String(), done: make(chan struct{})}
	w.App, err = app.New(app.Options{
		Config: r.Config, Log: r.Log, Registry: w.Registry, Listener: listener,
		Build: metrics.Build{Version: "test"}, Worker: name, MeasureInterval: 100 * time.Millisecond,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	go func() {
		defer close(w.done)
		w.err = w.App.Run(ctx)
	}()
	r.t.Cleanup(func() { _ = w.Stop() })
	return w
}

// AwaitReady waits until the worker is ready.
func (r *Environment) AwaitReady(w *Worker) *Worker {
	r.t.Helper()
	r.Eventually("the worker becomes ready", func() bool { return w.App.Ready() == nil })
	return w
}

// Gauge returns the account's value of a gauge, with this state if the gauge has
// one.
func (w *Worker) Gauge(t testing.TB, name, state string) float64 {
	t.Helper()
	families, err := w.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["account"] == string(Account) && labels["state"] == state {
				return m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("the worker shows no %s", name)
	return 0
}

// Stop ends the worker as SIGTERM would, and returns the error of Run.
func (w *Worker) Stop() error {
	w.stop()
	<-w.done
	return w.err
}

// Publish asks for a call, as any NATS client can.
func (r *Environment) Publish(subject, body string, headers ...string) {
	r.t.Helper()
	m := &nats.Msg{Subject: subject, Data: []byte(body), Header: nats.Header{}}
	for i := 0; i+1 < len(headers); i += 2 {
		m.Header[headers[i]] = []string{headers[i+1]}
	}
	if _, err := r.Conn.JetStream().PublishMsg(r.t.Context(), m); err != nil {
		r.t.Fatalf("publish to %s: %v", subject, err)
	}
}

// Body is a request for a call from the default world's linked number.
func Body(id, to string) string {
	return fmt.Sprintf(`{"id":%q,"from":%q,"to":%q,"answer_url":%q}`, id, simulator.DefaultNumber, to, AnswerURL)
}

// Record reads the record of a call. It repeats a read that was sent to a broker
// which stopped before it answered.
func (r *Environment) Record(id string) call.Record {
	r.t.Helper()
	var record call.Record
	r.Eventually("the record of "+id+" can be read", func() bool {
		records, err := r.Conn.NewRecords(r.t.Context(), queue.Retention{}, func() {})
		if err == nil {
			record, _, err = records.Read(r.t.Context(), Account, call.ID(id))
		}
		if err != nil {
			r.t.Logf("reading the record of %s: %v", id, err)
		}
		return err == nil
	})
	return record
}

// AwaitState waits until the call is in this state and returns its record.
func (r *Environment) AwaitState(id string, s call.State) call.Record {
	r.t.Helper()
	var record call.Record
	r.Eventually(fmt.Sprintf("call %s is %s", id, s), func() bool {
		record = r.Record(id)
		return record.State == s
	})
	return record
}

// Messages counts the messages of a stream under a subject.
func (r *Environment) Messages(stream, subject string) int {
	r.t.Helper()
	s, err := r.Conn.JetStream().Stream(r.t.Context(), stream)
	if err != nil {
		r.t.Fatal(err)
	}
	info, err := s.Info(r.t.Context(), jetstream.WithSubjectFilter(subject))
	if err != nil {
		r.t.Fatal(err)
	}
	n := 0
	for _, count := range info.State.Subjects {
		n += int(count)
	}
	return n
}

// AwaitDrained waits until no request and no parked call is left.
func (r *Environment) AwaitDrained() {
	r.t.Helper()
	r.Eventually("nothing waits any more", func() bool {
		for _, stream := range queue.WorkQueues() {
			if r.Messages(stream, ">") > 0 {
				return false
			}
		}
		return true
	})
}

// ReconcileInput returns what the broker and the provider know of what was
// published.
func (r *Environment) ReconcileInput(published []reconcile.Published) reconcile.Input {
	r.t.Helper()
	e, err := reconcile.Gather(r.t.Context(), r.Conn.JetStream(), Account)
	if err != nil {
		r.t.Fatal(err)
	}
	e.Published, e.Rings = published, r.Rings()
	return e
}

// Rings are all calls that went out, as the provider knows them.
func (r *Environment) Rings() []reconcile.Ring {
	var rings []reconcile.Ring
	for _, c := range r.Simulator.Oracle().Calls {
		for _, ring := range c.Rings {
			rings = append(rings, reconcile.Ring{Callee: c.Callee, AnswerURL: c.AnswerURL, RequestUUID: ring.RequestUUID})
		}
	}
	return rings
}

// Eventually waits until the condition holds.
func (r *Environment) Eventually(what string, holds func() bool) {
	r.t.Helper()
	limit := time.NewTimer(waitTimeout)
	defer limit.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-limit.C:
			r.t.Fatalf("waited too long until %s", what)
		case <-tick.C:
		}
	}
}

// logWriter writes the workers' logs to the test's log.
type logWriter struct{ t testing.TB }

var logMu sync.Mutex

func (w logWriter) Write(p []byte) (int, error) {
	logMu.Lock()
	defer logMu.Unlock()
	return w.t.Output().Write(p)
}
