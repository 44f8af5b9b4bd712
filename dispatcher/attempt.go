package dispatcher

import (
	"context"
	"time"

	"github.com/ringonce/ringonce/call"
)

// attempt makes one attempt at a call:
//
//	linked? ─► permit ─► claim ─► POST ─► outcome ─► finish
//
// Whatever stands in the way before the claim ends the request or naks its
// message. From the claim on only the outcome ends it. A worker that loses
// the claim does not dial.
func (h *Handler) attempt(workCtx context.Context, t *task) error {
	switch linkage := h.linkage(workCtx, t); linkage {
	case call.Linked:
	case call.AppInactive, call.OwnedNotLinked, call.NotOwned, call.OtherApp:
		return h.end(workCtx, t, call.NumberNotLinked, linkage.Advice())
	case call.LinkageNotKnown:
		fallthrough
	default:
		return h.park(workCtx, t, call.LinkageUnknown, h.Now().Add(lookupDelay))
	}
	if !t.permit.Wait(workCtx) {
		h.nak(t, 0, "the lane stopped", nil)
		return nil
	}
	if h.Lane.NumberPaused(t.request.From) {
		return errReevaluate // paused since the decision
	}
	by := call.Deadline{From: h.Now(), For: h.Settings.ClaimDeadline}
	if err := h.claim(workCtx, t, by.From); err != nil {
		return err
	}
	outcome := outcomeBlocked
	if !h.Lane.BlocksDial(t.request.From) {
		outcome = h.post(workCtx, t, by)
		h.Metrics.Attempt(outcome, h.Now().Sub(by.From))
		outcome = t.permit.Report(outcome)
	}
	h.settle(workCtx, t, outcome)
	return nil
}

// outcomeBlocked is the outcome of a claim that met a block before anything was
// written: the call waits for its turn again.
var outcomeBlocked = call.Outcome{
	Class: call.Refused, Reason: call.Interrupted, Unspent: true,
	Message: "dialling was stopped before the request was written",
}

// linkage reports whether the caller ID is linked to its app.
func (h *Handler) linkage(ctx context.Context, t *task) call.Linkage {
	l := h.Directory.Lookup(ctx, t.request.From, t.request.AppID, t.record.Since)
	h.Metrics.LinkageLookup(l)
	return l
}

// claim records the attempt before it is made: from now on the phone may ring.
func (h *Handler) claim(ctx context.Context, t *task, now time.Time) error {
	nonce := h.Nonce()
	record, err := t.record.Claim(h.Worker, nonce, now)
	if err != nil {
		return err
	}
	version, err := h.Records.Put(ctx, record, t.version)
	if err != nil {
		return err
	}
	t.record, t.version, t.nonce = record, version, nonce
	return nil
}

// post waits for the slot of the permit and makes the attempt.
func (h *Handler) post(workCtx context.Context, t *task, by call.Deadline) call.Outcome {
	if !t.permit.WaitSlot(workCtx) {
		return call.Outcome{
			Class: call.Refused, Reason: call.Interrupted, Unspent: true,
			Message: "nothing was sent: the claim took so long that its slot in calls_per_second had passed",
		}
	}
	if h.Lane.BlocksDial(t.request.From) {
		return outcomeBlocked // blocked while it waited for its slot
	}
	if t.permit.IsProbe() {
		h.Lane.NotifyPeers(call.PeerEvent{Kind: call.ProbeStarted})
	}
	h.Metrics.Age(t.Priority, h.Now().Sub(t.record.Since))
	return h.Provider.Place(workCtx, t.request, by)
}

// settle ends an attempt by its outcome. What stops other calls goes first.
func (h *Handler) settle(workCtx context.Context, t *task, o call.Outcome) {
	ctx, cancel := detach(workCtx)
	defer cancel()
	switch {
	case o.Class == call.Suspended:
		h.Lane.Suspend(ctx, o)
	case o.Class == call.Rejected && o.Reason == call.NumberNotLinked:
		h.Directory.Invalidate(t.request.From)
	}
	if err := h.finish(ctx, t, ending{outcome: o}); err == nil && o.Class == call.Placed {
		h.Lane.OnPlaced(ctx)
	}
}
