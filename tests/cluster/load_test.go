package cluster

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/reconcile"
	"github.com/ringonce/ringonce/tests/batch"
)

// mixture is what is published, over and over: most go well, some are refused
// and come back by a schedule, some ring and lose their answer, some can never
// be placed, some come twice.
var mixture = []batch.Kind{
	batch.Healthy, batch.Healthy, batch.Refused, batch.Healthy, batch.Later, batch.Healthy, batch.Lost, batch.Healthy,
	batch.Refused, batch.Healthy, batch.Rejected, batch.Healthy, batch.Duplicate, batch.Healthy, batch.Refused, batch.Healthy,
}

// pace is how often a request is published.
const pace = 50 * time.Millisecond

// load publishes like a careful publisher: what was not confirmed is published
// again, under the same id, at another node.
type load struct {
	nodes   []jetstream.JetStream // the first is in use
	stop    context.CancelFunc
	stopped sync.WaitGroup

	mu        sync.Mutex
	begun     map[call.ID]int // in which order requests were first published
	published []reconcile.Published
	// unconfirmed are ids of requests of which the broker may hold a message
	// whose sequence is not known.
	unconfirmed map[call.ID]reconcile.Published
	last        time.Time // when the latest was confirmed
}

func startLoad(t *testing.T, nodes ...jetstream.JetStream) *load {
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{nodes: nodes, stop: cancel, begun: map[call.ID]int{}, unconfirmed: map[call.ID]reconcile.Published{}}
	l.stopped.Go(func() { l.run(ctx) })
	t.Cleanup(l.end)
	return l
}

// end stops publishing, once the request that is being published is confirmed.
func (l *load) end() {
	l.stop()
	l.stopped.Wait()
}

func (l *load) run(ctx context.Context) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for i := 0; ; i++ {
		for _, m := range mixture[i%len(mixture)].Messages(i, time.Now()) {
			l.publish(ctx, m, tick.C)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// publish tries until the broker confirms, or stops if that was never asked.
func (l *load) publish(ctx context.Context, m batch.Message, tick <-chan time.Time) {
	p := reconcile.Published{Name: m.Name, Body: []byte(m.Body)}
	id, _ := call.ReadID(p.Body)
	l.begin(id)
	for {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
		ack, err := l.nodes[0].Publish(bounded, "calls.requests.default", p.Body, jetstream.WithRetryAttempts(0))
		cancel()
		l.mu.Lock()
		if err == nil {
			p.OriginKey, l.last = reconcile.OriginKey(ack), time.Now()
			l.published = append(l.published, p)
			l.mu.Unlock()
			return
		}
		l.unconfirmed[id] = p
		l.nodes = append(l.nodes[1:], l.nodes[0])
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			// Whether it is there shows in the end.
			return
		case <-tick:
		}
	}
}

// all returns what was published. A message whose confirmation was lost is known
// by what came of it: its id is ours, its message is no other's.
func (l *load) all(e reconcile.Input) []reconcile.Published {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := map[string]bool{}
	for _, p := range l.published {
		known[p.OriginKey] = true
	}
	all := append([]reconcile.Published{}, l.published...)
	found := func(id call.ID, message string) {
		if p, ok := l.unconfirmed[id]; ok && !known[message] {
			p.OriginKey, known[message] = message, true
			all = append(all, p)
		}
	}
	for _, r := range e.Records {
		found(r.ID, r.Origin.Key())
	}
	for _, letter := range e.DeadLetters {
		found(letter.ID, letter.OriginKey)
	}
	return all
}

func (l *load) latest() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

func (l *load) begin(id call.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.begun[id]; !ok {
		l.begun[id] = len(l.begun)
	}
}

// count is how many requests there are.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.begun)
}

// number is which one in that order a request is.
func (l *load) number(id call.ID) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begun[id]
}
