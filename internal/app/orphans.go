package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/dispatcher"
	"github.com/ringonce/ringonce/dispatcher/lane"
	"github.com/ringonce/ringonce/metrics"
	"github.com/ringonce/ringonce/queue"
)

const (
	sweepInterval = time.Minute
	// sweepTimeout bounds one sweep; the rest is for the next one.
	sweepTimeout = 30 * time.Second
)

// orphanSweeper ends what waits for accounts that no worker serves, once it is older
// than request.max_age. Every worker sweeps: the record decides between them, as
// it does if one begins to serve the account just now. It dials nothing.
type orphanSweeper struct {
	app     *App
	broker  *broker
	metrics *metrics.Account // seen by nobody: names come from publishers
	// handlers remember the claims of others that they wait for.
	handlers map[call.Account]*dispatcher.Handler
	// last is the place that was looked after last. If the time of a sweep ran
	// out there, it comes last in the next.
	last queue.PendingSubject
}

func (a *App) newOrphanSweeper(b *broker) *orphanSweeper {
	return &orphanSweeper{
		app: a, broker: b, handlers: map[call.Account]*dispatcher.Handler{},
		metrics: metrics.New(prometheus.NewRegistry(), metrics.Build{}).Account(dispatcher.NoAccount),
	}
}

func (s *orphanSweeper) run(ctx context.Context) {
	var loud logThrottle
	runEvery(ctx, sweepInterval, func(context.Context) (whole bool) {
		bounded, cancel := context.WithTimeout(ctx, sweepTimeout)
		defer cancel()
		err := s.sweep(bounded)
		if err == nil {
			return true
		}
		if ctx.Err() == nil && loud.allow() {
			s.app.log.Warn("looking after requests that nobody serves failed", "error", err)
		}
		return false
	})
}

// sweep looks after one place after another. What cannot be done in one of them
// keeps the others waiting no longer than it takes to fail, and what time does
// not suffice for is for the next sweep.
func (s *orphanSweeper) sweep(ctx context.Context) error {
	served, known := s.app.accounts.served(time.Now())
	if !known {
		return nil
	}
	places, err := s.broker.conn.PendingSubjects(ctx)
	if err != nil {
		return err
	}
	unserved := map[call.Account]bool{}
	var failed int
	var failure error
	for _, p := range rotate(s.last, places) {
		name, err := call.ParseAccount(p.Account)
		if err != nil {
			name = dispatcher.NoAccount
		} else if served[name] {
			continue
		}
		unserved[name] = true
		if ctx.Err() != nil {
			continue
		}
		s.last = p
		if err := s.endExpired(ctx, p, s.handler(name)); err != nil && ctx.Err() == nil {
			failed++
			failure = fmt.Errorf("account %s: %w", name, err)
		}
	}
	for name := range s.handlers {
		if !unserved[name] {
			delete(s.handlers, name)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d places, the last: %w", failed, len(places), failure)
	}
	return nil
}

// rotate gives all places, those first that come after this one.
func rotate(p queue.PendingSubject, places []queue.PendingSubject) []queue.PendingSubject {
	next := slices.Index(places, p) + 1
	return slices.Concat(places[next:], places[:next])
}

// endExpired ends what is too old in one place, the first first. It stops at the
// first that is younger, or that another worker has a claim on.
func (s *orphanSweeper) endExpired(ctx context.Context, p queue.PendingSubject, w *dispatcher.Handler) error {
	for ctx.Err() == nil {
		removed := false
		m, err := s.broker.conn.Peek(ctx, p, func() { removed = true })
		if err != nil || m == nil {
			return err
		}
		if time.Since(m.Since) <= w.Settings.MaxAge {
			return nil
		}
		if w.Account == dispatcher.NoAccount {
			if err := w.DeadLetterBadSubject(ctx, m.Delivery, m); err != nil {
				return err
			}
		} else {
			w.Handle(ctx, m.Delivery, m, w.Lane.Acquire())
		}
		if !removed {
			return nil
		}
		s.app.metrics.OrphanEnded()
	}
	return nil
}

// handler gives who decides about requests of an account.
func (s *orphanSweeper) handler(name call.Account) *dispatcher.Handler {
	if w := s.handlers[name]; w != nil {
		return w
	}
	a, b := s.app, s.broker
	w := &dispatcher.Handler{
		Worker: a.worker, Account: name, Settings: settings(a.config, configs.CallDefaults{}), Orphaned: true,
		Records: b.records, Scheduler: b.conn.NewScheduler(), DeadLetters: b.conn.NewDeadLetters(a.config.Dead.Keep),
		Lane:    lane.New(lane.Config{Concurrency: 1, Now: time.Now, Metrics: s.metrics}),
		Metrics: s.metrics, Log: a.log,
		Now: time.Now, Nonce: rand.Text, Epoch: a.rollback.epoch,
	}
	s.handlers[name] = w
	return w
}
