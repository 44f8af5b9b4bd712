package sfvopi

import (
	"errors"
	"strings"
	"syscall"
)

// ResourceError says that this machine, and not the provider, kept a connection
// from being opened.
type ResourceError struct{ err error }

func (e *ResourceError) Error() string {
	return "this machine is out of file descriptors or memory, which is not the provider's fault; raise the limit on open files (ulimit -n, LimitNOFILE): " + e.err.Error()
}

func (e *ResourceError) Unwrap() error { return e.err }

// blamed marks the error of a dial with this machine's part in it.
func blamed(err error) error {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		// The errors of name look-ups hold the text alone.
		if errors.Is(err, e) || strings.Contains(err.Error(), e.Error()) {
			return &ResourceError{err}
		}
	}
	return err
}

func isOutOfResources(err error) bool {
	_, is := errors.AsType[*ResourceError](err)
	return is
}
