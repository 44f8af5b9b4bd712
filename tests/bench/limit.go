package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

const (
	limitWorkers = 3
	limitWarmUp  = 5 * time.Second // workers start, and believe the counters
	limitWatch   = 10 * time.Second
)

// limit measures how workers at one account share its calls per second: how
// much of it they use, how many calls came in the worst second as the provider
// counted them, and what it costs.
func (b *bench) limit(ctx context.Context) error {
	fmt.Printf("\n%d workers at one account, %s with a backlog\n\n", limitWorkers, limitWatch)
	fmt.Println("| limit, calls/s | used | POSTs in the worst second | allowed | counter operations per call | CPU, µs per call |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, perSecond := range []int{10, 100, 1000} {
		if err := b.limitAt(ctx, perSecond); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) limitAt(ctx context.Context, perSecond int) error {
	env, err := b.newEnvironment(ctx, 0, perSecond*int((limitWarmUp+limitWatch+5*time.Second)/time.Second))
	if err != nil {
		return err
	}
	defer env.close()
	var workers []*process
	for range limitWorkers {
		w, err := b.startRingonce(ctx, env, strconv.Itoa(perSecond))
		if err != nil {
			return err
		}
		defer w.stop()
		workers = append(workers, w)
	}
	if err := sleep(ctx, limitWarmUp); err != nil {
		return err
	}
	before, spent, counted, began, err := env.readCounters(ctx, workers)
	if err != nil {
		return err
	}
	if err := sleep(ctx, limitWatch); err != nil {
		return err
	}
	after, spentNow, countedNow, ended, err := env.readCounters(ctx, workers)
	if err != nil {
		return err
	}
	calls := after.Posts - before.Posts
	if calls == 0 {
		return fmt.Errorf("at %d per second nothing was dialled", perSecond)
	}
	used := float64(calls) / (float64(perSecond) * ended.Sub(began).Seconds())
	fmt.Printf("| %d | **%.3f** | %d | %d | %.2f | %s |\n", perSecond, used,
		after.BusiestSecond[simulator.DefaultOrganisation].Posts, int(float64(perSecond)*1.05+1),
		float64(countedNow-counted)/float64(calls), spentNow.minus(spent).each(calls))
	return nil
}

// readCounters reads how much was done so far.
func (env *environment) readCounters(ctx context.Context, workers []*process) (simulator.Summary, cost, uint64, time.Time, error) {
	var spent cost
	for _, w := range workers {
		spent.worker += w.used()
	}
	spent.broker, spent.provider = env.broker.used(), env.provider.used()
	stream, err := env.js.Stream(ctx, queue.StreamRate)
	if err != nil {
		return simulator.Summary{}, cost{}, 0, time.Time{}, err
	}
	summary, err := env.rung(ctx)
	return summary, spent, stream.CachedInfo().State.LastSeq, time.Now(), err
}

func (c cost) minus(d cost) cost {
	return cost{c.worker - d.worker, c.broker - d.broker, c.provider - d.provider}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
