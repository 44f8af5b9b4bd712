package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/queue/embedded"
)

// Times of `ringonce dev`: short, so that all of it is over in seconds.
const (
	devRetryFirst = 200 * time.Millisecond
	devRetryMost  = 2 * time.Second
	devAttempts   = 8
	// devSpread is how long the first attempts take together.
	devSpread = 5 * time.Second
	// The provider is down for a while, counted from the first publish.
	outageFrom  = 1500 * time.Millisecond
	outageUntil = 4500 * time.Millisecond
	// devPatience is how long the batch may take, and for each request more.
	devPatience     = 50 * time.Second
	devPatienceEach = 10 * time.Millisecond
	// gatherWithin bounds the gathering of evidence, also after a stop.
	gatherWithin = 30 * time.Second

	stopping = "\nStopping: calls under way are finished."

	defaultPort = 4222
	sampleSize  = 200
)

// errDevStopped says that a signal came before the end.
var errDevStopped = errors.New("stopped before every request had ended")

type devFlags struct {
	calls          int
	file           string
	stay           bool
	port           int
	metricsAddress string
}

func newDevCommand() *cobra.Command {
	var flags devFlags
	c := &cobra.Command{
		Use:   "dev",
		Short: "See it at work, with nothing to set up: broker, provider, worker and a batch of calls",
		Long: `Start an embedded NATS JetStream server, a simulated provider and a worker, publish
a mixed batch of requests, and prove what came of each.

No phone rings and nothing leaves this machine: neither a configuration nor the
environment is read. Everything is kept in a temporary folder that is removed at the
end. The exit status is 0 if every request is accounted for and no phone rang twice,
else 1 and the requests are named.

A --file holds one request per line, which is published as it stands. Lines with # and
empty lines are skipped, a line may begin with its subject (calls.requests.default.urgent),
and {{in 3s}} stands for a time. The callees +9190000… choose what the simulated
provider does; see: ringonce simulate --help`,
		Example: `  ringonce dev
  ringonce dev --calls 1000
  ringonce dev --file requests.jsonl
  ringonce dev --stay`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if flags.file != "" && c.Flags().Changed("calls") {
				return usageError{errors.New("--calls scales the sample and --file replaces it; give one of them")}
			}
			return runDev(c.Context(), c, &flags)
		},
	}
	c.Flags().IntVar(&flags.calls, "calls", sampleSize, "how many requests of the sample's mix to publish")
	c.Flags().StringVar(&flags.file, "file", "", "publish the lines of this `FILE` instead of the sample")
	c.Flags().BoolVar(&flags.stay, "stay", false, "go on afterwards, for requests of your own, until interrupted")
	c.Flags().IntVar(&flags.port, "port", defaultPort, "where NATS listens on the loopback address; without the flag a free port if this one is taken")
	c.Flags().StringVar(&flags.metricsAddress, "metrics-address", "127.0.0.1:0", "where the worker serves health and metrics")
	return c
}

func runDev(ctx context.Context, c *cobra.Command, flags *devFlags) (err error) {
	out := c.OutOrStdout()
	requests, err := flags.requests()
	if err != nil {
		return usageError{err}
	}
	port, err := flags.choosePort(c.Flags().Changed("port"))
	if err != nil {
		return usageError{err}
	}
	pace := devPace(len(requests))
	s, err := startStage(ctx, stageOptions{port: port, metricsAddress: flags.metricsAddress, callsPerSecond: pace})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	introduceDev(out, s, flags, len(requests), pace)

	err = s.play(ctx, out, requests)
	if err != nil {
		for _, line := range s.loggedWarnings(20) {
			fmt.Fprintln(c.ErrOrStderr(), line)
		}
	}
	if flags.stay && ctx.Err() == nil {
		s.stay(ctx, out)
	}
	return err
}

func (f *devFlags) requests() ([]devRequest, error) {
	if f.file != "" {
		return readDevFile(f.file)
	}
	if f.calls < 1 || f.calls > maxDevCalls {
		return nil, fmt.Errorf("--calls is from 1 to %d", maxDevCalls)
	}
	return sampleRequests(f.calls)
}

// choosePort gives the port to listen on. One that was asked for is not
// replaced by another.
func (f *devFlags) choosePort(asked bool) (int, error) {
	if f.port < 0 || f.port > 65535 {
		return 0, errors.New("--port is from 0 to 65535; 0 takes a free one")
	}
	port := embedded.FreePort(f.port)
	if port == 0 && asked && f.port != 0 {
		return 0, fmt.Errorf("--port %d is taken; choose another, or 0 for a free one", f.port)
	}
	return port, nil
}

// devPace spreads the first attempts, so that the outage meets some of them.
func devPace(requests int) float64 {
	return min(10_000, max(1, float64(requests)/devSpread.Seconds()))
}
