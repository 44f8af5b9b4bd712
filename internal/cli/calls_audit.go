package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/admin"
)

// minOverdue is more than a worker that is alive needs to end what it
// claimed, with the default time-outs.
const minOverdue = 15 * time.Minute

func newCallsAuditCommand(cf *connFlags) *cobra.Command {
	var account string
	var overdue time.Duration
	var repair bool
	c := &cobra.Command{
		Use:   "audit",
		Short: "Find calls that the broker forgot, and bring them back",
		Long: `Find calls that nothing would bring to their end: a power loss under the broker
can take away a schedule, a request or a dead letter that was confirmed, while
the record of the call stays, and a broker that is full when a schedule is due
does not come back to it. It reads every record, so run it when little else is
going on.

With --repair each gets back what it lost. That dials nothing by itself: a
worker reads the record first, and a call that may have rung is held as unknown.
The exit code is 1 if something was found and not repaired.`,
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
				return usageError{fmt.Errorf("--overdue is less than %s, in which a worker may still be at it; give %[1]s or more", shortest)}
			}
			return audit(c, operator, a, overdue, repair)
		},
	}
	c.Flags().StringVar(&account, "account", "", "only the calls of this `ACCOUNT`")
	c.Flags().DurationVar(&overdue, "overdue", minOverdue, "how `LONG` ago a call should have moved on")
	c.Flags().BoolVar(&repair, "repair", false, "give each call back what it lost")
	return c
}

func audit(c *cobra.Command, operator *queue.Operator, a call.Account, overdue time.Duration, repair bool) error {
	now := time.Now()
	table := newTable(c.OutOrStdout(), "id", "account", "state", "lost", "overdue since", "")
	found, repaired := 0, 0
	looked, err := operator.Audit(c.Context(), a, overdue, now, func(f queue.AuditFinding) error {
		found++
		done := ""
		if repair {
			if err := operator.Repair(c.Context(), f, now); err != nil {
				return fmt.Errorf("repair %s of account %s: %w; do it again, that is safe", f.Record.ID, f.Record.Account, err)
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
	fmt.Fprintf(c.OutOrStdout(), "%s read, %s forgotten, %d repaired\n", plural(looked, "record"), plural(found, "call"), repaired)
	if found > repaired {
		return errors.New("calls were found that nothing would bring to their end; repair them with: ringonce calls audit --repair")
	}
	return nil
}

// missingText names what is missing.
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
