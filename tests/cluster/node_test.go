package cluster

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/nats-io/nats-server/v2/server"
)

// nodeVariable makes this binary a broker node instead of a run of the tests.
const nodeVariable = "RINGONCE_TEST_NODE"

// nodeOptions configures a node.
type nodeOptions struct {
	Name    string
	Dir     string
	Port    int      // for clients
	Cluster int      // for routes
	Routes  []string // to the other nodes
}

// nowhere is the address that nodes advertise to each other: they are to know only
// the routes that they were given, which can be cut.
const nowhere = "127.0.0.1:1"

// storage is more than the streams' limits come to; a node sets it aside, and
// does not take it.
const storage = 1 << 40

// runNode is a broker node until it is asked to end.
func runNode(text string) error {
	var o nodeOptions
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fmt.Errorf("read %s: %w", nodeVariable, err)
	}
	var routes []*url.URL
	for _, r := range o.Routes {
		u, err := url.Parse(r)
		if err != nil {
			return fmt.Errorf("read %s: %w", nodeVariable, err)
		}
		routes = append(routes, u)
	}
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	s, err := server.NewServer(&server.Options{
		ServerName: o.Name, Host: "127.0.0.1", Port: o.Port, Routes: routes, NoSigs: true,
		Cluster:   server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: o.Cluster, NoAdvertise: true, Advertise: nowhere},
		JetStream: true, StoreDir: o.Dir, JetStreamMaxStore: storage,
	})
	if err != nil {
		return fmt.Errorf("set up a node: %w", err)
	}
	s.ConfigureLogger()
	s.Start()
	<-end
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}
