package main

import (
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
		Args:  knownCommand,
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
	var asJSON, reveal bool
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
			served := flags.Served(now)
			unserved += queue.Unattended(depths, served)
			views := accountViews(depths, flags, served, config.AccountNames())
			numbers := numberViews(flags.PausedNumbers(), reveal)
			if asJSON {
				return printJSON(c.OutOrStdout(), accountsView{Accounts: views, PausedNumbers: numbers, Unserved: unserved})
			}
			printAccounts(c.OutOrStdout(), views, now)
			printNumbers(c.OutOrStdout(), numbers, now)
			if unserved > 0 {
				warnUnserved(c, conn, unserved, served)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&reveal, "reveal", false, "show paused caller IDs in full")
	return c
}

// warnUnserved names accounts for which requests wait and which no worker
// serves. The names are the publishers' to choose, and may be many.
func warnUnserved(c *cobra.Command, conn *queue.Conn, unserved uint64, served map[call.Account]bool) {
	const most = 5
	names := map[string]bool{}
	places, err := conn.Places(c.Context())
	for _, p := range places {
		if !served[call.Account(p.Account)] {
			names[printable(p.Account)] = true
		}
	}
	listed := slices.Sorted(maps.Keys(names))
	which := strings.Join(listed[:min(len(listed), most)], ", ")
	switch {
	case err != nil:
		which = "not known: " + err.Error()
	case len(listed) > most:
		which += fmt.Sprintf(" and %d more", len(listed)-most)
	}
	fmt.Fprintf(c.ErrOrStderr(), "note: %s for accounts that no worker serves (%s); add them to the workers' configuration, or let them end as unknown_account after request.max_age\n",
		waits(unserved), which)
}

func waits(n uint64) string {
	if n == 1 {
		return "1 request waits"
	}
	return fmt.Sprintf("%d requests wait", n)
}

// accountsView is all that the list shows.
type accountsView struct {
	Accounts      []accountView `json:"accounts"`
	PausedNumbers []numberView  `json:"paused_numbers"`
	Unserved      uint64        `json:"unserved"`
}

// accountView is how an account does.
type accountView struct {
	Account       call.Account     `json:"account"`
	Waiting       uint64           `json:"waiting"`
	Due           uint64           `json:"due"`
	InHand        uint64           `json:"in_hand"`
	Parked        uint64           `json:"parked"`
	DeadLetters   uint64           `json:"dead_letters"`
	OldestSeconds float64          `json:"oldest_seconds"`
	Served        bool             `json:"served"` // by a worker, in the last minutes
	Suspension    *call.Suspension `json:"suspension,omitzero"`
	Pause         *call.Pause      `json:"pause,omitzero"`
}

func accountViews(depths map[call.Account]queue.Depth, flags queue.Flags, served map[call.Account]bool, configured []string) []accountView {
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
			Account: a, Waiting: depth.Waiting, Due: depth.Due, InHand: depth.InHand, Parked: depth.Parked, DeadLetters: depth.DeadLetters,
			OldestSeconds: depth.Oldest.Seconds(), Pause: stops.Pause, Served: served[a],
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
	t := newTable(out, "account", "state", "waiting", "due", "in hand", "parked", "dead letters", "oldest")
	for _, v := range views {
		oldest := "-"
		if v.OldestSeconds > 0 {
			oldest = span(time.Duration(v.OldestSeconds * float64(time.Second)))
		}
		t.AppendRow([]any{v.Account, v.state(now), v.Waiting, v.Due, v.InHand, v.Parked, v.DeadLetters, oldest})
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
	if !v.Served {
		stops = append(stops, "no worker serves it")
	}
	if len(stops) == 0 {
		return "served"
	}
	return printable(strings.Join(stops, "; "))
}
