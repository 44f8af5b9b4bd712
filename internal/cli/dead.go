package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/queue"
)

func newDeadCommand(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "dead",
		Short: "Dead letters: requests that did not end in a placed call",
		Args:  knownCommand,
		RunE:  needSubcommand,
	}
	d := &desk{environ: environ}
	d.flags(c)
	c.AddCommand(newDeadListCommand(d), newDeadShowCommand(d), newDeadReplayCommand(d), newDeadDiscardCommand(d))
	return c
}

// letterFlags pick dead letters.
type letterFlags struct {
	account   string
	reasons   []string
	olderThan time.Duration
	newerThan time.Duration
	limit     int
}

func (f *letterFlags) register(c *cobra.Command, limit int) {
	c.Flags().StringVar(&f.account, "account", "", "only those of this `ACCOUNT`")
	c.Flags().StringSliceVar(&f.reasons, "reason", nil, "only those with this `REASON`; may be repeated")
	c.Flags().DurationVar(&f.olderThan, "older-than", 0, "only those that ended longer ago (such as 2h)")
	c.Flags().DurationVar(&f.newerThan, "newer-than", 0, "only those that ended since (such as 2h)")
	c.Flags().IntVar(&f.limit, "limit", limit, "at most so `MANY`")
}

// picked reports whether any letter is picked otherwise than by its name.
func (f *letterFlags) picked() bool {
	return f.account != "" || len(f.reasons) > 0 || f.olderThan != 0 || f.newerThan != 0
}

// filter gives what to list.
func (f *letterFlags) filter(now time.Time) (queue.DeadLetterFilter, error) {
	filter := queue.DeadLetterFilter{Limit: f.limit}
	if f.limit < 1 {
		return filter, usageError{errors.New("--limit must be at least 1")}
	}
	if f.olderThan < 0 || f.newerThan < 0 {
		return filter, usageError{errors.New("--older-than and --newer-than are spans of time from 0 on, such as 2h, or 48h for two days")}
	}
	if f.account != "" {
		account, err := call.ParseAccount(f.account)
		if err != nil {
			return filter, usageError{fmt.Errorf("--account: %w", err)}
		}
		filter.Account = account
	}
	for _, name := range f.reasons {
		reason, err := parseEndReason(name)
		if err != nil {
			return filter, usageError{err}
		}
		filter.Reasons = append(filter.Reasons, reason)
	}
	if f.olderThan > 0 {
		filter.Before = now.Add(-f.olderThan)
	}
	if f.newerThan > 0 {
		filter.After = now.Add(-f.newerThan)
	}
	return filter, nil
}

func parseEndReason(name string) (call.Reason, error) {
	for _, r := range call.EndReasons() {
		if string(r) == name {
			return r, nil
		}
	}
	return "", fmt.Errorf("--reason %q is none; the reasons are %s", name, join(call.EndReasons()))
}

func newDeadListCommand(d *desk) *cobra.Command {
	f := &letterFlags{}
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List dead letters, the oldest first",
		Example: `  ringonce dead list
  ringonce dead list --account acme-west --reason number_not_linked --newer-than 2h`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			filter, err := f.filter(time.Now())
			if err != nil {
				return err
			}
			conn, config, err := d.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			letters, err := conn.NewDeadLetters(config.Dead.Keep).List(c.Context(), filter)
			if err != nil {
				return err
			}
			if letters.More {
				defer fmt.Fprintf(c.ErrOrStderr(), "there are more; raise --limit (%d), or narrow the list\n", filter.Limit)
			}
			if asJSON {
				return printLettersJSON(c.OutOrStdout(), letters.Letters)
			}
			printLetters(c.OutOrStdout(), letters.Letters, time.Now())
			return nil
		},
	}
	f.register(c, 100)
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object on every line")
	return c
}

func newDeadShowCommand(d *desk) *cobra.Command {
	var account string
	var reveal, body bool
	c := &cobra.Command{
		Use:   "show ID|@LETTER",
		Short: "Show a dead letter: why, the whole history, and what was asked for",
		Example: `  ringonce dead show reminder-4711
  ringonce dead show --body reminder-4711 > request.json`,
		Args: exactlyOneID,
		RunE: func(c *cobra.Command, args []string) error {
			operator, conn, err := d.operator(c.Context())
			if err != nil {
				return err
			}
			defer conn.Close()
			letters, err := findLetters(c.Context(), operator, account, args[0])
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			if body {
				_, err := out.Write(letters[len(letters)-1].Body)
				return err
			}
			for i, l := range letters {
				if i > 0 {
					fmt.Fprintln(out)
				}
				printLetter(out, l, reveal, time.Now())
			}
			return nil
		},
	}
	accountFlag(c, &account)
	c.Flags().BoolVar(&reveal, "reveal", false, "show what was asked for as it was published, phone numbers and all")
	c.Flags().BoolVar(&body, "body", false, "print what was asked for, byte for byte, and nothing else")
	return c
}
