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
	env := &environment{t: t, Environment: harness.New(t, simulator.Config{}, nil)}
	if _, err := (queue.Topology{Replicas: 1}).Apply(t.Context(), env.Conn.JetStream()); err != nil {
		t.Fatal(err)
	}
	return env
}

// publish sends a batch.
func (env *environment) publish(kinds []batch.Kind) {
	env.t.Helper()
	now := time.Now()
	for i, k := range kinds {
		for _, m := range k.Messages(i, now) {
			ack, err := env.Conn.JetStream().Publish(env.t.Context(), "calls.requests.default", []byte(m.Body))
			if err != nil {
				env.t.Fatal(err)
			}
			env.published = append(env.published, reconcile.Published{Name: m.Name, OriginKey: reconcile.OriginKey(ack), Body: []byte(m.Body)})
		}
	}
}

// worker starts ours, with points armed if arm is not empty.
func (env *environment) worker(name, arm string) *process.Process {
	env.t.Helper()
	environ := append(env.environ(arm),
		"RINGONCE_PROVIDER_CONNECT_TIMEOUT=200ms", "RINGONCE_PROVIDER_REQUEST_TIMEOUT=500ms",
		"RINGONCE_RETRY_INITIAL_DELAY=100ms", "RINGONCE_RETRY_MAX_DELAY=1s",
		"RINGONCE_ACCOUNTS_DEFAULT_CALLS_PER_SECOND=500", "RINGONCE_ACCOUNTS_DEFAULT_CONCURRENCY=4",
		"RINGONCE_SHUTDOWN_GRACE=20s", "RINGONCE_HTTP_ADDRESS=127.0.0.1:0",
	)
	return process.Start(env.t, name, binaries.ours, []string{"run"}, environ)
}

// naiveWorker starts the naive worker.
func (env *environment) naiveWorker(name, arm string) *process.Process {
	env.t.Helper()
	return process.Start(env.t, name, binaries.naive, nil, env.environ(arm))
}

func (env *environment) environ(arm string) []string {
	environ := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"NATS_URL=" + env.Broker.ClientURL(), "SFVOPI_BASE_URL=" + env.Provider.URL, "SFVOPI_API_KEY=" + simulator.DefaultAPIKey,
	}
	if arm != "" {
		environ = append(environ, "RINGONCE_FAILPOINT="+arm)
	}
	return environ
}

// awaitIdle waits until a worker has no call in flight.
func (env *environment) awaitIdle(p *process.Process) {
	env.t.Helper()
	env.Eventually("worker "+p.Name+" has nothing in flight", func() bool {
		return bytes.Contains(p.Metrics(), []byte("\nringonce_in_flight{account=\"default\"} 0\n"))
	})
}

// check compares the sources.
func (env *environment) check() reconcile.Report {
	env.t.Helper()
	return reconcile.Check(env.ReconcileInput(env.published))
}

// history returns the logs of a trial, for one that failed.
func history(workers ...*process.Process) string {
	var b bytes.Buffer
	for _, p := range workers {
		if p != nil {
			fmt.Fprintf(&b, "--- worker %s\n%s", p.Name, p.Output())
		}
	}
	return b.String()
}
