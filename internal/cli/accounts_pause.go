package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/backlog"
	"github.com/ringonce/ringonce/queue/control"
)

func newAccountsPauseCommand(cf *connFlags) *cobra.Command {
	var flags pauseTargetFlags
	var a actionFlags
	c := &cobra.Command{
		Use:   "pause ACCOUNT|--number NUMBER|--all",
		Short: "Stop dialling for an account, a caller ID, or everything",
		Long: `Stop dialling for an account, one caller ID, or everything, in every worker at
once, until it is resumed. Requests are accepted and wait; calls that are being
dialled finish. Requests that wait past their deadline end as expired. --all needs
no reason and asks for no confirmation.`,
		Example: `  ringonce accounts pause acme-west --why "wrong recording"
  ringonce accounts pause --number +912071531001 --why "reported as spam"
  ringonce accounts pause --all`,
		RunE: func(c *cobra.Command, args []string) error {
			what, err := flags.parse(args)
			if err != nil {
				return err
			}
			if !what.all { // the emergency brake needs no reason
				if err := a.requireReason("provider maintenance"); err != nil {
					return err
				}
			}
			conn, config, err := cf.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			if err := requireKnownAccount(c.Context(), conn, config, what.account, a.yes); err != nil {
				return err
			}
			if err := pause(c.Context(), control.New(conn, discardLog()), what, call.Pause{By: a.by, Why: a.why, Since: time.Now().UTC()}); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: paused; resume with: ringonce accounts resume %s\n", what, what.argument())
			return nil
		},
	}
	flags.register(c)
	a.registerNote(c)
	c.Flags().BoolVar(&a.yes, "yes", false, "pause an account even if no worker has served it yet")
	c.Flags().StringVar(&a.why, "reason", "", "the same as --why")
	return c
}

func pause(ctx context.Context, bucket *control.Bucket, what pauseTarget, p call.Pause) error {
	if !what.number.IsZero() {
		return bucket.PauseNumber(ctx, what.number, p)
	}
	return bucket.Pause(ctx, what.account, p)
}

// requireKnownAccount rejects an account that no worker has served and that is not configured
// here: a mistyped name would stop nothing.
func requireKnownAccount(ctx context.Context, conn *queue.Conn, config configs.Config, account call.Account, anyway bool) error {
	if account == "" || anyway || slices.Contains(config.AccountNames(), string(account)) {
		return nil
	}
	served, err := backlog.HasConsumers(ctx, conn, account)
	if err != nil || served {
		return nil // if in doubt, pause
	}
	return usageError{fmt.Errorf("no worker has served account %s yet; nothing was paused. Check the name with ringonce accounts list, or add --yes", account)}
}
