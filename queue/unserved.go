package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
)

// mostSubjects bounds how many subjects are looked at in one go. They are the
// publishers' to choose.
const mostSubjects = 10_000

// PendingSubject is a subject on which something waits that its account's consumers, if
// it has any, have not removed.
type PendingSubject struct {
	Stream, Subject string
	// Account is what stands in the subject. It may be no account's name.
	Account string
}

// PendingSubjects lists where requests and due calls wait. A subject that reads as a
// pattern is left out: nothing can be asked for by it alone.
func (c *Conn) PendingSubjects(ctx context.Context) ([]PendingSubject, error) {
	var places []PendingSubject
	for _, stream := range WorkQueues() {
		prefix := RequestsPrefix
		if stream == StreamParked {
			prefix = DuePrefix
		}
		subjects, err := ListSubjects(ctx, c.js, stream, prefix+">")
		if err != nil {
			return nil, err
		}
		for _, subject := range subjects {
			account, _, _ := strings.Cut(strings.TrimPrefix(subject, prefix), ".")
			if !strings.ContainsAny(subject, "*>") && len(places) < mostSubjects {
				places = append(places, PendingSubject{Stream: stream, Subject: subject, Account: account})
			}
		}
	}
	return places, nil
}

// Orphan is a message that no worker pulls. It is read and removed by its
// sequence, and never through a consumer: those of a work queue must not
// overlap, and whoever begins to serve the account must find its own.
type Orphan struct {
	call.Delivery
	// Since is when its age began to count.
	Since  time.Time
	stream jetstream.Stream
	seq    uint64
	ended  func()
}

// Peek gives the first message of a place, nil if there is none. ended is told
// when it has been removed.
func (c *Conn) Peek(ctx context.Context, p PendingSubject, ended func()) (*Orphan, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	s, err := c.js.Stream(ctx, p.Stream)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", p.Stream, err)
	}
	msg, err := s.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(p.Subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what waits in %s: %w", p.Stream, err)
	}
	u := &Orphan{Since: msg.Time, stream: s, seq: msg.Sequence, ended: ended, Delivery: call.Delivery{
		Account: call.Account(p.Account), Priority: call.Normal, Delivered: 1,
		Origin: Origin(p.Stream, msg.Sequence, msg.Time),
		Trace:  Traceparent(msg.Header), Body: msg.Data, MessageID: msg.Header.Get(HeaderMessageID),
	}}
	if _, priority, err := ParseSubject(msg.Subject); err == nil {
		u.Priority = priority
	}
	if p.Stream == StreamParked {
		return u, u.readDue(msg.Header, msg.Data)
	}
	return u, nil
}

func (u *Orphan) readDue(h nats.Header, data []byte) error {
	due, err := ReadDue(u.Account, h, data)
	if err != nil {
		return err
	}
	u.Due, u.Origin, u.Trace, u.Since = due, due.Record.Origin, due.Record.Trace, due.Record.Since
	u.Body, u.MessageID = nil, ""
	return nil
}

// Ack removes the message. That it is gone already is as good.
func (u *Orphan) Ack() error {
	ctx, cancel := context.WithTimeout(context.Background(), RequestTimeout)
	defer cancel()
	failpoint.Eval(failpoint.AckBefore)
	if err := u.stream.DeleteMsg(ctx, u.seq); err != nil {
		if _, gone := u.stream.GetMsg(ctx, u.seq); !errors.Is(gone, jetstream.ErrMsgNotFound) {
			return fmt.Errorf("remove a message that nobody serves: %w", err)
		}
	}
	failpoint.Eval(failpoint.AckAfter)
	u.ended()
	return nil
}

// Nak leaves it where it is.
func (u *Orphan) Nak(time.Duration) error { return nil }
