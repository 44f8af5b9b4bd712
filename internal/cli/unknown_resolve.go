package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/admin"
)

func newUnknownResolveCommand(cf *connFlags) *cobra.Command {
	var account string
	var rang, notRung bool
	var a actionFlags
	c := &cobra.Command{
		Use:   "resolve --rang|--not-rung ID…",
		Short: "Resolve calls that may have rung",
		Long: `Resolve calls that may have rung, by the evidence of a webhook, the provider's log
or the callee. --rang ends them as placed. --not-rung dials them again; that is
rejected until 15 minutes after the attempt was claimed, because a response or a
webhook may still arrive.

If the command is interrupted, repeat it: it completes what was left, and cannot
cause a second ring.`,
		Example: `  ringonce unknown resolve --rang --why "hangup webhook at 10:04" reminder-4711
  ringonce unknown resolve --not-rung --why "carrier's log shows no call" reminder-4711`,
		Args: atLeastOneID,
		RunE: func(c *cobra.Command, args []string) error {
			if rang == notRung {
				return usageError{errors.New("specify either --rang or --not-rung")}
			}
			if err := a.requireReason("carrier's log shows no call"); err != nil {
				return err
			}
			question := fmt.Sprintf("This resolves %s as rung: they are not dialled again.", plural(len(args), "call"))
			if notRung {
				question = fmt.Sprintf("This resolves %s as not rung: they are dialled again.", plural(len(args), "call"))
			}
			operator, conn, err := cf.operator(c.Context())
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
				return resolveText(done, notRung), err
			})
		},
	}
	accountFlag(c, &account)
	c.Flags().BoolVar(&rang, "rang", false, "the phone rang: end the call as placed")
	c.Flags().BoolVar(&notRung, "not-rung", false, "the phone did not ring: dial again")
	a.registerNote(c)
	a.registerYes(c)
	return c
}

func resolveText(d admin.Result, notRung bool) string {
	switch {
	case notRung && d.AlreadyDone && d.Record.State == call.StateWaiting:
		return "already resolved; it is queued to be dialled" + removedText(d.Removed)
	case d.AlreadyDone:
		return fmt.Sprintf("already resolved, now %s%s", d.Record.State, removedText(d.Removed))
	case notRung:
		return "resolved as not rung; it is dialled again"
	default:
		return "resolved as rung; it is placed"
	}
}
