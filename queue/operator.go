package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/ringonce/ringonce/call"
)

// Operator carries out what people decide about single calls. Every operation
// decides by the record first, and then does its effects; each can be broken
// off at any point and is completed by doing it again.
//
//	cancel    record cancelled ───► letters removed, schedule removed
//	discard   record discarded ───► letters removed
//	rang      record placed ──────► letters removed
//	not rung  record waiting ─────► due ──► letters removed
//	replay    due (the worker's claim is the compare-and-set) ──► letters removed
//
// Letters are removed by their sequence, never by subject: the call may have
// ended again meanwhile, and then its new letter stays.
type Operator struct {
	conn      *Conn
	records   *Records
	graveyard *DeadLetters
	parking   *Scheduler
}

// NewOperator opens what operators write to. keep is as the workers have it:
// records that operators finish are remembered as long.
func (c *Conn) NewOperator(ctx context.Context, keep Retention) (*Operator, error) {
	// A stream that went back in time fails the write that found out.
	records, err := c.NewRecords(ctx, keep, func() {})
	if err != nil {
		return nil, err
	}
	return &Operator{conn: c, records: records, graveyard: c.NewDeadLetters(keep.Dead), parking: c.NewScheduler()}, nil
}

// Records gives the ledger, to read from.
func (o *Operator) Records() *Records { return o.records }

// DeadLetters gives the dead letters.
func (o *Operator) DeadLetters() *DeadLetters { return o.graveyard }

// Result is what an operation came to.
type Result struct {
	Record call.Record // as the operation left it
	// AlreadyDone tells that the record had been decided this way before: only what
	// was left over was finished.
	AlreadyDone bool
	// Removed counts the dead letters that were removed.
	Removed int
}

// maxRounds bounds how often an operation is decided anew because somebody
// else changed the record first.
const maxRounds = 8

// change reads a record, decides, and writes it by compare-and-set, again if it
// changed in between. decide gives the next version; a nil one leaves the
// record as it is.
func (o *Operator) change(
	ctx context.Context, a call.Account, id call.ID, decide func(call.Record) (*call.Record, error),
) (call.Record, call.Version, error) {
	for range maxRounds {
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
			return record, version, fmt.Errorf("write the record of a call: %w; do it again, that is safe", err)
		}
		return *next, written, nil
	}
	return call.Record{}, call.Version{}, fmt.Errorf("write the record of a call: %w; try again", call.ErrConflict)
}

// clear removes those of the letters that do not belong to the record any more.
func (o *Operator) clear(ctx context.Context, letters []DeadLetter, r call.Record) (int, error) {
	removed := 0
	for _, l := range letters {
		if l.belongs(r) {
			continue
		}
		if err := o.graveyard.DeleteLetter(ctx, l); err != nil {
			return removed, fmt.Errorf("%w; the record is written, do it again to complete it", err)
		}
		removed++
	}
	return removed, nil
}

// finish ends an operation whose record is final: nothing can bury the call
// again, so that its letters may be looked up after the record was written.
func (o *Operator) finish(ctx context.Context, r call.Record, again bool, action call.OperatorAction) (Result, error) {
	done := Result{Record: r, AlreadyDone: again}
	if !again {
		o.report(r.Account, action)
	}
	letters, err := o.graveyard.ForCall(ctx, r.Account, r.ID)
	if err != nil {
		return done, err
	}
	done.Removed, err = o.clear(ctx, letters, r)
	return done, err
}
