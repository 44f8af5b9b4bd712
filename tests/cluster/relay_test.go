package cluster

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// relay is a stretch of network that can be cut.
type relay struct {
	listener net.Listener
	target   string
	owned    sync.WaitGroup

	mu    sync.Mutex
	state network
	conns map[net.Conn]*atomic.Bool // whether what is sent there gets lost
}

type network int

const (
	connected  network = iota
	refused            // connections are refused
	blackholed         // takes everything and passes nothing on
)

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, target: target, conns: map[net.Conn]*atomic.Bool{}}
	r.owned.Go(r.accept)
	t.Cleanup(r.close)
	return r
}

func (r *relay) address() string { return r.listener.Addr().String() }

func (r *relay) accept() {
	for {
		c, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.owned.Go(func() { r.carry(c) })
	}
}

// carry passes on what one connection and its other end send, until either
// closes.
func (r *relay) carry(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", r.target)
	if err != nil {
		return
	}
	defer far.Close()
	lost, ok := r.enter(near, far)
	if !ok {
		return
	}
	defer r.leave(near, far)
	var back sync.WaitGroup
	back.Go(func() {
		pass(near, far, lost)
		_ = near.Close() // so that the other direction ends, too
	})
	pass(far, near, lost)
	_ = far.Close()
	back.Wait()
}

func (r *relay) enter(near, far net.Conn) (*atomic.Bool, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	lost := &atomic.Bool{}
	lost.Store(r.state == blackholed)
	r.conns[near], r.conns[far] = lost, lost
	return lost, r.state != refused
}

func (r *relay) leave(near, far net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, near)
	delete(r.conns, far)
}

// pass copies until the source ends. What is lost is lost for good: the
// connection never receives anything again, whatever becomes of the network.
func pass(to, from net.Conn, lost *atomic.Bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if lost.Load() {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// set changes the network, for the connections that there are and for new ones.
func (r *relay) set(s network) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = s
	for c, lost := range r.conns {
		switch s {
		case connected:
		case blackholed:
			lost.Store(true)
		case refused:
			_ = c.Close()
		}
	}
}

func (r *relay) close() {
	_ = r.listener.Close()
	r.set(refused)
	r.owned.Wait()
}
