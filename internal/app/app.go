package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/dispatcher"
	"github.com/ringonce/ringonce/metrics"
	"github.com/ringonce/ringonce/queue/control"
	"github.com/ringonce/ringonce/sfvopi"
)

// App is one worker process.
type App struct {
	config          configs.Config
	log             *slog.Logger
	registry        *prometheus.Registry
	worker          string
	listener        net.Listener
	nats            []nats.Option
	dialProvider    sfvopi.DialFunc
	measureInterval time.Duration

	metrics     *metrics.Metrics
	health      *health
	rollback    *rollbackMonitor
	accounts    *accounts
	pool        *dispatcher.GoroutinePool
	reloads     chan configs.Config // the latest configuration to load, if any
	laneChanges chan struct{}       // holds a token when a lane's status changed

	disconnectLog, authLog, permissionLog logThrottle
}

// New builds a worker from a valid configuration. It reads the key files, and
// makes no connection.
func New(o Options) (*App, error) {
	a := &App{
		config: o.Config, registry: o.Registry, worker: o.Worker, listener: o.Listener,
		nats: o.NATS, dialProvider: o.DialProvider, measureInterval: o.MeasureInterval,
		metrics: metrics.New(o.Registry, o.Build), accounts: newAccounts(), pool: dispatcher.NewGoroutinePool(),
		reloads: make(chan configs.Config, 1), laneChanges: make(chan struct{}, 1),
	}
	if a.worker == "" {
		a.worker = hostname()
	}
	a.log = o.Log.With("worker", a.worker)
	if a.measureInterval == 0 {
		a.measureInterval = measureInterval
	}
	a.rollback = newRollbackMonitor(a.log, a.accounts.halt, a.metrics.RecordsFault)
	a.health = newHealth(a.metrics, a.rollback.faults)
	for _, cfg := range o.Config.SortedAccounts() {
		acc, err := a.newAccount(cfg)
		if err != nil {
			return nil, err
		}
		a.accounts.add(acc)
	}
	return a, nil
}

// Run works until ctx ends. Then it stops pulling, returns unclaimed messages,
// lets claimed calls finish within shutdown_grace, and returns nil.
func (a *App) Run(ctx context.Context) error {
	// What runs beside the accounts outlives ctx: calls in flight need it.
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	var owned sync.WaitGroup
	defer owned.Wait()
	defer stopBackground()

	if err := a.serveAdmin(background, &owned); err != nil {
		return err
	}
	conn, err := a.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	owned.Go(func() {
		conn.RetryDeniedSubscriptions(background, func(subject string) {
			a.log.Info("NATS now permits a refused subscription; reconnecting to use it", "subject", subject)
		})
	})
	b, err := a.setUp(ctx, conn)
	if err != nil {
		return nil //nolint:nilerr // ctx ended before there was anything to stop
	}
	a.startMonitors(background, b, &owned)
	owned.Go(func() { a.awaitReady(ctx) })

	a.runAccounts(ctx, b)
	a.health.bound.Store(false)
	stopBackground()
	owned.Wait()
	a.log.Info("stopped")
	return nil
}

// startMonitors starts what watches over everything that a lane depends on: the
// control flags, the call records, the permission to acknowledge, the queues.
func (a *App) startMonitors(background context.Context, b *broker, owned *sync.WaitGroup) {
	owned.Go(func() { b.control.Watch(background, a.onFlags) })
	owned.Go(func() { a.rollback.run(background, b) })
	owned.Go(func() { a.rollback.runWriteProbes(background, b) })
	owned.Go(func() { b.gossip.Run(background) })
	owned.Go(func() { a.probeAckPermission(background, b) })
	owned.Go(func() { a.measureQueues(background, b) })
	owned.Go(func() { a.runHeartbeat(background, b) })
	owned.Go(func() { a.newOrphanSweeper(b).run(background) })
	owned.Go(func() { a.health.watchdog(background, a.accounts.ping) })
}

// awaitReady waits for the consumers of the accounts that the worker started
// with. Each account dials as soon as its own consumers are bound.
func (a *App) awaitReady(ctx context.Context) {
	accounts := a.accounts.list()
	for _, acc := range accounts {
		select {
		case <-acc.ready:
		case <-ctx.Done():
			return
		}
	}
	if ctx.Err() != nil {
		return
	}
	a.health.bound.Store(true)
	a.log.Info("ready to dial", "accounts", len(accounts))
}

// runAccounts pulls and places calls until ctx ends and every claimed call has
// finished, or shutdown_grace is over.
func (a *App) runAccounts(ctx context.Context, b *broker) {
	workCtx, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	stopGrace := context.AfterFunc(ctx, func() {
		a.log.Info("stopping: no longer pulling")
		select {
		case <-workCtx.Done():
		case <-time.After(a.config.ShutdownGrace):
			a.log.Warn("the grace period is over: abandoning calls in flight")
			abandon()
		}
	})
	defer stopGrace()
	defer a.pool.Close()
	s := a.newSupervisor(workCtx, b)
	for _, acc := range a.accounts.list() {
		s.start(ctx, acc)
	}
	a.runReloads(ctx, s)
	s.running.Wait()
}

// onFlags distributes the control flags; nil if they are not known.
func (a *App) onFlags(f *control.Flags) {
	a.metrics.ControlSynced(f != nil)
	a.health.controlSynced.Store(f != nil)
	if f != nil {
		a.rollback.onHighWater(f.HighWater)
		a.metrics.PausedNumbers(len(f.PausedNumbers()))
	}
	a.accounts.setFlags(f)
}

// Ready reports why the worker is not ready, nil if it is.
func (a *App) Ready() error {
	if missing := a.health.missing(); len(missing) > 0 {
		return fmt.Errorf("not ready: %w", errors.Join(missing...))
	}
	return nil
}

func hostname() string {
	if h, err := os.Hostname(); err == nil && h != "" {
		return h
	}
	return "worker"
}
