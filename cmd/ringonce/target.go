package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// target is the call that a command is about.
type target struct {
	account call.Account
	id      call.ID
}

func accountFlag(c *cobra.Command, account *string) {
	c.Flags().StringVar(account, "account", "", "`ACCOUNT` of the call (default: the one that has a call of this id)")
}

func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s does not take %q; see: %[1]s --help", c.CommandPath(), args[0])}
	}
	return nil
}

func exactlyOneID(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("%s takes exactly one id; see: %[1]s --help", c.CommandPath())}
	}
	return nil
}

func someIDs(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{fmt.Errorf("%s needs at least one id; see: %[1]s --help", c.CommandPath())}
	}
	return nil
}

// findCall reads an id, and finds its account if none is given.
func findCall(ctx context.Context, o *queue.Operator, account, arg string) (target, error) {
	id, err := call.ParseStoredID(arg)
	if err != nil {
		return target{}, usageError{err}
	}
	if account != "" {
		a, err := call.ParseAccount(account)
		if err != nil {
			return target{}, usageError{fmt.Errorf("--account: %w", err)}
		}
		return target{a, id}, nil
	}
	found, err := o.Accounts(ctx, id)
	switch {
	case err != nil:
		return target{}, err
	case len(found) == 1:
		return target{found[0], id}, nil
	case len(found) == 0:
		return target{id: id}, fmt.Errorf("no account has a record of %s: %w", id, errNoRecord)
	default:
		return target{}, usageError{fmt.Errorf("more than one account has a call %s: %s; name one with --account", id, join(found))}
	}
}

// errNoRecord says that a call has neither a record nor a dead letter.
var errNoRecord = errors.New("it was not published, or it waits to be read by a worker (ringonce calls show finds it), " +
	"or its record has expired (records.keep); check the id")

// notFound says what it can mean that a call is known nowhere.
func notFound(who target, s queue.Search) error {
	where := fmt.Sprintf("no account has a record of %s", who.id)
	if who.account != "" {
		where = fmt.Sprintf("account %s has no record of %s", who.account, who.id)
	}
	if !s.Complete() {
		return fmt.Errorf("%s, and it is not among the first %d of %d requests that wait unread; it may be behind them", where, s.Looked, s.Waiting)
	}
	return fmt.Errorf("%s, and it does not wait to be read: it was not published, or its record has expired (records.keep); check the id", where)
}

// findUnread looks for a call among the requests that no worker has read.
func findUnread(c *cobra.Command, conn *queue.Conn, who target) (*call.Delivery, error) {
	p := &searchProgress{out: c.ErrOrStderr()}
	found, search, err := conn.FindRequest(c.Context(), who.account, who.id, p.show)
	p.end(err == nil)
	switch {
	case err != nil:
		return nil, err
	case found == nil:
		return nil, notFound(who, search)
	default:
		return found, nil
	}
}

// searchProgress draws a bar for a search that takes a while.
type searchProgress struct {
	out io.Writer
	mu  sync.Mutex
	bar *bar
}

// showFrom is how many requests are searched without a bar.
const showFrom = 10_000

func (p *searchProgress) show(s queue.Search) {
	file, ok := terminal(p.out)
	if !ok || s.Waiting < showFrom {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil {
		p.bar = newBar(file, int64(s.Waiting)) //nolint:gosec // a stream holds fewer
	}
	p.bar.set(int64(s.Looked), "looking through what waits") //nolint:gosec // likewise
}

func (p *searchProgress) end(all bool) {
	if p.bar != nil {
		p.bar.end(all)
	}
}

// onlyLetters says what is known of a call that has dead letters and no record.
func onlyLetters(who target, letters []queue.Letter) error {
	return fmt.Errorf("account %s has no record of %s, only a dead letter (%s); see it with: ringonce dead show @%d",
		who.account, who.id, letters[0].Reason, letters[0].Sequence)
}

// letterSequence reads the name of a single dead letter: @ and its sequence.
func letterSequence(arg string) (uint64, bool, error) {
	digits, ok := strings.CutPrefix(arg, "@")
	if !ok {
		return 0, false, nil
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, true, usageError{errors.New("a single dead letter is named by @ and its number, as in: ringonce dead list")}
	}
	return n, true, nil
}

func join[T ~string](items []T) string { return strings.Join(texts(items), ", ") }
