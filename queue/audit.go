package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// AuditFinding is a call that nothing would bring to its end: the broker lost what
// its record needs.
type AuditFinding struct {
	Record  call.Record
	Version call.Version
	Missing call.Missing
	Since   time.Time // when it should have moved on
}

// Audit looks through the records, of one account or of all if a is empty, for
// calls that are overdue by more than patience and lack the message or the dead
// letter that would bring them to their end, or whose schedule the broker did not
// carry out. It changes nothing; found is told of each, and looked counts the
// records that were read.
func (o *Operator) Audit(
	ctx context.Context, a call.Account, patience time.Duration, now time.Time, found func(AuditFinding) error,
) (looked int, err error) {
	if _, err := o.conn.InspectHighWater(ctx); err != nil {
		return 0, err
	}
	due, err := o.dueCalls(ctx, a)
	if err != nil {
		return 0, err
	}
	err = scan(ctx, o.conn.js, StreamRecords, []string{RecordsPrefix + string(anyAccount(a)) + ".*"}, false,
		func(msg jetstream.Msg) (bool, error) {
			looked++
			record, err := call.DecodeRecord(msg.Data())
			if err != nil {
				return true, nil //nolint:nilerr // written by a newer worker, who knows what it needs
			}
			need, _ := record.Overdue(now, patience)
			if need == call.MissingNothing || (need != call.MissingDeadLetter && due[dueCall{record.Account, record.ID}]) {
				return true, nil
			}
			f, lost, err := o.examine(ctx, record.Account, record.ID, patience, now)
			if err != nil || !lost {
				return err == nil, err
			}
			return true, found(f)
		})
	return looked, err
}

// examine looks at one call closely: its record as it is now, and whether what
// it needs is there. That it has no due copy is known.
func (o *Operator) examine(
	ctx context.Context, a call.Account, id call.ID, patience time.Duration, now time.Time,
) (f AuditFinding, lost bool, err error) {
	record, version, err := o.records.Read(ctx, a, id)
	if err != nil {
		return AuditFinding{}, false, err
	}
	need, since := record.Overdue(now, patience)
	f = AuditFinding{Record: record, Version: version, Missing: need, Since: since}
	switch need {
	case call.MissingNothing:
		return f, false, nil
	case call.MissingMessage:
		there, err := o.hasMessage(ctx, record, now.Add(-patience))
		return f, !there, err
	case call.MissingDeadLetter:
		there, err := o.hasLetter(ctx, record)
		return f, !there, err
	case call.MissingDeadLetterOrMessage:
		there, err := o.hasLetter(ctx, record)
		if err == nil && !there {
			there, err = o.hasMessage(ctx, record, now.Add(-patience))
		}
		return f, !there, err
	default:
		return f, false, nil
	}
}

// hasMessage reports whether a call has a schedule that may be relied on, or the
// request that it came by is still there. A schedule whose time was before stuck
// is not relied on: if the broker cannot store what it brings, because its disk is
// full, it takes it for brought, until it starts again or the call is parked anew
// (nats-server 2.15.2).
func (o *Operator) hasMessage(ctx context.Context, r call.Record, stuck time.Time) (bool, error) {
	there := false
	_, err := o.conn.holds(ctx, StreamParked, func(ctx context.Context, s jetstream.Stream) error {
		msg, err := s.GetLastMsgForSubject(ctx, ParkedSubject(r.Account, r.ID))
		there = err == nil && !ScheduledBefore(msg.Header, stuck)
		return err
	})
	if there || err != nil || r.Origin.Sequence == 0 {
		return there, err
	}
	return o.conn.holds(ctx, OriginStream(r.Origin), func(ctx context.Context, s jetstream.Stream) error {
		_, err := s.GetMsg(ctx, r.Origin.Sequence)
		return err
	})
}

func (o *Operator) hasLetter(ctx context.Context, r call.Record) (bool, error) {
	return o.conn.holds(ctx, StreamDead, func(ctx context.Context, s jetstream.Stream) error {
		_, err := s.GetLastMsgForSubject(ctx, DeadSubject(r.Account, r.Reason, string(r.ID)))
		return err
	})
}

// holds reports whether a stream holds what get asks for.
func (c *Conn) holds(ctx context.Context, stream string, get func(context.Context, jetstream.Stream) error) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	s, err := c.js.Stream(ctx, stream)
	if err == nil {
		err = get(ctx, s)
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look into stream %s: %w", stream, err)
	}
	return true, nil
}

// dueCall names a call that a due copy was found of.
type dueCall struct {
	account call.Account
	id      call.ID
}

// dueCalls gives the calls that are due, or in a worker's hands. A work queue
// allows no second reader, so they are asked for one by one.
func (o *Operator) dueCalls(ctx context.Context, a call.Account) (map[dueCall]bool, error) {
	s, err := o.conn.js.Stream(ctx, StreamParked)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", StreamParked, err)
	}
	due := map[dueCall]bool{}
	subject := jetstream.WithGetMsgSubject(DuePrefix + string(anyAccount(a)) + ".*")
	for next := uint64(1); ; {
		msg, err := s.GetMsg(ctx, next, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return due, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read stream %s: %w", StreamParked, err)
		}
		if account, _, err := ParseSubject(msg.Subject); err == nil {
			due[dueCall{account, call.ID(msg.Header.Get(HeaderID))}] = true
		}
		next = msg.Sequence + 1
	}
}

// Repair gives a call back what it lost. It decides nothing about it: the
// message that it writes has the worker read the record first, so that an
// audit that was wrong, or is done twice, costs a message and rings nobody.
func (o *Operator) Repair(ctx context.Context, f AuditFinding, now time.Time) error {
	switch f.Missing {
	case call.MissingNothing:
		return nil
	case call.MissingMessage:
		copied := f.Record
		copied.NextAt = now
		return o.parking.Schedule(ctx, copied, f.Version)
	case call.MissingDeadLetter, call.MissingDeadLetterOrMessage:
		if err := o.graveyard.Put(ctx, f.Record, nil); err != nil {
			return err
		}
		return o.clearLeftOver(ctx, f.Record.Account, f.Record.ID)
	default:
		return fmt.Errorf("a need that is not known: %d", f.Missing)
	}
}

// clearLeftOver removes the letters of a call that was settled while one was
// being written.
func (o *Operator) clearLeftOver(ctx context.Context, a call.Account, id call.ID) error {
	letters, err := o.graveyard.ForCall(ctx, a, id)
	if err != nil {
		return err
	}
	record, _, err := o.records.Read(ctx, a, id)
	if err != nil {
		return err
	}
	_, err = o.clear(ctx, letters, record)
	return err
}
