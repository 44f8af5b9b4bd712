// Command bench measures ringonce beside a bare loop that pulls, POSTs and
// acknowledges, and beside that loop with two records written for each call, one
// by one and in batches, in one run and in turns, with broker, provider and worker in processes of their
// own. Figures of two runs are not comparable: the machine is shared and its
// speed drifts. The ratio within one run is what counts.
//
//	go run ./tests/bench            # the whole table
//	go run ./tests/bench -rounds 1  # quicker, and noisier
//	go run ./tests/bench -versus OLD -rounds 12 -requests 10000  # two builds of ringonce
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// plan is what is measured.
type plan struct {
	requests int
	inFlight int
	rounds   int
	waiting  int
	binary   string
	other    string
	sync     bool
	replicas int
	only     string
	profile  string
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "broker":
			return serveBroker(ctx, args[1:])
		case "provider":
			return serveProvider(ctx, args[1:])
		case "bare":
			return bareLoop(ctx, args[1:])
		case "worker":
			return serveWorker(ctx, args[1:])
		}
	}
	var p plan
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&p.requests, "requests", 20000, "requests in each run")
	flags.IntVar(&p.inFlight, "in-flight", 64, "POSTs in flight")
	flags.IntVar(&p.rounds, "rounds", 3, "times each pair is measured")
	flags.IntVar(&p.waiting, "waiting", 100000, "requests that wait behind what is measured (memory, priority, scale)")
	flags.StringVar(&p.binary, "ringonce", "", "a ringonce binary; built if empty")
	flags.StringVar(&p.other, "versus", "", "only compare -ringonce with this older build of it, in pairs (-rounds): the worker's CPU time, with an interval")
	flags.BoolVar(&p.sync, "sync", false, "the broker forces each message to the disk (sync_interval: always)")
	flags.IntVar(&p.replicas, "replicas", 1, "brokers in a cluster, and replicas of each stream")
	flags.StringVar(&p.only, "only", "", "instant, slow, memory, priority, scale, limit or fairness: only that part")
	flags.StringVar(&p.profile, "profile", "", "only profile ringonce, and leave the profiles in this directory")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := newBench(ctx, p)
	if err != nil {
		return err
	}
	defer b.close()
	return b.measure(ctx)
}

func (b *bench) measure(ctx context.Context) error {
	fmt.Printf("%d requests, %d in flight, %d rounds, %s\n\n", b.requests, b.inFlight, b.rounds, machine())
	measure := b.compare
	if b.other != "" {
		measure = b.versus
		fmt.Println("CPU is the worker's, in µs for each call, and the median; a ratio is that of the pairs, with its 95 % interval.")
		fmt.Println()
		fmt.Println("| provider | pairs | CPU, old | CPU, new | new / old | calls/s, old | calls/s, new | new / old |")
		fmt.Println("|---|---|---|---|---|---|---|---|")
	} else {
		fmt.Println("CPU is in µs for each call: worker + broker + provider.")
		fmt.Println()
		fmt.Println("| provider | worker | calls/s | beside the bare loop, each round | median | CPU |")
		fmt.Println("|---|---|---|---|---|---|")
	}
	for _, part := range []struct {
		name    string
		label   string
		latency time.Duration
	}{{"instant", "answers at once", 0}, {"slow", "takes 50 ms", 50 * time.Millisecond}} {
		if b.only != "" && b.only != part.name {
			continue
		}
		if b.profile != "" {
			if _, _, err := b.once(ctx, part.latency, b.startProfiled); err != nil {
				return err
			}
			continue
		}
		if err := measure(ctx, part.label, part.latency); err != nil {
			return err
		}
	}
	if b.profile != "" || b.other != "" {
		return nil
	}
	for _, part := range []struct {
		name    string
		measure func(context.Context) error
	}{{"memory", b.memory}, {"priority", b.priority}, {"scale", b.scale}, {"limit", b.limit}, {"fairness", b.fairness}} {
		if b.only != "" && b.only != part.name {
			continue
		}
		if err := part.measure(ctx); err != nil {
			return err
		}
	}
	return nil
}
