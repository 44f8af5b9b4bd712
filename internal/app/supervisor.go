package app

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/dispatcher/lane"
	"github.com/ringonce/ringonce/sfvopi"
)

// supervisor is who works for which account, and who follows whom when the
// configuration changes. It belongs to the goroutine that runs [App.runAccounts].
type supervisor struct {
	app     *App
	broker  *broker
	workCtx context.Context //nolint:containedctx // ends when calls in flight have to be given up, of all posts alike
	running sync.WaitGroup
	runners map[string]*runner
}

// runner is the work for one account under one configuration. An account whose
// configuration changes gets another one, which begins when everything that
// the one before took has come to its end: the limits of the two never add up.
//
//	after is left ──► hire ──► run ──► left
//	                            ▲
//	                   leave ───┘ nothing more is pulled
type runner struct {
	config configs.Account
	stop   context.CancelFunc
	done   chan struct{}
	// lane and directory are those of the account that worked last, once left:
	// the next one begins with what it had learned of the provider.
	lane      *lane.Lane
	directory *sfvopi.Directory
	// removed tells that nobody follows.
	removed atomic.Bool
}

func (a *App) newSupervisor(working context.Context, b *broker) *supervisor {
	return &supervisor{app: a, broker: b, workCtx: working, runners: map[string]*runner{}}
}

// start gives a post to an account that is ready to work.
func (r *supervisor) start(ctx context.Context, acc *account) {
	r.launch(ctx, string(acc.name), acc.config, func(context.Context, *runner) *account { return acc })
}

// restart gives an account a post, after the one before was left.
func (r *supervisor) restart(ctx context.Context, cfg configs.NamedAccount, before *runner) {
	r.launch(ctx, cfg.Name, cfg.Account, func(ctx context.Context, p *runner) *account {
		if before != nil {
			<-before.done
			p.lane, p.directory = before.lane, before.directory
		}
		acc := r.app.build(ctx, cfg, r.broker)
		if acc != nil && p.lane != nil {
			acc.lane.CopyStateFrom(p.lane)
			if acc.directory.CopyStateFrom(p.directory) {
				acc.lane.SetLinkageKnown()
			}
		}
		return acc
	})
}

func (r *supervisor) launch(ctx context.Context, name string, cfg configs.Account, ready func(context.Context, *runner) *account) {
	ctx, leave := context.WithCancel(ctx)
	p := &runner{config: cfg, stop: leave, done: make(chan struct{})}
	r.runners[name] = p
	r.running.Go(func() {
		defer close(p.done)
		defer leave()
		if acc := ready(ctx, p); acc != nil {
			p.lane, p.directory = acc.lane, acc.directory
			acc.run(ctx, r.workCtx)
			r.app.accounts.remove(acc)
		}
		if p.removed.Load() {
			r.app.metrics.RemoveAccount(call.Account(name))
			r.app.log.Info("the account is no longer served; what was in flight is finished", "account", name)
		}
	})
}

// remove has an account finish what is in flight.
func (p *runner) remove() {
	p.removed.Store(true)
	p.stop()
}

func (p *runner) isDone() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// build makes an account ready to work, trying again until that is possible; nil
// if ctx ended before.
func (a *App) build(ctx context.Context, cfg configs.NamedAccount, b *broker) *account {
	waits := backoff.WithContext(backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(10*time.Second),
		backoff.WithMaxElapsedTime(0),
	), ctx)
	for ctx.Err() == nil {
		acc, err := a.newAccount(cfg)
		if err == nil {
			acc.attach(a, b)
			a.accounts.add(acc)
			return acc
		}
		delay := waits.NextBackOff()
		if delay == backoff.Stop {
			break
		}
		a.log.Warn("the account cannot be served yet", "account", cfg.Name, "error", err, "again_in", delay)
		select {
		case <-ctx.Done():
		case <-time.After(delay):
		}
	}
	return nil
}
