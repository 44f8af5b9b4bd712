package crash

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/ringonce/ringonce/internal/reconcile"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/batch"
	"github.com/ringonce/ringonce/tests/harness"
	"github.com/ringonce/ringonce/tests/process"
)

// environment is what the workers of one trial work in.
type environment struct {
	*harness.Environment
	t         *testing.T
	published []reconcile.Published
}

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	w := &environment{t: t, Environment: harness.New(t, simulator.Config{}, nil)}
	if _, err := (queue.Topology{Replicas: 1}).Apply(t.Context(), w.Conn.JetStream()); err != nil {
		t.Fatal(err)
	}
	return w
}

// publish sends a batch.
func (w *environment) publish(kinds []batch.Kind) {
	w.t.Helper()
	now := time.Now()
	for i, k := range kinds {
		for _, m := range k.Messages(i, now) {
			ack, err := w.Conn.JetStream().Publish(w.t.Context(), "calls.requests.default", []byte(m.Body))
			if err != nil {
				w.t.Fatal(err)
			}
			w.published = append(w.published, reconcile.Published{Name: m.Name, OriginKey: reconcile.OriginKey(ack), Body: []byte(m.Body)})
		}
	}
}

// worker starts ours, with points armed if arm is not empty.
func (w *environment) worker(name, arm string) *process.Process {
	w.t.Helper()
	environ := append(w.environ(arm),
		"RINGONCE_PROVIDER_CONNECT_TIMEOUT=200ms", "RINGONCE_PROVIDER_REQUEST_TIMEOUT=500ms",
		"RINGONCE_RETRY_INITIAL_DELAY=100ms", "RINGONCE_RETRY_MAX_DELAY=1s",
		"RINGONCE_ACCOUNTS_DEFAULT_CALLS_PER_SECOND=500", "RINGONCE_ACCOUNTS_DEFAULT_CONCURRENCY=4",
		"RINGONCE_SHUTDOWN_GRACE=20s", "RINGONCE_HTTP_ADDRESS=127.0.0.1:0",
	)
	return process.Start(w.t, name, binaries.ours, []string{"run"}, environ)
}

// naiveWorker starts the worker that is usually written.
func (w *environment) naiveWorker(name, arm string) *process.Process {
	w.t.Helper()
	return process.Start(w.t, name, binaries.usual, nil, w.environ(arm))
}

func (w *environment) environ(arm string) []string {
	environ := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"NATS_URL=" + w.Broker.ClientURL(), "SFVOPI_BASE_URL=" + w.Provider.URL, "SFVOPI_API_KEY=" + simulator.DefaultAPIKey,
	}
	if arm != "" {
		environ = append(environ, "RINGONCE_FAILPOINT="+arm)
	}
	return environ
}

// awaitIdle waits until a worker has no delivery in hand.
func (w *environment) awaitIdle(p *process.Process) {
	w.t.Helper()
	w.Eventually("worker "+p.Name+" has nothing in hand", func() bool {
		return bytes.Contains(p.Metrics(), []byte("\nringonce_in_flight{account=\"default\"} 0\n"))
	})
}

// check hears the witnesses.
func (w *environment) check() reconcile.Report {
	w.t.Helper()
	return reconcile.Check(w.ReconcileInput(w.published))
}

// history tells what a trial went through, for one that failed.
func history(workers ...*process.Process) string {
	var b bytes.Buffer
	for _, p := range workers {
		if p != nil {
			fmt.Fprintf(&b, "--- worker %s\n%s", p.Name, p.Output())
		}
	}
	return b.String()
}
