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

// restart gives the way to start the rig's broker again, with its files and at
// its address, after it was stopped.
func restart(t *testing.T, r *harness.Environment) func() {
	t.Helper()
	dir := filepath.Dir(r.Broker.JetStreamConfig().StoreDir)
	u, err := url.Parse(r.Broker.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		r.Eventually("the test misses its connection", func() bool { return !r.Conn.NATS().IsConnected() })
		broker, err := embedded.Start(embedded.Options{Dir: dir, Port: port, Listen: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(broker.Stop)
		r.Broker = broker
		r.Eventually("the test connects again", func() bool { return r.Conn.NATS().IsConnected() })
	}
}

// TestNATSIsDownAtFirst and the worker waits, not ready and alive.
func TestNATSIsDownAtFirst(t *testing.T) {
	t.Parallel()
	r := harness.New(t, simulator.Config{}, nil)
	up := restart(t, r)
	r.Broker.Stop()
	w := r.Start("one")
	r.Eventually("the worker tells that it is not ready", func() bool { return w.App.Ready() != nil })
	up()
	r.AwaitReady(w)
	r.Publish("calls.requests.default", harness.Body("a", callee))
	r.AwaitState("a", call.StatePlaced)
	r.AwaitDrained()
	if err := w.Stop(); err != nil {
		t.Error(err)
	}
}

// TestNATSIsDownAllAlong and the worker stops when it is told to.
func TestNATSIsDownAllAlong(t *testing.T) {
	t.Parallel()
	r := harness.New(t, simulator.Config{}, nil)
	r.Broker.Stop()
	if err := r.Start("one").Stop(); err != nil {
		t.Error(err)
	}
}

// TestNATSRestartsMidway while calls are on their way: each still rings once,
// and what the provider answered meanwhile is not lost.
func TestNATSRestartsMidway(t *testing.T) {
	t.Parallel()
	r := harness.New(t, simulator.Config{Latency: simulator.Latency{Fixed: 100 * time.Millisecond}}, nil)
	up := restart(t, r)
	workers := []*harness.Worker{r.AwaitReady(r.Start("one")), r.AwaitReady(r.Start("two"))}
	const requests = 200
	for i := range requests {
		r.Publish("calls.requests.default", harness.Body(fmt.Sprintf("call-%d", i), fmt.Sprintf("+9198765%05d", i)))
	}
	r.Eventually("calls go out", func() bool { return r.Simulator.Oracle().Summary.Posts > 40 })
	r.Broker.Stop()
	up()
	for i := range requests {
		r.Eventually(fmt.Sprintf("call-%d ends", i), func() bool {
			record := r.Record(fmt.Sprintf("call-%d", i))
			if record.State.Final() && record.State != call.StatePlaced {
				t.Fatalf("call-%d ended %s %s", i, record.State, record.Reason)
			}
			return record.State == call.StatePlaced || record.State == call.StateUnknown
		})
	}
	r.AwaitDrained()
	// Whoever placed a call tells so, also after another worker gave it up.
	var placed, unknown int
	r.Eventually("every phone that rang is known to have rung, and every letter is of an unknown call", func() bool {
		placed, unknown = 0, 0
		for i := range requests {
			switch r.Record(fmt.Sprintf("call-%d", i)).State {
			case call.StatePlaced:
				placed++
			case call.StateUnknown:
				unknown++
			case call.StateAbsent, call.StateWaiting, call.StateDialling, call.StateDead, call.StateCancelled:
			}
		}
		return placed+unknown == requests && r.Simulator.Oracle().Summary.Rung == placed && r.Messages(queue.StreamDead, ">") == unknown
	})
	if s := r.Simulator.Oracle().Summary; s.RungTwice != 0 {
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
