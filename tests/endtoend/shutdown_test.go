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
	r := harness.New(t, simulator.Config{Latency: simulator.Latency{Fixed: 400 * time.Millisecond}}, nil)
	one := r.AwaitReady(r.Start("one"))
	const requests = 64
	for i := range requests {
		r.Publish("calls.requests.default", harness.Body(fmt.Sprintf("call-%d", i), fmt.Sprintf("+9198765%05d", i)))
	}
	r.Eventually("calls are claimed", func() bool { return r.Messages(queue.StreamRecords, ">") > 10 })
	if err := one.Stop(); err != nil {
		t.Errorf("stopped with %v", err)
	}
	placed := 0
	for i := range requests {
		switch record := r.Record(fmt.Sprintf("call-%d", i)); record.State {
		case call.StatePlaced:
			placed++
		case call.StateAbsent:
		case call.StateWaiting, call.StateDialling, call.StateDead, call.StateUnknown, call.StateCancelled:
			t.Errorf("call-%d was left %s %s", i, record.State, record.Reason)
		}
	}
	if s := r.Simulator.Oracle().Summary; s.Rung != placed || placed == 0 || placed == requests {
		t.Errorf("%d of %d calls are placed, %d rang", placed, requests, s.Rung)
	}
	c, err := r.Conn.JetStream().Consumer(t.Context(), queue.StreamCalls, "new-default_normal")
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
	r.AwaitReady(r.Start("two"))
	r.AwaitDrained()
	if s := r.Simulator.Oracle().Summary; s.Rung != requests || s.RungTwice != 0 {
		t.Errorf("rang %d phones, %d twice", s.Rung, s.RungTwice)
	}
}

// TestStopGivesUpAfterTheGracePeriod: a call whose answer has not come by then
// may have rung, and is recorded so.
func TestStopGivesUpAfterTheGracePeriod(t *testing.T) {
	t.Parallel()
	r := harness.New(t, simulator.Config{Rules: []simulator.Rule{{Name: "hang", Fault: "hang_rang"}}}, nil)
	r.Config.ShutdownGrace = 200 * time.Millisecond
	r.Config.Provider.RequestTimeout = time.Minute
	one := r.AwaitReady(r.Start("one"))
	r.Publish("calls.requests.default", harness.Body("a", callee))
	r.Eventually("the call is on its way", func() bool { return r.Simulator.Rung(callee) == 1 })
	if err := one.Stop(); err != nil {
		t.Errorf("stopped with %v", err)
	}
	if record := r.Record("a"); record.State != call.StateUnknown {
		t.Errorf("it was left %s", record.State)
	}
	if n := r.Messages(queue.StreamDead, "calls.dead.default.outcome_unknown.a"); n != 1 {
		t.Errorf("%d dead letters", n)
	}
}

// TestTwoWorkers share the work, through refusals and retries, and ring every
// phone once.
func TestTwoWorkers(t *testing.T) {
	t.Parallel()
	r := harness.New(t, simulator.Config{Rules: []simulator.Rule{{Name: "busy", Fault: "initiate_failed", Rate: 0.5, First: 2}}}, nil)
	r.AwaitReady(r.Start("one"))
	r.AwaitReady(r.Start("two"))
	const requests = 300
	for i := range requests {
		r.Publish("calls.requests.default", harness.Body(fmt.Sprintf("call-%d", i), fmt.Sprintf("+9198765%05d", i)))
	}
	r.AwaitDrained()
	by := map[string]int{}
	for i := range requests {
		record := r.AwaitState(fmt.Sprintf("call-%d", i), call.StatePlaced)
		by[record.Attempts[len(record.Attempts)-1].Worker]++
	}
	if s := r.Simulator.Oracle().Summary; s.Rung != requests || s.RungTwice != 0 || s.Posts <= requests {
		t.Errorf("%d POSTs rang %d phones, %d twice", s.Posts, s.Rung, s.RungTwice)
	}
	if by["one"] == 0 || by["two"] == 0 {
		t.Errorf("the work was not shared: %v", by)
	}
}
