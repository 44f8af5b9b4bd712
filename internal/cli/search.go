package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/term"
	"github.com/ringonce/ringonce/queue"
)

// notFound says what it can mean that a call is known nowhere.
func notFound(who target, s queue.SearchProgress) error {
	where := fmt.Sprintf("no account has a record of %s", who.id)
	if who.account != "" {
		where = fmt.Sprintf("account %s has no record of %s", who.account, who.id)
	}
	if !s.Complete() {
		return fmt.Errorf("%s, and it is not among the first %d of %d requests that wait unread; it may be behind them", where, s.Examined, s.Waiting)
	}
	return fmt.Errorf("%s, and it does not wait to be read: it was not published, or its record has expired (records.keep); check the id", where)
}

// search looks for a call: by its record, and among the requests that wait.
type search struct {
	operator *queue.Operator
	conn     *queue.Conn
	progress io.Writer
}

// record reports whether a call has a record, and in which account.
func (s search) record(ctx context.Context, account, arg string) (who target, known bool, err error) {
	who, err = findCall(ctx, s.operator, account, arg)
	switch {
	case errors.Is(err, errNoRecord):
		return who, false, nil
	case err != nil:
		return who, false, err
	}
	record, _, err := s.operator.Records().Read(ctx, who.account, who.id)
	return who, record.State != call.StateAbsent, err
}

// unread looks for a call among the requests that no worker has read.
func (s search) unread(ctx context.Context, who target) (*call.Delivery, error) {
	p := &searchProgress{out: s.progress}
	found, looked, err := s.conn.FindRequest(ctx, who.account, who.id, p.show)
	p.end(err == nil)
	switch {
	case err != nil:
		return nil, err
	case found == nil:
		return nil, notFound(who, looked)
	default:
		return found, nil
	}
}

// searchProgress draws a bar for a search that takes a while.
type searchProgress struct {
	out io.Writer
	mu  sync.Mutex
	bar *term.Bar
}

// showFrom is how many requests are searched without a bar.
const showFrom = 10_000

func (p *searchProgress) show(s queue.SearchProgress) {
	file, ok := term.Open(p.out)
	if !ok || s.Waiting < showFrom {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil {
		p.bar = term.NewBar(file, int64(s.Waiting)) //nolint:gosec // a stream holds fewer
	}
	p.bar.Set(int64(s.Examined), "looking through what waits") //nolint:gosec // likewise
}

func (p *searchProgress) end(all bool) {
	if p.bar != nil {
		p.bar.Close(all)
	}
}
