package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/admin"
)

func newUnknownListCommand(cf *connFlags) *cobra.Command {
	f := &filterFlags{}
	c := &cobra.Command{
		Use:     "list",
		Short:   "List calls that may have rung, oldest first",
		Example: `  ringonce unknown list --account acme-west`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			filter, err := f.filter(time.Now())
			if err != nil {
				return err
			}
			filter.Reasons = []call.Reason{call.OutcomeUnknown, call.WebhookFailed}
			operator, conn, err := cf.operator(c.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			letters, err := operator.DeadLetters().List(c.Context(), filter)
			if err != nil {
				return err
			}
			if err := printUnknown(c, operator, letters.Letters, time.Now()); err != nil {
				return err
			}
			if letters.More {
				fmt.Fprintf(c.ErrOrStderr(), "more dead letters match; raise --limit (%d), or narrow the selection\n", filter.Limit)
			}
			return nil
		},
	}
	c.Flags().StringVar(&f.account, "account", "", "only dead letters of this `ACCOUNT`")
	c.Flags().IntVar(&f.limit, "limit", 100, "maximum `NUMBER`")
	return c
}

// printUnknown prints each dead letter with the state of its record: a dead letter
// whose record was resolved meanwhile is stale.
func printUnknown(c *cobra.Command, o *admin.Operator, letters []queue.DeadLetter, now time.Time) error {
	out := c.OutOrStdout()
	if len(letters) == 0 {
		fmt.Fprintln(out, "no unknown calls")
		return nil
	}
	t := newTable(out, "id", "account", "reason", "record", "held since", "cause", "not-rung from")
	for _, l := range letters {
		record, _, err := o.Records().Read(c.Context(), l.Account, l.ID)
		if err != nil {
			return err
		}
		cause, from := "-", "-"
		if a, ok := record.LastAttempt(); ok {
			cause = string(a.Reason)
			if a.Status != 0 {
				cause += " " + strconv.Itoa(a.Status)
			}
			from = formatTime(a.ClaimedAt.Add(call.ResolveAfter), now)
		}
		t.AppendRow([]any{l.ID, l.Account, l.Reason, heldState(record), formatTime(l.Ended, now), cause, from})
	}
	t.Render()
	return nil
}

func heldState(r call.Record) string {
	switch {
	case r.State == call.StateAbsent:
		return "gone"
	case r.State == call.StateUnknown, r.State == call.StateDead && r.MayHaveRung && !r.Discarded:
		return string(r.State)
	default:
		return string(r.State) + " (stale dead letter)"
	}
}
