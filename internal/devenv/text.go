package devenv

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

const stopping = "\nStopping: waiting for calls in progress."

// printIntroduction prints what runs where, and what happens next.
func (e *Env) printIntroduction(out io.Writer, s *stack) {
	nats := s.broker.ClientURL()
	if port := e.options.Port; port != 0 && !strings.HasSuffix(nats, fmt.Sprintf(":%d", port)) {
		nats += fmt.Sprintf("   (%d is taken)", port)
	}
	source := e.options.File
	if source == "" {
		source = "the sample"
	}
	fmt.Fprintf(out, `All of ringonce in one process. No phone rings, nothing leaves this machine.

  NATS      %s
  provider  %s   (simulated)
  metrics   %s

Requests to publish: %d, from %s; dialled at %.3g per second.
`, nats, s.providerURL, s.metricsURL, len(e.requests), source, e.callsPerSecond)
	if e.options.File == "" {
		fmt.Fprintln(out, `Most are ordinary. Among them: numbers that are not linked, invalid requests, a provider
that refuses or does not answer, responses lost after the phone rang, duplicate ids, times
in the past and in the future. This takes about 15 seconds.`)
	}
	defaults := configs.Default().Retry
	fmt.Fprintf(out, `The provider is down from second %.1f to %.1f. Retry delays are short: %g to %g s, %d attempts
(default: %g to %g s, %d attempts).

`, outageStart.Seconds(), outageEnd.Seconds(), initialRetryDelay.Seconds(), maxRetryDelay.Seconds(), maxAttempts,
		defaults.InitialDelay.Seconds(), defaults.MaxDelay.Seconds(), defaults.MaxAttempts)
}

// stay prints how to publish a request by hand, and waits for an interrupt.
func (s *stack) stay(ctx context.Context, out io.Writer) {
	fmt.Fprintf(out, `
The worker keeps running until you interrupt it (Ctrl-C).

  NATS        %[1]s
  metrics     %[2]s
  oracle      %[3]s/simulator/oracle
  worker log  %[6]s

Request a call:

  ringonce publish --nats %[1]s \
    --from %[4]s --to +919812345678 --answer-url https://publisher.example/answer
  ringonce calls show --nats %[1]s ID

or with any NATS client, on %[5]s:

  {"id":"my-call-1","from":"%[4]s","to":"+919812345678","answer_url":"https://publisher.example/answer"}
`, s.broker.ClientURL(), s.metricsURL, s.providerURL, simulator.DefaultNumber, queue.RequestSubject(account, ""), s.log.Name())
	select {
	case <-ctx.Done():
	case <-s.workerDone:
	}
	fmt.Fprintln(out, stopping)
}
