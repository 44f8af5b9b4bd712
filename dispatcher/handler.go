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
	"github.com/ringonce/ringonce/metrics"
)

// maxEvaluations bounds how often one delivery is decided: each evaluation but
// the first follows a lost compare-and-set or a read.
const maxEvaluations = 5

// NoAccount is the account of dead letters of requests whose subject names no
// possible account. They have no record: no worker can have dialled them.
const NoAccount call.Account = "no-account"

// errReevaluate asks for another decision, by the record as it is now.
var errReevaluate = errors.New("decide again")

// Handler handles the requests of one account.
type Handler struct {
	Worker   string // this process, among all workers
	Account  call.Account
	Settings Settings

	Stores
	Provider  Provider
	Directory Directory

	// Orphaned marks an account that no worker serves: its requests expire, and
	// nothing is dialled.
	Orphaned bool

	Lane    *lane.Lane
	Pool    *GoroutinePool
	Metrics *metrics.Account
	Log     *slog.Logger

	Now   func() time.Time
	Nonce func() string // names a claim among all claims
	// Epoch returns when the stream of records was created, and the time from which
	// it is complete.
	Epoch func() (created, validFrom time.Time)

	otherClaims otherClaims
	inFlight    sync.WaitGroup
}

// Dispatch starts to handle a delivery and returns. [Handler.Wait] waits for
// all of them.
func (h *Handler) Dispatch(workCtx context.Context, d call.Delivery, m Message) {
	permit := h.Lane.Acquire()
	h.inFlight.Add(1)
	h.Pool.start(func() {
		defer h.inFlight.Done()
		h.Handle(workCtx, d, m, permit)
	})
}

// Wait returns when every dispatched delivery has ended.
func (h *Handler) Wait() { h.inFlight.Wait() }

// Handle ends one delivery, or naks its message. workCtx ends when calls
// in flight have to be given up; it outlives the pulling.
func (h *Handler) Handle(workCtx context.Context, d call.Delivery, m Message, permit *lane.Permit) {
	defer permit.Release()
	var t task
	defer h.recoverPanic(workCtx, d, m, &t)

	t = identify(d, h.Settings)
	t.message, t.permit = m, permit
	if t.request.Unassigned {
		h.Metrics.UnassignedNumber()
	}
	for range maxEvaluations {
		err := h.execute(workCtx, &t, decide(&t, h.facts(&t)))
		if errors.Is(err, call.ErrConflict) {
			h.Metrics.ClaimConflict()
			err = h.reload(workCtx, &t)
		}
		switch {
		case err == nil:
			return
		case errors.Is(err, errReevaluate):
			continue
		case errors.Is(err, call.ErrUncertain):
			h.Metrics.ClaimUncertain()
			h.nak(&t, nakDelay(d.Delivered), "it is not known whether its record was written", err)
		default:
			h.nak(&t, nakDelay(d.Delivered), "a step failed", err)
		}
		return
	}
	h.nak(&t, nakDelay(d.Delivered), "its record kept changing", nil)
}

// execute carries out one decision. [call.ErrConflict] means that the record
// has changed.
func (h *Handler) execute(ctx context.Context, t *task, d decision) error {
	switch d.act {
	case actRead:
		return h.reload(ctx, t)
	case actRecover:
		return h.runRecovery(ctx, t)
	case actClaim:
		return h.attempt(ctx, t)
	case actEnd:
		return h.end(ctx, t, d.reason, d.message)
	case actPark:
		return h.park(ctx, t, d.reason, d.at)
	case actAwaitOwner:
		return h.awaitOwner(ctx, t)
	case actSchedule, actDeadLetter:
		return h.follow(ctx, t, &ending{result: result{record: t.record}, version: t.version})
	case actConflict:
		own := call.NewRecord(t.Account, t.record.ID, t.digest, t.Origin, t.Priority, t.Trace, t.body())
		return h.endWithoutRecord(ctx, t, own, d)
	case actDeadLetterOnly:
		return h.endWithoutRecord(ctx, t, t.record, d)
	case actNak:
		h.nak(t, d.at.Sub(h.Now()), "its time has not come", nil)
	case actDuplicate:
		h.Metrics.Duplicate()
		h.ack(t)
	case actAck:
		h.ack(t)
	default:
		return fmt.Errorf("unknown action %d", d.act)
	}
	return nil
}

// facts collects what the decision about a task depends on.
func (h *Handler) facts(t *task) facts {
	created, validFrom := h.Epoch()
	return facts{
		now: h.Now(), created: created, validFrom: validFrom, maxAge: h.Settings.MaxAge, keep: h.Settings.Keep,
		recheckAt: h.Lane.NumberRecheck(t.request.From), orphaned: h.Orphaned,
	}
}

// reload reads the record and asks for another decision. What was assumed is
// kept only if there is no record.
func (h *Handler) reload(ctx context.Context, t *task) error {
	record, version, err := h.Records.Read(ctx, t.Account, t.record.ID)
	if err != nil {
		return err
	}
	if record.State == call.StateAbsent {
		record = t.record
		record.State = call.StateAbsent
	}
	t.record, t.version, t.loaded = record, version, true
	return errReevaluate
}

// awaitOwner waits for the outcome of another worker's claim, and marks the
// call as unknown when that takes too long. Each delivery decides that again:
// the number of deliveries says nothing about the time.
func (h *Handler) awaitOwner(ctx context.Context, t *task) error {
	nonce := t.record.Nonce()
	if left := h.Settings.ClaimWait - h.otherClaims.age(nonce, h.Now()); left > 0 {
		h.Metrics.ClaimWait()
		h.nak(t, left, "another worker has claimed it", nil)
		return nil
	}
	lost := call.Outcome{Class: call.Unknown, Reason: call.WorkerLost, Message: "the worker that claimed it did not report its outcome"}
	next, err := t.record.MarkUnknown(nonce, lost, h.Now())
	if err != nil {
		return err
	}
	e := ending{result: result{record: next}, before: t.record, version: t.version}
	if err := h.write(ctx, &e); err != nil {
		return err
	}
	h.otherClaims.forget(nonce)
	h.Metrics.Attempt(lost, 0)
	return h.follow(ctx, t, &e)
}

// recoverPanic ends a request whose handling panicked: as poison before its
// claim, as unknown after it.
func (h *Handler) recoverPanic(ctx context.Context, d call.Delivery, m Message, t *task) {
	p := recover()
	if p == nil {
		return
	}
	h.Metrics.Panicked()
	h.Log.Error("handling a request panicked", "account", h.Account, "panic", call.MaskText(fmt.Sprint(p)), "stack", string(debug.Stack()))
	defer func() {
		if again := recover(); again != nil {
			h.Log.Error("handling a panic panicked; the message will come back", "account", h.Account)
		}
	}()
	if t.claimed() {
		h.settle(ctx, t, call.Outcome{Class: call.Unknown, Reason: call.Poison, Message: "handling it panicked"})
		return
	}
	*t = identify(d, h.Settings)
	t.message = m
	err := h.reload(ctx, t)
	if errors.Is(err, errReevaluate) && !t.noID && t.sameRequest() {
		err = h.end(ctx, t, call.Poison, "handling it panicked")
	}
	if err != nil {
		h.nak(t, nakDelay(d.Delivered), "it panicked", err)
	}
}

// DeadLetterBadSubject ends a request whose subject names no possible account.
func (h *Handler) DeadLetterBadSubject(ctx context.Context, d call.Delivery, m Message) error {
	r := call.NewRecord(h.Account, call.GeneratedID(d.Origin), call.Digest(""), d.Origin, call.Normal, d.Trace, d.Body)
	return h.endWithoutRecord(ctx, &task{Delivery: d, message: m}, r, decision{
		act: actDeadLetterOnly, reason: call.UnknownAccount,
		message: "its subject names no possible account: 1 to 32 of a-z, 0-9 and -",
	})
}
