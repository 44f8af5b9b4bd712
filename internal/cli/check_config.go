package cli

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/configs"
)

// newCheckConfigCommand prints a summary of a valid configuration, or every error.
// It connects to nothing.
func newCheckConfigCommand(environ []string) *cobra.Command {
	var file string
	command := &cobra.Command{
		Use:   "check-config",
		Short: "Check the configuration and report every error",
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
			var errs configs.ValidationErrors
			if !errors.As(err, &errs) {
				return err
			}
			for _, e := range errs {
				command.PrintErrln(e)
			}
			return usageError{fmt.Errorf("invalid configuration: %s", plural(len(errs), "error"))}
		},
	}
	registerConfig(command.Flags(), &file)
	return command
}

// printSummary prints the accounts with their limits, and every setting that is
// not at its default with its source. Secrets are hidden.
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
