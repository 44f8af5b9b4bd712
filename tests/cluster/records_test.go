package cluster

import (
	"os"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/reconcile"
	"github.com/ringonce/ringonce/queue"
)

// Records can be lost: their stream is deleted, or all files are put back to an
// older copy. Then nothing may be dialled until an operator declares the time from
// which the records are complete.

// recordsRecreated deletes the records and creates them again.
func (env *environment) recordsRecreated() {
	env.must(env.js().DeleteStream(env.t.Context(), queue.StreamRecords))
	env.command("streams", "apply")
	env.copied = env.load.count()
	env.declares("was created again")
}

// filesRestored puts the files of every node back to what they were some time
// before. Requests that had not been dialled in the copy have been dialled since.
func (env *environment) filesRestored() {
	for i := range nodes {
		env.brokers.stop(i)
	}
	env.copied = env.load.count()
	copies := env.t.TempDir()
	for i := range nodes {
		env.must(os.CopyFS(env.brokers.copyOf(copies, i), os.DirFS(env.brokers.options[i].Dir)))
	}
	for i := range nodes {
		env.brokers.start(i)
	}
	env.awaitReplicas()
	env.awaitRequests(150)
	for i := range nodes {
		env.brokers.kill(i)
	}
	for i := range nodes {
		env.must(os.RemoveAll(env.brokers.options[i].Dir))
		env.must(os.CopyFS(env.brokers.options[i].Dir, os.DirFS(env.brokers.copyOf(copies, i))))
		env.brokers.start(i)
	}
	env.declares("it was restored from an older copy")
}

// declares waits until every worker has stopped and says why, and declares the
// records valid from now on.
func (env *environment) declares(why string) {
	env.t.Helper()
	env.awaitReplicas()
	for _, worker := range env.workers {
		env.awaitStopped(worker, why)
	}
	env.declared = env.load.count()
	env.command("streams", "declare", "--valid-from", "now", "--why", "the test broke it", "--yes")
}

// checkDeclared checks what can be checked when records were lost: no phone rang
// twice; what was published after the declaration has exactly one ending; and of
// everything older that the brokers still had, there is a trace.
func (env *environment) checkDeclared() reconcile.Report {
	env.t.Helper()
	e := env.ReconcileInput(nil)
	e.Published = env.load.all(e)
	later := func(id call.ID) bool { return env.load.number(id) >= env.declared }
	after := reconcile.Input{Remaining: e.Remaining}
	known := map[call.ID]bool{}
	for _, r := range e.Records {
		known[r.ID] = true
		if later(r.ID) {
			after.Records = append(after.Records, r)
		}
	}
	for _, l := range e.DeadLetters {
		known[l.ID] = true
		if later(l.ID) {
			after.DeadLetters = append(after.DeadLetters, l)
		}
	}
	ids := map[string]call.ID{} // by answer URL
	for _, p := range e.Published {
		id, url := identity(p)
		ids[url] = id
		if later(id) {
			after.Published = append(after.Published, p)
		}
	}
	rang := map[call.ID]int{}
	for _, r := range e.Rings {
		rang[ids[r.AnswerURL]]++
		if later(ids[r.AnswerURL]) {
			after.Rings = append(after.Rings, r)
		}
	}
	v := reconcile.Check(after)
	for id, n := range rang {
		if n > 1 && !later(id) {
			v.RungTwice = append(v.RungTwice, string(id))
		}
	}
	for _, p := range e.Published {
		// The last one before the copy may have been published after it.
		if id, _ := identity(p); env.load.number(id) < env.copied-1 && !known[id] && rang[id] == 0 {
			v.Discrepancies = append(v.Discrepancies, reconcile.Discrepancy{Name: p.Name, Problem: "it was forgotten: it did not ring, and there is no trace of it"})
		}
	}
	return withEndings(v, e)
}

// withEndings counts the records that there are, those of before the declaration
// too.
func withEndings(v reconcile.Report, e reconcile.Input) reconcile.Report {
	v.Published, v.Placed, v.Unknown, v.Dead = len(e.Published), 0, 0, map[call.Reason]int{}
	for _, r := range e.Records {
		switch r.State {
		case call.StatePlaced:
			v.Placed++
		case call.StateUnknown:
			v.Unknown++
		case call.StateDead, call.StateCancelled:
			v.Dead[r.Reason]++
		case call.StateAbsent, call.StateWaiting, call.StateDialling:
		}
	}
	return v
}

func identity(p reconcile.Published) (call.ID, string) {
	request, _, err := call.DecodeRequest(p.Body, call.PossibleNumbers)
	if err != nil {
		return "", ""
	}
	return request.ID, request.AnswerURL
}
