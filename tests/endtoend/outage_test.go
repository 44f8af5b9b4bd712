package endtoend_test

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/embedded"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
)

// restart returns a function that starts the broker again, with its files and at
// its address, after it was stopped.
func restart(t *testing.T, env *harness.Environment) func() {
	t.Helper()
	dir := filepath.Dir(env.Broker.JetStreamConfig().StoreDir)
	u, err := url.Parse(env.Broker.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		env.Eventually("the test misses its connection", func() bool { return !env.Conn.NATS().IsConnected() })
		broker, err := embedded.Start(embedded.Options{Dir: dir, Port: port, Listen: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(broker.Stop)
		env.Broker = broker
		env.Eventually("the test connects again", func() bool { return env.Conn.NATS().IsConnected() })
	}
}

// TestNATSIsDownAtFirst and the worker waits, not ready and alive.
func TestNATSIsDownAtFirst(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{}, nil)
	up := restart(t, env)
	env.Broker.Stop()
	w := env.Start("one")
	env.Eventually("the worker is not ready", func() bool { return w.App.Ready() != nil })
	up()
	env.AwaitReady(w)
	env.Publish("calls.requests.default", harness.Body("a", callee))
	env.AwaitState("a", call.StatePlaced)
	env.AwaitDrained()
	if err := w.Stop(); err != nil {
		t.Error(err)
	}
}

// TestNATSIsDownAllAlong and the worker stops on a signal.
func TestNATSIsDownAllAlong(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{}, nil)
	env.Broker.Stop()
	if err := env.Start("one").Stop(); err != nil {
		t.Error(err)
	}
}

// TestNATSRestartsMidway while calls are on their way: each still rings once,
// and what the provider answered meanwhile is not lost.
func TestNATSRestartsMidway(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{Latency: simulator.Latency{Fixed: 100 * time.Millisecond}}, nil)
	up := restart(t, env)
	workers := []*harness.Worker{env.AwaitReady(env.Start("one")), env.AwaitReady(env.Start("two"))}
	const requests = 200
	for i := range requests {
		env.Publish("calls.requests.default", harness.Body(fmt.Sprintf("call-%d", i), fmt.Sprintf("+9198765%05d", i)))
	}
	env.Eventually("calls go out", func() bool { return env.Simulator.Oracle().Summary.Posts > 40 })
	env.Broker.Stop()
	up()
	for i := range requests {
		env.Eventually(fmt.Sprintf("call-%d ends", i), func() bool {
			record := env.Record(fmt.Sprintf("call-%d", i))
			if record.State.Final() && record.State != call.StatePlaced {
				t.Fatalf("call-%d ended %s %s", i, record.State, record.Reason)
			}
			return record.State == call.StatePlaced || record.State == call.StateUnknown
		})
	}
	env.AwaitDrained()
	// A worker that placed a call records that, also after another gave it up.
	var placed, unknown int
	env.Eventually("every phone that rang is known to have rung, and every letter is of an unknown call", func() bool {
		placed, unknown = 0, 0
		for i := range requests {
			switch env.Record(fmt.Sprintf("call-%d", i)).State {
			case call.StatePlaced:
				placed++
			case call.StateUnknown:
				unknown++
			case call.StateAbsent, call.StateWaiting, call.StateDialling, call.StateDead, call.StateCancelled:
			}
		}
		return placed+unknown == requests && env.Simulator.Oracle().Summary.Rung == placed && env.Messages(queue.StreamDead, ">") == unknown
	})
	if s := env.Simulator.Oracle().Summary; s.RungTwice != 0 {
		t.Errorf("%d phones rang twice; %d calls are placed, %d unknown", s.RungTwice, placed, unknown)
	}
	// Only claims whose answer was lost, and never confirmed, are unknown.
	if unknown > 2*16 {
		t.Errorf("%d calls are unknown", unknown)
	}
	for _, w := range workers {
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
	}
}
