package sfvopi

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/ringonce/ringonce/internal/failpoint"
)

// A server may close an idle connection just as we write to it, which turns a
// call into a false unknown; so ours are not kept for long.
const idleTimeout = 5 * time.Second

// lines are the connections to the provider that lie idle. How many are in use
// is the caller's affair.
type lines struct {
	dial func(ctx context.Context) (net.Conn, error)
	most int // idle at once

	mu     sync.Mutex
	idle   []*line // the one that lay longest first
	expiry *time.Timer
}

// take gives a line on which an attempt may be made until the given time. The
// one that was used last is taken first, so that the others grow old.
func (s *lines) take(ctx context.Context, until time.Time) (*line, error) {
	for l := s.pop(); l != nil; l = s.pop() {
		if time.Since(l.idle) < idleTimeout && l.quiet.whenKept() && l.SetDeadline(until) == nil {
			return l, nil
		}
		l.hangUp()
	}
	return s.open(ctx, until)
}

func (s *lines) open(ctx context.Context, until time.Time) (*line, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	failpoint.Eval(failpoint.ConnectBefore)
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	failpoint.Eval(failpoint.ConnectAfter)
	l := newLine(conn)
	if !l.quiet.whenNew() {
		l.hangUp()
		return nil, errUnasked
	}
	if err := l.SetDeadline(until); err != nil {
		l.hangUp()
		return nil, err
	}
	return l, nil
}

func (s *lines) pop() *line {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.idle)
	if n == 0 {
		return nil
	}
	l := s.idle[n-1]
	s.idle[n-1] = nil
	s.idle = s.idle[:n-1]
	return l
}

// keep lays a line by for the next attempt, or closes it if there are enough.
func (s *lines) keep(l *line) {
	l.idle = time.Now()
	s.mu.Lock()
	room := len(s.idle) < s.most
	if room {
		s.idle = append(s.idle, l)
	}
	if room && s.expiry == nil {
		s.expiry = time.AfterFunc(idleTimeout, s.expire)
	}
	s.mu.Unlock()
	if !room {
		l.hangUp()
	}
}

// expire closes the lines that lay idle for too long, and comes back for the
// next.
func (s *lines) expire() {
	s.mu.Lock()
	now, n := time.Now(), 0
	for n < len(s.idle) && now.Sub(s.idle[n].idle) >= idleTimeout {
		n++
	}
	old := s.cut(n)
	if len(s.idle) > 0 {
		s.expiry.Reset(idleTimeout - now.Sub(s.idle[0].idle))
	} else {
		s.expiry = nil
	}
	s.mu.Unlock()
	for _, l := range old {
		l.hangUp()
	}
}

// close closes the lines that lie idle.
func (s *lines) close() {
	s.mu.Lock()
	all := s.cut(len(s.idle))
	s.mu.Unlock()
	for _, l := range all {
		l.hangUp()
	}
}

// cut takes the first n out. The caller holds mu.
func (s *lines) cut(n int) []*line {
	out := append([]*line(nil), s.idle[:n]...)
	rest := copy(s.idle, s.idle[n:])
	clear(s.idle[rest:])
	s.idle = s.idle[:rest]
	return out
}
