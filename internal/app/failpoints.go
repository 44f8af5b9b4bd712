//go:build failpoint

package app

import (
	"context"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/dispatcher"
	"github.com/ringonce/ringonce/dispatcher/lane"
	fp "github.com/ringonce/ringonce/internal/failpoint"
)

// In a build with the tag failpoint every port of a handler is wrapped, so that
// each call to a port begins and ends with the points at which a worker can be
// made to die. A point between two calls is evaluated when the first ends or the
// second begins: nothing that outlasts the worker happens between them.

// progress is how far the handling of one delivery has come. It travels in the
// context that the ports are given.
type progress struct {
	delivery call.Delivery
	found    call.Record // as it was last read; StateAbsent before
	recorded bool        // the call has a record
	nonce    string      // of the claim of this delivery
	recheck  bool        // the next read is for a dead letter that was just written
	settled  bool        // the first effect of the outcome was begun
}

type progressKey struct{}

func progressOf(ctx context.Context) *progress {
	if p, ok := ctx.Value(progressKey{}).(*progress); ok {
		return p
	}
	return &progress{}
}

// withFailpoints wraps the ports of a handler and of its lane.
func withFailpoints(h *dispatcher.Handler, ports *lane.Ports) {
	epoch := h.Epoch
	h.Epoch = func() (created, validFrom time.Time) {
		fp.Eval(fp.DeliveryBegun)
		return epoch()
	}
	h.Records, h.Scheduler, h.DeadLetters = failpointRecords{h.Records}, failpointScheduler{h.Scheduler}, failpointDeadLetters{h.DeadLetters}
	h.Provider, h.Directory = failpointProvider{h.Provider}, failpointDirectory{h.Directory}
	if ports != nil {
		ports.Control = failpointControl{ports.Control}
	}
}

// fetched wraps the message of a delivery.
func fetched(ctx context.Context, d call.Delivery, m dispatcher.Message) (context.Context, dispatcher.Message) {
	fp.Eval(fp.DeliveryFetched)
	p := &progress{delivery: d}
	return context.WithValue(ctx, progressKey{}, p), failpointMessage{m, p}
}

func (p *progress) isRecovery() bool {
	return p.delivery.Due != nil && (p.delivery.Due.Record.State == call.StateDead || p.delivery.Due.Record.State == call.StateUnknown)
}

// settle evaluates what lies between the outcome and the first thing that is
// done about it.
func (p *progress) settle(c call.Class) {
	if p.nonce == "" || p.settled {
		return
	}
	p.settled = true
	fp.Eval(fp.OutcomeReported)
	fp.Eval(map[call.Class]fp.Point{
		call.Placed: fp.SettlePlaced, call.Refused: fp.SettleRefused, call.Rejected: fp.SettleRejected,
		call.Suspended: fp.SettleSuspended, call.Unknown: fp.SettleUnknown,
	}[c])
}

type failpointRecords struct{ dispatcher.RecordStore }

func (s failpointRecords) Read(ctx context.Context, a call.Account, id call.ID) (call.Record, call.Version, error) {
	p, before, after := progressOf(ctx), fp.RecordReadBefore, fp.RecordReadAfter
	if p.recheck {
		before, after, p.recheck = fp.RecheckBefore, fp.RecheckAfter, false
	}
	fp.Eval(before)
	r, v, err := s.RecordStore.Read(ctx, a, id)
	fp.Eval(after)
	if err != nil {
		return r, v, err
	}
	if p.isRecovery() && p.found.State == call.StateAbsent {
		fp.Eval(fp.RecoveryFound)
	}
	switch own := p.nonce != "" && r.Nonce() == p.nonce; {
	case own && r.State == call.StateUnknown:
		fp.Eval(fp.EvidenceWritable)
	case !own && r.State == call.StateDialling:
		fp.Eval(fp.ClaimWaitBegun)
	}
	p.found, p.recorded = r, p.recorded || r.State != call.StateAbsent
	return r, v, nil
}

func (s failpointRecords) Put(ctx context.Context, r call.Record, expected call.Version) (call.Version, error) {
	p, before, after := progressOf(ctx), fp.EndBefore, fp.DecisionWritten
	switch last, _ := r.LastAttempt(); {
	case r.State == call.StateDialling:
		before, after = fp.ClaimBefore, fp.ClaimAfter
	case p.nonce != "":
		p.settle(last.Class)
		before, after = fp.OutcomeBefore, fp.OutcomeWritten
	case r.State == call.StateUnknown:
		before = fp.ClaimWaitOver
	case r.State == call.StateWaiting:
		before = fp.WaitBefore
	}
	fp.Eval(before)
	v, err := s.RecordStore.Put(ctx, r, expected)
	if err != nil {
		return v, err
	}
	fp.Eval(after)
	if p.nonce != "" && p.found.State == call.StateUnknown {
		fp.Eval(fp.EvidenceWritten)
	}
	p.recorded = true
	if r.State == call.StateDialling {
		p.nonce = r.Nonce()
	}
	return v, nil
}

type failpointScheduler struct{ dispatcher.Scheduler }

func (s failpointScheduler) Schedule(ctx context.Context, r call.Record, v call.Version) error {
	return around(fp.ScheduleBefore, fp.ScheduleAfter, func() error { return s.Scheduler.Schedule(ctx, r, v) })
}

type failpointDeadLetters struct{ dispatcher.DeadLetters }

func (l failpointDeadLetters) Put(ctx context.Context, r call.Record, body []byte) error {
	p := progressOf(ctx)
	if !p.recorded {
		fp.Eval(fp.NoIDFound)
	}
	err := around(fp.DeadLetterBefore, fp.DeadLetterAfter, func() error { return l.DeadLetters.Put(ctx, r, body) })
	if err == nil && !p.recorded {
		fp.Eval(fp.DeadLetterOnlyWritten)
	}
	p.recheck = err == nil && r.State == call.StateUnknown
	return err
}

func (l failpointDeadLetters) PutConflict(ctx context.Context, r call.Record, body []byte) error {
	progressOf(ctx).found = call.Record{} // it is another request's
	fp.Eval(fp.ConflictFound)
	err := around(fp.DeadLetterBefore, fp.DeadLetterAfter, func() error { return l.DeadLetters.PutConflict(ctx, r, body) })
	if err == nil {
		fp.Eval(fp.DeadLetterOnlyWritten)
	}
	return err
}

func (l failpointDeadLetters) Delete(ctx context.Context, a call.Account, reason call.Reason, id call.ID) error {
	return around(fp.DeadLetterDeleteBefore, fp.DeadLetterDeleteAfter, func() error { return l.DeadLetters.Delete(ctx, a, reason, id) })
}

type failpointProvider struct{ dispatcher.Provider }

func (s failpointProvider) Place(ctx context.Context, r call.Request, by call.Deadline) call.Outcome {
	fp.Eval(fp.PostBegun)
	defer fp.Eval(fp.OutcomeKnown)
	return s.Provider.Place(ctx, r, by)
}

type failpointDirectory struct{ dispatcher.Directory }

func (d failpointDirectory) Lookup(ctx context.Context, from call.Phone, appID string, published time.Time) call.Linkage {
	fp.Eval(fp.LookupBefore)
	defer fp.Eval(fp.LookupAfter)
	return d.Directory.Lookup(ctx, from, appID, published)
}

type failpointControl struct{ lane.Control }

func (c failpointControl) Suspend(ctx context.Context, a call.Account, s call.Suspension) (held call.Suspension, err error) {
	progressOf(ctx).settle(call.Suspended)
	err = around(fp.SuspendBefore, fp.SuspendAfter, func() error { held, err = c.Control.Suspend(ctx, a, s); return err })
	return held, err
}

func (c failpointControl) Lift(ctx context.Context, a call.Account, s call.Suspension) error {
	return around(fp.LiftBefore, fp.LiftAfter, func() error { return c.Control.Lift(ctx, a, s) })
}

func (c failpointControl) ClearLifted(ctx context.Context, a call.Account) error {
	return around(fp.ClearLiftedBefore, fp.ClearLiftedAfter, func() error { return c.Control.ClearLifted(ctx, a) })
}

type failpointMessage struct {
	dispatcher.Message
	progress *progress
}

func (m failpointMessage) Ack() error {
	p := m.progress
	switch read := p.found.State != call.StateAbsent; {
	case read && p.isRecovery():
		fp.Eval(fp.RecoveryDone)
	case read && !p.found.Origin.Same(p.delivery.Origin):
		fp.Eval(fp.DuplicateFound)
	}
	return around(fp.AckBefore, fp.AckAfter, m.Message.Ack)
}

func (m failpointMessage) Nak(delay time.Duration) error {
	return around(fp.NakBefore, fp.NakAfter, func() error { return m.Message.Nak(delay) })
}

// around evaluates a point before a call to a port, and another when it has
// succeeded.
func around(before, after fp.Point, do func() error) error {
	fp.Eval(before)
	err := do()
	if err == nil {
		fp.Eval(after)
	}
	return err
}
