package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/ringonce/ringonce/sfvopi/simulator"
)

const (
	fairAccounts = 10
	fairInterval = 200 * time.Millisecond // between the requests of a quiet account
	fairLasts    = 15 * time.Second
	fairLatency  = 50 * time.Millisecond
	fairStart    = 3 * time.Second // for the worker to come up, and the last answers to come
	fairApart    = 1_000_000       // from here on, callees of the account in trouble
)

// fault is what is wrong with the first of ten accounts.
type fault struct {
	label  string
	times  int // as many requests as a quiet one
	atOnce int // so many of them together
	fault  string
	badKey bool
}

// fairness measures how old the requests of nine quiet accounts are when they
// are POSTed, beside a tenth like them and beside one in trouble.
func (b *bench) fairness(ctx context.Context) error {
	troubles := []fault{
		{label: "one more like them", times: 1, atOnce: 1},
		{label: "one with 100 times their load", times: 100, atOnce: 1},
		{label: "that, ten at a time", times: 100, atOnce: 10},
		{label: "one whose provider answers 503", times: 1, atOnce: 1, fault: "gateway_503_html"},
		{label: "one whose provider hangs", times: 1, atOnce: 1, fault: "hang_silent"},
		{label: "one whose key is refused", times: 1, atOnce: 1, badKey: true},
	}
	p50, p99, ratios := make([][]float64, len(troubles)), make([][]float64, len(troubles)), make([][]float64, len(troubles))
	for range b.rounds {
		for i, t := range troubles {
			ages, err := b.neighbours(ctx, t)
			if err != nil {
				return err
			}
			p50[i] = append(p50[i], ages[len(ages)/2])
			p99[i] = append(p99[i], ages[len(ages)*99/100])
			ratios[i] = append(ratios[i], p99[i][len(p99[i])-1]/p99[0][len(p99[0])-1])
		}
	}
	fmt.Printf("\nNine accounts with %.0f requests per second each, without a limit; from publish to POST, in ms:\n\n", float64(time.Second)/float64(fairInterval))
	fmt.Println("| the tenth is | median | p99 | p99 beside the first line, each round | median of that |")
	fmt.Println("|---|---|---|---|---|")
	for i, t := range troubles {
		fmt.Printf("| %s | %.1f | %.1f | %s | **%.2f** |\n", t.label, median(p50[i]), median(p99[i]), list(ratios[i]), median(ratios[i]))
	}
	return nil
}

func fairAccount(i int) string { return fmt.Sprintf("account-%d", i) }

func fairCallee(n int) string { return fmt.Sprintf("+9198%08d", n) }

func fairNumber(i int) string { return fmt.Sprintf("+9120715310%02d", i) }

// neighbours returns the sorted ages of the quiet accounts' requests in ms.
func (b *bench) neighbours(ctx context.Context, t fault) ([]float64, error) {
	env, err := b.newEnvironment(ctx, 0, 0)
	if err != nil {
		return nil, err
	}
	defer env.close()
	sim, address, stop, err := fairProvider(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	config, err := b.fairConfig()
	if err != nil {
		return nil, err
	}
	worker, err := start(ctx, false, []string{
		"NATS_URL=" + env.broker.address, "SFVOPI_BASE_URL=" + address, "RINGONCE_HTTP_ADDR=127.0.0.1:0", "RINGONCE_LOG_LEVEL=error",
	}, b.binary, "run", "--config", config)
	if err != nil {
		return nil, err
	}
	defer worker.stop()
	if err := wait(ctx, fairStart); err != nil {
		return nil, err
	}
	if err := t.inject(sim); err != nil {
		return nil, err
	}
	published, err := env.publishFairly(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := wait(ctx, fairStart); err != nil {
		return nil, err
	}
	var ages []float64
	for _, c := range sim.Oracle().Calls {
		at, ok := published[c.Callee]
		if !ok || len(c.Posts) == 0 {
			continue
		}
		ages = append(ages, c.Posts[0].At.Sub(at).Seconds()*1000)
	}
	if len(ages) != len(published) {
		return nil, fmt.Errorf("beside %s, %d of %d requests of quiet accounts were dialled", t.label, len(ages), len(published))
	}
	slices.Sort(ages)
	return ages, nil
}

// fairProvider serves an organisation for each account, in this process.
func fairProvider(ctx context.Context) (sim *simulator.Simulator, address string, stop func(), err error) {
	config := simulator.Config{NoMagic: true, Latency: simulator.Latency{Fixed: fairLatency}}
	for i := range fairAccounts {
		config.World.Organisations = append(config.World.Organisations, simulator.Organisation{
			Name: fairAccount(i), ID: int64(3000 + i), APIKeys: []string{"key-of-" + fairAccount(i)},
			Apps: []simulator.App{{
				ID: fmt.Sprintf("sfv_app_neighbour%02d", i), Name: fairAccount(i),
				AnswerURL: "https://publisher.example/answer", Numbers: []string{fairNumber(i)},
			}},
		})
	}
	if sim, err = simulator.New(config); err != nil {
		return nil, "", nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", nil, err
	}
	server := &http.Server{Handler: sim, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with stop
	return sim, "http://" + l.Addr().String(), func() { _ = server.Close() }, nil
}

func (b *bench) fairConfig() (path string, err error) {
	var text strings.Builder
	text.WriteString("accounts:\n")
	for i := range fairAccounts {
		fmt.Fprintf(&text, "  %s:\n    api_key: key-of-%[1]s\n    calls_per_second: 0\n", fairAccount(i))
	}
	path = filepath.Join(b.dir, "fairness.yaml")
	return path, os.WriteFile(path, []byte(text.String()), 0o600)
}

func (t fault) inject(sim *simulator.Simulator) error {
	if t.badKey {
		return sim.SetAPIKeys(fairAccount(0), "another-key")
	}
	if t.fault != "" {
		return sim.PutRule(simulator.Rule{Name: t.fault, Fault: t.fault, Organisation: fairAccount(0)})
	}
	return nil
}

// publishFairly publishes for all accounts, the one in trouble by a publisher of its
// own, and returns when it did for each callee of the quiet ones.
func (env *environment) publishFairly(ctx context.Context, t fault) (map[string]time.Time, error) {
	published := map[string]time.Time{}
	var publishers errgroup.Group
	publishers.Go(func() error {
		return env.publishEvenly(ctx, fairInterval/(fairAccounts-1), 1, func(n int) (account int, callee string) {
			callee = fairCallee(n)
			published[callee] = time.Now()
			return 1 + n%(fairAccounts-1), callee
		})
	})
	publishers.Go(func() error {
		return env.publishEvenly(ctx, fairInterval/time.Duration(t.times), t.atOnce, func(n int) (account int, callee string) {
			return 0, fairCallee(fairApart + n)
		})
	})
	return published, publishers.Wait()
}

// publishEvenly publishes so many requests together, one at this distance in the
// mean. Whoever is late makes up for it.
func (env *environment) publishEvenly(ctx context.Context, every time.Duration, atOnce int, next func(n int) (account int, callee string)) error {
	nc, err := nats.Connect(env.broker.address)
	if err != nil {
		return err
	}
	defer nc.Close()
	began := time.Now()
	for n := range int(fairLasts / every) {
		if n%atOnce == 0 {
			if err := wait(ctx, time.Until(began.Add(time.Duration(n)*every))); err != nil {
				return err
			}
		}
		account, callee := next(n)
		body := fmt.Sprintf(`{"from":%q,"to":%q,"answer_url":"https://publisher.example/answer?token=0123456789abcdef"}`, fairNumber(account), callee)
		m := nats.NewMsg("calls.requests." + fairAccount(account))
		m.Data = []byte(body)
		m.Header.Set(nats.MsgIdHdr, "fair-"+strings.TrimPrefix(callee, "+"))
		if err := nc.PublishMsg(m); err != nil {
			return err
		}
	}
	return nc.FlushTimeout(fairStart)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
