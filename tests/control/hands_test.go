package control

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// TestAStoppedWorkerLeavesNoHands that wait for more work: it ends them, and
// does not wait until they end by themselves.
func TestAStoppedWorkerLeavesNoHands(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *world) {
		worker := w.StartWorker("one")
		<-time.After(time.Minute)
		w.ask("default", "call", simulator.DefaultNumber, 3)
		<-time.After(4 * time.Second) // the provider takes three
		if hands() == 0 {
			t.Error("none waits for more while it runs")
		}
		worker.Stop()
		if n := hands(); n != 0 {
			t.Errorf("%d are left", n)
		}
		w.rungOnce(3)
	})
}

// hands counts the goroutines that handle calls.
func hands() int {
	stacks := make([]byte, 4<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "dispatcher.(*Hands).run(")
}
