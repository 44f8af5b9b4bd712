//go:build unix

package sfvopi

import "syscall"

// socketCheck peeks at the socket.
func socketCheck(raw syscall.RawConn) func() bool {
	var quiet bool
	look := func(fd uintptr) {
		var p [1]byte
		_, _, err := syscall.Recvfrom(int(fd), p[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = err == syscall.EAGAIN
	}
	return func() bool {
		quiet = false
		return raw.Control(look) == nil && quiet
	}
}
