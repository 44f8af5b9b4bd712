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

// flags returns the control flags.
func (env *environment) flags() control.Flags {
	env.t.Helper()
	f, err := env.control().Read(env.t.Context())
	if err != nil {
		env.t.Fatal(err)
	}
	return f
}

// lanes returns what workers report for the default account.
func (env *environment) lanes() []string {
	env.t.Helper()
	var said []string
	for _, l := range env.flags().Lanes()["default"] {
		said = append(said, strings.TrimSpace(l.Worker+" "+string(l.State)+" "+string(l.Reason)))
	}
	return said
}

func (env *environment) wantLanes(want ...string) {
	env.t.Helper()
	if got := env.lanes(); !slices.Equal(got, want) {
		env.t.Errorf("the workers say %q, want %q", got, want)
	}
}

// TestWorkersReportTheirLanes soon after it changes; a worker that died says nothing
// within a minute, one that was stopped at once.
func TestWorkersReportTheirLanes(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, env *environment) {
		const soon = 5 * time.Second
		env.StopProvider()
		one := env.StartWorker("one")
		env.StartWorker("two")
		<-time.After(soon)
		env.wantLanes("one stopped numbers_unknown", "two stopped numbers_unknown")
		env.StartProvider()
		<-time.After(20 * time.Second) // it takes three seconds for each look-up
		env.wantLanes("one running", "two running")

		env.must(env.control().Pause(t.Context(), "default", pause()))
		<-time.After(soon)
		env.wantLanes("one paused", "two paused")
		env.must(env.control().Resume(t.Context(), "default"))
		<-time.After(soon)
		env.wantLanes("one running", "two running")

		one.Network.Cut() // the provider for one, and the broker: it says nothing any more
		<-time.After(time.Minute)
		env.wantLanes("two running")
		one.Network.Heal()
		<-time.After(time.Minute)
		env.wantLanes("one running", "two running")

		env.StopProvider()
		env.publish("default", "call", simulator.DefaultNumber, 100)
		<-time.After(time.Minute)
		for _, l := range env.lanes() {
			if !strings.Contains(l, " open ") && !strings.Contains(l, " probing ") {
				t.Errorf("while the provider is down it says %q", l)
			}
		}
		for _, l := range env.flags().Lanes()["default"] {
			if since := time.Since(l.Since); since < 30*time.Second || since > 70*time.Second {
				t.Errorf("%s says that the provider is down for %s", l.Worker, since)
			}
		}
		env.StartProvider()
		<-time.After(time.Minute)
		env.wantLanes("one running", "two running")
		one.Stop()
		env.wantLanes("two running")
		env.wantRungOnce(100)
	})
}

// TestResumeEndsAThrottleOnEveryWorker: the provider asked for half an hour, and
// an operator knows better.
func TestResumeEndsAThrottleOnEveryWorker(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, env *environment) {
		const soon = 5 * time.Second
		names := []string{"one", "three", "two"}
		for _, name := range names {
			env.StartWorker(name)
		}
		away := env.StartWorker("zero")
		<-time.After(10 * time.Second)
		env.must(env.Simulator.PutRule(simulator.Rule{Name: "trouble", Fault: "too_many_requests_seconds", RetryAfter: 30 * time.Minute}))
		env.publish("default", "refused", simulator.DefaultNumber, 1)
		<-time.After(2 * soon)
		env.wantLanes("one throttled rate_limited", "three throttled rate_limited", "two throttled rate_limited", "zero throttled rate_limited")
		env.must(env.Simulator.RemoveRule("trouble"))
		env.publish("default", "waits", simulator.DefaultNumber, 30)
		<-time.After(time.Minute)
		if states := env.states("default", "waits", 30); states[call.StatePlaced] != 0 {
			t.Errorf("while it is slowed: %v", states)
		}
		away.Network.Cut()
		env.must(env.control().EndThrottle(t.Context(), "default", "ann", time.Now().Add(-24*time.Hour))) // whatever the operator's clock says
		<-time.After(4 * soon)
		env.wantLanes("one running", "three running", "two running", "zero throttled rate_limited")
		if states := env.states("default", "waits", 30); states[call.StatePlaced] != 30 {
			t.Errorf("after it was resumed: %v", states)
		}
		away.Network.Heal() // it was away from the broker meanwhile
		<-time.After(time.Minute)
		env.wantLanes("one running", "three running", "two running", "zero running")

		env.must(env.Simulator.PutRule(simulator.Rule{Name: "trouble", Fault: "too_many_requests_seconds", RetryAfter: 30 * time.Minute}))
		env.publish("default", "again", simulator.DefaultNumber, 1)
		<-time.After(5 * time.Minute)
		for _, l := range env.lanes() {
			if !strings.Contains(l, " throttled ") {
				t.Errorf("after the provider asked again: %q", l)
			}
		}
	})
}
