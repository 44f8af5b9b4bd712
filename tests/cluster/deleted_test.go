package cluster

import (
	"errors"
	"os/exec"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/queue"
)

// consumersDeleted takes the consumers away under the workers' feet, those that
// only count as well.
func (w *environment) consumersDeleted() {
	for range 2 {
		w.eventually("the counters are there", func() bool { return w.deleteConsumers(queue.StreamDead) })
		for _, stream := range queue.WorkQueues() {
			w.eventually("the consumers of "+stream+" are deleted", func() bool { return w.deleteConsumers(stream) })
		}
		w.awaitRequests(20)
	}
}

// deleteConsumers deletes all consumers of a stream, and reports whether there
// were any. Three nodes that share two cores do not always answer in time: what
// was not deleted then is deleted at the next try.
func (w *environment) deleteConsumers(stream string) bool {
	w.t.Helper()
	s, err := w.js().Stream(w.t.Context(), stream)
	if err != nil {
		return false
	}
	names := s.ConsumerNames(w.t.Context())
	found := false
	for name := range names.Name() {
		found = w.deleted(s, name) || found
	}
	return found && names.Err() == nil
}

// deleted deletes a consumer. Where a worker makes it again at the same moment,
// the nodes answer only one of the two.
func (w *environment) deleted(s jetstream.Stream, name string) bool {
	if s.DeleteConsumer(w.t.Context(), name) == nil {
		return true
	}
	_, err := s.Consumer(w.t.Context(), name)
	return errors.Is(err, jetstream.ErrConsumerNotFound)
}

// ratesDeleted takes the stream of counters away, and puts it back.
func (w *environment) ratesDeleted() {
	w.must(w.js().DeleteStream(w.t.Context(), queue.StreamRate))
	w.awaitRequests(20)
	w.command("streams", "apply")
}

// controlDeleted takes the bucket of flags away. Nobody may dial who does not
// know whether he has to stop.
func (w *environment) controlDeleted() {
	w.must(w.js().DeleteKeyValue(w.t.Context(), queue.BucketControl))
	for _, worker := range w.workers {
		w.awaitStopped(worker, "watching the control bucket failed; nothing is dialled meanwhile")
	}
	w.command("streams", "apply")
	w.awaitReplicas()
}

// awaitStopped waits until a worker's lane has stopped and its log says why.
func (w *environment) awaitStopped(worker *worker, why string) {
	w.t.Helper()
	w.eventually(worker.Name+" stops and says: "+why, func() bool {
		return worker.hasMetric(`ringonce_lane_state{account="default",state="stopped"} 1`) && worker.logged(why)
	})
}

// command runs ringonce as an operator does.
func (w *environment) command(args ...string) {
	w.t.Helper()
	c := exec.CommandContext(w.t.Context(), ringonce, args...)
	c.Env = w.environ("NATS_URL=" + w.brokers.url())
	out, err := c.CombinedOutput()
	if err != nil {
		w.t.Fatalf("ringonce %v: %v\n%s", args, err, out)
	}
}

func (w *environment) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%v\n%s", err, w.history())
	}
}
