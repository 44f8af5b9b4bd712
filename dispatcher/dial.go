package dispatcher

import (
	"context"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/dispatcher/lane"
	"github.com/ringonce/ringonce/internal/failpoint"
)

// claim is an attempt that this worker has announced in the ledger.
type claim struct {
	nonce   string
	record  call.Record
	version call.Version
	request call.Request
	body    []byte
}

// dial makes one attempt: it claims the call, places it, and settles what came
// of it. Whoever does not win the claim does not dial.
func (w *Handler) dial(working context.Context, t *task, m Message, permit *lane.Permit, claimed *claim) error {
	switch linkage := w.linkage(working, t); linkage {
	case call.Linked:
	case call.AppInactive, call.OwnedNotLinked, call.NotOwned, call.OtherApp:
		failpoint.Eval(failpoint.EndBefore)
		next, err := t.record.MarkDead(call.NumberNotLinked, linkage.Advice(), w.Now())
		return w.commit(working, t, next, err, m)
	case call.LinkageNotKnown:
		fallthrough
	default:
		failpoint.Eval(failpoint.WaitBefore)
		next, err := t.record.Park(call.LinkageUnknown, w.Now().Add(lookupRetry), w.Now())
		return w.commit(working, t, next, err, m)
	}
	if !permit.Wait(working) {
		w.handBack(m, 0, "the lane stopped", nil)
		return nil
	}
	if w.Lane.NumberPaused(t.request.From) {
		return errAgain // paused since it was decided
	}

	by := call.Deadline{From: w.Now(), For: w.Settings.ClaimDeadline}
	nonce := w.Nonce()
	record, err := t.record.Claim(w.Worker, nonce, by.From)
	if err != nil {
		return err
	}
	failpoint.Eval(failpoint.ClaimBefore)
	version, err := w.Records.Put(working, record, t.version)
	if err != nil {
		return err
	}
	failpoint.Eval(failpoint.ClaimAfter)
	*claimed = claim{nonce: nonce, record: record, version: version, request: t.request, body: t.Body}
	if w.Lane.BlocksDial(t.request.From) {
		w.settle(working, claimed, outcomeBlocked, m)
		return nil
	}
	outcome := w.place(working, t, permit, by)
	failpoint.Eval(failpoint.OutcomeKnown)
	w.Metrics.Attempt(outcome, w.Now().Sub(by.From))
	outcome = permit.Report(outcome)
	failpoint.Eval(failpoint.OutcomeObserved)
	w.settle(working, claimed, outcome, m)
	return nil
}

// outcomeBlocked is what came of a claim that met a block before anything was
// written: the call waits for its turn again.
var outcomeBlocked = call.Outcome{
	Class: call.Refused, Reason: call.Interrupted, Unspent: true,
	Message: "dialling was stopped before the request was written",
}

// place waits for the permit's slot and makes the attempt.
func (w *Handler) place(working context.Context, t *task, permit *lane.Permit, by call.Deadline) call.Outcome {
	if !permit.WaitSlot(working) {
		return call.Outcome{
			Class: call.Refused, Reason: call.Interrupted, Unspent: true,
			Message: "nothing was sent: the claim took so long that its moment in calls_per_second had passed",
		}
	}
	if w.Lane.BlocksDial(t.request.From) {
		return outcomeBlocked // since the claim, while the moment was waited for
	}
	if permit.IsProbe() {
		w.Lane.NotifyPeers(call.PeerEvent{Kind: call.ProbeStarted})
	}
	w.Metrics.Age(t.Priority, w.Now().Sub(t.record.Since))
	return w.Provider.Place(working, t.request, by)
}

func (w *Handler) linkage(ctx context.Context, t *task) call.Linkage {
	failpoint.Eval(failpoint.LookupBefore)
	l := w.Directory.Lookup(ctx, t.request.From, t.request.AppID, t.record.Since)
	failpoint.Eval(failpoint.LookupAfter)
	w.Metrics.LinkageLookup(l)
	return l
}
