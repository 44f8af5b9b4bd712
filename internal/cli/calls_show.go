package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
)

func newCallsShowCommand(cf *connFlags) *cobra.Command {
	var account string
	var asJSON, reveal bool
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show the record of a call: its state, its reason and every attempt",
		Long: `Show the record of a call: its state, its reason and every attempt. A call without
a record is searched among the requests that no worker has read yet.`,
		Example: `  ringonce calls show reminder-4711
  ringonce calls show --account acme-west --json reminder-4711`,
		Args: exactlyOneID,
		RunE: func(c *cobra.Command, args []string) error {
			operator, conn, err := cf.operator(c.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			view, err := callFinder{operator, conn, c.ErrOrStderr()}.view(c.Context(), account, args[0], reveal)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.OutOrStdout(), view)
			}
			return view.print(c.OutOrStdout(), time.Now())
		},
	}
	accountFlag(c, &account)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&reveal, "reveal", false, "show phone numbers and callback URLs in full")
	return c
}

// view returns a call by its record, or else by its waiting request.
func (f callFinder) view(ctx context.Context, account, arg string, reveal bool) (callView, error) {
	who, err := findCall(ctx, f.operator, account, arg)
	if errors.Is(err, errNoRecord) {
		return f.queuedView(ctx, who, reveal)
	}
	if err != nil {
		return callView{}, err
	}
	record, _, err := f.operator.Records().Read(ctx, who.account, who.id)
	if err != nil {
		return callView{}, err
	}
	letters, err := deadLettersOf(ctx, f.operator, who)
	if err != nil {
		return callView{}, err
	}
	if record.State == call.StateAbsent {
		view, err := f.queuedView(ctx, who, reveal)
		if err != nil && len(letters) > 0 {
			return callView{}, errOnlyDeadLetters(who, letters)
		}
		return view, err
	}
	view := newCallView(record, letters, reveal)
	if record.State == call.StateDead && !record.Discarded && !record.MayHaveRung {
		view.replayRefused = f.operator.CheckReplay(ctx, record, time.Now())
	}
	return view, nil
}

// queuedView returns a call that no worker has read yet.
func (f callFinder) queuedView(ctx context.Context, who target, reveal bool) (callView, error) {
	d, err := f.findQueued(ctx, who)
	if err != nil {
		return callView{}, err
	}
	record := call.NewRecord(d.Account, who.id, "", d.Origin, d.Priority, d.Trace, d.Body)
	record.State, record.Changed = call.StateWaiting, d.Origin.Published
	record.Message = "no worker has read it yet"
	letters, err := deadLettersOf(ctx, f.operator, target{d.Account, who.id})
	view := newCallView(record, letters, reveal)
	view.queued = true
	return view, err
}
