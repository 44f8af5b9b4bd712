package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ringonce/ringonce/sfvopi/simulator"
)

const (
	scaleAccounts    = 300
	scaleConcurrency = 4 // POSTs in flight for each account
	scaleTimeout     = 2 * time.Minute
	scaleWarm        = 10 * time.Second
	scaleWatch       = 20 * time.Second
	idleWatch        = 60 * time.Second
)

// scale measures a worker that serves many accounts of three priorities, with a
// great many requests waiting, beside one account in the same run.
func (b *bench) scale(ctx context.Context) error {
	single, cost, err := b.once(ctx, 0, b.startRingonce)
	if err != nil {
		return err
	}
	fmt.Printf("\n%d accounts with three priorities each, %d requests waiting, %d POSTs in flight for each account:\n\n",
		scaleAccounts, b.waiting, scaleConcurrency)
	fmt.Println("| what | measured |")
	fmt.Println("|---|---|")
	fmt.Printf("| one account, calls/s | %.0f |\n| one account, CPU for each call, µs | %s |\n", single, cost.each(b.requests))
	env, err := b.newEnvironment(ctx, 0, 0)
	if err != nil {
		return err
	}
	defer env.close()
	began := time.Now()
	if err := env.publish(b.waiting, func(i int) (string, string) { return scaleSubject(i), callee(i) }); err != nil {
		return err
	}
	fmt.Printf("| publishing, requests/s | %.0f |\n", float64(b.waiting)/time.Since(began).Seconds())
	if err := b.full(ctx, env, single, "the first worker, which makes the consumers"); err != nil {
		return err
	}
	if err := b.full(ctx, env, single, "a worker that finds them"); err != nil {
		return err
	}
	return b.idle(ctx)
}

// full lets a worker run for a while with requests waiting.
func (b *bench) full(ctx context.Context, env *environment, single float64, which string) error {
	w, err := newWatched(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	begin := time.Now()
	worker, err := b.startMany(ctx, env, w.address)
	if err != nil {
		return err
	}
	defer worker.stop()
	bounded, cancel := context.WithTimeout(ctx, scaleTimeout)
	defer cancel()
	first, err := w.firstCall(bounded)
	if err != nil {
		return err
	}
	if err := pause(ctx, scaleWarm); err != nil {
		return err
	}
	before, workerBefore, brokerBefore := w.calls.Load(), worker.used(), env.broker.used()
	if err := pause(ctx, scaleWatch); err != nil {
		return err
	}
	calls := w.calls.Load() - before
	used, broker := worker.used()-workerBefore, env.broker.used()-brokerBefore
	mib, err := worker.peakMemory()
	if err != nil {
		return err
	}
	rate := float64(calls) / scaleWatch.Seconds()
	fmt.Printf("| %s: from start to first dial | **%.1f s** |\n", which, first.Sub(begin).Seconds())
	fmt.Printf("| %s: calls/s, part of one account's | %.0f, **%.2f** |\n", which, rate, rate/single)
	fmt.Printf("| %s: CPU for each call, worker + broker, µs | %d + %d |\n", which, used.Microseconds()/max(calls, 1), broker.Microseconds()/max(calls, 1))
	fmt.Printf("| %s: peak memory | **%.0f MiB** |\n", which, mib)
	return nil
}

// idle measures a worker with nothing to do.
func (b *bench) idle(ctx context.Context) error {
	env, err := b.newEnvironment(ctx, 0, 0)
	if err != nil {
		return err
	}
	defer env.close()
	worker, err := b.startMany(ctx, env, env.provider.address)
	if err != nil {
		return err
	}
	defer worker.stop()
	if err := pause(ctx, 3*scaleWarm); err != nil {
		return err
	}
	workerBefore, brokerBefore := worker.used(), env.broker.used()
	if err := pause(ctx, idleWatch); err != nil {
		return err
	}
	part := func(d time.Duration) float64 { return 100 * d.Seconds() / idleWatch.Seconds() }
	mib, err := worker.peakMemory()
	if err != nil {
		return err
	}
	fmt.Printf("| idle: CPU of the worker, of the broker | **%.1f %%**, %.1f %% of a core |\n| idle: peak memory | %.0f MiB |\n",
		part(worker.used()-workerBefore), part(env.broker.used()-brokerBefore), mib)
	return nil
}

// startMany starts a worker for all the accounts, without limits.
func (b *bench) startMany(ctx context.Context, env *environment, provider string) (*process, error) {
	var config strings.Builder
	config.WriteString("accounts:\n")
	for i := range scaleAccounts {
		fmt.Fprintf(&config, "  %s:\n    api_key: %s\n    calls_per_second: 0\n    concurrency: %d\n",
			scaleAccount(i), simulator.DefaultAPIKey, scaleConcurrency)
	}
	path := filepath.Join(b.dir, "scale.yaml")
	if err := os.WriteFile(path, []byte(config.String()), 0o600); err != nil {
		return nil, err
	}
	return start(ctx, false, []string{
		"NATS_URL=" + env.broker.address, "SFVOPI_BASE_URL=" + provider,
		"RINGONCE_HTTP_ADDR=127.0.0.1:0", "RINGONCE_LOG_LEVEL=warn",
	}, b.binary, "run", "--config", path)
}

func scaleAccount(i int) string { return fmt.Sprintf("account-%d", i) }

func scaleSubject(i int) string {
	return "calls.requests." + scaleAccount(i%scaleAccounts) + []string{".urgent", "", ".bulk"}[i/scaleAccounts%3]
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
