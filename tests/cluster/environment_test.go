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
	w := &environment{t: t, brokers: b, Environment: harness.NewWithBroker(t, b.url(), simulator.Config{}, nil)}
	for _, name := range []string{"A", "B"} {
		w.workers = append(w.workers, w.worker(name, nil))
	}
	for _, worker := range w.workers {
		w.awaitReady(worker)
	}
	w.awaitReplicas()
	w.load = startLoad(t, w.connect(0), w.connect(1), w.connect(2))
	w.awaitRequests(40)
	return w
}

func (w *environment) js() jetstream.JetStream { return w.Conn.JetStream() }

// worker starts one that reaches some of the nodes, all if none is named.
func (w *environment) worker(name string, which []int, more ...string) *worker {
	w.t.Helper()
	started := &worker{}
	var urls []string
	if which == nil {
		which = []int{0, 1, 2}
	}
	for _, i := range which {
		r := newRelay(w.t, loopback(w.brokers.options[i].Port))
		started.network = append(started.network, r)
		urls = append(urls, "nats://"+r.address())
	}
	started.Process = process.Start(w.t, "worker "+name, ringonce, []string{"run"}, w.environ(append([]string{
		"NATS_URL=" + strings.Join(urls, ","),
		"RINGONCE_PROVIDER_CONNECT_TIMEOUT=300ms", "RINGONCE_PROVIDER_REQUEST_TIMEOUT=700ms",
		"RINGONCE_RETRY_INITIAL_DELAY=200ms", "RINGONCE_RETRY_MAX_DELAY=1s",
		"RINGONCE_ACCOUNTS_DEFAULT_CALLS_PER_SECOND=0", "RINGONCE_ACCOUNTS_DEFAULT_CONCURRENCY=8",
		"RINGONCE_SHUTDOWN_GRACE=20s", "RINGONCE_HTTP_ADDRESS=127.0.0.1:0",
	}, more...)...))
	return started
}

func (w *environment) environ(more ...string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"SFVOPI_BASE_URL=" + w.Provider.URL, "SFVOPI_API_KEY=" + simulator.DefaultAPIKey,
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

func (w *environment) awaitReady(worker *worker) {
	w.t.Helper()
	w.eventually(worker.Name+" is ready", func() bool {
		address := worker.Address()
		if address == "" {
			return false
		}
		request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+address+"/readyz", nil)
		if err != nil {
			w.t.Fatal(err)
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
func (w *environment) eventually(what string, holds func() bool) {
	w.t.Helper()
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-limit.C:
			w.t.Fatalf("waited too long until %s\n%s", what, w.history())
		case <-tick.C:
		}
	}
}

// awaitRequests waits until so many more requests reached the provider.
func (w *environment) awaitRequests(n int) {
	w.t.Helper()
	from := w.posts()
	w.eventually(fmt.Sprintf("%d more requests reach the provider", n), func() bool { return w.posts() >= from+n })
}

// hold leaves things as they are for so long.
func (w *environment) hold(d time.Duration) {
	w.t.Helper()
	select {
	case <-time.After(d):
	case <-w.t.Context().Done():
		w.t.Fatal(w.t.Context().Err())
	}
}

func (w *environment) posts() int {
	return w.Simulator.Report(simulator.ReportFilter{RungTwice: true}).Summary.Posts
}

// connect gives a connection to some nodes and no others.
func (w *environment) connect(which ...int) jetstream.JetStream {
	w.t.Helper()
	conn, err := queue.Connect(queue.ConnectOptions{URL: w.brokers.url(which...), Name: "test"})
	w.must(err)
	w.t.Cleanup(conn.Close)
	return conn.JetStream()
}

// awaitReplicas waits until every stream has all its replicas.
func (w *environment) awaitReplicas() {
	w.t.Helper()
	w.eventually("every stream has its replicas", func() bool { return fullyReplicated(w.t.Context(), w.js()) })
}

// leader waits until a stream or a consumer has a leader, and gives its node.
func (w *environment) leader(stream, consumer string) int {
	w.t.Helper()
	return w.leaderOf(w.js(), stream, consumer)
}

func (w *environment) leaderOf(js jetstream.JetStream, stream, consumer string) int {
	w.t.Helper()
	found := -1
	w.eventually("there is a leader of "+stream+" "+consumer, func() bool {
		found = w.brokers.leader(w.t.Context(), js, stream, consumer)
		return found >= 0
	})
	return found
}

// awaitIdle waits until nothing is left to do, and ends the load before.
func (w *environment) awaitIdle() {
	w.t.Helper()
	w.load.end()
	w.eventually("nothing waits any more", func() bool {
		ctx, cancel := context.WithTimeout(w.t.Context(), requestTimeout)
		defer cancel()
		n, err := reconcile.CountMessages(ctx, w.js(), queue.WorkQueues()...)
		return err == nil && n == 0
	})
	for _, worker := range w.workers {
		w.eventually(worker.Name+" has nothing in hand", func() bool { return worker.hasMetric(`ringonce_in_flight{account="default"} 0`) })
	}
}

// check hears the witnesses.
func (w *environment) check() reconcile.Report {
	w.t.Helper()
	if w.declared > 0 {
		return w.checkDeclared()
	}
	e := w.ReconcileInput(nil)
	e.Published = w.load.all(e)
	return reconcile.Check(e)
}

// stall is the longest time between two POSTs while requests were published.
func (w *environment) stall() time.Duration {
	var posts []time.Time
	for _, c := range w.Simulator.Oracle().Calls {
		for _, p := range c.Posts {
			if !p.At.After(w.load.latest()) {
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

// history tells what the workers went through, for a trial that failed.
func (w *environment) history() string {
	var b bytes.Buffer
	for _, p := range w.workers {
		fmt.Fprintf(&b, "--- %s\n%s", p.Name, p.Output())
	}
	for _, p := range w.brokers.running {
		fmt.Fprintf(&b, "--- %s\n%s", p.Name, p.Output())
	}
	return b.String()
}

func (w *worker) logged(text string) bool { return bytes.Contains(w.Output(), []byte(text)) }
