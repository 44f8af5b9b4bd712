package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/app"
)

// version is stamped by the linker: -X main.version=v1.2.3
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

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print which ringonce this is",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			b := build()
			_, err := fmt.Fprintf(c.OutOrStdout(), "ringonce %s (revision %s, %s)\n", b.Version, b.Revision, b.GoVersion)
			return err
		},
	}
}
