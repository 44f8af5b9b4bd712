package bubble

import (
	"context"
	"maps"
	"net"
	"slices"
	"sync"
	"syscall"
)

// pipeListener is a network of one address.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex
	refusing bool
	open     map[net.Conn]struct{} // the servers' ends
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{}), open: map[net.Conn]struct{}{}}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	served, err := l.track(server)
	if err != nil {
		return nil, err
	}
	select {
	case l.conns <- served:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// refuse breaks open connections and refuses new ones, or accepts them again.
func (l *pipeListener) refuse(refusing bool) {
	l.mu.Lock()
	l.refusing = refusing
	var open []net.Conn
	if refusing {
		open = slices.Collect(maps.Keys(l.open))
		clear(l.open)
	}
	l.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
}

func (l *pipeListener) track(c net.Conn) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refusing {
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: syscall.ECONNREFUSED}
	}
	l.open[c] = struct{}{}
	return &served{Conn: c, listener: l}, nil
}

// served is the server's end of a connection.
type served struct {
	net.Conn
	listener *pipeListener
}

func (s *served) Close() error {
	s.listener.mu.Lock()
	delete(s.listener.open, s.Conn)
	s.listener.mu.Unlock()
	return s.Conn.Close()
}
