package cluster

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/internal/reconcile"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
	"github.com/ringonce/ringonce/tests/process"
)

// timeout bounds every wait. A broker without a leader may take ten seconds to
// find one, several times in a row; nothing is asserted about how long it takes.
const timeout = 2 * time.Minute

// environment is a cluster and a provider, with two workers at work under load.
type environment struct {
	*harness.Environment
	t       *testing.T
	brokers *brokers
	load    *load
	workers []*worker
	// copied and declared are how many requests there were when the records were
	// last whole, and when what is left of them was declared valid: 0 if they were
	// never lost.
	copied, declared int
}

// worker is a running ringonce, and the network between it and the brokers.
type worker struct {
	*process.Process
	network []*relay
}

// newEnvironment has two workers at work.
func newEnvironment(t *testing.T) *environment {
	t.Helper()
	b := newBrokers(t)
	env := &environment{t: t, brokers: b, Environment: harness.NewWithBroker(t, b.url(), simulator.Config{}, nil)}
	for _, name := range []string{"A", "B"} {
		env.workers = append(env.workers, env.worker(name, nil))
	}
	for _, worker := range env.workers {
		env.awaitReady(worker)
	}
	env.awaitReplicas()
	env.load = startLoad(t, env.connect(0), env.connect(1), env.connect(2))
	env.awaitRequests(40)
	return env
}

func (env *environment) js() jetstream.JetStream { return env.Conn.JetStream() }

// worker starts one that reaches some of the nodes, all if none is named.
func (env *environment) worker(name string, which []int, more ...string) *worker {
	env.t.Helper()
	started := &worker{}
	var urls []string
	if which == nil {
		which = []int{0, 1, 2}
	}
	for _, i := range which {
		r := newRelay(env.t, loopback(env.brokers.options[i].Port))
		started.network = append(started.network, r)
		urls = append(urls, "nats://"+r.address())
	}
	started.Process = process.Start(env.t, "worker "+name, ringonce, []string{"run"}, env.environ(append([]string{
		"NATS_URL=" + strings.Join(urls, ","),
		"RINGONCE_PROVIDER_CONNECT_TIMEOUT=300ms", "RINGONCE_PROVIDER_REQUEST_TIMEOUT=700ms",
		"RINGONCE_RETRY_INITIAL_DELAY=200ms", "RINGONCE_RETRY_MAX_DELAY=1s",
		"RINGONCE_ACCOUNTS_DEFAULT_CALLS_PER_SECOND=0", "RINGONCE_ACCOUNTS_DEFAULT_CONCURRENCY=8",
		"RINGONCE_SHUTDOWN_GRACE=20s", "RINGONCE_HTTP_ADDRESS=127.0.0.1:0",
	}, more...)...))
	return started
}

func (env *environment) environ(more ...string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"SFVOPI_BASE_URL=" + env.Provider.URL, "SFVOPI_API_KEY=" + simulator.DefaultAPIKey,
		fmt.Sprintf("RINGONCE_STREAMS_REPLICAS=%d", nodes),
	}, more...)
}

// partition changes the network of a worker.
func (w *worker) partition(s network) {
	for _, r := range w.network {
		r.set(s)
	}
}

// hasMetric reports whether a worker's metrics hold this line.
func (w *worker) hasMetric(line string) bool {
	return bytes.Contains(w.Metrics(), []byte("\n"+line+"\n"))
}

func (env *environment) awaitReady(worker *worker) {
	env.t.Helper()
	env.eventually(worker.Name+" is ready", func() bool {
		address := worker.Address()
		if address == "" {
			return false
		}
		request, err := http.NewRequestWithContext(env.t.Context(), http.MethodGet, "http://"+address+"/readyz", nil)
		if err != nil {
			env.t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
}

// eventually waits until the condition holds.
func (env *environment) eventually(what string, holds func() bool) {
	env.t.Helper()
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-limit.C:
			env.t.Fatalf("waited too long until %s\n%s", what, env.history())
		case <-tick.C:
		}
	}
}

// awaitRequests waits until so many more requests reached the provider.
func (env *environment) awaitRequests(n int) {
	env.t.Helper()
	from := env.posts()
	env.eventually(fmt.Sprintf("%d more requests reach the provider", n), func() bool { return env.posts() >= from+n })
}

// hold leaves things as they are for so long.
func (env *environment) hold(d time.Duration) {
	env.t.Helper()
	select {
	case <-time.After(d):
	case <-env.t.Context().Done():
		env.t.Fatal(env.t.Context().Err())
	}
}

func (env *environment) posts() int {
	return env.Simulator.Report(simulator.ReportFilter{RungTwice: true}).Summary.Posts
}

// connect returns a connection to some nodes and no others.
func (env *environment) connect(which ...int) jetstream.JetStream {
	env.t.Helper()
	conn, err := queue.Connect(queue.ConnectOptions{URL: env.brokers.url(which...), Name: "test"})
	env.must(err)
	env.t.Cleanup(conn.Close)
	return conn.JetStream()
}

// awaitReplicas waits until every stream has all its replicas.
func (env *environment) awaitReplicas() {
	env.t.Helper()
	env.eventually("every stream has its replicas", func() bool { return fullyReplicated(env.t.Context(), env.js()) })
}

// leader waits until a stream or a consumer has a leader, and returns its node.
func (env *environment) leader(stream, consumer string) int {
	env.t.Helper()
	return env.leaderOf(env.js(), stream, consumer)
}

func (env *environment) leaderOf(js jetstream.JetStream, stream, consumer string) int {
	env.t.Helper()
	found := -1
	env.eventually("there is a leader of "+stream+" "+consumer, func() bool {
		found = env.brokers.leader(env.t.Context(), js, stream, consumer)
		return found >= 0
	})
	return found
}

// awaitIdle waits until nothing is left to do, and ends the load before.
func (env *environment) awaitIdle() {
	env.t.Helper()
	env.load.end()
	env.eventually("nothing waits any more", func() bool {
		ctx, cancel := context.WithTimeout(env.t.Context(), requestTimeout)
		defer cancel()
		n, err := reconcile.CountMessages(ctx, env.js(), queue.WorkQueues()...)
		return err == nil && n == 0
	})
	for _, worker := range env.workers {
		env.eventually(worker.Name+" has nothing in flight", func() bool { return worker.hasMetric(`ringonce_in_flight{account="default"} 0`) })
	}
}

// check compares the sources.
func (env *environment) check() reconcile.Report {
	env.t.Helper()
	if env.declared > 0 {
		return env.checkDeclared()
	}
	e := env.ReconcileInput(nil)
	e.Published = env.load.all(e)
	return reconcile.Check(e)
}

// stall is the longest time between two POSTs while requests were published.
func (env *environment) stall() time.Duration {
	var posts []time.Time
	for _, c := range env.Simulator.Oracle().Calls {
		for _, p := range c.Posts {
			if !p.At.After(env.load.latest()) {
				posts = append(posts, p.At)
			}
		}
	}
	slices.SortFunc(posts, time.Time.Compare)
	longest := time.Duration(0)
	for i := range posts[:max(0, len(posts)-1)] {
		longest = max(longest, posts[i+1].Sub(posts[i]))
	}
	return longest
}

// history returns the logs of the workers and the brokers, for a trial that failed.
func (env *environment) history() string {
	var b bytes.Buffer
	for _, p := range env.workers {
		fmt.Fprintf(&b, "--- %s\n%s", p.Name, p.Output())
	}
	for _, p := range env.brokers.running {
		fmt.Fprintf(&b, "--- %s\n%s", p.Name, p.Output())
	}
	return b.String()
}

func (w *worker) logged(text string) bool { return bytes.Contains(w.Output(), []byte(text)) }
