package control

import (
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// TestMessagesOfNotDialledAreRetried, and nothing that only resembles it.
func TestMessagesOfNotDialledAreRetried(t *testing.T) {
	for message, want := range map[string]call.State{"internal SERVER error": call.StatePlaced, "internal server": call.StateUnknown} {
		t.Run(message, func(t *testing.T) {
			inBubble(t, func(cfg *configs.Config) { cfg.Provider.NotDialled = []string{message} }, func(t *testing.T, env *environment) {
				env.must(env.Simulator.PutRule(simulator.Rule{Name: "first", Fault: "internal_error", First: 1}))
				env.StartWorker("one")
				<-time.After(10 * time.Second)
				env.publish("default", "default", simulator.DefaultNumber, 1)
				<-time.After(5 * time.Minute)
				if states := env.states("default", "default", 1); states[want] != 1 {
					t.Errorf("the call is %v, want %s", states, want)
				}
			})
		})
	}
}
