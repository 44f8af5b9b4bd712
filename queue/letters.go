package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/call"
)

// DeadLetterFilter says which dead letters are wanted. Empty fields want all.
type DeadLetterFilter struct {
	Account call.Account
	ID      call.ID
	Reasons []call.Reason
	// Before and After bound when the calls ended.
	Before time.Time
	After  time.Time
	// Limit is how many letters are given at most; it must be positive.
	Limit int
}

// DeadLetterPage is what a listing found, the oldest letter first.
type DeadLetterPage struct {
	Letters []DeadLetter // without bodies
	// More tells that the limit was reached before the end.
	More bool
}

// subjects gives the subjects of the wanted letters; they do not overlap.
func (f DeadLetterFilter) subjects() []string {
	account := string(f.Account)
	if account == "" {
		account = "*"
	}
	if len(f.Reasons) == 0 {
		return []string{DeadPrefix + account + ".*.*"}
	}
	var subjects []string
	for _, r := range f.Reasons {
		subjects = append(subjects, DeadPrefix+account+"."+string(r)+".*")
	}
	slices.Sort(subjects)
	return slices.Compact(subjects)
}

func (f DeadLetterFilter) wants(l DeadLetter) bool {
	return (f.ID == "" || l.ID == f.ID) && (f.Before.IsZero() || l.Ended.Before(f.Before)) && (f.After.IsZero() || l.Ended.After(f.After))
}

// List gives the wanted letters, without their bodies.
func (g *DeadLetters) List(ctx context.Context, f DeadLetterFilter) (DeadLetterPage, error) {
	var found DeadLetterPage
	err := scan(ctx, g.js, StreamDead, f.subjects(), true, func(msg jetstream.Msg) (bool, error) {
		meta, err := msg.Metadata()
		if err != nil {
			return false, err
		}
		l, err := readLetter(msg.Subject(), meta.Sequence.Stream, meta.Timestamp, msg.Headers(), nil)
		if err != nil || !f.wants(l) {
			return true, nil //nolint:nilerr // an error says that it is none of ours
		}
		if len(found.Letters) == f.Limit {
			found.More = true
			return false, nil
		}
		found.Letters = append(found.Letters, l)
		return true, nil
	})
	return found, err
}

// ErrDeadLetterNotFound says that there is no such dead letter, or none any more.
var ErrDeadLetterNotFound = errors.New("there is no such dead letter")

// Get gives one letter by its sequence, with its body.
func (g *DeadLetters) Get(ctx context.Context, sequence uint64) (DeadLetter, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	stream, err := g.js.Stream(ctx, StreamDead)
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
	return readLetter(msg.Subject, msg.Sequence, msg.Time, msg.Header, msg.Data)
}

// ForCall gives every letter of one call, with its body, the oldest first. Letters
// of other requests that used its id ([call.IDConflict]) are not among them.
// An empty account looks through all.
func (g *DeadLetters) ForCall(ctx context.Context, a call.Account, id call.ID) ([]DeadLetter, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	stream, err := g.js.Stream(ctx, StreamDead)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", StreamDead, err)
	}
	subjects, err := ListSubjects(ctx, g.js, StreamDead, DeadSubject(anyAccount(a), "*", string(id)))
	if err != nil {
		return nil, fmt.Errorf("look for dead letters: %w", err)
	}
	var letters []DeadLetter
	for _, subject := range subjects {
		msg, err := stream.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // gone since
		}
		if err != nil {
			return nil, fmt.Errorf("read a dead letter: %w", err)
		}
		l, err := readLetter(msg.Subject, msg.Sequence, msg.Time, msg.Header, msg.Data)
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

// DeleteLetter deletes this very letter. One that was written since under the same
// subject stays; one that is gone already is no error.
func (g *DeadLetters) DeleteLetter(ctx context.Context, l DeadLetter) error {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	stream, err := g.js.Stream(ctx, StreamDead)
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
	return fmt.Errorf("remove a dead letter: %w", cause)
}

func anyAccount(a call.Account) call.Account {
	if a == "" {
		return "*"
	}
	return a
}
