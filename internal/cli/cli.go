// Package cli is the command line: a file for each command.
package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// Exit codes: 0 done, 1 failed, 2 used or configured wrongly.
const (
	exitFailed = 1
	exitUsage  = 2
)

// Run runs the command line and returns the exit code.
func Run(ctx context.Context, args, environ []string) int {
	root := newRootCommand(environ) //nolint:contextcheck // commands get it from ExecuteContext
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintf(root.ErrOrStderr(), "ringonce: %v\n", err)
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

func newRootCommand(environ []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "ringonce",
		Short: "Dispatch outbound calls: no phone rings twice, no request is forgotten",
		Long: `ringonce pulls call requests from NATS JetStream and places each of them once
through the provider's API. To see it at work, with nothing to set up:

  ringonce dev`,
		Args: knownCommand, RunE: showHelp,
		Version:      versionLine(),
		SilenceUsage: true, SilenceErrors: true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		newDevCommand(),
		newRunCommand(environ),
		newPublishCommand(environ),
		newCallsCommand(environ),
		newDeadCommand(environ),
		newUnknownCommand(environ),
		newAccountsCommand(environ),
		newStreamsCommand(environ),
		newDoctorCommand(environ),
		newCheckConfigCommand(environ),
		newSimulateCommand(),
		newVersionCommand(),
	)
	completeValues(root, environ)
	return root
}

// knownCommand refuses what is no command, with those that are like it.
func knownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	c.SuggestionsMinimumDistance = 2
	return usageError{fmt.Errorf("there is no command %q%s; see: %s --help", args[0], orElse(c.SuggestionsFor(args[0])), c.CommandPath())}
}

func showHelp(c *cobra.Command, _ []string) error { return c.Help() }
