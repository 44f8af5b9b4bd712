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
	during func(env *environment)
}

// trials, in the order in which they are tried.
var trials = []trial{
	{"stream leader", (*environment).streamLeaders},
	{"consumer leader", (*environment).consumerLeaders},
	{"worker cut off", (*environment).workerCut},
	{"worker blackholed", (*environment).workerBlackholed},
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
func (env *environment) streamLeaders() {
	for _, stream := range []string{queue.StreamRecords, queue.StreamCalls, queue.StreamParked} {
		i := env.leader(stream, "")
		env.brokers.kill(i)
		env.awaitRequests(20)
		env.brokers.start(i)
		env.awaitReplicas()
	}
}

// consumerLeaders kills the nodes that hand requests out.
func (env *environment) consumerLeaders() {
	for _, c := range []struct{ stream, consumer string }{
		{queue.StreamCalls, fresh}, {queue.StreamParked, due},
	} {
		i := env.leader(c.stream, c.consumer)
		env.brokers.kill(i)
		env.awaitRequests(20)
		env.brokers.start(i)
		env.awaitReplicas()
	}
}

// workerCut cuts the connections of a worker; the other one goes on.
func (env *environment) workerCut() {
	a := env.workers[0]
	a.partition(refused)
	env.awaitRequests(60)
	a.partition(connected)
	env.eventually(a.Name+" is connected again", func() bool { return a.hasMetric("ringonce_nats_connected 1") })
}

// workerBlackholed has everything lost that a worker and the brokers send each
// other, without closing a connection: the worker finds out by itself.
func (env *environment) workerBlackholed() {
	a := env.workers[0]
	a.partition(blackholed)
	env.eventually(a.Name+" notices", func() bool { return a.hasMetric("ringonce_nats_connected 0") })
	env.awaitRequests(20)
	a.partition(connected)
	env.eventually(a.Name+" is connected again", func() bool { return a.hasMetric("ringonce_nats_connected 1") })
}

// rollingRestart restarts one node after the other, as an upgrade does: first in
// order, then with kill -9.
func (env *environment) rollingRestart() {
	for _, end := range []func(int){env.brokers.stop, env.brokers.kill} {
		for i := range nodes {
			end(i)
			env.awaitRequests(5)
			env.brokers.start(i)
			env.awaitReplicas()
		}
	}
}

// twoInARow kills the node that leads the records, and as soon as it runs again
// the next one: what the first has not caught up with has no leader until the
// second is back.
func (env *environment) twoInARow() {
	for range 3 {
		first := env.leader(queue.StreamRecords, "")
		env.brokers.kill(first)
		env.awaitRequests(5)
		env.brokers.start(first)
		second := env.brokers.others(first)[0]
		env.brokers.kill(second)
		env.hold(secondOutage)
		env.brokers.start(second)
		env.awaitReplicas()
	}
}

// allKilled leaves nothing running.
func (env *environment) allKilled() {
	for i := range nodes {
		env.brokers.kill(i)
	}
	for i := range nodes {
		env.brokers.start(i)
	}
	env.awaitReplicas()
}

// workersKilled kills workers and leaders by turns.
func (env *environment) workersKilled() {
	for i, name := range []string{"C", "D", "E", "F"} {
		leader := env.leader(queue.StreamRecords, "")
		victim := env.workers[i]
		env.brokers.kill(leader)
		victim.Kill()
		env.workers = append(env.workers, env.worker(name, nil))
		env.awaitRequests(20)
		env.brokers.start(leader)
		env.awaitReplicas()
	}
	env.workers = env.workers[4:]
}
