package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/ringonce/ringonce/queue/embedded"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// announce tells the parent where a role serves, in one line.
func announce(address string) { fmt.Println("serving", address) }

// serveBroker is a NATS JetStream server until ctx ends.
func serveBroker(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("broker", flag.ContinueOnError)
	dir := flags.String("dir", "", "where it keeps its files")
	profile := flags.String("profile", "", "where to leave profiles")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, err := embedded.Start(embedded.Options{Dir: *dir, Listen: true})
	if err != nil {
		return err
	}
	announce(s.ClientURL())
	return profiled(*profile, "broker", func() error {
		<-ctx.Done()
		s.Stop()
		return nil
	})
}

// serveProvider is the simulated provider until ctx ends.
func serveProvider(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("provider", flag.ContinueOnError)
	latency := flags.Duration("latency", 0, "how long an answer takes")
	profile := flags.String("profile", "", "where to leave profiles")
	if err := flags.Parse(args); err != nil {
		return err
	}
	sim, err := simulator.New(simulator.Config{
		CountsOnly: true, NoMagic: true, Latency: simulator.Latency{Fixed: *latency},
	})
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: sim, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	announce("http://" + l.Addr().String())
	return profiled(*profile, "provider", func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
}
