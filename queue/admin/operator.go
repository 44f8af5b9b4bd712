// Package admin carries out what operators decide about single calls: it cancels,
// discards, replays and resolves them. It also finds requests that no worker has
// recorded yet, and calls that lost what would bring them to their end.
//
// Every operation first decides by the record and writes it, and then applies the
// effects. It may stop at any point; running it again completes it.
//
//	cancel    record cancelled ───► dead letters and schedule deleted
//	discard   record discarded ───► dead letters deleted
//	rang      record placed ──────► dead letters deleted
//	not rung  record waiting ─────► enqueued ──► dead letters deleted
//	replay    enqueued (the worker's claim is the compare-and-set) ──► dead letters deleted
//
// Dead letters are deleted by their sequence, never by subject: the call may have
// ended again meanwhile, and then its new dead letter stays.
package admin

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// Operator runs the operations.
type Operator struct {
	conn        *queue.Conn
	records     *queue.Records
	deadLetters *queue.DeadLetters
	scheduler   *queue.Scheduler
}

// NewOperator opens the streams that operators write to. The retention is that of
// the workers, so that records which operators finish are kept as long.
func NewOperator(ctx context.Context, conn *queue.Conn, retention queue.Retention) (*Operator, error) {
	// A rollback fails the write that detects it.
	records, err := conn.NewRecords(ctx, retention, func() {})
	if err != nil {
		return nil, err
	}
	return &Operator{
		conn: conn, records: records,
		deadLetters: conn.NewDeadLetters(retention.Dead), scheduler: conn.NewScheduler(),
	}, nil
}

// Records returns the call records, to read from.
func (o *Operator) Records() *queue.Records { return o.records }

// DeadLetters returns the dead letters.
func (o *Operator) DeadLetters() *queue.DeadLetters { return o.deadLetters }

// Result is the result of an operation.
type Result struct {
	Record call.Record // as the operation left it
	// AlreadyDone is set if the record had been decided this way before: only
	// what was left over was completed.
	AlreadyDone bool
	// Removed counts the dead letters that were deleted.
	Removed int
}

// maxUpdates bounds how often an operation is decided again because the record
// changed in between.
const maxUpdates = 8

// update reads a record, decides, and writes it by compare-and-set, again if it
// changed in between. decide returns the next version; nil leaves the record as
// it is.
func (o *Operator) update(
	ctx context.Context, a call.Account, id call.ID, decide func(call.Record) (*call.Record, error),
) (call.Record, call.Version, error) {
	for range maxUpdates {
		record, version, err := o.records.Read(ctx, a, id)
		if err != nil {
			return record, version, err
		}
		next, err := decide(record)
		if err != nil || next == nil {
			return record, version, err
		}
		written, err := o.records.Put(ctx, *next, version)
		if errors.Is(err, call.ErrConflict) {
			continue
		}
		if err != nil {
			return record, version, fmt.Errorf("write the record of a call: %w; it is safe to run this again", err)
		}
		return *next, written, nil
	}
	return call.Record{}, call.Version{}, fmt.Errorf("write the record of a call: %w; run this again", call.ErrConflict)
}

// complete ends an operation whose record is final: the call gets no other dead
// letter, so that they may be looked up after the record was written.
func (o *Operator) complete(ctx context.Context, r call.Record, alreadyDone bool, action call.OperatorAction) (Result, error) {
	result := Result{Record: r, AlreadyDone: alreadyDone}
	if !alreadyDone {
		o.publishAction(r.Account, action)
	}
	letters, err := o.deadLetters.ForCall(ctx, r.Account, r.ID)
	if err != nil {
		return result, err
	}
	result.Removed, err = o.pruneLetters(ctx, letters, r)
	return result, err
}

// pruneLetters deletes those of the dead letters that do not match the record.
func (o *Operator) pruneLetters(ctx context.Context, letters []queue.DeadLetter, r call.Record) (int, error) {
	removed := 0
	for _, l := range letters {
		if matches(l, r) {
			continue
		}
		if err := o.deadLetters.DeleteLetter(ctx, l); err != nil {
			return removed, fmt.Errorf("%w; the record is written, run this again to complete it", err)
		}
		removed++
	}
	return removed, nil
}

// matches reports whether the dead letter is the one that a record in this state
// has. Every other one of the call was left over, by an operation that stopped
// half-way or a worker that was late, and may be deleted. Those of calls without
// a record are all that is left of them.
func matches(l queue.DeadLetter, r call.Record) bool {
	switch r.State {
	case call.StateAbsent:
		return true
	case call.StateDead:
		return !r.Discarded && l.Reason == r.Reason
	case call.StateUnknown:
		return l.Reason == call.OutcomeUnknown
	case call.StateWaiting, call.StateDialling, call.StatePlaced, call.StateCancelled:
		return false
	default:
		return true // a newer worker's state
	}
}
