//go:build !unix

package sfvopi

import "syscall"

// socketCheck assumes that a connection is open until it is written to.
func socketCheck(syscall.RawConn) func() bool {
	return func() bool { return true }
}
