package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

// findLetters gives the letters of an id, or the one that is named by @ and its
// number; at least one.
func findLetters(ctx context.Context, o *queue.Operator, account, arg string) ([]queue.DeadLetter, error) {
	sequence, single, err := letterSequence(arg)
	if err != nil {
		return nil, err
	}
	if single {
		l, err := o.DeadLetters().Get(ctx, sequence)
		if errors.Is(err, queue.ErrDeadLetterNotFound) {
			return nil, fmt.Errorf("%w: %s; it was replaced, removed, or has expired: see ringonce dead list", err, arg)
		}
		return []queue.DeadLetter{l}, err
	}
	who, err := findCall(ctx, o, account, arg)
	if err != nil {
		return nil, err
	}
	letters, err := o.DeadLetters().ForCall(ctx, who.account, who.id)
	if err == nil && len(letters) == 0 {
		err = fmt.Errorf("%s has no dead letter in account %s; see what became of it with: ringonce calls show %[1]s", who.id, who.account)
	}
	return letters, err
}

func printLetters(out io.Writer, letters []queue.DeadLetter, now time.Time) {
	if len(letters) == 0 {
		fmt.Fprintln(out, "no dead letters")
		return
	}
	t := newTable(out, "letter", "account", "id", "reason", "ended", "attempts", "message")
	for _, l := range letters {
		t.AppendRow([]any{
			"@" + strconv.FormatUint(l.Sequence, 10), l.Account, l.ID, l.Reason, moment(l.Ended, now), l.Attempts, shorten(l.Message),
		})
	}
	t.Render()
}

// shorten keeps a line of a list on one line.
func shorten(s string) string {
	const most = 60
	runes := []rune(printable(s))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most]) + "…"
}

// letterView is a dead letter for programs. It holds no phone number.
type letterView struct {
	Letter      uint64         `json:"letter"`
	Account     call.Account   `json:"account"`
	ID          call.ID        `json:"id"`
	Reason      call.Reason    `json:"reason"`
	Message     string         `json:"message,omitzero"`
	Status      int            `json:"status,omitzero"`
	Published   time.Time      `json:"published,omitzero"`
	Ended       time.Time      `json:"ended"`
	MayHaveRung bool           `json:"may_have_rung,omitzero"`
	Made        int            `json:"made"`
	Attempts    []call.Attempt `json:"attempts"`
	Size        int            `json:"size"`
	Trace       string         `json:"traceparent,omitzero"`
}

func printLettersJSON(out io.Writer, letters []queue.DeadLetter) error {
	for _, l := range letters {
		err := json.MarshalWrite(out, letterView{
			Letter: l.Sequence, Account: l.Account, ID: l.ID, Reason: l.Reason, Message: l.Message, Status: l.Status,
			Published: l.Origin.Published, Ended: l.Ended, MayHaveRung: l.MayHaveRung, Made: l.Attempts, Attempts: l.History,
			Size: l.Size, Trace: l.Trace,
		})
		if err != nil {
			return fmt.Errorf("print JSON: %w", err)
		}
		fmt.Fprintln(out)
	}
	return nil
}

func printLetter(out io.Writer, l queue.DeadLetter, reveal bool, now time.Time) {
	t := newTable(out)
	row := func(name, value string) {
		if value != "" && value != "-" {
			t.AppendRow([]any{name, value})
		}
	}
	row("letter", "@"+strconv.FormatUint(l.Sequence, 10))
	row("call", string(l.ID))
	row("account", string(l.Account))
	row("reason", string(l.Reason))
	row("message", printable(l.Message))
	row("ended", moment(l.Ended, now))
	row("published", moment(l.Origin.Published, now))
	if l.MayHaveRung {
		row("may have rung", "yes")
	}
	if r := newRequestView(l.Body, reveal); r != nil {
		row("from", r.From)
		row("to", r.To)
		row("metadata", metadataLine(r.Metadata))
	}
	row("trace", l.Trace)
	row("attempts", strconv.Itoa(l.Attempts))
	t.Render()
	if len(l.History) > 0 {
		fmt.Fprintln(out)
		history := newTable(out, "claimed", "what", "detail")
		for _, a := range l.History {
			history.AppendRow([]any{moment(a.ClaimedAt, now), fmt.Sprintf("attempt %d %s", a.N, orDash(a.Class)), printable(attemptLine(a))})
		}
		history.Render()
	}
	fmt.Fprintln(out)
	if reveal {
		fmt.Fprintln(out, printable(string(l.Body)))
		return
	}
	fmt.Fprintf(out, "what was asked for: %d bytes; --reveal shows it, --body prints it as it was published\n", l.Size)
}
