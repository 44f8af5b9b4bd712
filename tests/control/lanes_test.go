package control

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/control"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// flags gives what an operator reads.
func (w *environment) flags() control.Flags {
	w.t.Helper()
	f, err := w.control().Read(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// lanes gives what workers say they do for the default account.
func (w *environment) lanes() []string {
	w.t.Helper()
	var said []string
	for _, l := range w.flags().Lanes()["default"] {
		said = append(said, strings.TrimSpace(l.Worker+" "+string(l.State)+" "+string(l.Reason)))
	}
	return said
}

func (w *environment) wantLanes(want ...string) {
	w.t.Helper()
	if got := w.lanes(); !slices.Equal(got, want) {
		w.t.Errorf("the workers say %q, want %q", got, want)
	}
}

// TestWorkersReportTheirLanes soon after it changes; a worker that died says nothing
// within a minute, one that was stopped at once.
func TestWorkersReportTheirLanes(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *environment) {
		const soon = 5 * time.Second
		w.StopProvider()
		one := w.StartWorker("one")
		w.StartWorker("two")
		<-time.After(soon)
		w.wantLanes("one stopped numbers_unknown", "two stopped numbers_unknown")
		w.StartProvider()
		<-time.After(20 * time.Second) // it takes three seconds for each look-up
		w.wantLanes("one running", "two running")

		w.must(w.control().Pause(t.Context(), "default", pause()))
		<-time.After(soon)
		w.wantLanes("one paused", "two paused")
		w.must(w.control().Resume(t.Context(), "default"))
		<-time.After(soon)
		w.wantLanes("one running", "two running")

		one.Network.Cut() // the provider for one, and the broker: it says nothing any more
		<-time.After(time.Minute)
		w.wantLanes("two running")
		one.Network.Heal()
		<-time.After(time.Minute)
		w.wantLanes("one running", "two running")

		w.StopProvider()
		w.publish("default", "call", simulator.DefaultNumber, 100)
		<-time.After(time.Minute)
		for _, l := range w.lanes() {
			if !strings.Contains(l, " open ") && !strings.Contains(l, " probing ") {
				t.Errorf("while the provider is down it says %q", l)
			}
		}
		for _, l := range w.flags().Lanes()["default"] {
			if since := time.Since(l.Since); since < 30*time.Second || since > 70*time.Second {
				t.Errorf("%s says that the provider is down for %s", l.Worker, since)
			}
		}
		w.StartProvider()
		<-time.After(time.Minute)
		w.wantLanes("one running", "two running")
		one.Stop()
		w.wantLanes("two running")
		w.wantRungOnce(100)
	})
}

// TestResumeEndsAThrottleOnEveryWorker: the provider asked for half an hour, and
// an operator knows better.
func TestResumeEndsAThrottleOnEveryWorker(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *environment) {
		const soon = 5 * time.Second
		names := []string{"one", "three", "two"}
		for _, name := range names {
			w.StartWorker(name)
		}
		away := w.StartWorker("zero")
		<-time.After(10 * time.Second)
		w.must(w.Simulator.PutRule(simulator.Rule{Name: "trouble", Fault: "too_many_requests_seconds", RetryAfter: 30 * time.Minute}))
		w.publish("default", "refused", simulator.DefaultNumber, 1)
		<-time.After(2 * soon)
		w.wantLanes("one throttled rate_limited", "three throttled rate_limited", "two throttled rate_limited", "zero throttled rate_limited")
		w.must(w.Simulator.RemoveRule("trouble"))
		w.publish("default", "waits", simulator.DefaultNumber, 30)
		<-time.After(time.Minute)
		if states := w.states("default", "waits", 30); states[call.StatePlaced] != 0 {
			t.Errorf("while it is slowed: %v", states)
		}
		away.Network.Cut()
		w.must(w.control().EndThrottle(t.Context(), "default", "ann", time.Now().Add(-24*time.Hour))) // whatever the operator's clock says
		<-time.After(4 * soon)
		w.wantLanes("one running", "three running", "two running", "zero throttled rate_limited")
		if states := w.states("default", "waits", 30); states[call.StatePlaced] != 30 {
			t.Errorf("after it was resumed: %v", states)
		}
		away.Network.Heal() // it was away from the broker meanwhile
		<-time.After(time.Minute)
		w.wantLanes("one running", "three running", "two running", "zero running")

		w.must(w.Simulator.PutRule(simulator.Rule{Name: "trouble", Fault: "too_many_requests_seconds", RetryAfter: 30 * time.Minute}))
		w.publish("default", "again", simulator.DefaultNumber, 1)
		<-time.After(5 * time.Minute)
		for _, l := range w.lanes() {
			if !strings.Contains(l, " throttled ") {
				t.Errorf("after the provider asked again: %q", l)
			}
		}
	})
}
