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

// exitStopped is the exit code after a second signal.
const exitStopped = 130

func main() {
	ctx, stop := stopOnSignal(context.Background())
	defer stop()
	os.Exit(cli.Run(ctx, os.Args[1:], os.Environ()))
}

// stopOnSignal ends the context at the first SIGTERM or interrupt. A second one
// stops the process at once: what was claimed is then held as unknown by other
// workers.
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
			os.Exit(exitStopped)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}
