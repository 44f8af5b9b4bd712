package sfvopi

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// connCheck checks, before a request is written, that the connection is still open
// and holds no unsolicited data. A server that closed it would turn the call into
// an unnecessary unknown, and what it sent could be taken for the response.
//
// The operating system checks the socket, because only it can do so without
// waiting. TLS checks what it has already read from the socket: a second response
// may be in the same record as the first.
type connCheck struct {
	tls    net.Conn    // nil without TLS
	socket func() bool // reports whether the socket is open and holds no data
}

func newConnCheck(conn net.Conn) connCheck {
	var c connCheck
	for {
		above, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		if c.tls == nil {
			c.tls = conn
		}
		conn = above.NetConn()
	}
	c.socket = func() bool { return noPendingData(conn) }
	if socket, ok := conn.(syscall.Conn); ok {
		if raw, err := socket.SyscallConn(); err == nil {
			c.socket = socketCheck(raw)
		}
	}
	return c
}

// newConnQuiet checks a connection that has carried nothing yet. Over TLS the socket
// may hold what the server sends after the handshake, such as the tickets of TLS
// 1.3. So TLS reads it, and reports whether any of it is data. The read leaves a
// deadline in the past.
func (c connCheck) newConnQuiet() bool {
	switch {
	case c.tls == nil:
		return c.socket()
	case c.socket():
		return noPendingData(c.tls)
	default:
		return noDataUntil(c.tls, time.Now().Add(ticketTimeout))
	}
}

// idleConnQuiet checks a connection that has carried a response, after which nothing
// may follow. The read leaves a deadline in the past.
func (c connCheck) idleConnQuiet() bool { return c.socket() && (c.tls == nil || noPendingData(c.tls)) }

// ticketTimeout is how long TLS may take to read what the socket holds.
const ticketTimeout = time.Millisecond

// noPendingData checks a connection that is not a socket, such as a pipe or TLS, with
// a Read that cannot wait: it returns data or the end of the connection, if any.
func noPendingData(conn net.Conn) bool { return noDataUntil(conn, aLongTimeAgo) }

func noDataUntil(conn net.Conn, deadline time.Time) bool {
	if conn.SetReadDeadline(deadline) != nil {
		return false
	}
	_, err := conn.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded)
}
