package sfvopi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
)

// StatusError is an unsuccessful response to a look-up.
type StatusError struct {
	Path    string // below the base URL
	Status  int
	Message string // the provider's, masked; empty if the response was not in the provider's form
}

func (e *StatusError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("GET %s: the provider answered %d", e.Path, e.Status)
	}
	return fmt.Sprintf("GET %s: the provider answered %d: %s", e.Path, e.Status, e.Message)
}

// appNotFound reports whether the provider itself says that there is no such
// app. A gateway's 404 says nothing about apps.
func (e *StatusError) appNotFound() bool {
	return e.Status == http.StatusNotFound &&
		(strings.EqualFold(e.Message, "App not found") || strings.EqualFold(e.Message, "SFVoPI app not found"))
}

// isRefused reports whether the provider refused a look-up, because of the key or
// the account.
func isRefused(err error) bool {
	status, ok := errors.AsType[*StatusError](err)
	return ok && status.Status >= 400 && status.Status < 500
}

// lookupError is a look-up without a usable response. Errors of net/http may repeat
// what the provider sent, so the text is masked.
type lookupError struct {
	path, text string
	err        error
}

func (e *lookupError) Error() string { return "GET " + e.path + ": " + e.text }
func (e *lookupError) Unwrap() error { return e.err }

// ResourceError is a connection that could not be opened because of this machine,
// not the provider.
type ResourceError struct{ err error }

func (e *ResourceError) Error() string {
	return "this machine is out of file descriptors or memory, which is not the provider's fault; raise the limit on open files (ulimit -n, LimitNOFILE): " + e.err.Error()
}

func (e *ResourceError) Unwrap() error { return e.err }

// asResourceError wraps the error of a dial that this machine caused.
func asResourceError(err error) error {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
		// Errors of name look-ups hold only the text.
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
