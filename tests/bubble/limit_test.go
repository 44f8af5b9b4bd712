package bubble_test

import (
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/bubble"
)

// backlog is a world in which more requests wait than may be dialled, and what
// the provider counts of them.
type backlog struct {
	*bubble.Environment
	t       *testing.T
	limit   float64
	workers map[string]*bubble.Worker
}

func withBacklog(t *testing.T, limit float64, lasts time.Duration, f func(t *testing.T, b *backlog)) {
	t.Helper()
	emptyPools()
	defer emptyPools()
	dir := t.TempDir()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	synctest.Test(t, func(t *testing.T) {
		sim := simulator.Config{CountsOnly: true, Latency: simulator.Latency{Fixed: 30 * time.Millisecond}}
		b := &backlog{t: t, limit: limit, workers: map[string]*bubble.Worker{}}
		b.Environment = bubble.New(t, dir, sim, log, func(c *configs.Config) { setLimit(c, limit) })
		defer b.Close()
		b.begin("one", "two", "three")
		<-time.After(2 * time.Second) // the streams are made, the counters believed
		b.publish(int(limit*lasts.Seconds()) + 20)
		<-time.After(2 * time.Second)
		f(t, b)
		if busiest := b.Simulator.Oracle().Summary.BusiestSecond[simulator.DefaultOrganisation]; busiest.Posts > b.most() {
			t.Errorf("%d POSTs in the second from %s, at most %d are allowed", busiest.Posts, busiest.From, b.most())
		}
	})
}

// emptyPools drops what sync.Pools hold. The NATS client keeps its timers in
// one, and a timer of one bubble breaks whoever uses it in the next.
func emptyPools() {
	runtime.GC()
	runtime.GC() // what survived the first as a victim
}

func setLimit(c *configs.Config, limit float64) {
	account := c.Accounts["default"]
	account.CallsPerSecond = limit
	c.Accounts["default"] = account
}

// most is how many POSTs may arrive in any second.
func (b *backlog) most() int { return int(b.limit*1.05 + 1) }

func (b *backlog) begin(names ...string) {
	for _, name := range names {
		b.workers[name] = b.StartWorker(name)
	}
}

func (b *backlog) publish(n int) {
	js := b.Conn.JetStream()
	for i := range n {
		body := fmt.Sprintf(`{"from":%q,"to":"+9198%08d","answer_url":"https://publisher.example/a"}`, simulator.DefaultNumber, i)
		if _, err := js.PublishAsync("calls.requests.default", []byte(body)); err != nil {
			b.t.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
}

// used gives the share of the limit that was used while something was done,
// with so many seconds forgiven.
func (b *backlog) used(forgiven float64, while func()) float64 {
	began, before := time.Now(), b.Simulator.Oracle().Summary.Posts
	while()
	posts := float64(b.Simulator.Oracle().Summary.Posts - before)
	return (posts + 1 + forgiven*b.limit) / (b.limit * time.Since(began).Seconds())
}

func (b *backlog) wants(share float64, forgiven float64, while func()) {
	b.t.Helper()
	if used := b.used(forgiven, while); used < share {
		b.t.Errorf("%.3f of the limit was used, want %.2f", used, share)
	}
}

var limits = []float64{0.5, 7.3, 10, 200}

// span is long enough to count calls at a limit.
func span(limit float64) time.Duration {
	return time.Duration(max(3, 30/limit) * float64(time.Second))
}

// TestALimitHoldsForAllWorkers and is used, while workers come, go and are
// killed. One that is killed takes with it at most a second's worth.
func TestALimitHoldsForAllWorkers(t *testing.T) {
	for _, limit := range limits {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			withBacklog(t, limit, 5*span(limit)+5*time.Second, func(_ *testing.T, b *backlog) {
				pass := func() { <-time.After(span(limit)) }
				b.wants(0.98, 0, pass)
				b.wants(0.95, 0, func() {
					b.begin("four")
					pass()
				})
				b.wants(0.95, 1, func() {
					b.workers["one"].Kill()
					pass()
				})
				b.wants(0.95, 1, func() {
					b.workers["two"].Signal()
					b.begin("five")
					pass()
				})
			})
		})
	}
}

// TestALimitHoldsWhenCountersAreLost: the broker restarts, the stream is
// deleted, or made anew at once. Calls go on by themselves.
func TestALimitHoldsWhenCountersAreLost(t *testing.T) {
	stream := func(b *backlog, again bool) {
		js := b.Conn.JetStream()
		if err := js.DeleteStream(b.t.Context(), queue.StreamRate); err != nil {
			b.t.Error(err)
		}
		if again {
			if _, err := (queue.Topology{Replicas: 1}).Apply(b.t.Context(), js); err != nil {
				b.t.Error(err)
			}
		}
	}
	for name, lose := range map[string]func(b *backlog){
		"the broker restarts at once": func(b *backlog) {
			b.StopBroker()
			b.StartBroker()
		},
		"the broker is away": func(b *backlog) {
			b.StopBroker()
			<-time.After(5 * time.Second)
			b.StartBroker()
		},
		"the stream is deleted":   func(b *backlog) { stream(b, false) },
		"the stream is made anew": func(b *backlog) { stream(b, true) },
	} {
		for _, limit := range []float64{7.3, 50} {
			t.Run(fmt.Sprintf("%s at %v", name, limit), func(t *testing.T) {
				withBacklog(t, limit, 2*span(limit)+30*time.Second, func(_ *testing.T, b *backlog) {
					<-time.After(1310 * time.Millisecond)
					lose(b)
					b.begin("four")
					<-time.After(15 * time.Second) // who waits to pull again has moments that it cannot use
					b.wants(0.95, 0, func() { <-time.After(span(limit)) })
				})
			})
		}
	}
}

// TestWorkersOfDifferentLimits are held to the larger one together.
func TestWorkersOfDifferentLimits(t *testing.T) {
	withBacklog(t, 20, 30*time.Second, func(_ *testing.T, b *backlog) {
		setLimit(&b.Config, 5)
		b.begin("four", "five", "six")
		<-time.After(5 * time.Second)
		b.workers["one"].Signal()
		<-time.After(5 * time.Second)
	})
}

// TestWithoutCountersNothingIsDialled and nothing is forgotten: the stream is
// gone, and workers may not make it.
func TestWithoutCountersNothingIsDialled(t *testing.T) {
	withBacklog(t, 10, 30*time.Second, func(t *testing.T, b *backlog) {
		for _, name := range []string{"one", "two", "three"} {
			b.workers[name].Stop()
		}
		b.Config.Streams.Provision = false
		b.begin("four")
		<-time.After(3 * time.Second)
		js := b.Conn.JetStream()
		if err := js.DeleteStream(t.Context(), queue.StreamRate); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Second)
		if used := b.used(0, func() { <-time.After(time.Minute) }); used > 0.01 {
			t.Errorf("%.2f of the limit was used without counters", used)
		}
		if _, err := (queue.Topology{Replicas: 1}).Apply(t.Context(), js); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Second)
		b.wants(0.95, 0, func() { <-time.After(5 * time.Second) })
	})
}
