// Package cli is the command line of ringonce.
package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/internal/app"
)

// Exit statuses. Invalid command lines and configurations exit with ExitUsage.
const (
	exitFailed      = 1
	exitUsage       = 2
	ExitInterrupted = 130 // by a second signal
)

// Run runs the command line and returns the exit status.
func Run(ctx context.Context, version string, args, environ []string) int {
	root := newRootCommand(newBuild(version), environ) //nolint:contextcheck // commands get it from ExecuteContext
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

func newRootCommand(build app.Build, environ []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "ringonce",
		Short: "Dispatch outbound calls: no phone rings twice, no request is forgotten",
		Long: `ringonce pulls call requests from NATS JetStream and places each of them once
through the provider's API. To see it at work, with nothing to set up:

  ringonce dev`,
		Args: knownCommand, RunE: showHelp,
		Version:      versionLine(build),
		SilenceUsage: true, SilenceErrors: true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(
		newDevCommand(build),
		newRunCommand(build, environ),
		newPublishCommand(environ),
		newCallsCommand(environ),
		newDeadCommand(environ),
		newUnknownCommand(environ),
		newAccountsCommand(environ),
		newStreamsCommand(environ),
		newDoctorCommand(environ),
		newCheckConfigCommand(environ),
		newSimulateCommand(),
		newVersionCommand(build),
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
