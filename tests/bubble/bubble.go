// Package bubble is a whole ringonce on fake time: the real broker, the simulated
// provider and real workers, all inside one testing/synctest bubble. Hours pass
// in milliseconds. Only the network is replaced: the broker is reached in process,
// and HTTP goes over pipes.
//
// The test binary calls ats.Register (nats-server/v2/server/ats) in TestMain,
// which keeps the server's one global ticker outside of the bubble.
package bubble

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/internal/app"
	"github.com/ringonce/ringonce/metrics"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/embedded"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// Environment is a broker, a provider, and the workers that a test starts.
type Environment struct {
	t   testing.TB
	Log *slog.Logger

	dir       string
	configure func(*server.Options)
	broker    atomic.Pointer[embedded.Server]

	Simulator *simulator.Simulator
	provider  *pipeListener
	server    *http.Server
	serving   sync.WaitGroup

	Config configs.Config
	Conn   *queue.Conn

	workers []*Worker
}

// never is the interval of syncing files to the disk, which matters only for a power
// loss: a broker that is stopped or killed leaves what it wrote.
const never = 365 * 24 * time.Hour

// New starts a broker and a provider. It is called inside a bubble, and Close
// before the bubble ends. dir keeps the broker's files.
func New(t testing.TB, dir string, sim simulator.Config, log *slog.Logger, change func(*configs.Config)) *Environment {
	t.Helper()
	return NewWithBroker(t, dir, sim, log, change, nil)
}

// NewWithBroker is [New] with changed options of the broker, such as who may connect.
// The environment itself connects without a user name.
func NewWithBroker(
	t testing.TB, dir string, sim simulator.Config, log *slog.Logger,
	change func(*configs.Config), configure func(*server.Options),
) *Environment {
	t.Helper()
	w := &Environment{t: t, Log: log, dir: dir, configure: configure, provider: newPipeListener()}
	w.StartBroker()
	var err error
	if w.Simulator, err = simulator.New(sim); err != nil {
		t.Fatal(err)
	}
	w.server = &http.Server{Handler: w.Simulator, ReadHeaderTimeout: time.Minute}
	w.serving.Go(func() { _ = w.server.Serve(w.provider) })

	w.Config = configs.Default()
	w.Config.NATS.URL = "nats://in-process"
	w.Config.Streams.MaxUrgentMiB, w.Config.Streams.MaxNormalMiB, w.Config.Streams.MaxBulkMiB = 0, 0, 0
	w.Config.Provider.BaseURL = "http://provider.test"
	account := configs.DefaultAccount()
	account.APIKey = configs.NewSecret(simulator.DefaultAPIKey)
	w.Config.Accounts["default"] = account
	if change != nil {
		change(&w.Config)
	}
	w.Conn, err = queue.Connect(queue.ConnectOptions{URL: w.Config.NATS.URL, Name: "test", Options: []nats.Option{w.InProcess()}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// StartBroker starts the broker on its files.
func (w *Environment) StartBroker() {
	w.t.Helper()
	s, err := embedded.Start(embedded.Options{Dir: w.dir, Configure: func(o *server.Options) {
		o.SyncInterval = never
		if w.configure != nil {
			w.configure(o)
		}
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.broker.Store(s)
}

// Broker returns the running broker, or nil.
func (w *Environment) Broker() *embedded.Server { return w.broker.Load() }

// StopBroker stops the broker; its files stay. It first breaks connections and waits
// until every goroutine blocks: the server holds a lock while it shuts down, and a
// goroutine that waits for that lock would stop the bubble's time.
func (w *Environment) StopBroker() {
	s := w.broker.Swap(nil)
	if s == nil {
		return
	}
	for _, worker := range w.workers {
		worker.Network.dropBroker()
	}
	synctest.Wait()
	s.Stop()
}

// InProcess connects to whichever broker runs now, so that clients find the next
// one after a restart.
func (w *Environment) InProcess() nats.Option { return nats.InProcessServer(current{&w.broker}) }

type current struct {
	broker *atomic.Pointer[embedded.Server]
}

var errNoBroker = errors.New("the broker is down")

func (c current) InProcessConn() (net.Conn, error) {
	s := c.broker.Load()
	if s == nil {
		return nil, errNoBroker
	}
	return s.InProcessConn()
}

// Worker is a running worker.
type Worker struct {
	App      *app.App
	Registry *prometheus.Registry
	Network  *Network
	stop     context.CancelFunc
	done     chan struct{}
}

// StartWorker runs a worker until it is stopped.
func (w *Environment) StartWorker(name string) *Worker {
	w.t.Helper()
	worker := &Worker{Registry: prometheus.NewRegistry(), Network: &Network{world: w}, done: make(chan struct{})}
	var err error
	worker.App, err = app.New(app.Options{
		Config: w.Config, Log: w.Log, Registry: worker.Registry, Listener: newPipeListener(),
		Build: metrics.Build{Version: "test"}, Worker: name,
		NATS: []nats.Option{nats.InProcessServer(worker.Network)}, DialProvider: worker.Network.dialProvider,
		MeasureInterval: time.Minute,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	worker.stop = cancel
	go func() {
		defer close(worker.done)
		if err := worker.App.Run(ctx); err != nil {
			w.t.Errorf("worker %s: %v", name, err)
		}
	}()
	w.workers = append(w.workers, worker)
	return worker
}

// Stop ends the worker as SIGTERM would, and waits for it.
func (w *Worker) Stop() {
	w.Signal()
	<-w.done
}

// Signal ends the worker as SIGTERM would.
func (w *Worker) Signal() { w.stop() }

// Kill ends the worker as SIGKILL would, as far as others can see: from now on it
// reaches nothing.
func (w *Worker) Kill() {
	w.Network.Cut()
	w.stop()
}

// StopProvider breaks every connection to the provider and refuses new ones.
func (w *Environment) StopProvider() { w.provider.refuse(true) }

// StartProvider lets connections through again.
func (w *Environment) StartProvider() { w.provider.refuse(false) }

// errStoredBefore: the same message was published before within the broker's
// duplicate window.
var errStoredBefore = errors.New("the broker has this message already")

// Publish asks for a call, and returns its message.
func (w *Environment) Publish(subject string, body []byte, header nats.Header) (call.Origin, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	ack, err := w.Conn.JetStream().PublishMsg(ctx, &nats.Msg{Subject: subject, Data: body, Header: header})
	if err != nil {
		return call.Origin{}, err
	}
	if ack.Duplicate {
		return call.Origin{}, errStoredBefore
	}
	return queue.Origin(ack.Stream, ack.Sequence, time.Time{}), nil
}

// Record reads the record of a call.
func (w *Environment) Record(a call.Account, id call.ID) (call.Record, error) {
	records, err := w.Conn.NewRecords(context.Background(), queue.Retention{}, func() {})
	if err != nil {
		return call.Record{}, err
	}
	record, _, err := records.Read(context.Background(), a, id)
	return record, err
}

// Close ends everything, so that the bubble can end.
func (w *Environment) Close() {
	for _, worker := range w.workers {
		worker.Stop()
	}
	w.Conn.Close()
	_ = w.Simulator.Close(context.Background())
	_ = w.server.Close()
	w.serving.Wait()
	w.StopBroker()
}
