package sfvopi

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/ringonce/ringonce/call"
	"github.com/ringonce/ringonce/internal/failpoint"
)

var (
	errPastDeadline   = errors.New("past the deadline of the claim")
	errUnsolicited    = errors.New("the provider sent data before the request")
	errTooManyInterim = errors.New("the provider sends interim responses without end")
)

const (
	// maxHeaderSize bounds the header of a response, in bytes.
	maxHeaderSize = 64 << 10
	// maxWireBody bounds its body as sent: chunks of one byte each make it six
	// times as large.
	maxWireBody = 8 * MaxResponseSize
	// maxInterimResponses is how many 1xx responses may precede the final one.
	maxInterimResponses = 5
	// maxRetainedBuffer is the largest buffer that a connection keeps for its
	// next request, in bytes.
	maxRetainedBuffer = 16 << 10
)

// postConn is a connection to the provider. It carries one attempt after another
// and belongs to one attempt at a time, whose goroutine alone reads and writes. It
// is above TLS, so that its Write carries the request and nothing else.
type postConn struct {
	net.Conn
	check        connCheck
	reader       *bufio.Reader
	buffer       []byte // for requests
	statusPrefix []byte // the beginning of a response, up to its status
	readBudget   int64  // bytes that may still be read
	readFailed   bool   // a Read failed
	idleSince    time.Time
}

func newPostConn(conn net.Conn) *postConn {
	c := &postConn{Conn: conn, check: newConnCheck(conn)}
	c.reader = bufio.NewReader(c)
	return c
}

// buildRequest builds the request for a call in the connection's buffer.
func (c *postConn) buildRequest(f requestHeader, key string, r call.Request) (request []byte, err error) {
	request, c.buffer, err = f.build(c.buffer, key, r)
	if cap(c.buffer) > maxRetainedBuffer {
		c.buffer = nil
	}
	return request, err
}

// send writes the request in one Write, after the last check of the deadline. An
// error means that this Write was never entered; otherwise the request counts as
// written, however the Write ended.
func (c *postConn) send(request []byte, by call.Deadline) (Written, error) {
	failpoint.Eval(failpoint.WriteBefore)
	if by.Passed(time.Now()) {
		return WrittenNothing, errPastDeadline
	}
	failpoint.Eval(failpoint.WriteAllowed)
	n, _ := c.Write(request) // its error shows again where the response is read
	failpoint.Eval(failpoint.WriteAfter)
	if n < len(request) {
		return WrittenPartly, nil
	}
	return WrittenWhole, nil
}

// readResponse reads the response to the request that was sent. reusable reports
// whether the connection may carry another attempt.
func (c *postConn) readResponse() (a Response, reusable bool) {
	c.readBudget, c.readFailed = maxHeaderSize, false
	response, status, err := c.readHeader() //nolint:bodyclose // its body is the connection, which is read to the end of it or closed
	if err != nil {
		otherwise := NotHTTP
		if c.readFailed {
			otherwise = ConnectionLost
		}
		return Response{Status: status, Failure: failureOf(err, otherwise), Detail: err.Error()}, false
	}
	failpoint.Eval(failpoint.AnswerHeader)
	c.readBudget = maxWireBody
	body, err := readLimited(response, MaxResponseSize)
	failpoint.Eval(failpoint.AnswerRead)
	a = Response{Status: response.StatusCode, RetryAfter: response.Header.Get("Retry-After"), Body: body}
	if err == nil {
		a.Body, err = decodeBody(body, response.Header, MaxResponseSize)
	}
	if err != nil {
		a.Failure, a.Detail = failureOf(err, Truncated), err.Error()
		return a, false
	}
	behind, _ := c.reader.Peek(c.reader.Buffered())       // only what is buffered
	a.TrailingBytes = len(bytes.Trim(behind, "\r\n")) > 0 // some servers end every body with a line break
	final := response.StatusCode != http.StatusSwitchingProtocols
	return a, final && !response.Close && !c.readFailed && len(behind) == 0
}

// readHeader reads the header of the final response. If that fails, status is the
// one that was read before, or 0.
func (c *postConn) readHeader() (response *http.Response, status int, err error) {
	for range maxInterimResponses {
		begin, _ := c.reader.Peek(min(c.reader.Buffered(), statusPrefixSize)) // only what is buffered
		c.statusPrefix = append(c.statusPrefix[:0], begin...)
		r, err := http.ReadResponse(c.reader, nil)
		if err != nil {
			return nil, parseStatus(c.statusPrefix), err
		}
		if r.StatusCode/100 != 1 || r.StatusCode == http.StatusSwitchingProtocols {
			return r, 0, nil
		}
	}
	return nil, 0, errTooManyInterim
}

// statusPrefixSize is how many bytes of a response hold its status.
const statusPrefixSize = len("HTTP/1.1 200")

var statusLine = regexp.MustCompile(`^HTTP/1\.[01] [2-5][0-9][0-9]$`)

// parseStatus returns the status of a response from its beginning, or 0.
func parseStatus(begin []byte) int {
	if !statusLine.Match(begin) {
		return 0
	}
	status, err := strconv.Atoi(string(begin[len(begin)-3:]))
	if err != nil {
		return 0
	}
	return status
}

func failureOf(err error, otherwise Failure) Failure {
	switch {
	case errors.Is(err, errTooLarge):
		return TooLarge
	case errors.Is(err, errEncoding):
		return NotDecoded
	case isTimeout(err):
		return Timeout
	default:
		return otherwise
	}
}

// Read bounds how much is read of one response.
func (c *postConn) Read(p []byte) (int, error) {
	if c.readBudget <= 0 {
		return 0, errTooLarge
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.readBudget)])
	failpoint.Eval(failpoint.ReadAfter)
	c.readBudget -= int64(n)
	if room := statusPrefixSize - len(c.statusPrefix); room > 0 {
		c.statusPrefix = append(c.statusPrefix, p[:min(n, room)]...)
	}
	c.readFailed = c.readFailed || err != nil
	return n, err
}

// close closes the connection. Its error matters to no attempt.
func (c *postConn) close() { _ = c.Close() }

// failOnCancel makes every Read and Write fail once ctx ends. stopped ends that, and
// reports whether it never happened.
func (c *postConn) failOnCancel(ctx context.Context) (stopped func() bool) {
	return context.AfterFunc(ctx, func() { _ = c.SetDeadline(aLongTimeAgo) })
}

// aLongTimeAgo is a deadline in the past.
var aLongTimeAgo = time.Unix(1, 0)
