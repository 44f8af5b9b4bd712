package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

func newUnknownCommand(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "unknown",
		Short: "Calls that may have rung: list them, and say what became of them",
		Args:  knownCommand,
		RunE:  needSubcommand,
	}
	d := &desk{environ: environ}
	d.flags(c)
	c.AddCommand(newUnknownListCommand(d), newUnknownResolveCommand(d))
	return c
}

func newUnknownListCommand(d *desk) *cobra.Command {
	f := &letterFlags{}
	c := &cobra.Command{
		Use:     "list",
		Short:   "List calls that may have rung, the oldest first",
		Example: `  ringonce unknown list --account acme-west`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			filter, err := f.filter(time.Now())
			if err != nil {
				return err
			}
			filter.Reasons = []call.Reason{call.OutcomeUnknown, call.WebhookFailed}
			operator, conn, err := d.operator(c.Context())
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
				fmt.Fprintf(c.ErrOrStderr(), "there are more; raise --limit (%d), or narrow the list\n", filter.Limit)
			}
			return nil
		},
	}
	c.Flags().StringVar(&f.account, "account", "", "only those of this `ACCOUNT`")
	c.Flags().IntVar(&f.limit, "limit", 100, "at most so `MANY`")
	return c
}

// printUnknown shows each letter beside the state of its record: a letter whose
// record was settled meanwhile is left over.
func printUnknown(c *cobra.Command, o *queue.Operator, letters []queue.DeadLetter, now time.Time) error {
	out := c.OutOrStdout()
	if len(letters) == 0 {
		fmt.Fprintln(out, "no call is held as unknown")
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
			from = moment(a.ClaimedAt.Add(call.ResolveAfter), now)
		}
		t.AppendRow([]any{l.ID, l.Account, l.Reason, heldState(record), moment(l.Ended, now), cause, from})
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
		return string(r.State) + " (letter left over)"
	}
}

func newUnknownResolveCommand(d *desk) *cobra.Command {
	var account string
	var rang, notRung bool
	var a answer
	c := &cobra.Command{
		Use:   "resolve --rang|--not-rung ID…",
		Short: "Say whether calls that may have rung did",
		Long: `Say whether calls that may have rung did, as a webhook, the provider's log or the
callee told. --rang ends them as placed. --not-rung has them dialled again; that
is refused until 15 minutes after the attempt was claimed, because an answer or
a webhook may still be on its way.

If it is broken off, do it again: what was left is completed, and a second ring
cannot come of it.`,
		Example: `  ringonce unknown resolve --rang --why "hangup webhook at 10:04" reminder-4711
  ringonce unknown resolve --not-rung --why "carrier's log shows no call" reminder-4711`,
		Args: someIDs,
		RunE: func(c *cobra.Command, args []string) error {
			if rang == notRung {
				return usageError{errors.New("say either --rang or --not-rung")}
			}
			if err := a.needsWhy(); err != nil {
				return err
			}
			question := fmt.Sprintf("This says of %s that the phone rang: nothing dials them again.", count(len(args), "call"))
			if notRung {
				question = fmt.Sprintf("This says of %s that no phone rang, and has them dialled again.", count(len(args), "call"))
			}
			operator, conn, err := d.operator(c.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			if err := a.confirm(c, question); err != nil {
				return err
			}
			return forEach(c, args, func(ctx context.Context, arg string) (string, error) {
				who, err := findCall(ctx, operator, account, arg)
				if err != nil {
					return "", err
				}
				resolve := operator.ResolveRang
				if notRung {
					resolve = operator.ResolveNotRung
				}
				done, err := resolve(ctx, who.account, who.id, a.note(time.Now()))
				return saidOfResolve(done, notRung), err
			})
		},
	}
	accountFlag(c, &account)
	c.Flags().BoolVar(&rang, "rang", false, "the phone rang: end as placed")
	c.Flags().BoolVar(&notRung, "not-rung", false, "no phone rang: dial again")
	a.noteFlags(c)
	a.yesFlag(c)
	return c
}

func saidOfResolve(d queue.Result, notRung bool) string {
	switch {
	case notRung && d.AlreadyDone && d.Record.State == call.StateWaiting:
		return "resolved already; it is brought back to be dialled" + removed(d.Removed)
	case d.AlreadyDone:
		return fmt.Sprintf("settled already, now %s%s", d.Record.State, removed(d.Removed))
	case notRung:
		return "resolved as not rung; it is dialled again"
	default:
		return "resolved as rang; it is placed"
	}
}
