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

// scheduleFormat keeps the fraction of a second: the broker cuts times without
// one off to the second and would fire up to a second early.
const scheduleFormat = "2006-01-02T15:04:05.000Z07:00"

// scheduleAt begins a schedule for one time.
const scheduleAt = "@at "

// Scheduler is where calls wait for a time. A call has one schedule at most:
// parking it again replaces the schedule.
type Scheduler struct {
	conn *Conn
	js   jetstream.JetStream
}

// NewScheduler gives the parking place.
func (c *Conn) NewScheduler() *Scheduler { return &Scheduler{conn: c, js: c.js} }

// Schedule schedules a waiting call to come back at its NextAt. What comes back
// carries the record and the version it must still have.
func (p *Scheduler) Schedule(ctx context.Context, r call.Record, v call.Version) error {
	m, err := dueMessage(ParkedSubject(r.Account, r.ID), r, v)
	if err != nil {
		return err
	}
	// Rounded up, so that it is never early.
	at := r.NextAt.Add(time.Millisecond - time.Nanosecond).UTC()
	m.Header.Set(jetstream.ScheduleHeader, scheduleAt+at.Format(scheduleFormat))
	m.Header.Set(jetstream.ScheduleTargetHeader, DueSubject(r.Account, r.Priority))
	if _, err := p.conn.Publish(ctx, StreamParked, m); err != nil {
		return fmt.Errorf("park a call: %w", err)
	}
	return nil
}

// HasSchedule reports whether a call has a schedule for this time or later.
func (p *Scheduler) HasSchedule(ctx context.Context, r call.Record, earliest time.Time) (bool, error) {
	missed := false
	found, err := exists(ctx, p.js, StreamParked, func(ctx context.Context, s jetstream.Stream) error {
		msg, err := s.GetLastMsgForSubject(ctx, ParkedSubject(r.Account, r.ID))
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
func (p *Scheduler) ForEachDue(ctx context.Context, a call.Account, visit func(call.Account, call.ID)) error {
	s, err := p.js.Stream(ctx, StreamParked)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", StreamParked, err)
	}
	subject := jetstream.WithGetMsgSubject(DueSubject(cmp.Or(a, "*"), "*"))
	for next := uint64(1); ; {
		msg, err := s.GetMsg(ctx, next, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read stream %s: %w", StreamParked, err)
		}
		if account, _, err := ParseSubject(msg.Subject); err == nil {
			visit(account, call.ID(msg.Header.Get(HeaderID)))
		}
		next = msg.Sequence + 1
	}
}

// EnqueueNow brings a call back at once, for a replay.
func (p *Scheduler) EnqueueNow(ctx context.Context, r call.Record, v call.Version) error {
	m, err := dueMessage(DueSubject(r.Account, r.Priority), r, v)
	if err != nil {
		return err
	}
	if _, err := p.conn.Publish(ctx, StreamParked, m); err != nil {
		return fmt.Errorf("bring a call back: %w", err)
	}
	return nil
}

// Cancel removes the schedule of a call, if it has not fired yet.
func (p *Scheduler) Cancel(ctx context.Context, a call.Account, id call.ID) error {
	return purgeSubject(ctx, p.js, StreamParked, ParkedSubject(a, id))
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
