package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/admin"
)

// minOverdue is longer than a live worker needs to finish a claimed call with the
// default timeouts.
const minOverdue = 15 * time.Minute

func newCallsAuditCommand(cf *connFlags) *cobra.Command {
	var account string
	var overdue time.Duration
	var repair bool
	c := &cobra.Command{
		Use:   "audit",
		Short: "Find calls that the broker lost, and restore them",
		Long: `Find calls that would never end: a power loss of the broker can lose a confirmed
schedule, request or dead letter while the record of the call remains, and a broker
that is full drops a schedule that is due. The audit reads every record, so run it
when the load is low.

--repair restores what each call lost. That dials nothing by itself: a worker reads
the record first, and a call that may have rung is held as unknown. The exit status
is 1 if something was found and not repaired.`,
		Example: `  ringonce calls audit
  ringonce calls audit --account acme-west --repair`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			a, err := parseAccountFlag(account)
			if err != nil {
				return err
			}
			operator, conn, config, err := cf.operatorAndConfig(c.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			if shortest := max(minOverdue, 2*config.Provider.ClaimWait()); overdue < shortest {
				return usageError{fmt.Errorf("--overdue must be at least %s: a worker may still be handling more recent calls", shortest)}
			}
			return audit(c, operator, a, overdue, repair)
		},
	}
	c.Flags().StringVar(&account, "account", "", "only calls of this `ACCOUNT`")
	c.Flags().DurationVar(&overdue, "overdue", minOverdue, "`DURATION` since a call should have progressed")
	c.Flags().BoolVar(&repair, "repair", false, "restore what each call lost")
	return c
}

func audit(c *cobra.Command, operator *admin.Operator, a call.Account, overdue time.Duration, repair bool) error {
	now := time.Now()
	table := newTable(c.OutOrStdout(), "id", "account", "state", "lost", "overdue since", "")
	found, repaired := 0, 0
	looked, err := operator.Audit(c.Context(), a, overdue, now, func(f admin.AuditFinding) error {
		found++
		done := ""
		if repair {
			if err := operator.Repair(c.Context(), f, now); err != nil {
				return fmt.Errorf("repair %s of account %s: %w; repeating it is safe", f.Record.ID, f.Record.Account, err)
			}
			repaired, done = repaired+1, "repaired"
		}
		table.AppendRow([]any{f.Record.ID, f.Record.Account, f.Record.State, missingText(f.Missing), formatTime(f.Since, now), done})
		return nil
	})
	if found > 0 {
		table.Render()
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "%s read, %s lost, %d repaired\n", plural(looked, "record"), plural(found, "call"), repaired)
	if found > repaired {
		return errors.New("lost calls were found; repair them with: ringonce calls audit --repair")
	}
	return nil
}

// missingText describes what a call lost.
func missingText(n call.Missing) string {
	switch n {
	case call.MissingMessage:
		return "its message"
	case call.MissingDeadLetter, call.MissingDeadLetterOrMessage:
		return "its dead letter"
	case call.MissingNothing:
		return "nothing"
	default:
		return "?"
	}
}
