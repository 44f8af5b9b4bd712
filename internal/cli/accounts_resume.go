package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue/control"
)

func newAccountsResumeCommand(cf *connFlags) *cobra.Command {
	var flags pauseTargetFlags
	c := &cobra.Command{
		Use:   "resume ACCOUNT|--number NUMBER|--all",
		Short: "End a pause, a suspension or a throttle",
		Long: `End the pause, the suspension and the throttle of an account, or the pause of one
caller ID. If the provider still refuses, the next call suspends or throttles the
account again.

--all ends only the pause of --all; what else stops accounts is listed.`,
		Example: `  ringonce accounts resume acme-west
  ringonce accounts resume --number +912071531001
  ringonce accounts resume --all`,
		RunE: func(c *cobra.Command, args []string) error {
			what, err := flags.parse(args)
			if err != nil {
				return err
			}
			conn, _, err := cf.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			bucket := control.New(conn, discardLog())
			found, err := bucket.Read(c.Context())
			switch {
			case err != nil:
				return err
			case what.all:
				return resumeAll(c, bucket, found)
			case !what.number.IsZero():
				err = resumeNumber(c, bucket, found, what)
			default:
				err = resumeAccount(c, bucket, found, what)
			}
			if err == nil && found.GlobalPause() != nil {
				fmt.Fprintln(c.ErrOrStderr(), "note: all accounts are paused; resume with: ringonce accounts resume --all")
			}
			return err
		},
	}
	flags.register(c)
	return c
}

// resumeAll ends the pause of all accounts, and lists what else stops some of
// them: that has another cause.
func resumeAll(c *cobra.Command, bucket *control.Bucket, found control.Flags) error {
	// Removed even if it was not found: it may be new.
	if err := bucket.Resume(c.Context(), ""); err != nil {
		return err
	}
	result := "resumed"
	if found.GlobalPause() == nil {
		result = "were not paused"
	}
	fmt.Fprintf(c.OutOrStdout(), "all accounts: %s\n", result)
	for _, line := range stillStopped(found, time.Now()) {
		fmt.Fprintln(c.OutOrStdout(), printable(line))
	}
	return nil
}

// stillStopped lists the accounts and caller IDs that are stopped by themselves, each
// with the command that resumes it.
func stillStopped(found control.Flags, now time.Time) []string {
	var lines []string
	lanes := found.Lanes()
	accounts := slices.Concat(found.Accounts(), slices.Collect(maps.Keys(lanes)))
	slices.Sort(accounts)
	for _, a := range slices.Compact(accounts) {
		var holds []string
		if p := found.AccountPause(a); p != nil {
			holds = append(holds, pauseText(*p, now))
		}
		if stops := found.Blocks(a); stops.Suspended() {
			s := stops.Suspension
			holds = append(holds, laneText(call.LaneStatus{State: call.LaneSuspended, Reason: s.Reason, Since: s.Since, Next: s.Until}, now))
		}
		if i := slices.IndexFunc(lanes[a], isThrottled); i >= 0 {
			holds = append(holds, laneText(lanes[a][i].LaneStatus, now))
		}
		if len(holds) > 0 {
			lines = append(lines, fmt.Sprintf("still stopped: account %s: %s; resume with: ringonce accounts resume %[1]s", a, strings.Join(holds, "; ")))
		}
	}
	for _, number := range sortedNumbers(found.PausedNumbers()) {
		lines = append(lines, fmt.Sprintf("still stopped: caller ID %s: %s; resume with: ringonce accounts resume --number NUMBER (ringonce accounts list --reveal shows it)",
			number, pauseText(found.PausedNumbers()[number], now)))
	}
	return lines
}

func resumeAccount(c *cobra.Command, bucket *control.Bucket, found control.Flags, what pauseTarget) error {
	// Removed even if it was not found: it may be new.
	if err := bucket.Resume(c.Context(), what.account); err != nil {
		return err
	}
	if err := bucket.EndThrottle(c.Context(), what.account, currentUser(), time.Now().UTC()); err != nil {
		return err
	}
	suspended, throttled := found.Blocks(what.account).Suspended(), slices.ContainsFunc(found.Lanes()[what.account], isThrottled)
	if suspended {
		if err := bucket.RemoveSuspension(c.Context(), what.account); err != nil {
			return err
		}
	}
	result := "resumed"
	if found.AccountPause(what.account) == nil && !suspended && !throttled {
		result = "was not paused; see: ringonce accounts list"
	}
	if suspended {
		result += ", suspension lifted"
	}
	if throttled {
		result += ", throttle lifted"
	}
	fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", what, result)
	return nil
}

func resumeNumber(c *cobra.Command, bucket *control.Bucket, found control.Flags, what pauseTarget) error {
	if _, paused := found.PausedNumbers()[what.number]; !paused {
		fmt.Fprintf(c.OutOrStdout(), "%s: was not paused; see: ringonce accounts list --reveal\n", what)
		return nil
	}
	if err := bucket.ResumeNumber(c.Context(), what.number); err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "%s: resumed; waiting requests are retried within ten minutes, the first within seconds\n", what)
	return nil
}

func sortedNumbers(numbers call.PausedNumbers) []call.Phone {
	return slices.SortedFunc(maps.Keys(numbers), func(a, b call.Phone) int { return cmp.Compare(a.E164(), b.E164()) })
}
