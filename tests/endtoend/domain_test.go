package endtoend_test

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/embedded"
	"github.com/ringonce/ringonce/queue/pull"
	"github.com/ringonce/ringonce/sfvopi/simulator"
	"github.com/ringonce/ringonce/tests/harness"
)

// TestAJetStreamDomain: the worker is at a leaf node without JetStream, whose hub
// has it in a domain. With nats.domain everything works, acknowledgements and
// retries included; without it nothing is made, and the error says what to set.
func TestAJetStreamDomain(t *testing.T) {
	start := func(configure func(*server.Options)) *embedded.Server {
		t.Helper()
		s, err := embedded.Start(embedded.Options{Dir: t.TempDir(), Listen: true, Configure: configure})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Stop)
		return s
	}
	port := embedded.LastingPort()
	hub := start(func(o *server.Options) {
		o.ServerName, o.JetStreamDomain = "hub", "hub"
		o.LeafNode = server.LeafNodeOpts{Host: "127.0.0.1", Port: port}
	})
	leaf := start(func(o *server.Options) {
		o.ServerName, o.JetStream = "leaf", false
		o.LeafNode = server.LeafNodeOpts{Remotes: []*server.RemoteLeafOpts{
			{URLs: []*url.URL{{Scheme: "nats", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}}},
		}}
	})
	env := harness.NewWithBroker(t, leaf.ClientURL(), simulator.Config{}, func(c *configs.Config) { c.NATS.Domain = "hub" })
	env.Eventually("the leaf node is connected", func() bool { return hub.NumLeafNodes() == 1 })

	without, err := queue.Connect(queue.ConnectOptions{URL: leaf.ClientURL(), Name: "without"})
	if err != nil {
		t.Fatal(err)
	}
	defer without.Close()
	topology := queue.Topology{Replicas: 1}
	if _, err := topology.Apply(t.Context(), without.JetStream()); !errors.Is(err, queue.ErrNoJetStream) {
		t.Errorf("without the domain: %v", err)
	}
	if _, err := topology.Check(t.Context(), without.JetStream()); !errors.Is(err, queue.ErrNoJetStream) {
		t.Errorf("without the domain: %v", err)
	}

	env.AwaitReady(env.Start("one"))
	env.Publish("calls.requests.default.urgent", harness.Body("placed", "+919876500001"))
	env.Publish("calls.requests.default", harness.Body("again", "+919000050001"))
	env.AwaitState("placed", call.StatePlaced)
	env.AwaitState("again", call.StatePlaced)
	env.AwaitDrained()
	consumers, err := pull.NewConsumers(env.Conn, pull.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := consumers.CheckAckPermission(t.Context(), harness.Account); err != nil {
		t.Error(err)
	}
}
