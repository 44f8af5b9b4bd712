package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

func newAccountsCommand(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "accounts",
		Short: "See how accounts do, pause them, and let them go on",
		Args:  noArgs,
		RunE:  needSubcommand,
	}
	d := &desk{environ: environ}
	d.flags(c)
	c.AddCommand(newAccountsListCommand(d), newAccountsPauseCommand(d), newAccountsResumeCommand(d))
	return c
}

// quietLog is for adapters whose warnings come back as errors, too.
func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newAccountsListCommand(d *desk) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the accounts: what waits for them, and what stops them",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conn, config, err := d.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			now := time.Now()
			depths, unserved, err := conn.NewDepths().Measure(c.Context(), now)
			if err != nil {
				return fmt.Errorf("%w; see what is missing with: ringonce streams check", err)
			}
			flags, err := conn.NewControl(quietLog()).Read(c.Context())
			if err != nil {
				return err
			}
			views := accountViews(depths, flags, config.AccountNames())
			if asJSON {
				return printJSON(c.OutOrStdout(), views)
			}
			printAccounts(c.OutOrStdout(), views, now)
			if unserved > 0 {
				fmt.Fprintf(c.ErrOrStderr(), "%d requests wait for accounts that no worker serves; serve them, or remove them: nats stream subjects %s\n",
					unserved, queue.StreamCalls)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// accountView is how an account does.
type accountView struct {
	Account       call.Account     `json:"account"`
	Waiting       uint64           `json:"waiting"`
	Due           uint64           `json:"due"`
	Parked        uint64           `json:"parked"`
	DeadLetters   uint64           `json:"dead_letters"`
	OldestSeconds float64          `json:"oldest_seconds"`
	Suspension    *call.Suspension `json:"suspension,omitzero"`
	Pause         *call.Pause      `json:"pause,omitzero"`
}

func accountViews(depths map[call.Account]queue.Depth, flags queue.Flags, configured []string) []accountView {
	known := map[call.Account]bool{}
	for a := range depths {
		known[a] = true
	}
	for _, a := range flags.Accounts() {
		known[a] = true
	}
	for _, name := range configured {
		known[call.Account(name)] = true
	}
	views := []accountView{}
	for _, a := range slices.Sorted(maps.Keys(known)) {
		depth, stops := depths[a], flags.Stops(a)
		v := accountView{
			Account: a, Waiting: depth.Waiting, Due: depth.Due, Parked: depth.Parked, DeadLetters: depth.DeadLetters,
			OldestSeconds: depth.Oldest.Seconds(), Pause: stops.Pause,
		}
		if stops.Suspended() {
			v.Suspension = &stops.Suspension
		}
		views = append(views, v)
	}
	return views
}

func printAccounts(out io.Writer, views []accountView, now time.Time) {
	if len(views) == 0 {
		fmt.Fprintln(out, "no accounts: no worker has started yet, and none is configured here")
		return
	}
	t := newTable(out, "account", "state", "waiting", "due", "parked", "dead letters", "oldest")
	for _, v := range views {
		oldest := "-"
		if v.Waiting > 0 {
			oldest = span(time.Duration(v.OldestSeconds * float64(time.Second)))
		}
		t.AppendRow([]any{v.Account, v.state(now), v.Waiting, v.Due, v.Parked, v.DeadLetters, oldest})
	}
	t.Render()
}

// state says what keeps the account from dialling.
func (v accountView) state(now time.Time) string {
	var stops []string
	if p := v.Pause; p != nil {
		stops = append(stops, fmt.Sprintf("paused %s by %s: %s", away(p.Since, now), p.By, p.Why))
	}
	if s := v.Suspension; s != nil {
		until := "until its probe works"
		if !s.Until.IsZero() {
			until = "until " + moment(s.Until, now)
		}
		stops = append(stops, fmt.Sprintf("suspended %s (%s), %s", away(s.Since, now), s.Reason, until))
	}
	if len(stops) == 0 {
		return "open"
	}
	return printable(strings.Join(stops, "; "))
}

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
