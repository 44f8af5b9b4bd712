package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// simulateGrace is how long a shutdown waits for calls in progress.
const simulateGrace = 5 * time.Second

type simulateFlags struct {
	listen   string
	config   string
	latency  time.Duration
	cps      float64
	webhooks bool
}

func newSimulateCommand() *cobra.Command {
	var flags simulateFlags
	command := &cobra.Command{
		Use:   "simulate",
		Short: "Simulate the provider, with faults on demand and a record of who was rung",
		Long: `Serve the provider's HTTP contract without a phone behind it.

Magic callees select faults: +919000050002 answers "Service temporarily
unavailable" twice and then accepts the call; +919000060022 is busy twice and then
answers. GET /simulator/faults and /simulator/hook-faults list what can go wrong,
GET /simulator/oracle reports who was rung and how many calls were open at once.`,
		Example: `  ringonce simulate
  ringonce simulate --webhooks --latency 50ms
  ringonce simulate --config simulator.yaml --listen :9380`,
		Args: noArgs,
		RunE: func(command *cobra.Command, _ []string) error { return simulate(command, &flags) },
	}
	command.Flags().StringVar(&flags.listen, "listen", "127.0.0.1:9380", "address to serve on; its clients may change the simulator")
	command.Flags().StringVar(&flags.config, "config", "", "YAML file with organisations, rules and timing (default: one organisation with the key "+simulator.DefaultAPIKey+")")
	command.Flags().DurationVar(&flags.latency, "latency", 0, "delay every response by this long")
	command.Flags().Float64Var(&flags.cps, "cps", 0, "calls per second of each organisation, 429 above it (0: as configured)")
	command.Flags().BoolVar(&flags.webhooks, "webhooks", false, "post ring, answer and hangup hooks to the URLs in the calls")
	return command
}

func simulate(command *cobra.Command, flags *simulateFlags) error {
	config, err := flags.read()
	if err != nil {
		return usageError{err}
	}
	provider, err := simulator.New(config)
	if err != nil {
		return usageError{err}
	}
	var network net.ListenConfig
	listener, err := network.Listen(command.Context(), "tcp", flags.listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", flags.listen, err)
	}
	out := command.OutOrStdout()
	if err := flags.introduce(out, listener.Addr().String()); err != nil {
		return errors.Join(err, listener.Close())
	}
	errorLog := log.New(command.ErrOrStderr(), "simulate: ", log.LstdFlags)
	err = provider.Serve(command.Context(), listener, simulateGrace, errorLog)
	if command.Context().Err() != nil && errors.Is(err, context.DeadlineExceeded) {
		errorLog.Printf("calls in progress were aborted after %s", simulateGrace)
		err = nil
	}
	happened := provider.Oracle().Summary
	_, printErr := fmt.Fprintf(out, "Stopped. Calls requested: %d, phones rung: %d times, calls that rang more than once: %d.\n",
		happened.Posts, happened.Rung, happened.RungTwice)
	return errors.Join(err, printErr)
}

// introduce prints what is served and how to use it, with the keys and numbers of
// the default world only: those of a configuration are not printed.
func (f *simulateFlags) introduce(out io.Writer, address string) error {
	base := "http://" + address
	key, number, world := simulator.DefaultAPIKey, simulator.DefaultNumber, "the default world"
	if f.config != "" {
		key, number, world = "$API_KEY", "$CALLER_ID", f.config
	}
	hooks := "off (--webhooks)"
	if f.webhooks {
		hooks = "posted to the URLs in the calls"
	}
	_, err := fmt.Fprintf(out, `The provider, simulated from %s.

  base URL   %s/superfone
  oracle     %s/simulator/oracle
  faults     %s/simulator/faults
  webhooks   %s

Place a call:

  curl -s %s/superfone/sfvopi/calls \
    -H "X-API-Key: %s" -H 'Content-Type: application/json' \
    -d "{\"from\":\"%s\",\"to\":\"+919812345678\",\"answer_url\":\"https://publisher.example/answer\"}"

`, world, base, base, base, hooks, base, key, number)
	return err
}

// read returns the simulator's configuration from the file and the flags, which
// override it.
func (f *simulateFlags) read() (simulator.Config, error) {
	config := simulator.Config{World: simulator.DefaultWorld()}
	switch {
	case f.latency < 0:
		return config, errors.New("--latency must not be negative; write it like 50ms")
	case !(f.cps >= 0) || math.IsInf(f.cps, 0): // NaN, too
		return config, errors.New("--cps must be a number from 0 on, such as 10")
	}
	if f.config != "" {
		var err error
		if config, err = simulator.LoadConfig(f.config); err != nil {
			return config, err
		}
	}
	if f.latency != 0 {
		config.Latency = simulator.Latency{Fixed: f.latency}
	}
	if f.cps != 0 {
		for i := range config.World.Organisations {
			config.World.Organisations[i].CPS = f.cps
		}
	}
	if f.webhooks {
		// No proxy: hooks go to the URLs in the calls and nowhere else.
		config.Webhooks = &http.Client{Transport: &http.Transport{}}
	}
	return config, nil
}
