package bubble

import (
	"context"
	"errors"
	"net"
	"sync"
)

// Network is how one worker reaches the broker and the provider. Cutting it
// breaks every connection and refuses new ones until it is healed: a worker
// that was killed, as the others see it, or a partition.
type Network struct {
	world *Environment

	mu       sync.Mutex
	cut      bool
	noBroker bool // only the broker is out of reach
	conns    map[*tracked]struct{}
}

var errCut = errors.New("the network is cut")

// Cut breaks everything.
func (n *Network) Cut() {
	n.mu.Lock()
	n.cut = true
	conns := n.conns
	n.conns = nil
	n.mu.Unlock()
	for c := range conns {
		_ = c.Conn.Close()
	}
}

// CutBroker breaks only the connections to the broker: requests to the provider go
// on.
func (n *Network) CutBroker() {
	n.mu.Lock()
	n.noBroker = true
	n.mu.Unlock()
	n.dropBroker()
}

// dropBroker breaks the connections to the broker, and accepts new ones.
func (n *Network) dropBroker() {
	n.mu.Lock()
	var conns []*tracked
	for c := range n.conns {
		if c.broker {
			conns = append(conns, c)
		}
	}
	n.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

// Heal accepts new connections again.
func (n *Network) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut, n.noBroker = false, false
}

// InProcessConn reaches whichever broker runs now.
func (n *Network) InProcessConn() (net.Conn, error) {
	if n.isCut(true) {
		return nil, errCut
	}
	c, err := current{&n.world.broker}.InProcessConn()
	if err != nil {
		return nil, err
	}
	return n.track(c, true)
}

func (n *Network) dialProvider(ctx context.Context, network, address string) (net.Conn, error) {
	if n.isCut(false) {
		return nil, errCut
	}
	c, err := n.world.provider.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return n.track(c, false)
}

func (n *Network) isCut(broker bool) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cut || (broker && n.noBroker)
}

func (n *Network) track(c net.Conn, broker bool) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cut || (broker && n.noBroker) {
		_ = c.Close()
		return nil, errCut
	}
	if n.conns == nil {
		n.conns = map[*tracked]struct{}{}
	}
	t := &tracked{Conn: c, network: n, broker: broker}
	n.conns[t] = struct{}{}
	return t, nil
}

// tracked is a connection that its network can break.
type tracked struct {
	net.Conn
	network *Network
	broker  bool
}

func (t *tracked) Close() error {
	t.network.mu.Lock()
	delete(t.network.conns, t)
	t.network.mu.Unlock()
	return t.Conn.Close()
}
