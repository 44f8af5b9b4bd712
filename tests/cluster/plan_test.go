package cluster

import (
	"slices"
	"time"

	"github.com/ringonce/ringonce/queue"
)

// trial is one thing that becomes of the brokers, or of what leads to them,
// under load.
type trial struct {
	name   string
	during func(w *environment)
}

// trials, in the order in which they are tried.
var trials = []trial{
	{"stream leader", (*environment).streamLeaders},
	{"consumer leader", (*environment).consumerLeaders},
	{"worker cut off", (*environment).workerCut},
	{"worker unheard", (*environment).workerBlackholed},
	{"leader isolated", (*environment).leaderIsolated},
	{"rolling restart", (*environment).rollingRestart},
	{"two in a row", (*environment).twoInARow},
	{"all nodes killed", (*environment).allKilled},
	{"workers killed, too", (*environment).workersKilled},
	{"consumers deleted", (*environment).consumersDeleted},
	{"rates deleted", (*environment).ratesDeleted},
	{"control deleted", (*environment).controlDeleted},
	{"records recreated", (*environment).recordsRecreated},
	{"files restored", (*environment).filesRestored},
}

// The consumers that hand the load's requests out.
const (
	fresh = "new-default_normal"
	due   = "due-default_normal"
)

// secondOutage is how long the second of two nodes that are lost in a row is away:
// long enough for every leader to be missed, and found if there can be one.
const secondOutage = 15 * time.Second

// sample is what CI tries, few what every run of the tests does.
var (
	few    = []string{"all nodes killed"}
	sample = []string{"stream leader", "leader isolated", "workers killed, too", "consumers deleted", "files restored"}
)

// plan lists the trials: all of them, a sample, or a few.
func plan(extent string) []trial {
	names, ok := map[string][]string{"few": few, "sample": sample, "all": nil}[extent]
	if !ok {
		return nil
	}
	var chosen []trial
	for _, t := range trials {
		if extent == "all" || slices.Contains(names, t.name) {
			chosen = append(chosen, t)
		}
	}
	return chosen
}

// streamLeaders kills the nodes that lead the streams which decide most.
func (w *environment) streamLeaders() {
	for _, stream := range []string{queue.StreamRecords, queue.StreamCalls, queue.StreamParked} {
		i := w.leader(stream, "")
		w.brokers.kill(i)
		w.awaitRequests(20)
		w.brokers.start(i)
		w.awaitReplicas()
	}
}

// consumerLeaders kills the nodes that hand requests out.
func (w *environment) consumerLeaders() {
	for _, c := range []struct{ stream, consumer string }{
		{queue.StreamCalls, fresh}, {queue.StreamParked, due},
	} {
		i := w.leader(c.stream, c.consumer)
		w.brokers.kill(i)
		w.awaitRequests(20)
		w.brokers.start(i)
		w.awaitReplicas()
	}
}

// workerCut cuts the connections of a worker; the other one goes on.
func (w *environment) workerCut() {
	a := w.workers[0]
	a.partition(refused)
	w.awaitRequests(60)
	a.partition(connected)
	w.eventually(a.Name+" is connected again", func() bool { return a.hasMetric("ringonce_nats_connected 1") })
}

// workerBlackholed has everything lost that a worker and the brokers send each
// other, without closing a connection: the worker finds out by itself.
func (w *environment) workerBlackholed() {
	a := w.workers[0]
	a.partition(blackholed)
	w.eventually(a.Name+" notices", func() bool { return a.hasMetric("ringonce_nats_connected 0") })
	w.awaitRequests(20)
	a.partition(connected)
	w.eventually(a.Name+" is connected again", func() bool { return a.hasMetric("ringonce_nats_connected 1") })
}

// rollingRestart restarts one node after the other, as an upgrade does: first in
// order, then with kill -9.
func (w *environment) rollingRestart() {
	for _, end := range []func(int){w.brokers.stop, w.brokers.kill} {
		for i := range nodes {
			end(i)
			w.awaitRequests(5)
			w.brokers.start(i)
			w.awaitReplicas()
		}
	}
}

// twoInARow kills the node that leads the records, and as soon as it runs again
// the next one: what the first has not caught up with has no leader until the
// second is back.
func (w *environment) twoInARow() {
	for range 3 {
		first := w.leader(queue.StreamRecords, "")
		w.brokers.kill(first)
		w.awaitRequests(5)
		w.brokers.start(first)
		second := w.brokers.others(first)[0]
		w.brokers.kill(second)
		w.hold(secondOutage)
		w.brokers.start(second)
		w.awaitReplicas()
	}
}

// allKilled leaves nothing running.
func (w *environment) allKilled() {
	for i := range nodes {
		w.brokers.kill(i)
	}
	for i := range nodes {
		w.brokers.start(i)
	}
	w.awaitReplicas()
}

// workersKilled kills workers and leaders by turns.
func (w *environment) workersKilled() {
	for i, name := range []string{"C", "D", "E", "F"} {
		leader := w.leader(queue.StreamRecords, "")
		victim := w.workers[i]
		w.brokers.kill(leader)
		victim.Kill()
		w.workers = append(w.workers, w.worker(name, nil))
		w.awaitRequests(20)
		w.brokers.start(leader)
		w.awaitReplicas()
	}
	w.workers = w.workers[4:]
}
