package devenv

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/ringonce/ringonce/internal/reconcile"
	"github.com/ringonce/ringonce/internal/term"
	"github.com/ringonce/ringonce/queue"
)

// counts is the progress of the requests, by the streams.
type counts struct {
	published int
	waiting   uint64 // in CALLS: not dialled yet, or being dialled
	parked    uint64 // in CALLS_PARKED: for a retry or a later time
	dead      uint64 // in CALLS_DEAD, which also holds the unknown ones
}

func (c counts) ended() int {
	return max(0, c.published-int(c.waiting)-int(c.parked)) //nolint:gosec // the number of requests is bounded
}

func (c counts) String() string {
	return fmt.Sprintf("%d of %d ended, %d parked, %d dead or unknown", c.ended(), c.published, c.parked, c.dead)
}

// countRequests reads the streams. A request moves from its queue to CALLS_PARKED
// and not back, and is acknowledged last: if first the one and then the other is
// empty, all have ended.
func countRequests(ctx context.Context, conn *queue.Conn, published int) (counts, error) {
	c := counts{published: published}
	for _, of := range []struct {
		streams []string
		into    *uint64
	}{{queue.RequestStreams(), &c.waiting}, {[]string{queue.StreamParked}, &c.parked}, {[]string{queue.StreamDead}, &c.dead}} {
		n, err := reconcile.CountMessages(ctx, conn.JetStream(), of.streams...)
		if err != nil {
			return c, err
		}
		*of.into = n
	}
	return c, nil
}

// progress draws a bar on a terminal; elsewhere it writes a line a second, if
// there is anything new.
type progress struct {
	out     io.Writer
	bar     *term.Bar // nil if out is no terminal
	written time.Time
	line    string
}

func newProgress(out io.Writer, total int) *progress {
	p := &progress{out: out}
	if file, ok := term.Open(out); ok {
		p.bar = term.NewBar(file, int64(total))
	}
	return p
}

func (p *progress) show(c counts, note string) {
	if p.bar != nil {
		p.bar.Set(int64(c.ended()), fmt.Sprintf("%d parked, %d dead/unknown%s", c.parked, c.dead, note))
		return
	}
	line, now := c.String()+note, time.Now()
	if line == p.line || now.Sub(p.written) < time.Second {
		return
	}
	p.written, p.line = now, line
	fmt.Fprintln(p.out, line)
}

func (p *progress) close(done bool) {
	if p.bar != nil {
		p.bar.Close(done)
	}
}
