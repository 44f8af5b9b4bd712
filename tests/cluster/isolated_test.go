package cluster

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// leaderIsolated cuts a node off that leads everything, together with a worker
// that reaches no other node. For some seconds the node believes that it still
// leads, and hands requests out. Nobody may dial by its word.
func (w *environment) leaderIsolated() {
	for _, worker := range w.workers {
		worker.Terminate()
	}
	node := w.leader(queue.StreamRecords, "")
	w.moved(node, queue.StreamCalls, "")
	w.moved(node, queue.StreamCalls, fresh)
	// Slower than requests come, so that there is something to be handed out.
	w.must(w.Simulator.SetLatency(simulator.Latency{Fixed: 150 * time.Millisecond}))
	lonely := w.worker("C", []int{node}, "RINGONCE_ACCOUNTS_DEFAULT_CONCURRENCY=1")
	w.workers = []*worker{lonely}
	w.awaitReady(lonely)
	w.awaitRequests(20)

	w.brokers.isolate(node, refused)
	others := w.connect(w.brokers.others(node)...)
	w.eventually("the others have a leader", func() bool {
		now := w.brokers.leader(w.t.Context(), others, queue.StreamRecords, "")
		return now >= 0 && now != node
	})
	// By now whatever was claimed before is long decided.
	before := w.posts()
	alone := w.connect(node)
	w.eventually("the node knows that it leads nobody", func() bool {
		return w.brokers.leader(w.t.Context(), alone, queue.StreamRecords, "") != node
	})
	if after := w.posts(); after != before {
		w.t.Errorf("%d requests reached the provider by the word of a leader that leads nobody", after-before)
	}
	w.must(w.Simulator.SetLatency(simulator.Latency{}))
	w.workers = append(w.workers, w.worker("D", w.brokers.others(node)))
	w.awaitRequests(10)
	w.brokers.isolate(node, connected)
	w.awaitReplicas()
}

// moved has a node lead a stream, or one of its consumers.
func (w *environment) moved(to int, stream, consumer string) {
	w.t.Helper()
	subject, name := "$JS.API.STREAM.LEADER.STEPDOWN."+stream, w.brokers.options[to].Name
	if consumer != "" {
		subject = "$JS.API.CONSUMER.LEADER.STEPDOWN." + stream + "." + consumer
	}
	request, err := json.Marshal(map[string]any{"placement": map[string]string{"preferred": name}})
	w.must(err)
	w.eventually(fmt.Sprintf("node %s leads %s %s", name, stream, consumer), func() bool {
		now := w.brokers.leader(w.t.Context(), w.js(), stream, consumer)
		if now != to && now >= 0 {
			_, _ = w.Conn.NATS().Request(subject, request, requestTimeout) // asked again if it did not help
		}
		return now == to
	})
}
