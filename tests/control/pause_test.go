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
			"account", func(w *environment) error { return w.control().Pause(w.t.Context(), "default", pause()) },
			func(w *environment) error { return w.control().Resume(w.t.Context(), "default") }, false,
		},
		{
			"all", func(w *environment) error { return w.control().Pause(w.t.Context(), "", pause()) },
			func(w *environment) error { return w.control().Resume(w.t.Context(), "") }, false,
		},
		{
			"number", func(w *environment) error { return w.control().PauseNumber(w.t.Context(), number, pause()) },
			func(w *environment) error { return w.control().ResumeNumber(w.t.Context(), number) }, true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, w *environment) {
				const requests, others = 120, 30
				for _, name := range []string{"one", "two", "three"} {
					w.StartWorker(name)
				}
				w.publish("default", "paused", simulator.DefaultNumber, requests)
				for w.posts(pausedURL) < 10 {
					<-time.After(100 * time.Millisecond)
				}
				if n := w.posts(pausedURL); n > requests/2 {
					t.Fatalf("%d calls went out before the pause", n)
				}
				w.must(c.stop(w))
				<-time.After(time.Second)
				paused := w.posts(pausedURL)
				w.publish("default", "other", anotherNumber, others)
				w.StartWorker("four")
				<-time.After(6 * time.Minute)
				if n := w.posts(pausedURL); n != paused {
					t.Errorf("%d calls went out later than a second after the pause", n-paused)
				}
				if n := w.posts(otherURL); (n == others) != c.others {
					t.Errorf("%d of %d calls from another number went out", n, others)
				}
				states := w.states("default", "paused", requests)
				if states[call.StatePlaced] != paused || states[call.StateUnknown]+states[call.StateDead]+states[call.StateDialling] > 0 {
					t.Errorf("of %d calls in flight or before: %v", paused, states)
				}
				w.must(c.goOn(w))
				<-time.After(11 * time.Minute)
				w.wantRungOnce(requests + others)
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
	inBubble(t, func(c *configs.Config) { c.Request.MaxAge = time.Hour }, func(t *testing.T, w *environment) {
		w.StartWorker("one")
		<-time.After(time.Second)
		w.must(w.control().PauseNumber(w.t.Context(), number, pause()))
		<-time.After(time.Second) // until it holds everywhere
		w.publish("default", "paused", simulator.DefaultNumber, 20)
		<-time.After(w.Config.Request.MaxAge - time.Minute)
		if states := w.states("default", "paused", 20); states[call.StateWaiting] != 20 {
			t.Errorf("before the deadline: %v", states)
		}
		<-time.After(2 * time.Minute)
		if states := w.states("default", "paused", 20); states[call.StateDead] != 20 {
			t.Errorf("after the deadline: %v", states)
		}
		w.wantRungOnce(0)
	})
}
