package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// scheduleFormat keeps the fraction of a second: the broker cuts times without one
// off to the second and would fire up to a second early.
const scheduleFormat = "2006-01-02T15:04:05.000Z07:00"

// scheduleAt begins a schedule for one time.
const scheduleAt = "@at "

// Scheduler parks calls until a time. A call has one schedule at most: scheduling it
// again replaces the schedule.
type Scheduler struct{ conn *Conn }

// NewScheduler returns the scheduler.
func (c *Conn) NewScheduler() *Scheduler { return &Scheduler{conn: c} }

// Schedule has a waiting call come back at its NextAt, with its record and the
// version that the record must still have.
func (s *Scheduler) Schedule(ctx context.Context, r call.Record, v call.Version) error {
	m, err := dueMessage(parkedSubject(r.Account, r.ID), r, v)
	if err != nil {
		return err
	}
	// Rounded up, so that it is never early.
	at := r.NextAt.Add(time.Millisecond - time.Nanosecond).UTC()
	m.Header.Set(jetstream.ScheduleHeader, scheduleAt+at.Format(scheduleFormat))
	m.Header.Set(jetstream.ScheduleTargetHeader, DueSubject(r.Account, r.Priority))
	if _, err := s.conn.Publish(ctx, StreamParked, m); err != nil {
		return fmt.Errorf("park a call: %w", err)
	}
	return nil
}

// HasSchedule reports whether a call has a schedule for this time or later.
func (s *Scheduler) HasSchedule(ctx context.Context, r call.Record, earliest time.Time) (bool, error) {
	missed := false
	found, err := exists(ctx, s.conn.js, StreamParked, func(ctx context.Context, s jetstream.Stream) error {
		msg, err := s.GetLastMsgForSubject(ctx, parkedSubject(r.Account, r.ID))
		if err == nil {
			at, err := time.Parse(scheduleFormat, strings.TrimPrefix(msg.Header.Get(jetstream.ScheduleHeader), scheduleAt))
			missed = err == nil && at.Before(earliest)
		}
		return err
	})
	return found && !missed, err
}

// ForEachDue calls visit with every call of an account, or of all if a is empty,
// that is due, whether or not a worker has it. A work queue allows no second
// consumer, so that the messages are read one by one.
func (s *Scheduler) ForEachDue(ctx context.Context, a call.Account, visit func(call.Account, call.ID)) error {
	stream, err := s.conn.js.Stream(ctx, StreamParked)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", StreamParked, err)
	}
	subject := jetstream.WithGetMsgSubject(DueSubject(cmp.Or(a, "*"), "*"))
	for next := uint64(1); ; {
		msg, err := stream.GetMsg(ctx, next, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read stream %s: %w", StreamParked, err)
		}
		if account, _, err := parseSubject(msg.Subject); err == nil {
			visit(account, call.ID(msg.Header.Get(HeaderID)))
		}
		next = msg.Sequence + 1
	}
}

// EnqueueNow has a call come back at once, for a replay.
func (s *Scheduler) EnqueueNow(ctx context.Context, r call.Record, v call.Version) error {
	m, err := dueMessage(DueSubject(r.Account, r.Priority), r, v)
	if err != nil {
		return err
	}
	if _, err := s.conn.Publish(ctx, StreamParked, m); err != nil {
		return fmt.Errorf("bring a call back: %w", err)
	}
	return nil
}

// Cancel removes the schedule of a call, if it has not fired yet.
func (s *Scheduler) Cancel(ctx context.Context, a call.Account, id call.ID) error {
	return purgeSubject(ctx, s.conn.js, StreamParked, parkedSubject(a, id))
}

func dueMessage(subject string, r call.Record, v call.Version) (*nats.Msg, error) {
	data, err := r.Encode()
	if err != nil {
		return nil, err
	}
	m := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{}}
	m.Header.Set(headerVersion, encodeVersion(v))
	m.Header.Set(HeaderID, string(r.ID))
	if r.Trace != "" {
		m.Header.Set(headerTrace, r.Trace)
	}
	return m, nil
}
