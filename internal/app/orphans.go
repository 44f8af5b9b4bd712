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
	"github.com/ringonce/ringonce/queue/backlog"
)

const (
	sweepInterval = time.Minute
	sweepTimeout  = 30 * time.Second // the next sweep continues
)

// orphanSweeper ends requests of accounts that no worker serves, once they are
// older than request.max_age. Every worker sweeps: the record decides between
// them, and between them and a worker that starts to serve the account. A sweep
// dials nothing.
type orphanSweeper struct {
	app     *App
	broker  *broker
	metrics *metrics.Account // not exported: publishers choose the names
	// handlers are kept between sweeps: they remember other workers' claims.
	handlers map[call.Account]*dispatcher.Handler
	// last is the subject that was swept last: the next sweep starts after it.
	last backlog.PendingSubject
}

func (a *App) newOrphanSweeper(b *broker) *orphanSweeper {
	return &orphanSweeper{
		app: a, broker: b, handlers: map[call.Account]*dispatcher.Handler{},
		metrics: metrics.New(prometheus.NewRegistry(), metrics.Build{}).Account(dispatcher.NoAccount),
	}
}

func (s *orphanSweeper) run(ctx context.Context) {
	var throttle logThrottle
	runPeriodically(ctx, sweepInterval, func(context.Context) (ok bool) {
		bounded, cancel := context.WithTimeout(ctx, sweepTimeout)
		defer cancel()
		err := s.sweep(bounded)
		if err == nil {
			return true
		}
		if ctx.Err() == nil && throttle.allow() {
			s.app.log.Warn("cannot end orphaned requests", "error", err)
		}
		return false
	})
}

// sweep goes through the subjects of all orphaned accounts. A failure in one does
// not keep it from the others.
func (s *orphanSweeper) sweep(ctx context.Context) error {
	served, known := s.app.accounts.served(time.Now())
	if !known {
		return nil
	}
	subjects, err := backlog.PendingSubjects(ctx, s.broker.conn)
	if err != nil {
		return err
	}
	orphaned := map[call.Account]bool{}
	var failed int
	var failure error
	for _, subject := range rotate(s.last, subjects) {
		name, err := call.ParseAccount(subject.Account)
		if err != nil {
			name = dispatcher.NoAccount
		} else if served[name] {
			continue
		}
		orphaned[name] = true
		if ctx.Err() != nil {
			continue
		}
		s.last = subject
		if err := s.endExpired(ctx, subject, s.handler(name)); err != nil && ctx.Err() == nil {
			failed++
			failure = fmt.Errorf("account %s: %w", name, err)
		}
	}
	for name := range s.handlers {
		if !orphaned[name] {
			delete(s.handlers, name)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d subjects failed, the last: %w", failed, len(subjects), failure)
	}
	return nil
}

// rotate returns all subjects, beginning with the one after last.
func rotate(last backlog.PendingSubject, subjects []backlog.PendingSubject) []backlog.PendingSubject {
	next := slices.Index(subjects, last) + 1
	return slices.Concat(subjects[next:], subjects[:next])
}

// endExpired ends the requests of one subject that are too old, oldest first. It
// stops at one that is younger, or that another worker has claimed.
func (s *orphanSweeper) endExpired(ctx context.Context, subject backlog.PendingSubject, h *dispatcher.Handler) error {
	for ctx.Err() == nil {
		removed := false
		m, err := backlog.Peek(ctx, s.broker.conn, subject, func() { removed = true })
		if err != nil || m == nil {
			return err
		}
		if time.Since(m.Since) <= h.Settings.MaxAge {
			return nil
		}
		ctx, message := fetched(ctx, m.Delivery, m)
		if h.Account == dispatcher.NoAccount {
			if err := h.DeadLetterBadSubject(ctx, m.Delivery, message); err != nil {
				return err
			}
		} else {
			h.Handle(ctx, m.Delivery, message, h.Lane.Acquire())
		}
		if !removed {
			return nil
		}
		s.app.metrics.OrphanEnded()
	}
	return nil
}

// handler returns the handler of an orphaned account, which only ends requests.
func (s *orphanSweeper) handler(name call.Account) *dispatcher.Handler {
	if h := s.handlers[name]; h != nil {
		return h
	}
	a, b := s.app, s.broker
	h := &dispatcher.Handler{
		Worker: a.worker, Account: name, Settings: settings(a.config, configs.CallDefaults{}), Orphaned: true,
		Stores:  b.stores(a.config.Dead.Keep),
		Lane:    lane.New(lane.Config{Concurrency: 1, Now: time.Now, Metrics: s.metrics}),
		Metrics: s.metrics, Log: a.log,
		Now: time.Now, Nonce: rand.Text, Epoch: a.rollback.epoch,
	}
	withFailpoints(h, nil)
	s.handlers[name] = h
	return h
}
