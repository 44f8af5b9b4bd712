// Package cli is the command line of ringonce, with a file for each command.
package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ringonce/ringonce/internal/app"
	"github.com/ringonce/ringonce/queue/admin"
)

// Exit statuses. Invalid command lines and configurations exit with status 2.
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
through the provider's API. To try it without any setup:

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
		newGroup("calls", "Show a call, cancel it, or find lost calls", environ,
			newCallsShowCommand, newCallsCancelCommand, newCallsAuditCommand),
		newGroup("dead", "List, show, replay and discard dead letters", environ,
			newDeadListCommand, newDeadShowCommand, newDeadReplayCommand, newDeadDiscardCommand),
		newGroup("unknown", "List and resolve calls that may have rung", environ,
			newUnknownListCommand, newUnknownResolveCommand),
		newGroup("accounts", "List, pause and resume accounts", environ,
			newAccountsListCommand, newAccountsPauseCommand, newAccountsResumeCommand),
		newGroup("streams", "Create and check the JetStream streams", environ,
			newStreamsApplyCommand, newStreamsCheckCommand, newStreamsDeclareCommand),
		newDoctorCommand(environ),
		newCheckConfigCommand(environ),
		newSimulateCommand(),
		newVersionCommand(build),
	)
	completeValues(root, environ)
	return root
}

// newGroup returns a command whose subcommands share the connection flags.
func newGroup(use, short string, environ []string, subcommands ...func(*connFlags) *cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: knownCommand, RunE: needSubcommand}
	cf := &connFlags{environ: environ}
	cf.register(c)
	for _, newCommand := range subcommands {
		c.AddCommand(newCommand(cf))
	}
	return c
}

func showHelp(c *cobra.Command, _ []string) error { return c.Help() }

// usageError is an invalid command line or configuration.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }

func (e usageError) Unwrap() error { return e.err }

// knownCommand rejects an unknown command, and suggests similar ones.
func knownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	c.SuggestionsMinimumDistance = 2
	return usageError{fmt.Errorf("unknown command %q%s; see: %s --help", args[0], suggestion(c.SuggestionsFor(args[0])), c.CommandPath())}
}

// needSubcommand prints the help and fails, so that a script with an incomplete
// command notices.
func needSubcommand(c *cobra.Command, _ []string) error {
	if err := c.Help(); err != nil {
		return err
	}
	return usageError{fmt.Errorf("%s requires a subcommand", c.CommandPath())}
}

func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no argument, got %q; see: %[1]s --help", c.CommandPath(), args[0])}
	}
	return nil
}

func exactlyOneID(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("%s takes exactly one id; see: %[1]s --help", c.CommandPath())}
	}
	return nil
}

func atLeastOneID(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{fmt.Errorf("%s requires at least one id; see: %[1]s --help", c.CommandPath())}
	}
	return nil
}

// flagError rewrites pflag's errors, and suggests similar flags.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "":
		err = fmt.Errorf("unknown flag --%s%s", unknown.GetSpecifiedName(), suggestion(similarFlags(c, unknown.GetSpecifiedName())))
	case errors.As(err, &invalid):
		err = fmt.Errorf("--%s %q is not %s", invalid.GetFlag().Name, invalid.GetValue(), valueFormat(invalid.GetFlag().Value.Type()))
	}
	return usageError{fmt.Errorf("%w; see: %s --help", err, c.CommandPath())}
}

// similarFlags returns the flags that resemble a name, by cobra's measure for
// commands.
func similarFlags(c *cobra.Command, name string) []string {
	names := &cobra.Command{SuggestionsMinimumDistance: 2}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		names.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	similar := names.SuggestionsFor(name)
	for i := range similar {
		similar[i] = "--" + similar[i]
	}
	return similar
}

// suggestion returns "; did you mean …?", or nothing.
func suggestion(similar []string) string {
	if len(similar) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(similar, " or ") + "?"
}

// valueFormat describes the value of a flag.
func valueFormat(kind string) string {
	switch kind {
	case "duration":
		return "a duration; write it like 90s, 15m or 48h"
	case "int", "uint64":
		return "a whole number"
	case "float64":
		return "a number"
	case "bool":
		return "true or false"
	default:
		return "a valid value"
	}
}

// forEach calls do for each argument, prints the results, and fails if one failed.
func forEach(c *cobra.Command, args []string, do func(ctx context.Context, arg string) (string, error)) error {
	failed := 0
	for _, arg := range args {
		result, err := do(c.Context(), arg)
		if err != nil {
			failed++
			fmt.Fprintf(c.ErrOrStderr(), "%s: %v\n", arg, withID(err, arg))
			continue
		}
		fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", arg, result)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %s failed", failed, plural(len(args), "call"))
	}
	return nil
}

// withID inserts the id into the commands that an error recommends.
func withID(err error, id string) error {
	var refused *admin.PreconditionError
	if !errors.As(err, &refused) {
		return err
	}
	shown := *refused
	shown.Hint = strings.ReplaceAll(shown.Hint, " ID", " "+id)
	return &shown
}

func removedText(letters int) string {
	if letters == 0 {
		return ""
	}
	return "; " + plural(letters, "dead letter") + " removed"
}
