package control

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// TestAStoppedWorkerLeavesNoGoroutines that wait for more work: it ends them, and
// does not wait until they end by themselves.
func TestAStoppedWorkerLeavesNoGoroutines(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, env *environment) {
		worker := env.StartWorker("one")
		<-time.After(time.Minute)
		env.publish("default", "call", simulator.DefaultNumber, 3)
		<-time.After(4 * time.Second) // the provider takes three
		if pooledGoroutines() == 0 {
			t.Error("none waits for more while it runs")
		}
		worker.Stop()
		if n := pooledGoroutines(); n != 0 {
			t.Errorf("%d are left", n)
		}
		env.wantRungOnce(3)
	})
}

// pooledGoroutines counts the goroutines that handle calls.
func pooledGoroutines() int {
	stacks := make([]byte, 4<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "dispatcher.(*GoroutinePool).run(")
}
