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
	"github.com/ringonce/ringonce/queue/admin"
)

// target identifies a call.
type target struct {
	account call.Account
	id      call.ID
}

// findCall parses an id, and finds its account if none is given.
func findCall(ctx context.Context, o *admin.Operator, account, arg string) (target, error) {
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
	found, err := o.AccountsOf(ctx, id)
	switch {
	case err != nil:
		return target{}, err
	case len(found) == 1:
		return target{found[0], id}, nil
	case len(found) == 0:
		return target{id: id}, fmt.Errorf("no account has a record of %s: %w", id, errNoRecord)
	default:
		return target{}, usageError{fmt.Errorf("several accounts have a call %s: %s; name one with --account", id, join(found))}
	}
}

// errNoRecord is the error for a call with neither a record nor a dead letter.
var errNoRecord = errors.New("it was not published, no worker has read it yet (ringonce calls show finds it), " +
	"or its record has expired (records.keep); check the id")

// errOnlyDeadLetters returns the error for a call with dead letters and no record.
func errOnlyDeadLetters(who target, letters []queue.DeadLetter) error {
	return fmt.Errorf("account %s has no record of %s, only a dead letter (%s); see: ringonce dead show @%d",
		who.account, who.id, letters[0].Reason, letters[0].Sequence)
}

// notFound returns the error for a call that was not found anywhere.
func notFound(who target, s admin.SearchProgress) error {
	where := fmt.Sprintf("no account has a record of %s", who.id)
	if who.account != "" {
		where = fmt.Sprintf("account %s has no record of %s", who.account, who.id)
	}
	if !s.Complete() {
		return fmt.Errorf("%s, and it is not among the first %d of %d waiting requests; it may be behind them", where, s.Examined, s.Waiting)
	}
	return fmt.Errorf("%s, and no waiting request has this id: it was not published, or its record has expired (records.keep); check the id", where)
}

// callFinder finds a call by its record, or among the waiting requests.
type callFinder struct {
	operator *admin.Operator
	conn     *queue.Conn
	progress io.Writer
}

// findRecord reports whether a call has a record, and in which account.
func (f callFinder) findRecord(ctx context.Context, account, arg string) (who target, known bool, err error) {
	who, err = findCall(ctx, f.operator, account, arg)
	switch {
	case errors.Is(err, errNoRecord):
		return who, false, nil
	case err != nil:
		return who, false, err
	}
	record, _, err := f.operator.Records().Read(ctx, who.account, who.id)
	return who, record.State != call.StateAbsent, err
}

// findQueued finds a call among the requests that no worker has read.
func (f callFinder) findQueued(ctx context.Context, who target) (*call.Delivery, error) {
	p := &searchProgress{out: f.progress}
	found, looked, err := f.operator.FindRequest(ctx, who.account, who.id, p.show)
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

// searchProgress draws a bar for a long search.
type searchProgress struct {
	out io.Writer
	mu  sync.Mutex
	bar *term.Bar
}

// minProgress is how many waiting requests are searched without a bar.
const minProgress = 10_000

func (p *searchProgress) show(s admin.SearchProgress) {
	file, ok := term.Open(p.out)
	if !ok || s.Waiting < minProgress {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil {
		p.bar = term.NewBar(file, int64(s.Waiting)) //nolint:gosec // a stream holds fewer
	}
	p.bar.Set(int64(s.Examined), "searching the requests that wait") //nolint:gosec // likewise
}

func (p *searchProgress) end(all bool) {
	if p.bar != nil {
		p.bar.Close(all)
	}
}

// findDeadLetters returns the dead letters of an id, or the one named by @ and its
// number; at least one.
func findDeadLetters(ctx context.Context, o *admin.Operator, account, arg string) ([]queue.DeadLetter, error) {
	sequence, single, err := parseLetterNumber(arg)
	if err != nil {
		return nil, err
	}
	if single {
		l, err := o.DeadLetters().Get(ctx, sequence)
		if errors.Is(err, queue.ErrDeadLetterNotFound) {
			return nil, fmt.Errorf("%w: %s; it was replaced, removed or has expired; see: ringonce dead list", err, arg)
		}
		return []queue.DeadLetter{l}, err
	}
	who, err := findCall(ctx, o, account, arg)
	if err != nil {
		return nil, err
	}
	letters, err := o.DeadLetters().ForCall(ctx, who.account, who.id)
	if err == nil && len(letters) == 0 {
		err = fmt.Errorf("%s has no dead letter in account %s; see: ringonce calls show %[1]s", who.id, who.account)
	}
	return letters, err
}

// deadLettersOf returns the dead letters of a call, and those of other requests that
// used its id.
func deadLettersOf(ctx context.Context, o *admin.Operator, who target) ([]queue.DeadLetter, error) {
	letters, err := o.DeadLetters().ForCall(ctx, who.account, who.id)
	if err != nil {
		return nil, err
	}
	conflicts, err := o.DeadLetters().List(ctx, queue.DeadLetterFilter{
		Account: who.account, ID: who.id, Reasons: []call.Reason{call.IDConflict}, Limit: maxConflicts,
	})
	return append(letters, conflicts.Letters...), err
}

// maxConflicts is how many dead letters of other requests with the same id are shown.
const maxConflicts = 10
