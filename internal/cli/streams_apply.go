package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/internal/app"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/rollback"
)

func newStreamsApplyCommand(cf *connFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "apply",
		Short: "Create missing streams",
		Long: `Create missing streams, with streams.replicas replicas. Existing streams are not
changed; differences are printed.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conn, config, err := cf.connect()
			if err != nil {
				return err
			}
			defer conn.Close()
			topology := app.Topology(config)
			made, err := topology.Apply(c.Context(), conn.JetStream())
			for _, name := range made {
				fmt.Fprintln(c.OutOrStdout(), name, "created")
			}
			if err != nil {
				return err
			}
			if slices.Contains(made, queue.BucketControl) && !slices.Contains(made, queue.StreamRecords) {
				fmt.Fprintln(c.OutOrStdout(), "note: pauses and suspensions were in", queue.BucketControl,
					"and take effect again only if a running worker knew them; check: ringonce accounts list")
			}
			if _, err := rollback.Inspect(c.Context(), conn); err != nil {
				fmt.Fprintln(c.OutOrStdout(), "note:", err)
			}
			return checkStreams(c, conn, topology)
		},
	}
}
