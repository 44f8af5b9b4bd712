package cluster

import (
	"errors"
	"os/exec"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/queue"
)

// consumersDeleted takes the consumers away under the workers' feet, those that
// only count as well.
func (w *world) consumersDeleted() {
	for range 2 {
		w.eventually("the counters are there", func() bool { return w.deleteConsumers(queue.StreamDead) })
		for _, stream := range queue.WorkQueues() {
			w.eventually("the consumers of "+stream+" are deleted", func() bool { return w.deleteConsumers(stream) })
		}
		w.flows(20)
	}
}

// deleteConsumers deletes all consumers of a stream, and reports whether there
// were any. Three nodes that share two cores do not always answer in time: what
// was not deleted then is deleted at the next try.
func (w *world) deleteConsumers(stream string) bool {
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
func (w *world) deleted(s jetstream.Stream, name string) bool {
	if s.DeleteConsumer(w.t.Context(), name) == nil {
		return true
	}
	_, err := s.Consumer(w.t.Context(), name)
	return errors.Is(err, jetstream.ErrConsumerNotFound)
}

// ratesDeleted takes the stream of counters away, and puts it back.
func (w *world) ratesDeleted() {
	w.must(w.js().DeleteStream(w.t.Context(), queue.StreamRate))
	w.flows(20)
	w.command("streams", "apply")
}

// controlDeleted takes the bucket of flags away. Nobody may dial who does not
// know whether he has to stop.
func (w *world) controlDeleted() {
	w.must(w.js().DeleteKeyValue(w.t.Context(), queue.BucketControl))
	for _, worker := range w.workers {
		w.stopped(worker, "watching the control bucket failed; nothing is dialled meanwhile")
	}
	w.command("streams", "apply")
	w.complete()
}

// stopped waits until a worker's lane has stopped and its log says why.
func (w *world) stopped(worker *worker, why string) {
	w.t.Helper()
	w.eventually(worker.Name+" stops and says: "+why, func() bool {
		return worker.says(`ringonce_lane_state{account="default",state="stopped"} 1`) && worker.logged(why)
	})
}

// command runs ringonce as an operator does.
func (w *world) command(args ...string) {
	w.t.Helper()
	c := exec.CommandContext(w.t.Context(), ringonce, args...)
	c.Env = w.environ("NATS_URL=" + w.brokers.url())
	out, err := c.CombinedOutput()
	if err != nil {
		w.t.Fatalf("ringonce %v: %v\n%s", args, err, out)
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%v\n%s", err, w.history())
	}
}
