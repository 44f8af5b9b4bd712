package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// Bounds of a search through the requests that wait.
const (
	maxExamined = 500_000 // requests that are read
	readers     = 32      // requests that are read at once
)

// SearchProgress is how far a search through the requests that wait has come.
type SearchProgress struct {
	Examined, Waiting uint64
}

// Complete reports whether all requests that waited were examined.
func (s SearchProgress) Complete() bool { return s.Examined >= s.Waiting }

// FindRequest looks for a request that waits in its stream and that no worker has
// recorded yet. An empty account looks through all accounts. It returns nil if
// none is found. onProgress may be nil; it is called from several goroutines.
//
// Messages are read by their sequence: a second consumer on a work queue would
// take them from the workers.
func (o *Operator) FindRequest(
	ctx context.Context, a call.Account, id call.ID, onProgress func(SearchProgress),
) (*call.Delivery, SearchProgress, error) {
	s := search{id: id, onProgress: onProgress}
	var sections []section
	for _, p := range call.Priorities() {
		found, waiting, err := o.sections(ctx, a, p)
		if err != nil {
			return nil, SearchProgress{}, err
		}
		s.waiting += waiting
		sections = append(sections, found...)
	}
	var reading errgroup.Group
	reading.SetLimit(readers)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for _, part := range sections {
		reading.Go(func() error {
			err := s.read(ctx, part)
			if s.found.Load() != nil {
				stop()
				return nil
			}
			return err
		})
	}
	err := reading.Wait()
	return s.found.Load(), s.progress(), err
}

// section is a part of a stream of requests: the sequences from first to last.
type section struct {
	stream      jetstream.Stream
	name        string
	subject     string
	first, last uint64
}

// sections splits a stream of requests into parts that are read concurrently, and
// returns how many requests wait in all of them.
func (o *Operator) sections(ctx context.Context, a call.Account, p call.Priority) (parts []section, waiting uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, queue.RequestTimeout)
	defer cancel()
	name := queue.StreamOf(p)
	stream, err := o.conn.JetStream().Stream(ctx, name)
	if err != nil {
		return nil, 0, fmt.Errorf("open stream %s: %w", name, err)
	}
	subject := queue.StoredSubject(cmp.Or(a, "*"), p)
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(subject))
	if err != nil {
		return nil, 0, fmt.Errorf("read stream %s: %w", name, err)
	}
	for _, n := range info.State.Subjects {
		waiting += n
	}
	if waiting == 0 {
		return nil, 0, nil
	}
	last := info.State.LastSeq
	size := (last-info.State.FirstSeq)/readers + 1
	for first := info.State.FirstSeq; first <= last; first += size {
		parts = append(parts, section{stream: stream, name: name, subject: subject, first: first, last: min(first+size-1, last)})
	}
	return parts, waiting, nil
}

// search looks for one request.
type search struct {
	id         call.ID
	onProgress func(SearchProgress)
	waiting    uint64
	examined   atomic.Uint64
	found      atomic.Pointer[call.Delivery]
}

func (s *search) progress() SearchProgress {
	return SearchProgress{Examined: s.examined.Load(), Waiting: s.waiting}
}

// read reads a section up to its end, to the request, or to the bound.
func (s *search) read(ctx context.Context, part section) error {
	for next := part.first; next <= part.last && s.found.Load() == nil; {
		msg, err := part.stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(part.subject))
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			return nil
		case err != nil:
			return fmt.Errorf("read the requests that wait: %w", err)
		case msg.Sequence > part.last:
			return nil
		}
		if s.examined.Add(1) > maxExamined {
			return nil
		}
		if d, err := queue.ReadRequest(part.name, msg); err == nil && d.ID() == s.id {
			s.found.Store(&d)
		}
		if s.onProgress != nil {
			s.onProgress(s.progress())
		}
		next = msg.Sequence + 1
	}
	return nil
}

// AccountsOf returns the accounts that have a record or a dead letter of this id,
// sorted, for an operator who knows only the id.
func (o *Operator) AccountsOf(ctx context.Context, id call.ID) ([]call.Account, error) {
	recorded, err := o.records.AccountsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	dead, err := o.deadLetters.AccountsOf(ctx, id)
	accounts := append(recorded, dead...)
	slices.Sort(accounts)
	return slices.Compact(accounts), err
}
