package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/internal/app"
	"github.com/ringonce/ringonce/internal/devenv"
)

func newDevCommand(build app.Build) *cobra.Command {
	o := devenv.Options{Build: build}
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run everything in one process: broker, simulated provider, worker and a batch of calls",
		Long: `Start an embedded NATS JetStream server, a simulated provider and a worker, publish
a mixed batch of requests, and verify the result of each.

No phone rings and nothing leaves this machine: neither a configuration file nor the
environment is read. All files are in a temporary directory that is removed at the end.
The exit status is 0 if every request is accounted for and no phone rang twice;
otherwise it is 1 and the requests are listed.

A --file has one request per line, which is published as it is. Empty lines and lines
that begin with # are skipped, a line may begin with its subject
(calls.requests.default.urgent), and {{in 3s}} is replaced by a time. The callees
+9190000… select what the simulated provider does; see: ringonce simulate --help`,
		Example: `  ringonce dev
  ringonce dev --calls 1000
  ringonce dev --file requests.jsonl
  ringonce dev --stay`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.File != "" && c.Flags().Changed("calls") {
				return usageError{errors.New("--calls and --file exclude each other: the file replaces the sample")}
			}
			o.RequirePort = c.Flags().Changed("port")
			env, err := devenv.New(c.Context(), o)
			if err != nil {
				return usageError{err}
			}
			return env.Run(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().IntVar(&o.Requests, "calls", devenv.SampleSize, "number of requests to publish, in the sample's mix")
	c.Flags().StringVar(&o.File, "file", "", "publish the lines of this `FILE` instead of the sample")
	c.Flags().BoolVar(&o.Stay, "stay", false, "keep running afterwards, for requests of your own, until interrupted")
	c.Flags().IntVar(&o.Port, "port", devenv.DefaultPort, "port of NATS on the loopback address; without the flag a free port if this one is taken")
	c.Flags().StringVar(&o.MetricsAddress, "metrics-address", "127.0.0.1:0", "address of the worker's health and metrics")
	return c
}
