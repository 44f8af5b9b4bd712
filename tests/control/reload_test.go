package control

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/bubble"
)

// withAccounts is a configuration with these accounts, made of the default one.
func withAccounts(c configs.Config, names ...string) configs.Config {
	account := c.Accounts["default"]
	c.Accounts = map[string]configs.Account{}
	for _, name := range names {
		c.Accounts[name] = account
	}
	return c
}

// metric reads one series of a worker; it is 0 if there is none.
func metric(t *testing.T, w *bubble.Worker, name string, labels ...string) (value float64, found bool) {
	t.Helper()
	families, err := w.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			text := m.String()
			matches := f.GetName() == name
			for _, l := range labels {
				matches = matches && strings.Contains(text, `"`+l+`"`)
			}
			if matches {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue(), true
			}
		}
	}
	return 0, false
}

// TestAccountsAreAddedAndRemoved while their calls are in flight: these finish, what was
// not claimed waits for the next worker that serves the account.
func TestAccountsAreAddedAndRemoved(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, env *environment) {
		const requests = 100
		worker := env.StartWorker("one")
		env.publish("default", "default", simulator.DefaultNumber, requests)
		env.publish("acme", "acme", simulator.DefaultNumber, requests)
		for env.posts("https://publisher.example/default") < 20 {
			<-time.After(100 * time.Millisecond)
		}
		worker.App.Reload(withAccounts(env.Config, "acme"))
		<-time.After(time.Minute)
		posted := env.posts("https://publisher.example/default")
		states := env.states("default", "default", requests)
		if states[call.StatePlaced] != posted || states[call.StateAbsent] != requests-posted || posted == requests {
			t.Errorf("%d calls were in flight or done: %v", posted, states)
		}
		if _, found := metric(t, worker, "ringonce_lane_state", "default"); found {
			t.Error("an account that is no longer served has metrics still")
		}
		if states := env.states("acme", "acme", requests); states[call.StatePlaced] != requests {
			t.Errorf("the account that came: %v", states)
		}
		if v, _ := metric(t, worker, "ringonce_lane_state", "acme", "running"); v != 1 {
			t.Error("its lane does not run")
		}

		// It comes back at once after it went, twice.
		for range 2 {
			worker.App.Reload(withAccounts(env.Config, "acme"))
			<-time.After(time.Millisecond)
			worker.App.Reload(withAccounts(env.Config, "acme", "default"))
			<-time.After(5 * time.Second)
		}
		<-time.After(2 * time.Minute)
		env.wantRungOnce(2 * requests)
		if v, found := metric(t, worker, "ringonce_lane_state", "default", "running"); !found || v != 1 {
			t.Error("the account that came back has no metrics")
		}
	})
}

// TestReloadReplacesLimits and the old and the new are never both in use.
func TestReloadReplacesLimits(t *testing.T) {
	inBubble(t, func(c *configs.Config) { c.Accounts["default"] = withConcurrency(c.Accounts["default"], 4) }, func(t *testing.T, env *environment) {
		const requests = 120
		worker := env.StartWorker("one")
		env.publish("default", "default", simulator.DefaultNumber, requests)
		for env.posts("") < 8 {
			<-time.After(100 * time.Millisecond)
		}
		next := withAccounts(env.Config, "default")
		next.Accounts["default"] = withConcurrency(next.Accounts["default"], 6)
		worker.App.Reload(next)
		for range 300 {
			<-time.After(200 * time.Millisecond)
			limit, _ := metric(t, worker, "ringonce_concurrency_limit", "default")
			if n, _ := metric(t, worker, "ringonce_in_flight", "default"); n > limit {
				t.Fatalf("%v calls in flight, the limit is %v", n, limit)
			}
		}
		if limit, _ := metric(t, worker, "ringonce_concurrency_limit", "default"); limit != 6 {
			t.Errorf("the limit is %v", limit)
		}
		<-time.After(time.Minute)
		env.wantRungOnce(requests)
	})
}

func withConcurrency(a configs.Account, concurrency int) configs.Account {
	a.Concurrency, a.CallsPerSecond = concurrency, 0
	return a
}

// TestAPauseHoldsForAnAccountAddedLater since a pause is older than the account.
func TestAPauseHoldsForAnAccountAddedLater(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, env *environment) {
		worker := env.StartWorker("one")
		<-time.After(10 * time.Second)
		env.must(env.control().Pause(env.t.Context(), "acme", pause()))
		<-time.After(time.Second) // until it holds everywhere
		env.publish("acme", "acme", simulator.DefaultNumber, 5)
		worker.App.Reload(withAccounts(env.Config, "acme", "default"))
		<-time.After(time.Minute)
		env.wantRungOnce(0)
		env.must(env.control().Resume(env.t.Context(), "acme"))
		<-time.After(time.Minute)
		env.wantRungOnce(5)
	})
}

// TestReloadReportsWhatNeedsARestart and a configuration that cannot be used.
func TestReloadReportsWhatNeedsARestart(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, env *environment) {
		worker := env.StartWorker("one")
		<-time.After(time.Second)
		inForce := func(want float64) {
			t.Helper()
			<-time.After(time.Second)
			if v, _ := metric(t, worker, "ringonce_config_in_force"); v != want {
				t.Errorf("in force: %v, want %v", v, want)
			}
		}
		inForce(1)
		next := withAccounts(env.Config, "default", "acme")
		next.Retry.MaxAttempts++
		worker.App.Reload(next)
		inForce(0)
		if _, found := metric(t, worker, "ringonce_lane_state", "acme"); !found {
			t.Error("the account that came with it is not served")
		}
		worker.App.Reload(env.Config)
		inForce(1)
		worker.App.RejectReload(errors.New("broken"))
		inForce(0)
		if v, _ := metric(t, worker, "ringonce_config_reloads_total", "failed"); v != 1 {
			t.Errorf("%v failed", v)
		}
		if v, _ := metric(t, worker, "ringonce_config_reloads_total", "ok"); v != 2 {
			t.Errorf("%v loaded", v)
		}
	})
}

// TestAnAccountAddedDuringAnOutageIsServed if it was asked for while it was down.
func TestAnAccountAddedDuringAnOutageIsServed(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, env *environment) {
		worker := env.StartWorker("one")
		<-time.After(10 * time.Second)
		env.StopBroker()
		worker.App.Reload(withAccounts(env.Config, "acme"))
		<-time.After(time.Minute)
		env.StartBroker()
		<-time.After(time.Minute)
		env.publish("acme", "acme", simulator.DefaultNumber, 5)
		<-time.After(time.Minute)
		env.wantRungOnce(5)
		if n, err := env.Conn.JetStream().Stream(t.Context(), queue.StreamCalls); err != nil || n.CachedInfo().State.Msgs != 0 {
			t.Errorf("requests are left: %v", err)
		}
	})
}
