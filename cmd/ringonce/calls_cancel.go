package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

func newCallsCancelCommand(d *desk) *cobra.Command {
	var account string
	var unpublished bool
	var a answer
	c := &cobra.Command{
		Use:   "cancel ID…",
		Short: "Take calls back that were not dialled yet",
		Long: `Take calls back: those that wait, and those that no worker has read yet. A call
that is being dialled, that is placed, or that may have rung is refused.

An id that was never published is refused, and nothing is written. With
--unpublished it is taken back all the same: its record says "cancelled" from
then on, and what is published under it later is acknowledged and not dialled.`,
		Example: `  ringonce calls cancel --why "patient called back" reminder-4711
  ringonce calls cancel --account acme-west --unpublished reminder-4712`,
		Args: someIDs,
		RunE: func(c *cobra.Command, args []string) error {
			if unpublished && account == "" {
				return usageError{errors.New("--unpublished needs --account: nothing else names the account of such a call")}
			}
			operator, conn, err := d.operator(c.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			return forEach(c, args, func(ctx context.Context, arg string) (string, error) {
				who, err := toCancel(c, operator, conn, account, arg, unpublished)
				if err != nil {
					return "", err
				}
				done, err := operator.Cancel(ctx, who.account, who.id, a.note(time.Now()))
				return saidOfCancel(done), err
			})
		},
	}
	accountFlag(c, &account)
	c.Flags().BoolVar(&unpublished, "unpublished", false, "also take back an id that was not published")
	a.noteFlags(c)
	return c
}

// toCancel finds the call that is to be taken back: one with a record, or one
// that waits to be read.
func toCancel(c *cobra.Command, o *queue.Operator, conn *queue.Conn, account, arg string, unpublished bool) (target, error) {
	who, known, err := findRecord(c.Context(), o, account, arg)
	if err != nil || known || unpublished {
		return who, err
	}
	d, notFound := findUnread(c, conn, who)
	if notFound == nil {
		return target{d.Account, who.id}, nil
	}
	// A worker may have read it in between.
	who, known, err = findRecord(c.Context(), o, account, arg)
	if err != nil || known {
		return who, err
	}
	return who, notFound
}

// findRecord reports whether a call has a record, and in which account.
func findRecord(ctx context.Context, o *queue.Operator, account, arg string) (who target, known bool, err error) {
	who, err = findCall(ctx, o, account, arg)
	switch {
	case errors.Is(err, errNoRecord):
		return who, false, nil
	case err != nil:
		return who, false, err
	}
	record, _, err := o.Records().Read(ctx, who.account, who.id)
	return who, record.State != call.StateAbsent, err
}

func saidOfCancel(d queue.Done) string {
	switch {
	case d.Again:
		return "cancelled already" + removed(d.Removed)
	case d.Record.Digest == "":
		return "cancelled: no worker had seen it; it is not dialled if it waits, or is published later"
	default:
		return "cancelled" + removed(d.Removed)
	}
}

func removed(letters int) string {
	if letters == 0 {
		return ""
	}
	return "; " + count(letters, "dead letter") + " removed"
}
