package cli

import (
	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/call"
)

// completeValues has the shell complete what is a closed list: reasons,
// priorities and the accounts of the configuration.
func completeValues(root *cobra.Command, environ []string) {
	accounts := func(c *cobra.Command) []string { return configuredAccounts(c, environ) }
	for _, c := range root.Commands() {
		complete(c, "account", accounts)
		complete(c, "priority", func(*cobra.Command) []string { return texts(call.Priorities()) })
		if c.Flags().Lookup("newer-than") != nil { // of dead letters; elsewhere a reason is free text
			complete(c, "reason", func(*cobra.Command) []string { return texts(call.EndReasons()) })
		}
		if c.Name() == "pause" || c.Name() == "resume" {
			c.ValidArgsFunction = completion(accounts)
		}
		completeValues(c, environ)
	}
}

func complete(c *cobra.Command, flag string, values func(*cobra.Command) []string) {
	if c.Flags().Lookup(flag) != nil {
		_ = c.RegisterFlagCompletionFunc(flag, completion(values)) // fails only for a flag that is not there
	}
}

func completion(values func(*cobra.Command) []string) cobra.CompletionFunc {
	return func(c *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return values(c), cobra.ShellCompDirectiveNoFileComp
	}
}

// configuredAccounts names the accounts of the configuration, none if it cannot
// be read.
func configuredAccounts(c *cobra.Command, environ []string) []string {
	cf := connFlags{environ: environ}
	if f := c.Flag("config"); f != nil {
		cf.configFile = f.Value.String()
	}
	config, err := cf.config()
	if err != nil {
		return nil
	}
	return config.AccountNames()
}
