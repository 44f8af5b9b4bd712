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
	"github.com/ringonce/ringonce/internal/failpoint"
)

// Place makes one attempt at a call: at most one POST, written to at most one
// connection, never before by has been checked for the last time. It returns
// within the request timeout.
//
// An outcome of class refused and reason interrupted means that ctx ended, or
// the deadline passed, before anything was written. If ctx ends later, the
// outcome is unknown.
func (c *Client) Place(ctx context.Context, r call.Request, by call.Deadline) call.Outcome {
	key := c.key()
	a := c.post(ctx, r, key, by)
	a.Secrets = func() []string { return c.secretsOf(r, key) }
	return Classify(a, c.rules, time.Now())
}

func (c *Client) post(ctx context.Context, r call.Request, key string, by call.Deadline) Response {
	until := time.Now().Add(c.requestTimeout)
	if err := context.Cause(ctx); err != nil {
		return unwritten(Interrupted, err)
	}
	if by.Passed(time.Now()) {
		return unwritten(Interrupted, errPastDeadline)
	}
	failpoint.Eval(failpoint.PostBegun)
	l, err := c.lines.take(ctx, until)
	if err != nil {
		return unwritten(whyNoLine(ctx, err), err)
	}
	untouched, reusable := l.abortOn(ctx), false
	defer func() {
		if untouched() && reusable {
			c.lines.keep(l)
		} else {
			l.hangUp()
		}
	}()
	var answer Response
	answer, reusable = c.exchange(ctx, l, r, key, by)
	return answer
}

// exchange makes the attempt on the one line that it has.
func (c *Client) exchange(ctx context.Context, l *line, r call.Request, key string, by call.Deadline) (a Response, reusable bool) {
	request, err := l.fill(c.form, key, r)
	if err != nil {
		return unwritten(NotConnected, err), false
	}
	if err := context.Cause(ctx); err != nil {
		return unwritten(Interrupted, err), false
	}
	written, err := l.send(request, by)
	if err != nil {
		return unwritten(Interrupted, err), false
	}
	// What the provider said before it stopped listening counts, too.
	a, reusable = l.answer()
	a.Written = written
	return a, reusable && written == WrittenWhole
}

func whyNoLine(ctx context.Context, err error) Failure {
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

// readBounded reads a body of at most limit bytes. On errTooLarge it gives the
// first limit bytes.
func readBounded(response *http.Response, limit int64) ([]byte, error) {
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

func unwritten(f Failure, err error) Response {
	return Response{Failure: f, Written: WrittenNothing, Detail: err.Error()}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
