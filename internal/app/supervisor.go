package app

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/dispatcher/lane"
	"github.com/ringonce/ringonce/internal/retry"
	"github.com/ringonce/ringonce/sfvopi"
)

// supervisor runs every account, one runner after another. It belongs to the
// goroutine that runs [App.runAccounts].
type supervisor struct {
	app     *App
	broker  *broker
	workCtx context.Context //nolint:containedctx // ends when calls in flight are abandoned, for all runners alike
	running sync.WaitGroup
	runners map[string]*runner
}

// runner runs one account under one configuration. When the configuration
// changes, another runner takes over after everything that this one pulled has
// ended: the limits of the two never add up.
//
//	predecessor done ──► build ──► run ──► done
//	                                ▲
//	                     stop ──────┘ no longer pulls
type runner struct {
	config configs.Account
	stop   context.CancelFunc
	done   chan struct{}
	// lane and directory are those of the account that ran last. Once done is
	// closed, a successor copies what they learned of the provider.
	lane      *lane.Lane
	directory *sfvopi.Directory
	removed   atomic.Bool // there will be no successor
}

func (a *App) newSupervisor(workCtx context.Context, b *broker) *supervisor {
	return &supervisor{app: a, broker: b, workCtx: workCtx, runners: map[string]*runner{}}
}

// start runs an account that is already built.
func (s *supervisor) start(ctx context.Context, acc *account) {
	s.launch(ctx, string(acc.name), acc.config, func(context.Context, *runner) *account { return acc })
}

// restart builds and runs an account once its predecessor, if any, is done.
func (s *supervisor) restart(ctx context.Context, cfg configs.NamedAccount, predecessor *runner) {
	s.launch(ctx, cfg.Name, cfg.Account, func(ctx context.Context, r *runner) *account {
		if predecessor != nil {
			<-predecessor.done
			r.lane, r.directory = predecessor.lane, predecessor.directory
		}
		acc := s.build(ctx, cfg)
		if acc != nil && r.lane != nil {
			acc.lane.CopyStateFrom(r.lane)
			if acc.directory.CopyStateFrom(r.directory) {
				acc.lane.SetLinkageKnown()
			}
		}
		return acc
	})
}

func (s *supervisor) launch(ctx context.Context, name string, cfg configs.Account, build func(context.Context, *runner) *account) {
	ctx, stop := context.WithCancel(ctx)
	r := &runner{config: cfg, stop: stop, done: make(chan struct{})}
	s.runners[name] = r
	s.running.Go(func() {
		defer close(r.done)
		defer stop()
		if acc := build(ctx, r); acc != nil {
			r.lane, r.directory = acc.lane, acc.directory
			acc.run(ctx, s.workCtx)
			s.app.accounts.remove(acc)
		}
		if r.removed.Load() {
			s.app.metrics.RemoveAccount(call.Account(name))
			s.app.log.Info("the account is no longer served; its calls in flight have finished", "account", name)
		}
	})
}

// build returns an account that is ready to run, and retries until that
// succeeds; nil if ctx ends before.
func (s *supervisor) build(ctx context.Context, cfg configs.NamedAccount) *account {
	delays := retry.NewBackoff(100*time.Millisecond, 10*time.Second)
	for ctx.Err() == nil {
		acc, err := s.app.newAccount(cfg)
		if err == nil {
			acc.attach(s.app, s.broker)
			s.app.accounts.add(acc)
			return acc
		}
		delay := delays.NextBackOff()
		s.app.log.Warn("cannot serve the account yet; retrying", "account", cfg.Name, "error", err, "retry_in", delay)
		retry.Sleep(ctx, delay)
	}
	return nil
}

// remove stops the runner for good; calls in flight finish.
func (r *runner) remove() {
	r.removed.Store(true)
	r.stop()
}

func (r *runner) isDone() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}
