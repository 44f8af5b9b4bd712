package sfvopi

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// quiet is the question that is asked before a request is written: is the
// connection still open, and was nothing said on it that nobody asked for? A
// server that closed it meanwhile would turn the call into a false unknown, and
// what it said could be taken for the answer.
//
// The system is asked about the socket, because only the system can say so
// without waiting. TLS is asked about what it has read of the socket already: a
// second answer may stand behind the first in one record.
type quiet struct {
	tls    net.Conn    // nil without
	socket func() bool // of the bytes that nobody has read
}

func quietOf(conn net.Conn) quiet {
	var q quiet
	for {
		above, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		if q.tls == nil {
			q.tls = conn
		}
		conn = above.NetConn()
	}
	q.socket = func() bool { return silent(conn) }
	if socket, ok := conn.(syscall.Conn); ok {
		if raw, err := socket.SyscallConn(); err == nil {
			q.socket = socketQuietness(raw)
		}
	}
	return q
}

// whenNew asks about a line that has carried nothing yet. Over TLS the socket may
// hold what the server sends after its handshake without being asked, such as the
// tickets of TLS 1.3. So TLS reads what is there, and tells whether anything of it,
// or of what came with the handshake, was said to us. The read leaves a deadline
// that is over.
func (q quiet) whenNew() bool {
	switch {
	case q.tls == nil:
		return q.socket()
	case q.socket():
		return silent(q.tls)
	default:
		return silentUntil(q.tls, time.Now().Add(ticketsWithin))
	}
}

// whenKept asks about a line that has carried an answer, behind which nothing may
// stand. The read leaves a deadline that is over.
func (q quiet) whenKept() bool { return q.socket() && (q.tls == nil || silent(q.tls)) }

// ticketsWithin is how long TLS may take to read what the socket holds.
const ticketsWithin = time.Millisecond

// silent asks a connection that is no socket, such as a pipe or TLS: it tells of
// what it holds, and of its end, to a Read that may not wait.
func silent(conn net.Conn) bool { return silentUntil(conn, past) }

func silentUntil(conn net.Conn, deadline time.Time) bool {
	if conn.SetReadDeadline(deadline) != nil {
		return false
	}
	_, err := conn.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded)
}
