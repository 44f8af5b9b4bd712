package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

func newAccountsResumeCommand(d *desk) *cobra.Command {
	var flags reachFlags
	c := &cobra.Command{
		Use:   "resume ACCOUNT|--number NUMBER|--all",
		Short: "End a pause, and lift a suspension",
		Long: `End the pause of an account and lift its suspension, or end the pause of one
caller ID. --all ends the pause that --all began, and every other one, and lifts
every suspension. If the provider still refuses, the next call suspends the
account again.`,
		Example: `  ringonce accounts resume acme-west
  ringonce accounts resume --number +912071531001`,
		RunE: func(c *cobra.Command, args []string) error {
			what, err := flags.read(args)
			if err != nil {
				return err
			}
			conn, _, err := d.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			control := conn.NewControl(quietLog())
			found, err := control.Read(c.Context())
			if err != nil {
				return err
			}
			if what.all {
				return resumeAll(c, control, found)
			}
			if err := resume(c, control, found, what); err != nil {
				return err
			}
			if found.PausedAll() != nil {
				fmt.Fprintln(c.ErrOrStderr(), "note: all accounts are paused; go on with: ringonce accounts resume --all")
			}
			return nil
		},
	}
	flags.add(c)
	return c
}

func resumeAll(c *cobra.Command, control *queue.Control, found queue.Flags) error {
	if err := control.Resume(c.Context(), ""); err != nil {
		return err
	}
	fmt.Fprintln(c.OutOrStdout(), "all accounts: resumed")
	for _, a := range found.Accounts() {
		if err := resume(c, control, found, reach{account: a}); err != nil {
			return err
		}
	}
	for _, number := range sortedNumbers(found.PausedNumbers()) {
		if err := resume(c, control, found, reach{number: number}); err != nil {
			return err
		}
	}
	return nil
}

func resume(c *cobra.Command, control *queue.Control, found queue.Flags, what reach) error {
	if !what.number.IsZero() {
		return resumeNumber(c, control, found, what)
	}
	// Whatever was found, it is gone afterwards: it may have come a moment ago.
	if err := control.Resume(c.Context(), what.account); err != nil {
		return err
	}
	said := "resumed"
	if !found.Paused(what.account) && !found.Stops(what.account).Suspended() {
		said = "was not paused; see: ringonce accounts list"
	}
	if found.Stops(what.account).Suspended() {
		if err := control.Unsuspend(c.Context(), what.account); err != nil {
			return err
		}
		said = "resumed, suspension lifted"
	}
	fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", what, said)
	return nil
}

func resumeNumber(c *cobra.Command, control *queue.Control, found queue.Flags, what reach) error {
	if _, paused := found.PausedNumbers()[what.number]; !paused {
		fmt.Fprintf(c.OutOrStdout(), "%s: was not paused; see: ringonce accounts list --reveal\n", what)
		return nil
	}
	if err := control.ResumeNumber(c.Context(), what.number); err != nil {
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "%s: resumed; what waits is looked at again within ten minutes, the first of it within seconds\n", what)
	return nil
}

func sortedNumbers(numbers call.PausedNumbers) []call.Phone {
	return slices.SortedFunc(maps.Keys(numbers), func(a, b call.Phone) int { return cmp.Compare(a.E164(), b.E164()) })
}
