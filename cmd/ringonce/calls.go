package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

func newCallsCommand(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "calls",
		Short: "See what became of a call, take one back, or look for forgotten ones",
		Args:  knownCommand,
		RunE:  needSubcommand,
	}
	d := &desk{environ: environ}
	d.flags(c)
	c.AddCommand(newCallsShowCommand(d), newCallsCancelCommand(d), newCallsAuditCommand(d))
	return c
}

// needSubcommand shows the help and fails: a script that forgot half of the
// command must not take that for success.
func needSubcommand(c *cobra.Command, _ []string) error {
	if err := c.Help(); err != nil {
		return err
	}
	return usageError{fmt.Errorf("%s needs a subcommand", c.CommandPath())}
}

func newCallsShowCommand(d *desk) *cobra.Command {
	var account string
	var asJSON, reveal bool
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show the record of a call: its state, why, and every attempt",
		Example: `  ringonce calls show reminder-4711
  ringonce calls show --account acme-west --json reminder-4711`,
		Args: exactlyOneID,
		RunE: func(c *cobra.Command, args []string) error {
			operator, conn, err := d.operator(c.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			who, err := findCall(c.Context(), operator, account, args[0])
			if err != nil {
				return err
			}
			record, _, err := operator.Records().Read(c.Context(), who.account, who.id)
			if err != nil {
				return err
			}
			letters, err := operator.Graveyard().Of(c.Context(), who.account, who.id)
			if err != nil {
				return err
			}
			if record.State == call.StateAbsent {
				return noRecord(who, letters)
			}
			view := newCallView(record, letters, reveal)
			if asJSON {
				return printJSON(c.OutOrStdout(), view)
			}
			return view.print(c.OutOrStdout(), time.Now())
		},
	}
	accountFlag(c, &account)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&reveal, "reveal", false, "show phone numbers and callback URLs in full")
	return c
}

func newCallsCancelCommand(d *desk) *cobra.Command {
	var account string
	var a answer
	c := &cobra.Command{
		Use:   "cancel ID…",
		Short: "Take calls back that were not dialled yet",
		Long: `Take calls back: those that wait, and those that no worker has seen yet. A call
that is being dialled, that is placed, or that may have rung is refused.

An id that no worker has seen yet needs --account. Its record says "cancelled"
from then on, and whatever is published under it is acknowledged and not dialled.`,
		Example: `  ringonce calls cancel --why "patient called back" reminder-4711`,
		Args:    someIDs,
		RunE: func(c *cobra.Command, args []string) error {
			operator, conn, err := d.operator(c.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			return forEach(c, args, func(ctx context.Context, arg string) (string, error) {
				who, err := findCall(ctx, operator, account, arg)
				if err != nil {
					return "", err
				}
				done, err := operator.Cancel(ctx, who.account, who.id, a.note(time.Now()))
				return saidOfCancel(done), err
			})
		},
	}
	accountFlag(c, &account)
	a.noteFlags(c)
	return c
}

func saidOfCancel(d queue.Done) string {
	switch {
	case d.Again:
		return "cancelled already" + removed(d.Removed)
	case d.Record.Digest == "":
		return "cancelled: no worker had seen it; it is not dialled if it waits, or is published later"
	default:
		return "cancelled" + removed(d.Removed)
	}
}

func removed(letters int) string {
	if letters == 0 {
		return ""
	}
	return "; " + count(letters, "dead letter") + " removed"
}

// forEach does one thing after the other, says of each what it came to, and
// fails if one of them did.
func forEach(c *cobra.Command, args []string, do func(ctx context.Context, arg string) (string, error)) error {
	failed := 0
	for _, arg := range args {
		said, err := do(c.Context(), arg)
		if err != nil {
			failed++
			fmt.Fprintf(c.ErrOrStderr(), "%s: %v\n", arg, withID(err, arg))
			continue
		}
		fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", arg, said)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %s not done", failed, count(len(args), "call"))
	}
	return nil
}

// withID puts the id into the commands that a refusal recommends.
func withID(err error, id string) error {
	var refused *queue.RefusedError
	if !errors.As(err, &refused) {
		return err
	}
	shown := *refused
	shown.Fix = strings.ReplaceAll(shown.Fix, " ID", " "+id)
	return &shown
}
