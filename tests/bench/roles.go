package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/ringonce/ringonce/queue/embedded"
	"github.com/ringonce/ringonce/sfvopi/simulator"
)

// announce reports to the parent where a role serves, in one line.
func announce(address string) { fmt.Println("serving", address) }

// serveBroker is a NATS JetStream server, or a cluster of them in this process,
// until ctx ends.
func serveBroker(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("broker", flag.ContinueOnError)
	dir := flags.String("dir", "", "where it keeps its files")
	profile := flags.String("profile", "", "where to leave profiles")
	sync := flags.Bool("sync", false, "force each message to the disk")
	replicas := flags.Int("replicas", 1, "servers of the cluster")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var nodes []*embedded.Server
	for _, configure := range cluster(*replicas) {
		s, err := embedded.Start(embedded.Options{
			Dir: filepath.Join(*dir, strconv.Itoa(len(nodes))), Listen: true,
			Configure: func(o *server.Options) {
				o.SyncAlways, o.JetStreamMaxStore = *sync, brokerStore
				configure(o)
			},
		})
		if err != nil {
			return err
		}
		nodes = append(nodes, s)
	}
	if err := ready(ctx, nodes); err != nil {
		return err
	}
	announce(nodes[0].ClientURL())
	return profiled(*profile, "broker", func() error {
		<-ctx.Done()
		for _, s := range nodes {
			s.Stop()
		}
		return nil
	})
}

// brokerStore is more than the streams' limits come to; it is set aside, not taken.
const brokerStore = 1 << 40

// cluster says what makes so many servers one: nothing for a single one.
func cluster(size int) []func(*server.Options) {
	if size == 1 {
		return []func(*server.Options){func(*server.Options) {}}
	}
	ports := make([]int, size)
	var routes []*url.URL
	for i := range ports {
		ports[i] = embedded.LastingPort()
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", ports[i])})
	}
	configure := make([]func(*server.Options), size)
	for i := range configure {
		configure[i] = func(o *server.Options) {
			o.ServerName, o.Routes = fmt.Sprintf("node-%d", i), routes
			o.Cluster = server.ClusterOpts{Name: "bench", Host: "127.0.0.1", Port: ports[i]}
		}
	}
	return configure
}

// ready waits until the servers of a cluster have a leader and know each other.
func ready(ctx context.Context, nodes []*embedded.Server) error {
	for len(nodes) > 1 {
		led, current := false, true
		for _, s := range nodes {
			led = led || s.JetStreamIsLeader()
			current = current && s.JetStreamIsCurrent()
		}
		if led && current {
			return nil
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
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
