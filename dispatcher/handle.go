package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/dispatcher/lane"
	"github.com/ringonce/ringonce/internal/failpoint"
	"github.com/ringonce/ringonce/metrics"
)

// maxRounds bounds how often one delivery is decided: each round but the first
// follows a compare-and-set that somebody else won.
const maxRounds = 5

// Handler handles the requests of one account.
type Handler struct {
	Worker   string // this process, among all workers
	Account  call.Account
	Settings Settings

	Records     RecordStore
	Scheduler   Scheduler
	DeadLetters DeadLetters
	Provider    Provider
	Directory   Directory

	// Orphaned tells that nobody serves the account: what is too old ends, and
	// nothing is dialled.
	Orphaned bool

	Lane    *lane.Lane
	Pool    *GoroutinePool // do what is taken
	Metrics *metrics.Account
	Log     *slog.Logger

	// Now is the clock, Nonce names a claim among all claims, Incarnation says
	// when the ledger's present incarnation began and from when it is valid.
	Now   func() time.Time
	Nonce func() string
	Epoch func() (created, validFrom time.Time)

	claims claims
	taken  sync.WaitGroup
}

// Dispatch begins to handle a delivery and returns at once. [Handler.Wait] waits for
// all that was taken.
func (w *Handler) Dispatch(working context.Context, d call.Delivery, m Message) {
	permit := w.Lane.Acquire()
	w.taken.Add(1)
	w.Pool.do(func() {
		defer w.taken.Done()
		w.Handle(working, d, m, permit)
	})
}

// Wait returns when everything that was taken has come to its end.
func (w *Handler) Wait() { w.taken.Wait() }

// Handle takes one delivery to its end, or hands it back. working ends when
// calls in flight have to be given up; it outlives the pulling.
func (w *Handler) Handle(working context.Context, d call.Delivery, m Message, permit *lane.Permit) {
	defer permit.Release()
	claimed := &claim{}
	defer w.recovered(working, d, m, claimed)

	t := identify(d, w.Settings)
	failpoint.Eval(failpoint.DeliveryBegun)
	if t.request.Unassigned {
		w.Metrics.UnassignedNumber()
	}
	for range maxRounds {
		s := decide(t, w.facts(t))
		err := w.do(working, &t, s, m, permit, claimed)
		if errors.Is(err, call.ErrConflict) {
			w.Metrics.ClaimConflict()
			err = w.read(working, &t)
		}
		switch {
		case errors.Is(err, errAgain):
			continue
		case errors.Is(err, call.ErrUncertain):
			w.Metrics.ClaimUncertain()
			w.handBack(m, failedRetry(d.Delivered), "it is not known whether its record was written", err)
		case err != nil:
			w.handBack(m, failedRetry(d.Delivered), "a step failed", err)
		}
		return
	}
	w.handBack(m, failedRetry(d.Delivered), "its record kept changing", nil)
}

// errAgain asks for another decision, with what the ledger says now.
var errAgain = errors.New("decide again")

// do takes one step. [call.ErrConflict] says that the record changed meanwhile.
func (w *Handler) do(ctx context.Context, t *task, s step, m Message, permit *lane.Permit, claimed *claim) error {
	if t.known && t.reminds() && !t.heeded {
		return w.heed(ctx, t)
	}
	now := w.Now()
	switch s.act {
	case actRead:
		return w.read(ctx, t)
	case actClaim:
		return w.dial(ctx, t, m, permit, claimed)
	case actEnd:
		failpoint.Eval(failpoint.EndBefore)
		next, err := t.record.MarkDead(s.reason, s.message, now)
		return w.commit(ctx, t, next, err, m)
	case actPark:
		failpoint.Eval(failpoint.WaitBefore)
		next, err := t.record.Park(s.reason, s.at, now)
		return w.commit(ctx, t, next, err, m)
	case actForeign:
		return w.foreign(ctx, t, m)
	case actSchedule, actBury:
		return w.effect(ctx, t.record, t.version, t.Body, m)
	case actConflict:
		failpoint.Eval(failpoint.ConflictFound)
		rejected := call.NewRecord(t.Account, t.record.ID, t.digest, t.Origin, t.Priority, t.Trace, t.body())
		return w.buryAlone(ctx, rejected, s, t.body(), m, w.DeadLetters.PutConflict)
	case actNameless:
		failpoint.Eval(failpoint.NoIDFound)
		return w.buryAlone(ctx, t.record, s, t.Body, m, w.DeadLetters.Put)
	case actDefer:
		w.handBack(m, s.at.Sub(now), "its time has not come", nil)
		return nil
	case actRepeat:
		failpoint.Eval(failpoint.DuplicateFound)
		w.Metrics.Duplicate()
		return w.ack(m)
	case actDone:
		return w.ack(m)
	default:
		return fmt.Errorf("a step that is not known: %d", s.act)
	}
}

// commit writes a decided end or wait, then does what belongs to it.
func (w *Handler) commit(ctx context.Context, t *task, next call.Record, err error, m Message) error {
	version, err := w.write(ctx, t, next, err)
	if err != nil {
		return err
	}
	return w.effect(ctx, next, version, t.Body, m)
}

// write puts the next version of a record into the ledger, unless err tells that
// there is none.
func (w *Handler) write(ctx context.Context, t *task, next call.Record, err error) (call.Version, error) {
	if err != nil {
		return call.Version{}, err
	}
	version, err := w.Records.Put(ctx, next, t.version)
	if err != nil {
		return call.Version{}, err
	}
	failpoint.Eval(failpoint.DecisionWritten)
	w.count(next)
	return version, nil
}

// effect does what a record's state asks for, and then acknowledges. It may be
// done again at any time.
func (w *Handler) effect(ctx context.Context, r call.Record, v call.Version, body []byte, m Message) error {
	switch {
	case r.State == call.StateWaiting && r.Parked:
		if err := w.Scheduler.Schedule(ctx, r, v); err != nil {
			return err
		}
	case r.State == call.StateDead, r.State == call.StateUnknown:
		if err := w.DeadLetters.Put(ctx, r, body); err != nil {
			return err
		}
	}
	if r.State == call.StateUnknown {
		if err := w.reconsider(ctx, r); err != nil {
			return err
		}
	}
	return w.ack(m)
}

// reconsider takes the dead letter of an unknown call back if evidence came
// while it was written: whoever brought the evidence may have looked for the
// letter before it was there.
func (w *Handler) reconsider(ctx context.Context, r call.Record) error {
	failpoint.Eval(failpoint.RecheckBefore)
	found, _, err := w.Records.Read(ctx, w.Account, r.ID)
	failpoint.Eval(failpoint.RecheckAfter)
	if err != nil || sameEnd(found, r) {
		return err
	}
	return w.unbury(ctx, r)
}

// buryAlone writes the dead letter of a request that has no record of its own.
func (w *Handler) buryAlone(
	ctx context.Context, r call.Record, s step, body []byte, m Message,
	bury func(context.Context, call.Record, []byte) error,
) error {
	dead, err := r.MarkDead(s.reason, s.message, w.Now())
	if err != nil {
		return err
	}
	if err := bury(ctx, dead, body); err != nil {
		return err
	}
	failpoint.Eval(failpoint.DeadLetterOnlyWritten)
	w.count(dead)
	return w.ack(m)
}

// foreign waits for a claim that somebody else holds, and holds the call as
// unknown when that took too long. The wait is decided again on every
// delivery, never inferred from one.
func (w *Handler) foreign(ctx context.Context, t *task, m Message) error {
	nonce := t.record.Nonce()
	if left := w.Settings.ClaimWait - w.claims.since(nonce, w.Now()); left > 0 {
		failpoint.Eval(failpoint.ClaimWaitBegun)
		w.Metrics.ClaimWait()
		w.handBack(m, left, "another worker has claimed it", nil)
		return nil
	}
	failpoint.Eval(failpoint.ClaimWaitOver)
	lost := call.Outcome{Class: call.Unknown, Reason: call.WorkerLost, Message: "the worker that claimed it did not tell what came of it"}
	next, err := t.record.MarkUnknown(nonce, lost, w.Now())
	version, err := w.write(ctx, t, next, err)
	if err != nil {
		return err
	}
	w.claims.settled(nonce)
	w.Metrics.Attempt(lost, 0)
	return w.effect(ctx, next, version, t.Body, m)
}

// read asks the ledger and has it decided again. What was assumed is kept only
// where the ledger has nothing.
func (w *Handler) read(ctx context.Context, t *task) error {
	failpoint.Eval(failpoint.RecordReadBefore)
	record, version, err := w.Records.Read(ctx, t.Account, t.record.ID)
	failpoint.Eval(failpoint.RecordReadAfter)
	if err != nil {
		return err
	}
	if record.State == call.StateAbsent {
		record = t.record
		record.State = call.StateAbsent
	}
	t.record, t.version, t.known = record, version, true
	return errAgain
}

func (w *Handler) facts(t task) facts {
	created, validFrom := w.Epoch()
	return facts{
		now: w.Now(), created: created, validFrom: validFrom, maxAge: w.Settings.MaxAge, keep: w.Settings.Keep,
		lookAgain: w.Lane.NumberRecheck(t.request.From), unserved: w.Orphaned,
	}
}

func (w *Handler) ack(m Message) error {
	if err := m.Ack(); err != nil {
		w.Metrics.SettleRetried("ack")
		w.Log.Warn("an acknowledgement failed; the message will come back", "account", w.Account, "error", err)
	}
	return nil
}

func (w *Handler) handBack(m Message, delay time.Duration, why string, cause error) {
	w.Metrics.Nak()
	w.Log.Debug("handed back", "account", w.Account, "why", why, "delay", delay, "error", cause)
	if err := m.Nak(delay); err != nil {
		w.Log.Warn("handing a message back failed; it will come back by itself", "account", w.Account, "error", err)
	}
}

// count tells the metrics what a record has become.
func (w *Handler) count(r call.Record) {
	switch r.State {
	case call.StateWaiting:
		w.Metrics.Parked(r.Reason)
	case call.StatePlaced, call.StateDead, call.StateUnknown, call.StateCancelled:
		w.Metrics.Ended(r.State, r.Reason)
	case call.StateAbsent, call.StateDialling:
	}
}

// recovered ends a request whose handling panicked: as poison before it was
// claimed, as unknown after.
func (w *Handler) recovered(ctx context.Context, d call.Delivery, m Message, claimed *claim) {
	p := recover()
	if p == nil {
		return
	}
	w.Metrics.Panicked()
	w.Log.Error("a panic while a request was handled", "account", w.Account, "panic", call.MaskText(fmt.Sprint(p)), "stack", string(debug.Stack()))
	defer func() {
		if again := recover(); again != nil {
			w.Log.Error("a panic while a panic was handled; the message will come back", "account", w.Account)
		}
	}()
	if claimed.nonce != "" {
		w.settle(ctx, claimed, call.Outcome{Class: call.Unknown, Reason: call.Poison, Message: "handling it panicked"}, m)
		return
	}
	t := identify(d, w.Settings)
	if err := w.read(ctx, &t); !errors.Is(err, errAgain) || t.nameless || !t.owns() {
		w.handBack(m, failedRetry(d.Delivered), "it panicked", err)
		return
	}
	next, err := t.record.MarkDead(call.Poison, "handling it panicked", w.Now())
	if err := w.commit(ctx, &t, next, err, m); err != nil {
		w.handBack(m, failedRetry(d.Delivered), "it panicked", err)
	}
}
