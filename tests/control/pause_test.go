package control

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// TestAPauseStopsEveryWorkerWithinASecond while calls are in flight, which
// finish; and it holds for workers that start later, until it is ended.
func TestAPauseStopsEveryWorkerWithinASecond(t *testing.T) {
	number, _, err := call.ParsePhone(simulator.DefaultNumber, call.PossibleNumbers)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		stop   func(*environment) error
		goOn   func(*environment) error
		others bool // requests from other numbers go on
	}{
		{
			"account", func(env *environment) error { return env.control().Pause(env.t.Context(), "default", pause()) },
			func(env *environment) error { return env.control().Resume(env.t.Context(), "default") }, false,
		},
		{
			"all", func(env *environment) error { return env.control().Pause(env.t.Context(), "", pause()) },
			func(env *environment) error { return env.control().Resume(env.t.Context(), "") }, false,
		},
		{
			"number", func(env *environment) error { return env.control().PauseNumber(env.t.Context(), number, pause()) },
			func(env *environment) error { return env.control().ResumeNumber(env.t.Context(), number) }, true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, env *environment) {
				const requests, others = 120, 30
				for _, name := range []string{"one", "two", "three"} {
					env.StartWorker(name)
				}
				env.publish("default", "paused", simulator.DefaultNumber, requests)
				for env.posts(pausedURL) < 10 {
					<-time.After(100 * time.Millisecond)
				}
				if n := env.posts(pausedURL); n > requests/2 {
					t.Fatalf("%d calls went out before the pause", n)
				}
				env.must(c.stop(env))
				<-time.After(time.Second)
				paused := env.posts(pausedURL)
				env.publish("default", "other", anotherNumber, others)
				env.StartWorker("four")
				<-time.After(6 * time.Minute)
				if n := env.posts(pausedURL); n != paused {
					t.Errorf("%d calls went out later than a second after the pause", n-paused)
				}
				if n := env.posts(otherURL); (n == others) != c.others {
					t.Errorf("%d of %d calls from another number went out", n, others)
				}
				states := env.states("default", "paused", requests)
				if states[call.StatePlaced] != paused || states[call.StateUnknown]+states[call.StateDead]+states[call.StateDialling] > 0 {
					t.Errorf("of %d calls in flight or before: %v", paused, states)
				}
				env.must(c.goOn(env))
				<-time.After(11 * time.Minute)
				env.wantRungOnce(requests + others)
			})
		})
	}
}

func pause() call.Pause { return call.Pause{By: "ann", Why: "a test", Since: time.Now().UTC()} }

const (
	pausedURL     = "https://publisher.example/paused"
	otherURL      = "https://publisher.example/other"
	anotherNumber = "+912071531002"
)

// TestAPausedRequestExpires at its deadline and not later.
func TestAPausedRequestExpires(t *testing.T) {
	number, _, err := call.ParsePhone(simulator.DefaultNumber, call.PossibleNumbers)
	if err != nil {
		t.Fatal(err)
	}
	inBubble(t, func(c *configs.Config) { c.Request.MaxAge = time.Hour }, func(t *testing.T, env *environment) {
		env.StartWorker("one")
		<-time.After(time.Second)
		env.must(env.control().PauseNumber(env.t.Context(), number, pause()))
		<-time.After(time.Second) // until it holds everywhere
		env.publish("default", "paused", simulator.DefaultNumber, 20)
		<-time.After(env.Config.Request.MaxAge - time.Minute)
		if states := env.states("default", "paused", 20); states[call.StateWaiting] != 20 {
			t.Errorf("before the deadline: %v", states)
		}
		<-time.After(2 * time.Minute)
		if states := env.states("default", "paused", 20); states[call.StateDead] != 20 {
			t.Errorf("after the deadline: %v", states)
		}
		env.wantRungOnce(0)
	})
}
