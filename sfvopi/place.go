package sfvopi

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/ringonce/ringonce/call"
)

// Place makes one attempt at a call: at most one POST, written to at most one
// connection, after a last check of the deadline. It returns within the request
// timeout.
//
// An outcome of class refused and reason interrupted means that ctx ended, or the
// deadline passed, before anything was written. If ctx ends later, the outcome is
// unknown.
func (c *Client) Place(ctx context.Context, r call.Request, by call.Deadline) call.Outcome {
	key := c.key()
	a := c.post(ctx, r, key, by)
	a.Secrets = func() []string { return c.secretsOf(r, key) }
	return Classify(a, c.rules, time.Now())
}

func (c *Client) post(ctx context.Context, r call.Request, key string, by call.Deadline) Response {
	until := time.Now().Add(c.requestTimeout)
	if err := context.Cause(ctx); err != nil {
		return notWritten(Interrupted, err)
	}
	if by.Passed(time.Now()) {
		return notWritten(Interrupted, errPastDeadline)
	}
	conn, err := c.pool.get(ctx, until)
	if err != nil {
		return notWritten(connectFailure(ctx, err), err)
	}
	stopped, reusable := conn.failOnCancel(ctx), false
	defer func() {
		if stopped() && reusable {
			c.pool.put(conn)
		} else {
			conn.close()
		}
	}()
	var answer Response
	answer, reusable = c.exchange(ctx, conn, r, key, by)
	return answer
}

// exchange writes the request to the connection and reads the response.
func (c *Client) exchange(ctx context.Context, conn *postConn, r call.Request, key string, by call.Deadline) (a Response, reusable bool) {
	request, err := conn.buildRequest(c.header, key, r)
	if err != nil {
		return notWritten(NotConnected, err), false
	}
	if err := context.Cause(ctx); err != nil {
		return notWritten(Interrupted, err), false
	}
	written, err := conn.send(request, by)
	if err != nil {
		return notWritten(Interrupted, err), false
	}
	// A response that was sent before the request was read whole counts too.
	a, reusable = conn.readResponse()
	a.Written = written
	return a, reusable && written == WrittenWhole
}

func connectFailure(ctx context.Context, err error) Failure {
	var untrusted *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		return Interrupted
	case isOutOfResources(err):
		return OutOfResources
	case errors.As(err, &untrusted):
		return NotTrusted
	default:
		return NotConnected
	}
}

var errTooLarge = errors.New("the answer is larger than is read")

// readLimited reads a body of at most limit bytes. With errTooLarge it returns the
// first limit bytes.
func readLimited(response *http.Response, limit int64) ([]byte, error) {
	var b bytes.Buffer
	if n := response.ContentLength; 0 <= n && n <= limit {
		b.Grow(int(n) + bytes.MinRead)
	}
	_, err := b.ReadFrom(io.LimitReader(response.Body, limit+1))
	if int64(b.Len()) > limit {
		b.Truncate(int(limit))
		return b.Bytes(), errTooLarge
	}
	return b.Bytes(), err
}

func notWritten(f Failure, err error) Response {
	return Response{Failure: f, Written: WrittenNothing, Detail: err.Error()}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
