package backlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// maxSubjects bounds how many subjects are returned at a time. Publishers choose
// them.
const maxSubjects = 10_000

// PendingSubject is a subject with messages that the consumers of its account, if
// it has any, have not removed.
type PendingSubject struct {
	Stream, Subject string
	// Account is the account token of the subject. It may be no possible name.
	Account string
}

// PendingSubjects lists where requests and due calls wait. It leaves out subjects
// that read as a pattern: they cannot be read by themselves.
func PendingSubjects(ctx context.Context, conn *queue.Conn) ([]PendingSubject, error) {
	var pending []PendingSubject
	for _, stream := range queue.WorkQueues() {
		prefix := queue.RequestsPrefix
		if stream == queue.StreamParked {
			prefix = queue.DuePrefix
		}
		subjects, err := queue.ListSubjects(ctx, conn.JetStream(), stream, prefix+">")
		if err != nil {
			return nil, err
		}
		for _, subject := range subjects {
			account, _, _ := strings.Cut(strings.TrimPrefix(subject, prefix), ".")
			if !strings.ContainsAny(subject, "*>") && len(pending) < maxSubjects {
				pending = append(pending, PendingSubject{Stream: stream, Subject: subject, Account: account})
			}
		}
	}
	return pending, nil
}

// Orphan is a message that no worker pulls. It is read and deleted by its sequence,
// never through a consumer: the consumers of a work queue must not overlap, and a
// worker that begins to serve the account must be able to create its own.
type Orphan struct {
	call.Delivery
	// Since is when its age began to count.
	Since     time.Time
	stream    jetstream.Stream
	sequence  uint64
	onRemoved func()
}

// Peek returns the first message of a subject, nil if there is none. onRemoved is
// called when it was removed.
func Peek(ctx context.Context, conn *queue.Conn, p PendingSubject, onRemoved func()) (*Orphan, error) {
	ctx, cancel := context.WithTimeout(ctx, queue.RequestTimeout)
	defer cancel()
	s, err := conn.JetStream().Stream(ctx, p.Stream)
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
	o := &Orphan{Since: msg.Time, stream: s, sequence: msg.Sequence, onRemoved: onRemoved}
	if o.Delivery, err = queue.ReadRequest(p.Stream, msg); err != nil {
		o.Account, o.Priority = call.Account(p.Account), call.Normal
	}
	o.Delivered = 1
	if p.Stream != queue.StreamParked {
		return o, nil
	}
	o.Body, o.MessageID = nil, ""
	if o.Due, err = queue.ReadDue(o.Account, msg.Header, msg.Data); err != nil {
		return o, err
	}
	o.Origin, o.Trace, o.Since = o.Due.Record.Origin, o.Due.Record.Trace, o.Due.Record.Since
	return o, nil
}

// Ack removes the message. It is no error if it is gone already.
func (o *Orphan) Ack() error {
	ctx, cancel := context.WithTimeout(context.Background(), queue.RequestTimeout)
	defer cancel()
	if err := o.stream.DeleteMsg(ctx, o.sequence); err != nil {
		if _, gone := o.stream.GetMsg(ctx, o.sequence); !errors.Is(gone, jetstream.ErrMsgNotFound) {
			return fmt.Errorf("remove an orphaned message: %w", err)
		}
	}
	o.onRemoved()
	return nil
}

// Nak leaves the message where it is.
func (o *Orphan) Nak(time.Duration) error { return nil }

// HasConsumers reports whether some worker created a consumer of an account: whether
// its requests are pulled, or ever were. One may be missing where another program
// consumes in its place.
func HasConsumers(ctx context.Context, conn *queue.Conn, a call.Account) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, queue.RequestTimeout)
	defer cancel()
	for _, p := range call.Priorities() {
		_, err := conn.JetStream().Consumer(ctx, queue.StreamOf(p), queue.RequestConsumer(a, p))
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return false, fmt.Errorf("look up the consumers of account %s: %w", a, err)
		}
	}
	return false, nil
}
