package cli

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/configs"
)

// newCheckConfigCommand says whether the configuration of the file and of
// environ can be used: "ok" and a summary, or every mistake on a line of its
// own and a usageError. It connects to nothing.
func newCheckConfigCommand(environ []string) *cobra.Command {
	var file string
	command := &cobra.Command{
		Use:   "check-config",
		Short: "Check the configuration and name every mistake in it",
		Args:  noArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			file := configs.FilePath(file, environ)
			data, err := readConfig(file)
			if err != nil {
				return err
			}
			config, err := parseConfig(file, data, environ)
			if err == nil {
				return printSummary(command.OutOrStdout(), config)
			}
			var mistakes configs.ValidationErrors
			if !errors.As(err, &mistakes) {
				return err
			}
			for _, mistake := range mistakes {
				command.PrintErrln(mistake)
			}
			return usageError{fmt.Errorf("the configuration cannot be used: %s", plural(len(mistakes), "mistake"))}
		},
	}
	command.Flags().StringVar(&file, "config", "", "the configuration `FILE` (default: RINGONCE_CONFIG; without one the environment alone is read)")
	return command
}

// printSummary shows the accounts with their limits, and every setting that is
// not at its default with the place it came from. Secrets are hidden.
func printSummary(w io.Writer, config configs.Config) error {
	fmt.Fprintf(w, "ok: %s\n\n", plural(len(config.Accounts), "account"))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ACCOUNT\tCALLS PER SECOND\tCONCURRENCY")
	for _, account := range config.SortedAccounts() {
		rate := "no limit"
		if account.CallsPerSecond > 0 {
			rate = fmt.Sprintf("%g", account.CallsPerSecond)
		}
		fmt.Fprintf(table, "%s\t%s\t%d\n", account.Name, rate, account.Concurrency)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	fmt.Fprintln(table, "SETTING\tVALUE\tFROM")
	for _, s := range config.Settings() {
		if s.Value != s.Default {
			fmt.Fprintf(table, "%s\t%s\t%s\n", s.Key, s.Value, s.Source)
		}
	}
	return table.Flush()
}
