package sfvopi

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/ringonce/ringonce/internal/failpoint"
)

// idleTimeout is short because a server may close an idle connection just as we
// write to it, which turns a call into an unnecessary unknown.
const idleTimeout = 5 * time.Second

// pool holds the idle connections to the provider. The caller bounds how many are
// in use.
type pool struct {
	dial    func(ctx context.Context) (net.Conn, error)
	maxIdle int

	mu     sync.Mutex
	idle   []*postConn // the longest idle first
	expiry *time.Timer
}

// get returns a connection for an attempt that lasts until the given time. It
// prefers the one that was used last, so that the others expire.
func (p *pool) get(ctx context.Context, until time.Time) (*postConn, error) {
	for c := p.pop(); c != nil; c = p.pop() {
		if time.Since(c.idleSince) < idleTimeout && c.check.idleConnQuiet() && c.SetDeadline(until) == nil {
			return c, nil
		}
		c.close()
	}
	return p.open(ctx, until)
}

func (p *pool) open(ctx context.Context, until time.Time) (*postConn, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	failpoint.Eval(failpoint.ConnectBefore)
	conn, err := p.dial(ctx)
	if err != nil {
		return nil, err
	}
	failpoint.Eval(failpoint.ConnectAfter)
	c := newPostConn(conn)
	if !c.check.newConnQuiet() {
		c.close()
		return nil, errUnsolicited
	}
	if err := c.SetDeadline(until); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (p *pool) pop() *postConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return c
}

// put keeps a connection for the next attempt, or closes it if there are enough.
func (p *pool) put(c *postConn) {
	c.idleSince = time.Now()
	p.mu.Lock()
	room := len(p.idle) < p.maxIdle
	if room {
		p.idle = append(p.idle, c)
	}
	if room && p.expiry == nil {
		p.expiry = time.AfterFunc(idleTimeout, p.expire)
	}
	p.mu.Unlock()
	if !room {
		c.close()
	}
}

// expire closes the connections that were idle for too long, and schedules itself
// for the next.
func (p *pool) expire() {
	p.mu.Lock()
	now, n := time.Now(), 0
	for n < len(p.idle) && now.Sub(p.idle[n].idleSince) >= idleTimeout {
		n++
	}
	old := p.removeOldest(n)
	if len(p.idle) > 0 {
		p.expiry.Reset(idleTimeout - now.Sub(p.idle[0].idleSince))
	} else {
		p.expiry = nil
	}
	p.mu.Unlock()
	for _, c := range old {
		c.close()
	}
}

// close closes the idle connections.
func (p *pool) close() {
	p.mu.Lock()
	all := p.removeOldest(len(p.idle))
	p.mu.Unlock()
	for _, c := range all {
		c.close()
	}
}

// removeOldest removes the first n. The caller holds mu.
func (p *pool) removeOldest(n int) []*postConn {
	out := append([]*postConn(nil), p.idle[:n]...)
	rest := copy(p.idle, p.idle[n:])
	clear(p.idle[rest:])
	p.idle = p.idle[:rest]
	return out
}
