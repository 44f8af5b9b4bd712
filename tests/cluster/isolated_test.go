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
func (env *environment) leaderIsolated() {
	for _, worker := range env.workers {
		worker.Terminate()
	}
	node := env.leader(queue.StreamRecords, "")
	env.moved(node, queue.StreamCalls, "")
	env.moved(node, queue.StreamCalls, fresh)
	// Slower than requests come, so that there is something to be handed out.
	env.must(env.Simulator.SetLatency(simulator.Latency{Fixed: 150 * time.Millisecond}))
	lonely := env.worker("C", []int{node}, "RINGONCE_ACCOUNTS_DEFAULT_CONCURRENCY=1")
	env.workers = []*worker{lonely}
	env.awaitReady(lonely)
	env.awaitRequests(20)

	env.brokers.isolate(node, refused)
	others := env.connect(env.brokers.others(node)...)
	env.eventually("the others have a leader", func() bool {
		now := env.brokers.leader(env.t.Context(), others, queue.StreamRecords, "")
		return now >= 0 && now != node
	})
	// By now whatever was claimed before is long decided.
	before := env.posts()
	alone := env.connect(node)
	env.eventually("the node knows that it leads no other", func() bool {
		return env.brokers.leader(env.t.Context(), alone, queue.StreamRecords, "") != node
	})
	if after := env.posts(); after != before {
		env.t.Errorf("%d requests reached the provider through a leader without followers", after-before)
	}
	env.must(env.Simulator.SetLatency(simulator.Latency{}))
	env.workers = append(env.workers, env.worker("D", env.brokers.others(node)))
	env.awaitRequests(10)
	env.brokers.isolate(node, connected)
	env.awaitReplicas()
}

// moved has a node lead a stream, or one of its consumers.
func (env *environment) moved(to int, stream, consumer string) {
	env.t.Helper()
	subject, name := "$JS.API.STREAM.LEADER.STEPDOWN."+stream, env.brokers.options[to].Name
	if consumer != "" {
		subject = "$JS.API.CONSUMER.LEADER.STEPDOWN." + stream + "." + consumer
	}
	request, err := json.Marshal(map[string]any{"placement": map[string]string{"preferred": name}})
	env.must(err)
	env.eventually(fmt.Sprintf("node %s leads %s %s", name, stream, consumer), func() bool {
		now := env.brokers.leader(env.t.Context(), env.js(), stream, consumer)
		if now != to && now >= 0 {
			_, _ = env.Conn.NATS().Request(subject, request, requestTimeout) // asked again if it did not help
		}
		return now == to
	})
}
