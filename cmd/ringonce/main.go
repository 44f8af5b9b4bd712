// Command ringonce dispatches outbound calls: it pulls call requests from NATS
// JetStream and places each of them once through the provider's API.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/ringonce/ringonce/internal/cli"
)

// version is set by the linker: -X main.version=v1.2.3
var version = "devel"

func main() {
	ctx, stop := stopOnSignal(context.Background())
	defer stop()
	os.Exit(cli.Run(ctx, version, os.Args[1:], os.Environ()))
}

// stopOnSignal cancels the context at the first SIGTERM or interrupt. A second
// one exits at once: other workers then hold as unknown what was claimed.
func stopOnSignal(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			cancel()
		case <-done:
			return
		}
		select {
		case <-signals:
			os.Exit(cli.ExitInterrupted)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}
