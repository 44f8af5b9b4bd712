package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/backlog"
)

func newAccountsPauseCommand(cf *connFlags) *cobra.Command {
	var flags pauseTargetFlags
	var a actionFlags
	c := &cobra.Command{
		Use:   "pause ACCOUNT|--number NUMBER|--all",
		Short: "Stop dialling for an account, from a caller ID, or at all",
		Long: `Stop dialling for an account, from one caller ID, or at all, in every worker at
once and until it is resumed. Requests are taken in and wait; calls that are
being dialled just now finish. Requests that wait past their deadline end as
expired. --all needs no reason, and asks for nothing.`,
		Example: `  ringonce accounts pause acme-west --why "wrong recording"
  ringonce accounts pause --number +912071531001 --why "reported as spam"
  ringonce accounts pause --all`,
		RunE: func(c *cobra.Command, args []string) error {
			what, err := flags.parse(args)
			if err != nil {
				return err
			}
			if strings.TrimSpace(a.why) == "" && !what.all { // an emergency brake asks for nothing
				return usageError{errors.New(`--why is required: say what for, such as --why "provider maintenance"`)}
			}
			conn, config, err := cf.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			if err := requireKnownAccount(c.Context(), conn, config, what.account, a.yes); err != nil {
				return err
			}
			if err := pause(c.Context(), conn.NewControl(discardLog()), what, call.Pause{By: a.by, Why: a.why, Since: time.Now().UTC()}); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: paused; go on with: ringonce accounts resume %s\n", what, what.argument())
			return nil
		},
	}
	flags.register(c)
	a.registerNote(c)
	c.Flags().BoolVar(&a.yes, "yes", false, "pause an account, too, that no worker has served yet")
	c.Flags().StringVar(&a.why, "reason", "", "the same as --why")
	return c
}

func pause(ctx context.Context, control *queue.Control, what pauseTarget, p call.Pause) error {
	if !what.number.IsZero() {
		return control.PauseNumber(ctx, what.number, p)
	}
	return control.Pause(ctx, what.account, p)
}

// requireKnownAccount refuses an account that no worker has served and that is not configured
// here: a mistyped name stops nothing, and somebody believes it does.
func requireKnownAccount(ctx context.Context, conn *queue.Conn, config configs.Config, account call.Account, anyway bool) error {
	if account == "" || anyway || slices.Contains(config.AccountNames(), string(account)) {
		return nil
	}
	served, err := backlog.HasConsumers(ctx, conn, account)
	if err != nil || served {
		return nil // better to pause once too often
	}
	return usageError{fmt.Errorf("no worker has served account %s yet; nothing was paused. See ringonce accounts list for how it is spelled, or add --yes", account)}
}
