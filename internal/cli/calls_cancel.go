package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/queue/admin"
)

func newCallsCancelCommand(cf *connFlags) *cobra.Command {
	var account string
	var unpublished bool
	var a actionFlags
	c := &cobra.Command{
		Use:   "cancel ID…",
		Short: "Cancel calls that were not dialled yet",
		Long: `Cancel calls that wait, and calls that no worker has read yet. A call that is being
dialled, that is placed, or that may have rung cannot be cancelled.

An id that was never published is an error, and nothing is written. With
--unpublished it is cancelled as well: its record is "cancelled" from then on, and
a request with this id that is published later is acknowledged and not dialled.`,
		Example: `  ringonce calls cancel --why "patient called back" reminder-4711
  ringonce calls cancel --account acme-west --unpublished reminder-4712`,
		Args: atLeastOneID,
		RunE: func(c *cobra.Command, args []string) error {
			if unpublished && account == "" {
				return usageError{errors.New("--unpublished requires --account")}
			}
			operator, conn, err := cf.operator(c.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			return forEach(c, args, func(ctx context.Context, arg string) (string, error) {
				who, err := callFinder{operator, conn, c.ErrOrStderr()}.toCancel(ctx, account, arg, unpublished)
				if err != nil {
					return "", err
				}
				done, err := operator.Cancel(ctx, who.account, who.id, a.note(time.Now()))
				return cancelText(done), err
			})
		},
	}
	accountFlag(c, &account)
	c.Flags().BoolVar(&unpublished, "unpublished", false, "also cancel an id that was not published")
	a.registerNote(c)
	return c
}

// toCancel finds the call to cancel: one with a record, or one that no worker has
// read yet.
func (f callFinder) toCancel(ctx context.Context, account, arg string, unpublished bool) (target, error) {
	who, known, err := f.findRecord(ctx, account, arg)
	if err != nil || known || unpublished {
		return who, err
	}
	d, notFound := f.findQueued(ctx, who)
	if notFound == nil {
		return target{d.Account, who.id}, nil
	}
	// A worker may have read it in the meantime.
	who, known, err = f.findRecord(ctx, account, arg)
	if err != nil || known {
		return who, err
	}
	return who, notFound
}

func cancelText(d admin.Result) string {
	switch {
	case d.AlreadyDone:
		return "already cancelled" + removedText(d.Removed)
	case d.Record.Digest == "":
		return "cancelled: no worker had read it; it is not dialled if it waits, or is published later"
	default:
		return "cancelled" + removedText(d.Removed)
	}
}
