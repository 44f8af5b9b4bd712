package sfvopi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// StatusError is an answer to a look-up that is not what was asked for.
type StatusError struct {
	Path    string // below the base URL
	Status  int
	Message string // the provider's, masked; empty if it did not speak in its own form
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

// isRefused reports whether the provider understood a look-up and does not
// answer it, for the key or the account.
func isRefused(err error) bool {
	status, ok := errors.AsType[*StatusError](err)
	return ok && status.Status >= 400 && status.Status < 500
}

// lookupError is a look-up to which there was no usable answer. Errors of
// net/http may repeat what the provider sent, so its text is masked.
type lookupError struct {
	path, text string
	err        error
}

func (e *lookupError) Error() string { return "GET " + e.path + ": " + e.text }
func (e *lookupError) Unwrap() error { return e.err }
