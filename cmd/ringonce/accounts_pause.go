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

// oneAccountOrAll reads the arguments of pause and resume; "" stands for all.
func oneAccountOrAll(args []string, all bool) (call.Account, error) {
	switch {
	case all && len(args) == 0:
		return "", nil
	case !all && len(args) == 1:
		account, err := call.ParseAccount(args[0])
		if err != nil {
			return "", usageError{err}
		}
		return account, nil
	default:
		return "", usageError{errors.New("name one account, or say --all")}
	}
}

func newAccountsPauseCommand(d *desk) *cobra.Command {
	var all bool
	var a answer
	c := &cobra.Command{
		Use:   "pause ACCOUNT|--all",
		Short: "Stop dialling for an account, or for all",
		Long: `Stop dialling for an account, or for all, in every worker at once. Requests are
taken in and wait; calls that are being dialled just now finish. Requests that
wait past their deadline end as expired.`,
		Example: `  ringonce accounts pause acme-west --why "wrong recording"
  ringonce accounts pause --all --why "provider maintenance"`,
		RunE: func(c *cobra.Command, args []string) error {
			account, err := oneAccountOrAll(args, all)
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
			pause := call.Pause{By: a.by, Why: a.why, Since: time.Now().UTC()}
			if err := conn.NewControl(quietLog()).Pause(c.Context(), account, pause); err != nil {
				return err
			}
			warnNotServed(c.Context(), c.ErrOrStderr(), conn, account)
			fmt.Fprintf(c.OutOrStdout(), "%s paused; go on with: ringonce accounts resume %s\n", accountShown(account), accountArgument(account))
			return nil
		},
	}
	c.Flags().BoolVar(&all, "all", false, "all accounts")
	a.noteFlags(c)
	return c
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

func accountShown(a call.Account) string {
	if a == "" {
		return "all accounts:"
	}
	return "account " + string(a) + ":"
}

func accountArgument(a call.Account) string {
	if a == "" {
		return "--all"
	}
	return string(a)
}

func newAccountsResumeCommand(d *desk) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "resume ACCOUNT|--all",
		Short: "End a pause, and lift a suspension",
		Long: `End the pause of an account, and lift its suspension. --all ends the pause that
--all began, and every other one, and lifts every suspension. If the provider
still refuses, the next call suspends the account again.`,
		Example: `  ringonce accounts resume acme-west`,
		RunE: func(c *cobra.Command, args []string) error {
			account, err := oneAccountOrAll(args, all)
			if err != nil {
				return err
			}
			conn, _, err := d.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			control := conn.NewControl(quietLog())
			flags, err := control.Read(c.Context())
			if err != nil {
				return err
			}
			if all {
				return resumeAll(c, control, flags)
			}
			warnNotServed(c.Context(), c.ErrOrStderr(), conn, account)
			if err := resumeOne(c, control, flags, account); err != nil {
				return err
			}
			if flags.PausedAll() != nil {
				fmt.Fprintln(c.ErrOrStderr(), "note: all accounts are paused; go on with: ringonce accounts resume --all")
			}
			return nil
		},
	}
	c.Flags().BoolVar(&all, "all", false, "all accounts")
	return c
}

func resumeAll(c *cobra.Command, control *queue.Control, flags queue.Flags) error {
	if err := control.Resume(c.Context(), ""); err != nil {
		return err
	}
	fmt.Fprintln(c.OutOrStdout(), "all accounts: resumed")
	for _, a := range flags.Accounts() {
		if err := resumeOne(c, control, flags, a); err != nil {
			return err
		}
	}
	return nil
}

func resumeOne(c *cobra.Command, control *queue.Control, flags queue.Flags, a call.Account) error {
	if err := control.Resume(c.Context(), a); err != nil {
		return err
	}
	said := "resumed"
	if flags.Stops(a).Suspended() {
		if err := control.Unsuspend(c.Context(), a); err != nil {
			return err
		}
		said += ", suspension lifted"
	}
	fmt.Fprintln(c.OutOrStdout(), accountShown(a), said)
	return nil
}
