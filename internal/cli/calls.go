package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

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
	var refused *queue.PreconditionError
	if !errors.As(err, &refused) {
		return err
	}
	shown := *refused
	shown.Hint = strings.ReplaceAll(shown.Hint, " ID", " "+id)
	return &shown
}
