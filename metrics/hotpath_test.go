package metrics_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/metrics"
)

// spread returns durations that fall into many buckets.
func spread() []time.Duration {
	var all []time.Duration
	for d := time.Millisecond; d < 10*time.Minute; d += d/4 + 1 {
		all = append(all, d)
	}
	return all
}

func TestCountingAnAttemptDoesNotAllocate(t *testing.T) {
	a := metrics.New(prometheus.NewRegistry(), build).Account("a")
	outcome := call.Outcome{Class: call.Placed, Reason: call.Accepted}
	durations := spread()
	for _, d := range durations { // a native bucket is made when it is first hit
		a.Attempt(outcome, d)
		a.Age(call.Normal, d)
	}
	i := 0
	allocations := testing.AllocsPerRun(1000, func() {
		a.Attempt(outcome, durations[i%len(durations)])
		a.Age(call.Normal, durations[i%len(durations)])
		i++
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func BenchmarkAttemptAndAge(b *testing.B) {
	a := metrics.New(prometheus.NewRegistry(), build).Account("a")
	outcome := call.Outcome{Class: call.Placed, Reason: call.Accepted}
	durations := spread()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		a.Attempt(outcome, durations[i%len(durations)])
		a.Age(call.Normal, durations[i%len(durations)])
		i++
	}
}
