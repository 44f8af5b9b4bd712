package endtoend_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
)

// TestStopFinishesWhatWasClaimed and hands back the rest, for another worker at
// once.
func TestStopFinishesWhatWasClaimed(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{Latency: simulator.Latency{Fixed: 400 * time.Millisecond}}, nil)
	one := env.AwaitReady(env.Start("one"))
	const requests = 64
	for i := range requests {
		env.Publish("calls.requests.default", harness.Body(fmt.Sprintf("call-%d", i), fmt.Sprintf("+9198765%05d", i)))
	}
	env.Eventually("calls are claimed", func() bool { return env.Messages(queue.StreamRecords, ">") > 10 })
	if err := one.Stop(); err != nil {
		t.Errorf("stopped with %v", err)
	}
	placed := 0
	for i := range requests {
		switch record := env.Record(fmt.Sprintf("call-%d", i)); record.State {
		case call.StatePlaced:
			placed++
		case call.StateAbsent:
		case call.StateWaiting, call.StateDialling, call.StateDead, call.StateUnknown, call.StateCancelled:
			t.Errorf("call-%d was left %s %s", i, record.State, record.Reason)
		}
	}
	if s := env.Simulator.Oracle().Summary; s.Rung != placed || placed == 0 || placed == requests {
		t.Errorf("%d of %d calls are placed, %d rang", placed, requests, s.Rung)
	}
	c, err := env.Conn.JetStream().Consumer(t.Context(), queue.StreamCalls, "new-default_normal")
	if err != nil {
		t.Fatal(err)
	}
	batch, err := c.FetchNoWait(requests)
	if err != nil {
		t.Fatal(err)
	}
	var left []jetstream.Msg
	for m := range batch.Messages() {
		left = append(left, m)
	}
	if len(left) != requests-placed {
		t.Errorf("%d requests can be pulled at once, of %d", len(left), requests-placed)
	}
	for _, m := range left {
		if err := m.Nak(); err != nil {
			t.Error(err)
		}
	}
	env.AwaitReady(env.Start("two"))
	env.AwaitDrained()
	if s := env.Simulator.Oracle().Summary; s.Rung != requests || s.RungTwice != 0 {
		t.Errorf("rang %d phones, %d twice", s.Rung, s.RungTwice)
	}
}

// TestStopGivesUpAfterTheGracePeriod: a call whose answer has not come by then
// may have rung, and is recorded so.
func TestStopGivesUpAfterTheGracePeriod(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{Rules: []simulator.Rule{{Name: "hang", Fault: "hang_rang"}}}, nil)
	env.Config.ShutdownGrace = 200 * time.Millisecond
	env.Config.Provider.RequestTimeout = time.Minute
	one := env.AwaitReady(env.Start("one"))
	env.Publish("calls.requests.default", harness.Body("a", callee))
	env.Eventually("the call is on its way", func() bool { return env.Simulator.Rung(callee) == 1 })
	if err := one.Stop(); err != nil {
		t.Errorf("stopped with %v", err)
	}
	if record := env.Record("a"); record.State != call.StateUnknown {
		t.Errorf("it was left %s", record.State)
	}
	if n := env.Messages(queue.StreamDead, "calls.dead.default.outcome_unknown.a"); n != 1 {
		t.Errorf("%d dead letters", n)
	}
}

// TestTwoWorkers share the work, through refusals and retries, and ring every
// phone once.
func TestTwoWorkers(t *testing.T) {
	t.Parallel()
	env := harness.New(t, simulator.Config{Rules: []simulator.Rule{{Name: "busy", Fault: "initiate_failed", Rate: 0.5, First: 2}}}, nil)
	env.AwaitReady(env.Start("one"))
	env.AwaitReady(env.Start("two"))
	const requests = 300
	for i := range requests {
		env.Publish("calls.requests.default", harness.Body(fmt.Sprintf("call-%d", i), fmt.Sprintf("+9198765%05d", i)))
	}
	env.AwaitDrained()
	by := map[string]int{}
	for i := range requests {
		record := env.AwaitState(fmt.Sprintf("call-%d", i), call.StatePlaced)
		by[record.Attempts[len(record.Attempts)-1].Worker]++
	}
	if s := env.Simulator.Oracle().Summary; s.Rung != requests || s.RungTwice != 0 || s.Posts <= requests {
		t.Errorf("%d POSTs rang %d phones, %d twice", s.Posts, s.Rung, s.RungTwice)
	}
	if by["one"] == 0 || by["two"] == 0 {
		t.Errorf("the work was not shared: %v", by)
	}
}
