package queue

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/ringonce/ringonce/call"
)

// Bounds of a search through the requests that wait.
const (
	// maxLookedAt is how many requests are read at most.
	maxLookedAt = 500_000
	// lookers is how many requests are read at once.
	lookers = 32
)

// SearchProgress is how far a search through the requests that wait has come.
type SearchProgress struct {
	Examined, Waiting uint64
}

// Complete reports whether all requests that waited were looked at.
func (s SearchProgress) Complete() bool { return s.Examined >= s.Waiting }

// FindRequest looks for a request that waits in its stream and that no worker has
// recorded yet. An empty account looks through all accounts. It returns nil if
// none is found. progress may be nil; it is called from several goroutines.
//
// Messages are read by their sequence: a second consumer on a work queue would
// take them from the workers.
func (c *Conn) FindRequest(ctx context.Context, a call.Account, id call.ID, progress func(SearchProgress)) (*call.Delivery, SearchProgress, error) {
	f := finder{account: a, id: id, progress: progress}
	var sections []section
	for _, p := range call.Priorities() {
		found, err := c.sections(ctx, a, p)
		if err != nil {
			return nil, SearchProgress{}, err
		}
		for _, s := range found {
			f.waiting += s.waiting
		}
		sections = append(sections, found...)
	}
	var looking errgroup.Group
	looking.SetLimit(lookers)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for _, s := range sections {
		looking.Go(func() error {
			err := f.look(ctx, s)
			if f.found.Load() != nil {
				stop()
				return nil
			}
			return err
		})
	}
	err := looking.Wait()
	return f.found.Load(), f.search(), err
}

// section is a part of a stream of requests: the sequences from first to last.
type section struct {
	stream      jetstream.Stream
	subject     string
	first, last uint64
	waiting     uint64 // of the whole stream, in its first section
}

// sections splits what waits of one priority into parts that are read side by
// side.
func (c *Conn) sections(ctx context.Context, a call.Account, p call.Priority) ([]section, error) {
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	stream, err := c.js.Stream(ctx, StreamOf(p))
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", StreamOf(p), err)
	}
	subject := StoredSubject(anyAccount(a), p)
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(subject))
	if err != nil {
		return nil, fmt.Errorf("look into stream %s: %w", StreamOf(p), err)
	}
	whole := section{stream: stream, subject: subject, first: info.State.FirstSeq, last: info.State.LastSeq}
	for _, n := range info.State.Subjects {
		whole.waiting += n
	}
	if whole.waiting == 0 {
		return nil, nil
	}
	return whole.split(lookers), nil
}

// split divides a section into n parts at most.
func (s section) split(n uint64) []section {
	size := (s.last-s.first)/n + 1
	var parts []section
	for first := s.first; first <= s.last; first += size {
		parts = append(parts, section{stream: s.stream, subject: s.subject, first: first, last: min(first+size-1, s.last)})
	}
	parts[0].waiting = s.waiting
	return parts
}

// finder looks for one request.
type finder struct {
	account  call.Account
	id       call.ID
	progress func(SearchProgress)
	waiting  uint64
	looked   atomic.Uint64
	found    atomic.Pointer[call.Delivery]
}

func (f *finder) search() SearchProgress {
	return SearchProgress{Examined: f.looked.Load(), Waiting: f.waiting}
}

// look reads a section up to its end, to the request, or to the bound.
func (f *finder) look(ctx context.Context, s section) error {
	for next := s.first; next <= s.last && f.found.Load() == nil; {
		msg, err := s.stream.GetMsg(ctx, next, jetstream.WithGetMsgSubject(s.subject))
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			return nil
		case err != nil:
			return fmt.Errorf("read what waits: %w", err)
		case msg.Sequence > s.last:
			return nil
		}
		if f.looked.Add(1) > maxLookedAt {
			return nil
		}
		if d, err := requestOf(msg); err == nil && d.ID() == f.id {
			f.found.Store(&d)
		}
		if f.progress != nil {
			f.progress(f.search())
		}
		next = msg.Sequence + 1
	}
	return nil
}

// requestOf reads a request as its worker will.
func requestOf(msg *jetstream.RawStreamMsg) (call.Delivery, error) {
	account, priority, err := ParseSubject(msg.Subject)
	if err != nil {
		return call.Delivery{}, err
	}
	return call.Delivery{
		Account: account, Priority: priority, Origin: Origin(StreamOf(priority), msg.Sequence, msg.Time),
		Trace: Traceparent(msg.Header), Body: msg.Data, MessageID: msg.Header.Get(HeaderMessageID),
	}, nil
}
