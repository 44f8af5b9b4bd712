package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

func newAccountsPauseCommand(d *desk) *cobra.Command {
	var flags reachFlags
	var a answer
	c := &cobra.Command{
		Use:   "pause ACCOUNT|--number NUMBER|--all",
		Short: "Stop dialling for an account, from a caller ID, or at all",
		Long: `Stop dialling for an account, from one caller ID, or at all, in every worker at
once and until it is resumed. Requests are taken in and wait; calls that are
being dialled just now finish. Requests that wait past their deadline end as
expired.`,
		Example: `  ringonce accounts pause acme-west --why "wrong recording"
  ringonce accounts pause --number +912071531001 --why "reported as spam"
  ringonce accounts pause --all --why "provider maintenance"`,
		RunE: func(c *cobra.Command, args []string) error {
			what, err := flags.read(args)
			if err != nil {
				return err
			}
			if strings.TrimSpace(a.why) == "" {
				return usageError{errors.New(`--why is required: say what for, such as --why "provider maintenance"`)}
			}
			conn, _, err := d.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			if err := pause(c.Context(), conn.NewControl(quietLog()), what, call.Pause{By: a.by, Why: a.why, Since: time.Now().UTC()}); err != nil {
				return err
			}
			warnNotServed(c.Context(), c.ErrOrStderr(), conn, what.account)
			fmt.Fprintf(c.OutOrStdout(), "%s: paused; go on with: ringonce accounts resume %s\n", what, what.argument())
			return nil
		},
	}
	flags.add(c)
	a.noteFlags(c)
	c.Flags().StringVar(&a.why, "reason", "", "the same as --why")
	return c
}

func pause(ctx context.Context, control *queue.Control, what reach, p call.Pause) error {
	if !what.number.IsZero() {
		return control.PauseNumber(ctx, what.number, p)
	}
	return control.Pause(ctx, what.account, p)
}

// warnNotServed tells of an account that no worker knows: a mistyped name stops
// nothing.
func warnNotServed(ctx context.Context, out io.Writer, conn *queue.Conn, account call.Account) {
	if account == "" {
		return
	}
	if served, err := conn.Serves(ctx, account); err == nil && !served {
		fmt.Fprintf(out, "note: no worker has served account %s yet; is it spelled like this? See: ringonce accounts list\n", account)
	}
}
