package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/ringonce/ringonce/internal/reconcile"
	"github.com/ringonce/ringonce/queue"
)

// devCounts is how far a batch has come, by the streams.
type devCounts struct {
	published int
	waiting   uint64 // in CALLS: not dialled yet, or being dialled
	parked    uint64 // in CALLS_PARKED: for a retry or a later time
	dead      uint64 // in CALLS_DEAD, where the unknown ones are held, too
}

func (c devCounts) ended() int {
	return max(0, c.published-int(c.waiting)-int(c.parked)) //nolint:gosec // the batch is bounded
}

func (c devCounts) String() string {
	return fmt.Sprintf("%d of %d ended, %d parked, %d dead or unknown", c.ended(), c.published, c.parked, c.dead)
}

// countDev asks the streams. A request goes from its queue to CALLS_PARKED and not
// back, and is acknowledged last: if first the one and then the other is empty,
// all have ended.
func countDev(ctx context.Context, conn *queue.Conn, published int) (devCounts, error) {
	c := devCounts{published: published}
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

// meter shows progress. It is ended once, and told whether that was the end of
// the batch.
type meter interface {
	show(c devCounts, note string)
	end(all bool)
}

// newMeter draws a bar on a terminal, and writes plain lines elsewhere.
func newMeter(w io.Writer, total int) meter {
	if file, ok := terminal(w); ok {
		return devBar{newBar(file, int64(total))}
	}
	return &lines{w: w}
}

type devBar struct{ *bar }

func (b devBar) show(c devCounts, note string) {
	message := fmt.Sprintf("%d parked, %d dead/unknown", c.parked, c.dead)
	if note != "" {
		message += ", " + note
	}
	b.set(int64(c.ended()), message)
}

// lines writes a line once a second, if there is anything new.
type lines struct {
	w    io.Writer
	last time.Time
	said string
}

func (l *lines) show(c devCounts, note string) {
	line := c.String()
	if note != "" {
		line += ", " + note
	}
	now := time.Now()
	if line == l.said || now.Sub(l.last) < time.Second {
		return
	}
	l.last, l.said = now, line
	fmt.Fprintln(l.w, line)
}

func (l *lines) end(bool) {}
