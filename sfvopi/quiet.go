package sfvopi

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// quietness gives the question that is asked before a request is written: is
// the connection still open, and was nothing said on it that nobody asked for?
// A server that closed it meanwhile would turn the call into a false unknown,
// and what it said could be taken for the answer.
//
// The system is asked about the socket, because only the system can say so
// without waiting. Bytes of TLS that came without being asked for count, too.
func quietness(conn net.Conn) func() bool {
	for {
		above, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		conn = above.NetConn()
	}
	if socket, ok := conn.(syscall.Conn); ok {
		if raw, err := socket.SyscallConn(); err == nil {
			return socketQuietness(raw)
		}
	}
	return func() bool { return silent(conn) }
}

// silent is for a connection that is no socket, such as a pipe: it tells of its
// end to a Read that may not wait.
func silent(conn net.Conn) bool {
	if conn.SetReadDeadline(past) != nil {
		return false
	}
	_, err := conn.Read(make([]byte, 1))
	return errors.Is(err, os.ErrDeadlineExceeded)
}
