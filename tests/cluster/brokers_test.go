package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/ringonce/ringonce/queue"
	"github.com/ringonce/ringonce/queue/embedded"
	"github.com/ringonce/ringonce/tests/process"
)

const (
	nodes = 3
	// requestTimeout bounds one question to brokers that may be down.
	requestTimeout = 2 * time.Second
)

// brokers are three nodes, each a process of its own.
type brokers struct {
	t       *testing.T
	options [nodes]nodeOptions
	running [nodes]*process.Process
	routes  [nodes][]*relay // all that lead to or from a node
}

// newBrokers starts three nodes. Between any two lie two relays: each node seeks
// the other through one of its own.
func newBrokers(t *testing.T) *brokers {
	t.Helper()
	b := &brokers{t: t}
	ports := freePorts(t, 2*nodes)
	for i := range nodes {
		b.options[i] = nodeOptions{Name: fmt.Sprintf("n%d", i), Dir: filepath.Join(t.TempDir(), "jetstream"), Port: ports[2*i], Cluster: ports[2*i+1]}
	}
	for i := range nodes {
		for j := range nodes {
			if i == j {
				continue
			}
			r := newRelay(t, loopback(b.options[j].Cluster))
			b.options[i].Routes = append(b.options[i].Routes, "nats://"+r.address())
			b.routes[i], b.routes[j] = append(b.routes[i], r), append(b.routes[j], r)
		}
	}
	for i := range nodes {
		b.start(i)
	}
	return b
}

func (b *brokers) start(i int) {
	b.t.Helper()
	text, err := json.Marshal(b.options[i])
	if err != nil {
		b.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	b.running[i] = process.Start(b.t, "node "+b.options[i].Name, self, nil, []string{nodeVariable + "=" + string(text)})
}

func (b *brokers) kill(i int) { b.t.Helper(); b.running[i].Kill() }

// stop ends a node as an orchestrator does.
func (b *brokers) stop(i int) {
	b.t.Helper()
	b.running[i].Signal(syscall.SIGTERM)
	b.running[i].Await()
}

func (b *brokers) copyOf(dir string, i int) string { return filepath.Join(dir, b.options[i].Name) }

// isolate cuts a node off from the other two, not from clients. Routes that were
// blackholed are made again when the network is whole again: nodes take two minutes to
// find out by themselves.
func (b *brokers) isolate(i int, s network) {
	for _, r := range b.routes[i] {
		if s == connected {
			r.set(refused)
		}
		r.set(s)
	}
}

// others lists the other nodes.
func (b *brokers) others(node int) []int {
	var others []int
	for i := range nodes {
		if i != node {
			others = append(others, i)
		}
	}
	return others
}

// url reaches some of the nodes, all if none is named.
func (b *brokers) url(which ...int) string {
	if len(which) == 0 {
		which = []int{0, 1, 2}
	}
	var urls []string
	for _, i := range which {
		urls = append(urls, "nats://"+loopback(b.options[i].Port))
	}
	return strings.Join(urls, ",")
}

// streams are those that have to be whole before the next node may go. The last
// is the control bucket's.
var streams = []string{
	queue.StreamUrgent, queue.StreamCalls, queue.StreamBulk, queue.StreamParked, queue.StreamRecords, queue.StreamDead, queue.StreamRate, "KV_" + queue.BucketControl,
}

// fullyReplicated reports whether every stream that there is, and every consumer that
// lasts, has all its replicas, up to date: only then does it survive that another
// node is lost. Consumers are kept in memory, and a node that was restarted has no
// say in who leads them before it has caught up.
func fullyReplicated(ctx context.Context, js jetstream.JetStream) bool {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for _, name := range streams {
		s, err := js.Stream(ctx, name)
		if err != nil || !replicated(s.CachedInfo().Cluster) {
			return false
		}
		consumers, all := s.ListConsumers(ctx), true
		for c := range consumers.Info() { // to its end: the client sends until everything was received
			all = all && (c.Config.Durable == "" || replicated(c.Cluster))
		}
		if !all || consumers.Err() != nil {
			return false
		}
	}
	return true
}

func replicated(c *jetstream.ClusterInfo) bool {
	return c != nil && c.Leader != "" && len(c.Replicas) == nodes-1 &&
		!slices.ContainsFunc(c.Replicas, func(r *jetstream.PeerInfo) bool { return !r.Current || r.Offline })
}

// leader returns which node leads a stream, or one of its consumers; -1 if that
// cannot be said now.
func (b *brokers) leader(ctx context.Context, js jetstream.JetStream, stream, consumer string) int {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var c *jetstream.ClusterInfo
	if consumer != "" {
		found, err := js.Consumer(ctx, stream, consumer)
		if err != nil {
			return -1
		}
		c = found.CachedInfo().Cluster
	} else {
		found, err := js.Stream(ctx, stream)
		if err != nil {
			return -1
		}
		c = found.CachedInfo().Cluster
	}
	for i, o := range b.options {
		if c != nil && c.Leader == o.Name {
			return i
		}
	}
	return -1
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// reservedPorts are the ports of all trials, which go on side by side.
var reservedPorts sync.Map

// freePorts finds ports that a node can have again after it was killed.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for len(ports) < n {
		port := embedded.LastingPort()
		if port == 0 {
			t.Fatal("no port is free")
		}
		if _, by := reservedPorts.LoadOrStore(port, true); !by {
			ports = append(ports, port)
		}
	}
	return ports
}
