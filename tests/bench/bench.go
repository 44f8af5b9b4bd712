package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// drainTimeout bounds one run.
const drainTimeout = 5 * time.Minute

type bench struct {
	plan
	dir  string
	self string
}

func newBench(ctx context.Context, p plan) (*bench, error) {
	dir, err := os.MkdirTemp("", "ringonce-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{plan: p, dir: dir}
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.binary == "" {
		b.binary = filepath.Join(dir, "ringonce")
		build := exec.CommandContext(ctx, "go", "build", "-o", b.binary, "./cmd/ringonce")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return nil, fmt.Errorf("build ringonce (run this from the repository's root): %w", err)
		}
	}
	return b, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) }

// environment is a broker and a provider, fresh for each run.
type environment struct {
	broker, provider *process
	js               jetstream.JetStream
	nc               *nats.Conn
	dir              string
}

func (b *bench) newEnvironment(ctx context.Context, latency time.Duration, requests int) (*environment, error) {
	dir, err := os.MkdirTemp(b.dir, "broker-")
	if err != nil {
		return nil, err
	}
	env := &environment{dir: dir}
	if env.broker, err = start(ctx, true, nil, b.self, "broker", "-dir", dir, "-profile", b.profile,
		"-sync="+strconv.FormatBool(b.sync), "-replicas", strconv.Itoa(b.replicas)); err != nil {
		return nil, err
	}
	if env.provider, err = start(ctx, true, nil, b.self, "provider", "-latency", latency.String(), "-profile", b.profile); err != nil {
		return nil, err
	}
	if env.nc, err = nats.Connect(env.broker.address); err != nil {
		return nil, err
	}
	if env.js, err = jetstream.New(env.nc); err != nil {
		return nil, err
	}
	// Each build makes the streams that it wants.
	declare := exec.CommandContext(ctx, b.binary, "streams", "apply")
	declare.Env = append(os.Environ(), b.configuration(env, env.provider.address, "0")...)
	if out, err := declare.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make the streams: %w: %s", err, out)
	}
	return env, env.fill(requests)
}

// fill publishes the requests that are to be placed.
func (env *environment) fill(requests int) error {
	for i := range requests {
		body := fmt.Sprintf(`{"from":%q,"to":"+9198%08d","answer_url":"https://publisher.example/answer?token=0123456789abcdef","hangup_url":"https://publisher.example/hangup?token=0123456789abcdef"}`,
			simulator.DefaultNumber, i)
		// The id goes into a header, so that the bare loop can POST the body as it is.
		if _, err := env.js.PublishAsync("calls.requests.default", []byte(body), jetstream.WithMsgID(fmt.Sprintf("bench-%d", i)), jetstream.WithStallWait(drainTimeout)); err != nil {
			return err
		}
	}
	select {
	case <-env.js.PublishAsyncComplete():
		return nil
	case <-time.After(drainTimeout):
		return errors.New("publishing the requests took too long")
	}
}

func (env *environment) close() {
	env.nc.Close()
	env.provider.stop()
	env.broker.stop()
	_ = os.RemoveAll(env.dir)
}

// awaitDrained waits until every request was placed and acknowledged, and returns the
// calls per second between the first and the last, and what a worker needed
// for all of them: what it needs to start is not counted.
func (env *environment) awaitDrained(ctx context.Context, worker *process, requests int) (rate float64, spent time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	var began time.Time
	var before time.Duration
	all := requests
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return 0, 0, fmt.Errorf("waiting for the requests to be placed: %w", ctx.Err())
		case <-worker.exited:
			return 0, 0, errors.New("the worker ended before its work was done")
		case <-tick.C:
		}
		stream, err := env.js.Stream(ctx, queue.StreamCalls)
		if err != nil {
			return 0, 0, err
		}
		left := int(stream.CachedInfo().State.Msgs)
		if began.IsZero() && left < requests {
			began, before = time.Now(), worker.used()
			requests = left
		}
		if left == 0 {
			spent = (worker.used() - before) * time.Duration(all) / time.Duration(requests)
			return float64(requests) / time.Since(began).Seconds(), spent, nil
		}
	}
}

// rung reads the summary of the provider.
func (env *environment) rung(ctx context.Context) (simulator.Summary, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, env.provider.address+"/simulator/oracle/summary", nil)
	if err != nil {
		return simulator.Summary{}, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return simulator.Summary{}, err
	}
	defer func() { _ = response.Body.Close() }()
	var summary simulator.Summary
	return summary, json.NewDecoder(response.Body).Decode(&summary)
}

// contender is a worker that is measured.
type contender struct {
	label string
	start func(context.Context, *environment, string) (*process, error)

	rates, ratios []float64
	spent         cost
}

// compare lets each contender place all requests in turn, round by round, and
// prints a row for each. The ratios are to the first of them.
func (b *bench) compare(ctx context.Context, provider string, latency time.Duration) error {
	contenders := []*contender{
		{label: "bare loop", start: b.startBare("none")},
		{label: "bare loop with two records", start: b.startBare("two")},
		{label: "that loop in batches", start: b.startBare("batches")},
		{label: "ringonce", start: b.startRingonce},
	}
	for round := range b.rounds {
		for _, c := range contenders {
			rate, spent, err := b.once(ctx, latency, c.start)
			if err != nil {
				return err
			}
			c.rates, c.spent = append(c.rates, rate), c.spent.plus(spent)
			c.ratios = append(c.ratios, rate/contenders[0].rates[round])
		}
	}
	for _, c := range contenders {
		fmt.Printf("| %s | %s | %.0f | %s | **%.2f** | %s |\n", provider, c.label, median(c.rates), list(c.ratios), median(c.ratios),
			c.spent.each(b.requests*b.rounds))
	}
	return nil
}

// cost is the CPU time of the three processes.
type cost struct{ worker, broker, provider time.Duration }

func (c cost) plus(d cost) cost {
	return cost{c.worker + d.worker, c.broker + d.broker, c.provider + d.provider}
}

// each returns the microseconds for one call.
func (c cost) each(calls int) string {
	return fmt.Sprintf("%.0f + %.0f + %.0f", microseconds(c.worker, calls), microseconds(c.broker, calls), microseconds(c.provider, calls))
}

func microseconds(d time.Duration, calls int) float64 {
	return float64(d.Microseconds()) / float64(calls)
}

func (b *bench) once(ctx context.Context, latency time.Duration, worker func(context.Context, *environment, string) (*process, error)) (float64, cost, error) {
	env, err := b.newEnvironment(ctx, latency, b.requests)
	if err != nil {
		return 0, cost{}, err
	}
	defer env.close()
	filled := env.broker.used() // publishing the requests is not what is measured
	w, err := worker(ctx, env, "0")
	if err != nil {
		return 0, cost{}, err
	}
	rate, worked, err := env.awaitDrained(ctx, w, b.requests)
	w.stop()
	spent := cost{worker: worked, broker: env.broker.used() - filled, provider: env.provider.used()}
	if err != nil {
		return 0, cost{}, err
	}
	summary, err := env.rung(ctx)
	if err != nil {
		return 0, cost{}, err
	}
	if summary.Rung != b.requests || summary.RungTwice != 0 {
		return 0, cost{}, fmt.Errorf("of %d phones %d rang, %d of them twice", b.requests, summary.Rung, summary.RungTwice)
	}
	return rate, spent, nil
}

// startBare starts a bare loop that writes so many records.
func (b *bench) startBare(records string) func(context.Context, *environment, string) (*process, error) {
	return func(ctx context.Context, env *environment, _ string) (*process, error) {
		return start(ctx, true, nil, b.self, "bare", "-records", records,
			"-nats", env.broker.address, "-provider", env.provider.address, "-in-flight", strconv.Itoa(b.inFlight))
	}
}

func (b *bench) startRingonce(ctx context.Context, env *environment, callsPerSecond string) (*process, error) {
	return start(ctx, false, b.configuration(env, env.provider.address, callsPerSecond), b.binary, "run")
}

func (b *bench) startProfiled(ctx context.Context, env *environment, callsPerSecond string) (*process, error) {
	return start(ctx, false, b.configuration(env, env.provider.address, callsPerSecond), b.self, "worker", "-profile", b.profile)
}

// configuration is that of ringonce, as its environment.
func (b *bench) configuration(env *environment, provider, callsPerSecond string) []string {
	return []string{
		"NATS_URL=" + env.broker.address, "SFVOPI_BASE_URL=" + provider,
		"SFVOPI_API_KEY=" + simulator.DefaultAPIKey, "RINGONCE_HTTP_ADDR=127.0.0.1:0",
		"RINGONCE_STREAMS_REPLICAS=" + strconv.Itoa(b.replicas),
		"RINGONCE_ACCOUNTS_DEFAULT_CALLS_PER_SECOND=" + callsPerSecond,
		"RINGONCE_ACCOUNTS_DEFAULT_CONCURRENCY=" + strconv.Itoa(b.inFlight),
		"RINGONCE_LOG_LEVEL=warn",
	}
}

// memory measures a worker at its default pace while many requests wait.
func (b *bench) memory(ctx context.Context) error {
	const watch = 15 * time.Second
	env, err := b.newEnvironment(ctx, 0, b.waiting)
	if err != nil {
		return err
	}
	defer env.close()
	w, err := b.startRingonce(ctx, env, "10")
	if err != nil {
		return err
	}
	defer w.stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(watch):
	}
	mib, err := w.peakMemory()
	if err != nil {
		return err
	}
	fmt.Printf("\npeak memory of the worker over %s while %d requests wait: **%.0f MiB**\n", watch, b.waiting, mib)
	return nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func list(values []float64) string {
	var s []string
	for _, v := range values {
		s = append(s, fmt.Sprintf("%.2f", v))
	}
	return strings.Join(s, ", ")
}

func machine() string {
	return fmt.Sprintf("%d cores, %s", runtime.NumCPU(), runtime.Version())
}
