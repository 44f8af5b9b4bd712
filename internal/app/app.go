package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/dispatcher"
	"github.com/ringonce/ringonce/metrics"
	"github.com/ringonce/ringonce/queue"
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

	metrics       *metrics.Metrics
	health        *health
	rollback      *rollbackMonitor
	accounts      *accounts
	pool          *dispatcher.GoroutinePool
	reloads       chan configs.Config // holds one at most: the latest
	laneChanges   chan struct{}       // holds a token when a lane does something else
	disconnectLog logThrottle         // that there is no connection
	authLog       logThrottle         // that NATS refuses the credentials
	errorLog      logThrottle         // that NATS refuses a permission
}

// New wires a worker from a valid configuration. It reads the key files, and
// talks to nobody.
func New(o Options) (*App, error) {
	a := &App{
		config: o.Config, registry: o.Registry, worker: o.Worker, listener: o.Listener,
		nats: o.NATS, dialProvider: o.DialProvider, measureInterval: o.MeasureInterval,
		metrics: metrics.New(o.Registry, o.Build), reloads: make(chan configs.Config, 1), laneChanges: make(chan struct{}, 1),
	}
	if a.worker == "" {
		a.worker = hostname()
	}
	a.log = o.Log.With("worker", a.worker)
	if a.measureInterval == 0 {
		a.measureInterval = measureInterval
	}
	a.health = newHealth(a.metrics)
	a.accounts = newAccounts()
	a.pool = dispatcher.NewGoroutinePool()
	a.rollback = newRollbackMonitor(a.log, a.accounts.halt, a.metrics.RecordsFault)
	a.health.records = a.rollback.faults
	for _, cfg := range o.Config.SortedAccounts() {
		acc, err := a.newAccount(cfg)
		if err != nil {
			return nil, err
		}
		a.accounts.add(acc)
	}
	return a, nil
}

// Run works until ctx ends: then it stops pulling, hands back what was not
// claimed, lets claimed calls finish within shutdown_grace, and returns. A
// worker that was stopped returns nil.
func (a *App) Run(ctx context.Context) error {
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
			a.log.Info("NATS permits a subscription that it refused; connecting again to take it up", "subject", subject)
		})
	})
	b, err := a.setUp(ctx, conn)
	if err != nil {
		return nil //nolint:nilerr // stopped before there was anything to stop
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

// awaitReady waits for the accounts that the worker began with. Each dials as
// soon as it is bound itself.
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

// runAccounts pulls and places calls until ctx ends, and then until what was claimed
// is finished.
func (a *App) runAccounts(ctx context.Context, b *broker) {
	working, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	graceOver := context.AfterFunc(ctx, func() {
		a.log.Info("stopping: nothing more is pulled")
		select {
		case <-working.Done():
		case <-time.After(a.config.ShutdownGrace):
			a.log.Warn("the grace period is over: calls in flight are given up")
			giveUp()
		}
	})
	defer graceOver()
	defer a.pool.Close()
	r := a.newSupervisor(working, b)
	for _, acc := range a.accounts.list() {
		r.start(ctx, acc)
	}
	a.runReloads(ctx, r)
	r.running.Wait()
}

// startMonitors keeps an eye on what every lane depends on: the control flags, the
// ledger, the permission to acknowledge, the depth of the queues.
func (a *App) startMonitors(background context.Context, b *broker, owned *sync.WaitGroup) {
	owned.Go(func() { b.control.Watch(background, a.onFlags) })
	owned.Go(func() { a.rollback.run(background, b) })
	owned.Go(func() { a.rollback.runWriteProbes(background, b) })
	owned.Go(func() { b.gossip.Run(background) })
	owned.Go(func() { a.probeAckPermission(background, b) })
	owned.Go(func() { a.measureQueues(background, b) })
	owned.Go(func() { a.runHeartbeat(background, b) })
	owned.Go(func() { a.newOrphanSweeper(b).run(background) })
	owned.Go(func() { a.health.watchdog(background, a.pingLanes) })
}

// onFlags passes on what the control bucket says; nil if that is not known.
func (a *App) onFlags(f *queue.Flags) {
	a.metrics.ControlSynced(f != nil)
	a.health.controlSynced.Store(f != nil)
	if f != nil {
		a.rollback.onHighWater(f.HighWater)
		a.metrics.PausedNumbers(len(f.PausedNumbers()))
	}
	a.accounts.setFlags(f)
}

// pingLanes goes through every lane once, to show that none is stuck.
func (a *App) pingLanes() {
	for _, acc := range a.accounts.list() {
		acc.lane.Status()
	}
}

// Ready reports why the worker is not ready, nil if it is.
func (a *App) Ready() error {
	if missing := a.health.missing(); len(missing) > 0 {
		return fmt.Errorf("not ready: %w", errors.Join(missing...))
	}
	return nil
}
