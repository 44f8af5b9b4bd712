package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/dispatcher"
	"github.com/ringonce/ringonce/dispatcher/lane"
	"github.com/ringonce/ringonce/internal/retry"
	"github.com/ringonce/ringonce/metrics"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/admin"
	"github.com/ringonce/ringonce/queue/backlog"
	"github.com/ringonce/ringonce/queue/control"
	"github.com/ringonce/ringonce/queue/pull"
	"github.com/ringonce/ringonce/sfvopi"
)

// account is everything that runs for one account under one configuration.
type account struct {
	name      call.Account
	config    configs.Account
	key       *key
	client    *sfvopi.Client
	directory *sfvopi.Directory
	lane      *lane.Lane
	metrics   *metrics.Account
	consumer  *pull.Consumer
	handler   *dispatcher.Handler
	peers     *control.PeerBus
	conn      *queue.Conn
	meter     *backlog.Meter // nil: this worker does not create the counters
	ready     chan struct{}  // closed when the consumers are bound, or the account stops
}

// newAccount builds the part of an account that needs no broker.
func (a *App) newAccount(cfg configs.NamedAccount) (*account, error) {
	name, err := call.ParseAccount(cfg.Name)
	if err != nil {
		return nil, fmt.Errorf("accounts.%s: %w", cfg.Name, err)
	}
	k, err := newKey(cfg.Account)
	if err != nil {
		return nil, fmt.Errorf("accounts.%s: %w", cfg.Name, err)
	}
	p := a.config.Provider
	client, err := sfvopi.NewClient(sfvopi.Config{
		BaseURL: p.BaseURL, Key: k.get, Concurrency: cfg.Concurrency,
		ConnectTimeout: p.ConnectTimeout, RequestTimeout: p.RequestTimeout,
		Ambiguous: sfvopi.AmbiguousMode(p.AmbiguousMode), NotDialled: p.NotDialled, ProxyURL: p.ProxyURL, CAFile: p.CAFile,
		DialContext: a.dialProvider,
	})
	if err != nil {
		return nil, fmt.Errorf("accounts.%s: %w", cfg.Name, err)
	}
	m := a.metrics.Account(name)
	acc := &account{name: name, config: cfg.Account, key: k, client: client, metrics: m, ready: make(chan struct{})}
	acc.directory = newDirectory(acc, p, a.log.With("account", name))
	acc.lane = lane.New(lane.Config{
		Account: name, Worker: a.worker, Concurrency: cfg.Concurrency, CallsPerSecond: cfg.CallsPerSecond,
		Provider: client, Now: time.Now, Metrics: m, Log: a.log, OnChange: a.laneChanged,
	})
	return acc, nil
}

// attach builds the part that needs the broker, without a request to it.
func (acc *account) attach(a *App, b *broker) {
	acc.consumer = b.consumers.New(pull.Config{
		Account: acc.name, MinShare: acc.config.MinShare, AckWait: a.config.Provider.AckWait(), Provision: a.config.Streams.Provision,
		OnUnbound: acc.metrics.ConsumersMissing, Log: a.log,
	})
	acc.peers, acc.conn = b.peers, b.conn
	log := a.log.With("account", acc.name)
	acc.handler = &dispatcher.Handler{
		Worker: a.worker, Account: acc.name, Settings: settings(a.config, acc.config.Defaults),
		Stores:   b.stores(a.config.Dead.Keep),
		Provider: &loggedProvider{Client: acc.client, log: log}, Directory: acc.directory,
		Lane: acc.lane, Pool: a.pool, Metrics: acc.metrics, Log: a.log,
		Now: time.Now, Nonce: rand.Text, Epoch: a.rollback.epoch,
	}
	ports := lane.Ports{Control: b.control, Peers: b.peers}
	if perSecond := acc.config.CallsPerSecond; perSecond > 0 {
		ports.Limiter = &loggedLimiter{AccountLimiter: b.limiter.ForAccount(acc.name, perSecond), log: log}
	}
	withFailpoints(acc.handler, &ports)
	acc.lane.SetPorts(ports)
	if a.config.Streams.Provision {
		acc.meter = b.meter
	}
}

// waitConsumers waits for the consumers and creates those that count, retrying
// until that succeeds or ctx ends.
func (acc *account) waitConsumers(ctx context.Context) {
	defer close(acc.ready)
	select {
	case <-acc.consumer.Bound():
	case <-ctx.Done():
		return
	}
	if acc.meter == nil {
		return
	}
	delays := retry.NewBackoff(100*time.Millisecond, 2*time.Second)
	var throttle logThrottle
	for {
		err := acc.meter.CreateCounters(ctx, acc.name)
		if err == nil || ctx.Err() != nil {
			return
		}
		if throttle.allow() {
			acc.handler.Log.Warn("not ready: cannot create the account's counters; retrying", "account", acc.name, "error", err)
		}
		if !retry.Sleep(ctx, delays.NextBackOff()) {
			return
		}
	}
}

// run serves the account until ctx ends and every request that was pulled has
// ended. workCtx ends when calls in flight are abandoned.
func (acc *account) run(ctx, workCtx context.Context) {
	stopLane := context.AfterFunc(ctx, acc.lane.Stop)
	defer stopLane()
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var owned sync.WaitGroup
	owned.Go(func() { acc.directory.Run(background) })
	owned.Go(func() { acc.lane.RunProbes(background) })
	owned.Go(func() { acc.listenPeers(background) })
	owned.Go(func() { acc.countOperatorActions(background) })
	owned.Go(func() { acc.key.watch(background, acc.onKeyRotated, acc.handler.Log.With("account", acc.name)) })
	owned.Go(func() { acc.waitConsumers(ctx) })
	acc.consumer.Run(ctx, acc.lane.WaitCapacity, func(m *pull.Message) {
		ctx, message := fetched(workCtx, m.Delivery, m)
		acc.handler.Dispatch(ctx, m.Delivery, message)
	})
	acc.handler.Wait()
	stop()
	owned.Wait()
	acc.client.Close()
}

// onKeyRotated repeats what the provider refused with the old key.
func (acc *account) onKeyRotated() {
	acc.directory.Refetch()
	acc.lane.OnKeyRotated()
}

// listenPeers receives what other workers of the account observe, until ctx ends.
func (acc *account) listenPeers(ctx context.Context) {
	if err := acc.peers.Listen(ctx, acc.name, acc.lane.OnPeerEvent); err != nil {
		acc.handler.Log.Warn("cannot subscribe to peer health events; probing alone", "account", acc.name, "error", err)
	}
}

// countOperatorActions counts operators' actions on the account's calls, until ctx
// ends.
func (acc *account) countOperatorActions(ctx context.Context) {
	if err := admin.ListenActions(ctx, acc.conn, acc.name, acc.metrics.OperatorAction); err != nil {
		acc.handler.Log.Warn("cannot subscribe to operator actions; they are not counted", "account", acc.name, "error", err)
	}
}

func settings(c configs.Config, d configs.CallDefaults) dispatcher.Settings {
	return dispatcher.Settings{
		Retry: dispatcher.RetrySettings{
			InitialDelay: c.Retry.InitialDelay, Multiplier: c.Retry.Multiplier,
			MaxDelay: c.Retry.MaxDelay, MaxAttempts: c.Retry.MaxAttempts,
		},
		MaxAge: c.Request.MaxAge, Keep: c.Records.Keep, Numbers: call.NumberCheck(c.Request.Numbers),
		CallerIDs: &call.CallerIDCache{},
		Defaults: call.Defaults{
			Callbacks: call.Callbacks{
				AnswerURL: d.AnswerURL.Reveal(), AnswerMethod: d.AnswerMethod,
				RingURL: d.RingURL.Reveal(), RingMethod: d.RingMethod,
				HangupURL: d.HangupURL.Reveal(), HangupMethod: d.HangupMethod,
			},
			Limits: call.Limits{RingTimeout: d.RingTimeout, CallTimeLimit: d.CallTimeLimit},
		},
		ClaimDeadline: c.Provider.ClaimDeadline(), ClaimWait: c.Provider.ClaimWait(),
	}
}

// newDirectory returns the linkage directory of an account, which reports its
// fetches to the metrics and the lane.
func newDirectory(acc *account, p configs.Provider, log *slog.Logger) *sfvopi.Directory {
	return sfvopi.NewDirectory(sfvopi.DirectoryConfig{
		Lookups: acc.client, Logger: log,
		// What AckWait leaves for a look-up, after the claim and the POST.
		LookupTimeout: p.AckWait() - p.ClaimDeadline() - p.RequestTimeout,
		Fetched: func(r sfvopi.FetchReport) {
			acc.metrics.DirectoryRefreshed(r.Err == nil, r.Took)
			if r.Err == nil {
				acc.metrics.Directory(time.Now(), r.Counts.Linked+r.Counts.Inactive+r.Counts.Available)
				acc.lane.SetLinkageKnown()
			} else {
				acc.lane.OnLookupFailed(r.Refused)
			}
		},
	})
}
