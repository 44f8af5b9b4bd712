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
	world *World

	mu    sync.Mutex
	cut   bool
	conns map[*tracked]struct{}
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

// Heal lets new connections through.
func (n *Network) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut = false
}

// InProcessConn reaches whichever broker runs now.
func (n *Network) InProcessConn() (net.Conn, error) {
	if n.isCut() {
		return nil, errCut
	}
	c, err := current{&n.world.broker}.InProcessConn()
	if err != nil {
		return nil, err
	}
	return n.track(c)
}

func (n *Network) dialProvider(ctx context.Context, network, address string) (net.Conn, error) {
	if n.isCut() {
		return nil, errCut
	}
	c, err := n.world.provider.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return n.track(c)
}

func (n *Network) isCut() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cut
}

func (n *Network) track(c net.Conn) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cut {
		_ = c.Close()
		return nil, errCut
	}
	if n.conns == nil {
		n.conns = map[*tracked]struct{}{}
	}
	t := &tracked{Conn: c, network: n}
	n.conns[t] = struct{}{}
	return t, nil
}

// tracked is a connection that its network can break.
type tracked struct {
	net.Conn
	network *Network
}

func (t *tracked) Close() error {
	t.network.mu.Lock()
	delete(t.network.conns, t)
	t.network.mu.Unlock()
	return t.Conn.Close()
}
