package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// introduceDev says what runs where, and what is about to happen.
func introduceDev(out io.Writer, s *stage, flags *devFlags, requests int, pace float64) {
	nats := s.broker.ClientURL()
	if flags.port != 0 && !strings.HasSuffix(nats, fmt.Sprintf(":%d", flags.port)) {
		nats += fmt.Sprintf("   (%d is taken)", flags.port)
	}
	source := "the sample"
	if flags.file != "" {
		source = flags.file
	}
	fmt.Fprintf(out, `All of ringonce in one process. No phone rings, nothing leaves this machine.

  NATS      %s
  provider  %s   (simulated)
  metrics   %s

Publishing %s from %s, dialled at %.3g per second.
`, nats, s.providerURL, s.metricsURL, count(requests, "request"), source, pace)
	if flags.file == "" {
		fmt.Fprintln(out, `Most are ordinary. Among them: numbers that are not linked, broken and impossible requests,
a provider that refuses or does not answer, answers lost after the phone rang, the same id
twice, times past and to come. It takes about a quarter of a minute.`)
	}
	usual := configs.Default().Retry
	fmt.Fprintf(out, `The provider is down from second %.1f to %.1f. Retries are quick, to be over soon: %g to %g s
apart, %d attempts (by default %g to %g s, %d attempts).

`, outageFrom.Seconds(), outageUntil.Seconds(), devRetryFirst.Seconds(), devRetryMost.Seconds(), devAttempts,
		usual.InitialDelay.Seconds(), usual.MaxDelay.Seconds(), usual.MaxAttempts)
}

// stay says how to ask for calls by hand, and waits for the end.
func (s *stage) stay(ctx context.Context, out io.Writer) {
	fmt.Fprintf(out, `
The worker goes on until you interrupt it (Ctrl-C).

  NATS        %[1]s
  metrics     %[2]s
  oracle      %[3]s/simulator/oracle
  worker log  %[6]s

Ask for a call:

  ringonce publish --nats %[1]s \
    --from %[4]s --to +919812345678 --answer-url https://publisher.example/answer
  ringonce calls show --nats %[1]s ID

or with any NATS client, on %[5]s:

  {"id":"my-call-1","from":"%[4]s","to":"+919812345678","answer_url":"https://publisher.example/answer"}
`, s.broker.ClientURL(), s.metricsURL, s.providerURL, simulator.DefaultNumber, queue.RequestSubject(devAccount, ""), s.log.Name())
	select {
	case <-ctx.Done():
	case <-s.workerDone:
	}
	fmt.Fprintln(out, stopping)
}
