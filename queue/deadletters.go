package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// DeadLetters keeps the dead letters. A call has one for each reason at most: a
// second Put replaces it.
type DeadLetters struct {
	conn      *Conn
	js        jetstream.JetStream
	retention time.Duration
}

// NewDeadLetters returns the dead letters. They are kept for the retention, those
// of unknown calls until they are resolved.
func (c *Conn) NewDeadLetters(retention time.Duration) *DeadLetters {
	return &DeadLetters{conn: c, js: c.js, retention: retention}
}

// Put writes the dead letter of a record that is dead or unknown. body is the
// request as it came, for a record that does not hold it.
func (d *DeadLetters) Put(ctx context.Context, r call.Record, body []byte) error {
	if r.Request != nil {
		body = r.Request
	}
	return d.put(ctx, string(r.ID), r, body)
}

// PutConflict writes the dead letter of a request whose id is in use by another
// one. Its subject ends in the message that the request came by, since the id
// belongs to the other.
func (d *DeadLetters) PutConflict(ctx context.Context, r call.Record, body []byte) error {
	return d.put(ctx, r.Origin.Key(), r, body)
}

func (d *DeadLetters) put(ctx context.Context, token string, r call.Record, body []byte) error {
	m, err := newDeadLetter(token, r, body)
	if err == nil {
		if r.State != call.StateUnknown {
			SetTTL(m, d.retention)
		}
		_, err = d.conn.Publish(ctx, StreamDead, m)
	}
	if err != nil {
		return fmt.Errorf("write a dead letter: %w", err)
	}
	return nil
}

// Delete removes the dead letter of a call that turned out otherwise.
func (d *DeadLetters) Delete(ctx context.Context, a call.Account, reason call.Reason, id call.ID) error {
	err := purgeSubject(ctx, d.js, StreamDead, deadSubject(a, reason, string(id)))
	return err
}

// DeleteLetter removes this very dead letter. One that was written since under the
// same subject stays; one that is gone already is no error.
func (d *DeadLetters) DeleteLetter(ctx context.Context, l DeadLetter) error {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	stream, err := d.js.Stream(ctx, StreamDead)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", StreamDead, err)
	}
	cause := stream.DeleteMsg(ctx, l.Sequence)
	if cause == nil {
		return nil
	}
	if _, err := stream.GetMsg(ctx, l.Sequence); errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	return fmt.Errorf("delete a dead letter: %w", cause)
}

// DeadLetterFilter selects dead letters. Empty fields select all.
type DeadLetterFilter struct {
	Account call.Account
	ID      call.ID
	Reasons []call.Reason
	// Before and After bound when the calls ended.
	Before time.Time
	After  time.Time
	// Limit is the size of a page; it must be positive.
	Limit int
}

// DeadLetterPage is the first page of the selected dead letters, the oldest first.
type DeadLetterPage struct {
	Letters []DeadLetter // without bodies
	// More is set if the limit was reached before the end.
	More bool
}

// subjects returns the subjects of the selected dead letters; they do not overlap.
func (f DeadLetterFilter) subjects() []string {
	account := cmp.Or(f.Account, "*")
	if len(f.Reasons) == 0 {
		return []string{deadSubject(account, "*", "*")}
	}
	var subjects []string
	for _, r := range f.Reasons {
		subjects = append(subjects, deadSubject(account, r, "*"))
	}
	slices.Sort(subjects)
	return slices.Compact(subjects)
}

func (f DeadLetterFilter) selects(l DeadLetter) bool {
	return (f.ID == "" || l.ID == f.ID) && (f.Before.IsZero() || l.Ended.Before(f.Before)) && (f.After.IsZero() || l.Ended.After(f.After))
}

// List returns the selected dead letters, without their bodies.
func (d *DeadLetters) List(ctx context.Context, f DeadLetterFilter) (DeadLetterPage, error) {
	var page DeadLetterPage
	err := scan(ctx, d.js, StreamDead, f.subjects(), true, func(msg jetstream.Msg) (bool, error) {
		meta, err := msg.Metadata()
		if err != nil {
			return false, err
		}
		l, err := parseDeadLetter(msg.Subject(), meta.Sequence.Stream, meta.Timestamp, msg.Headers(), nil)
		if err != nil || !f.selects(l) {
			return true, nil //nolint:nilerr // what cannot be read is not ours
		}
		if len(page.Letters) == f.Limit {
			page.More = true
			return false, nil
		}
		page.Letters = append(page.Letters, l)
		return true, nil
	})
	return page, err
}

// ErrDeadLetterNotFound says that there is no such dead letter, or none any more.
var ErrDeadLetterNotFound = errors.New("there is no such dead letter")

// Get returns one dead letter by its sequence, with its body.
func (d *DeadLetters) Get(ctx context.Context, sequence uint64) (DeadLetter, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	stream, err := d.js.Stream(ctx, StreamDead)
	if err != nil {
		return DeadLetter{}, fmt.Errorf("open stream %s: %w", StreamDead, err)
	}
	msg, err := stream.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return DeadLetter{}, ErrDeadLetterNotFound
	}
	if err != nil {
		return DeadLetter{}, fmt.Errorf("read a dead letter: %w", err)
	}
	return parseDeadLetter(msg.Subject, msg.Sequence, msg.Time, msg.Header, msg.Data)
}

// Has reports whether the dead letter of a record exists.
func (d *DeadLetters) Has(ctx context.Context, r call.Record) (bool, error) {
	return exists(ctx, d.js, StreamDead, func(ctx context.Context, s jetstream.Stream) error {
		_, err := s.GetLastMsgForSubject(ctx, deadSubject(r.Account, r.Reason, string(r.ID)))
		return err
	})
}

// ForCall returns every dead letter of one call, with its body, the oldest first.
// Those of other requests that used its id ([call.IDConflict]) are not among them.
// An empty account looks through all.
func (d *DeadLetters) ForCall(ctx context.Context, a call.Account, id call.ID) ([]DeadLetter, error) {
	subjects, err := ListSubjects(ctx, d.js, StreamDead, deadSubject(cmp.Or(a, "*"), "*", string(id)))
	if err != nil {
		return nil, fmt.Errorf("look for dead letters: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	stream, err := d.js.Stream(ctx, StreamDead)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", StreamDead, err)
	}
	var letters []DeadLetter
	for _, subject := range subjects {
		msg, err := stream.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // deleted since
		}
		if err != nil {
			return nil, fmt.Errorf("read a dead letter: %w", err)
		}
		l, err := parseDeadLetter(msg.Subject, msg.Sequence, msg.Time, msg.Header, msg.Data)
		if err != nil {
			return nil, err
		}
		if l.Reason != call.IDConflict {
			letters = append(letters, l)
		}
	}
	slices.SortFunc(letters, func(x, y DeadLetter) int { return x.Ended.Compare(y.Ended) })
	return letters, nil
}

// AccountsOf returns the accounts that have a dead letter of this id. Those of
// other requests that used the id ([call.IDConflict]) do not count.
func (d *DeadLetters) AccountsOf(ctx context.Context, id call.ID) ([]call.Account, error) {
	subjects, err := ListSubjects(ctx, d.js, StreamDead, deadSubject("*", "*", string(id)))
	var accounts []call.Account
	for _, subject := range subjects {
		if account, reason, _, err := parseDeadSubject(subject); err == nil && reason != call.IDConflict {
			accounts = append(accounts, account)
		}
	}
	return accounts, err
}
