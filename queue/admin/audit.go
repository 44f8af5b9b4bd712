package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/rollback"
)

// AuditFinding is a call that nothing would bring to its end: the broker lost what
// its record needs.
type AuditFinding struct {
	Record  call.Record
	Version call.Version
	Missing call.Missing
	Since   time.Time // when it should have moved on
}

// callKey names a call of any account.
type callKey struct {
	account call.Account
	id      call.ID
}

// Audit reads the records, of one account or of all if a is empty, and calls found
// for every call that has been overdue for longer than overdueAfter and lacks the
// message or the dead letter that would bring it to its end, or whose schedule the
// broker did not carry out. It changes nothing, and returns how many records were
// read.
func (o *Operator) Audit(
	ctx context.Context, a call.Account, overdueAfter time.Duration, now time.Time, found func(AuditFinding) error,
) (read int, err error) {
	if _, err := rollback.Inspect(ctx, o.conn); err != nil {
		return 0, err
	}
	due := map[callKey]bool{}
	if err := o.scheduler.ForEachDue(ctx, a, func(a call.Account, id call.ID) { due[callKey{a, id}] = true }); err != nil {
		return 0, err
	}
	return o.records.ForEach(ctx, a, func(record call.Record) error {
		missing, _ := record.Overdue(now, overdueAfter)
		if missing == call.MissingNothing || (missing != call.MissingDeadLetter && due[callKey{record.Account, record.ID}]) {
			return nil
		}
		f, lost, err := o.inspect(ctx, record.Account, record.ID, overdueAfter, now)
		if err != nil || !lost {
			return err
		}
		return found(f)
	})
}

// inspect reads the latest record of a call that has no due copy, and reports
// whether what it needs is lost.
func (o *Operator) inspect(
	ctx context.Context, a call.Account, id call.ID, overdueAfter time.Duration, now time.Time,
) (f AuditFinding, lost bool, err error) {
	record, version, err := o.records.Read(ctx, a, id)
	if err != nil {
		return AuditFinding{}, false, err
	}
	missing, since := record.Overdue(now, overdueAfter)
	f = AuditFinding{Record: record, Version: version, Missing: missing, Since: since}
	exists := true
	switch missing {
	case call.MissingNothing:
	case call.MissingMessage:
		exists, err = o.hasMessage(ctx, record, now.Add(-overdueAfter))
	case call.MissingDeadLetter:
		exists, err = o.deadLetters.Has(ctx, record)
	case call.MissingDeadLetterOrMessage:
		if exists, err = o.deadLetters.Has(ctx, record); err == nil && !exists {
			exists, err = o.hasMessage(ctx, record, now.Add(-overdueAfter))
		}
	}
	return f, !exists, err
}

// hasMessage reports whether a call has a schedule for this time or later, or its
// request still waits. An earlier schedule is not relied on: if the broker cannot
// store the message, because its disk is full, it takes it for stored until it
// restarts or the call is scheduled again (nats-server 2.15.2).
func (o *Operator) hasMessage(ctx context.Context, r call.Record, earliest time.Time) (bool, error) {
	exists, err := o.scheduler.HasSchedule(ctx, r, earliest)
	if exists || err != nil || r.Origin.Sequence == 0 {
		return exists, err
	}
	return o.conn.HasRequest(ctx, r.Origin)
}

// Repair writes again what a call lost. It decides nothing about the call: the
// message that it writes has the worker read the record first, so that an audit
// that was wrong, or a second repair, costs a message and rings no phone.
func (o *Operator) Repair(ctx context.Context, f AuditFinding, now time.Time) error {
	switch f.Missing {
	case call.MissingNothing:
		return nil
	case call.MissingMessage:
		record := f.Record
		record.NextAt = now
		return o.scheduler.Schedule(ctx, record, f.Version)
	case call.MissingDeadLetter, call.MissingDeadLetterOrMessage:
		if err := o.deadLetters.Put(ctx, f.Record, nil); err != nil {
			return err
		}
		return o.removeStale(ctx, f.Record.Account, f.Record.ID)
	default:
		return fmt.Errorf("repair a call: unknown kind of loss %d", f.Missing)
	}
}

// removeStale deletes the dead letters of a call that went on while one was being
// written.
func (o *Operator) removeStale(ctx context.Context, a call.Account, id call.ID) error {
	letters, err := o.deadLetters.ForCall(ctx, a, id)
	if err != nil {
		return err
	}
	record, _, err := o.records.Read(ctx, a, id)
	if err != nil {
		return err
	}
	_, err = o.pruneLetters(ctx, letters, record)
	return err
}
