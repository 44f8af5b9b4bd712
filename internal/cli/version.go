package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/internal/app"
)

// version is stamped by the linker: -X github.com/ringonce/ringonce/internal/cli.version=v1.2.3
var version = "devel"

// build tells which ringonce this is.
func build() app.Build {
	b := app.Build{Version: version, Revision: "unknown", GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Revision = s.Value
		}
	}
	return b
}

// versionLine is what version and --version print.
func versionLine() string {
	b := build()
	return fmt.Sprintf("ringonce %s (revision %s, %s)", b.Version, b.Revision, b.GoVersion)
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print which ringonce this is",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), versionLine())
			return err
		},
	}
}
