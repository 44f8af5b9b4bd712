package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/internal/app"
)

// newBuild returns the version, and what the binary was built of.
func newBuild(version string) app.Build {
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

// versionLine is the output of version and --version.
func versionLine(b app.Build) string {
	return fmt.Sprintf("ringonce %s (revision %s, %s)", b.Version, b.Revision, b.GoVersion)
}

func newVersionCommand(build app.Build) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), versionLine(build))
			return err
		},
	}
}
