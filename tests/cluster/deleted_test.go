package cluster

import (
	"errors"
	"os/exec"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/queue"
)

// consumersDeleted takes the consumers away under the workers' feet, those that
// only count as well.
func (env *environment) consumersDeleted() {
	for range 2 {
		env.eventually("the counters are there", func() bool { return env.deleteConsumers(queue.StreamDead) })
		for _, stream := range queue.WorkQueues() {
			env.eventually("the consumers of "+stream+" are deleted", func() bool { return env.deleteConsumers(stream) })
		}
		env.awaitRequests(20)
	}
}

// deleteConsumers deletes all consumers of a stream, and reports whether there
// were any. Three nodes that share two cores do not always answer in time: what
// was not deleted then is deleted at the next try.
func (env *environment) deleteConsumers(stream string) bool {
	env.t.Helper()
	s, err := env.js().Stream(env.t.Context(), stream)
	if err != nil {
		return false
	}
	names := s.ConsumerNames(env.t.Context())
	found := false
	for name := range names.Name() {
		found = env.deleted(s, name) || found
	}
	return found && names.Err() == nil
}

// deleted deletes a consumer. Where a worker makes it again at the same moment,
// the nodes answer only one of the two.
func (env *environment) deleted(s jetstream.Stream, name string) bool {
	if s.DeleteConsumer(env.t.Context(), name) == nil {
		return true
	}
	_, err := s.Consumer(env.t.Context(), name)
	return errors.Is(err, jetstream.ErrConsumerNotFound)
}

// ratesDeleted takes the stream of counters away, and puts it back.
func (env *environment) ratesDeleted() {
	env.must(env.js().DeleteStream(env.t.Context(), queue.StreamRate))
	env.awaitRequests(20)
	env.command("streams", "apply")
}

// controlDeleted takes the bucket of flags away. Nobody may dial who does not
// know whether he has to stop.
func (env *environment) controlDeleted() {
	env.must(env.js().DeleteKeyValue(env.t.Context(), queue.BucketControl))
	for _, worker := range env.workers {
		env.awaitStopped(worker, "watching the control bucket failed; nothing is dialled meanwhile")
	}
	env.command("streams", "apply")
	env.awaitReplicas()
}

// awaitStopped waits until a worker's lane has stopped and its log says why.
func (env *environment) awaitStopped(worker *worker, why string) {
	env.t.Helper()
	env.eventually(worker.Name+" stops and says: "+why, func() bool {
		return worker.hasMetric(`ringonce_lane_state{account="default",state="stopped"} 1`) && worker.logged(why)
	})
}

// command runs ringonce as an operator does.
func (env *environment) command(args ...string) {
	env.t.Helper()
	c := exec.CommandContext(env.t.Context(), ringonce, args...)
	c.Env = env.environ("NATS_URL=" + env.brokers.url())
	out, err := c.CombinedOutput()
	if err != nil {
		env.t.Fatalf("ringonce %v: %v\n%s", args, err, out)
	}
}

func (env *environment) must(err error) {
	env.t.Helper()
	if err != nil {
		env.t.Fatalf("%v\n%s", err, env.history())
	}
}
