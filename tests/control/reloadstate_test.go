package control

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// TestAReloadedAccountKeepsItsLaneState before it changed: the pause that
// it asked for goes on, and a breaker that is open stays so.
func TestAReloadedAccountKeepsItsLaneState(t *testing.T) {
	for _, c := range []struct {
		fault   string
		maxRate int // more POSTs while the account is changed six times
	}{
		{"too_many_requests_seconds", 0}, // half an hour
		{"gateway_500_html", 2},          // probes, half a minute apart
	} {
		t.Run(c.fault, func(t *testing.T) {
			inBubble(t, func(cfg *configs.Config) {
				cfg.Accounts["default"] = withConcurrency(cfg.Accounts["default"], 4)
			}, func(t *testing.T, env *environment) {
				env.must(env.Simulator.PutRule(simulator.Rule{Name: "trouble", Fault: c.fault, RetryAfter: 30 * time.Minute}))
				worker := env.StartWorker("one")
				<-time.After(10 * time.Second)
				env.publish("default", "default", simulator.DefaultNumber, 100)
				<-time.After(time.Minute)
				before := env.posts("")
				if before == 0 {
					t.Fatal("nothing was dialled")
				}
				for i := range 6 {
					next := withAccounts(env.Config, "default")
					next.Accounts["default"] = withConcurrency(next.Accounts["default"], 5+i)
					worker.App.Reload(next)
					<-time.After(10 * time.Second)
				}
				if more := env.posts("") - before; more > c.maxRate {
					t.Errorf("%d more POSTs, expected are at most %d", more, c.maxRate)
				}
			})
		})
	}
}

// TestAReloadedAccountKeepsItsDirectory: it goes on to dial while every look-up
// fails since it changed.
func TestAReloadedAccountKeepsItsDirectory(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, env *environment) {
		worker := env.StartWorker("one")
		<-time.After(10 * time.Second)
		env.must(env.Simulator.PutRule(simulator.Rule{Name: "look-ups", On: simulator.Lookups, Fault: "get_apps_failed"}))
		for i := range 3 { // the third inherits what the second did
			next := withAccounts(env.Config, "default")
			next.Accounts["default"] = withConcurrency(next.Accounts["default"], 5+i)
			worker.App.Reload(next)
			<-time.After(time.Minute)
		}
		env.publish("default", "default", simulator.DefaultNumber, 3)
		<-time.After(time.Minute)
		if n := env.posts(""); n != 3 {
			t.Errorf("%d POSTs, want 3", n)
		}
		env.wantRungOnce(3)
	})
}
