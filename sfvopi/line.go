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
	errPastDeadline = errors.New("past the deadline of the claim")
	errUnasked      = errors.New("the provider spoke before it was asked")
	errInterim      = errors.New("the provider keeps answering that it will answer")
)

const (
	// maxHeaderSize bounds the header of an answer, in bytes.
	maxHeaderSize = 64 << 10
	// maxBodyOnWire bounds its body as it is sent: in chunks of one byte each it
	// is six times as large.
	maxBodyOnWire = 8 * MaxResponseSize
	// maxInterim is how many answers of status 1xx may precede the answer.
	maxInterim = 5
	// maxKeptBuffer is the largest that a line keeps for its next request, in
	// bytes.
	maxKeptBuffer = 16 << 10
)

// line is a connection to the provider. It carries one attempt after another
// and belongs to one of them at a time; no other goroutine writes to it or
// reads from it. It sits above TLS, so that what it writes is the request
// alone.
type line struct {
	net.Conn
	quiet   quiet
	answers *bufio.Reader
	buffer  []byte // of its requests
	begin   []byte // the first of an answer, as far as its status
	left    int64  // bytes that may still be read
	failed  bool   // a Read failed
	idle    time.Time
}

func newLine(conn net.Conn) *line {
	l := &line{Conn: conn, quiet: quietOf(conn)}
	l.answers = bufio.NewReader(l)
	return l
}

// fill makes the request for a call in the buffer of the line.
func (l *line) fill(f form, key string, r call.Request) (request []byte, err error) {
	request, l.buffer, err = f.fill(l.buffer, key, r)
	if cap(l.buffer) > maxKeptBuffer {
		l.buffer = nil
	}
	return request, err
}

// send writes the request, whole and once. It is the last check before bytes
// leave: from its success on the request counts as written, however the Write
// that follows ends. An error means that this Write was never entered.
func (l *line) send(request []byte, by call.Deadline) (Written, error) {
	failpoint.Eval(failpoint.WriteBefore)
	if by.Passed(time.Now()) {
		return WrittenNothing, errPastDeadline
	}
	failpoint.Eval(failpoint.WriteAllowed)
	n, _ := l.Write(request) // its error shows again where the answer is read
	failpoint.Eval(failpoint.WriteAfter)
	if n < len(request) {
		return WrittenPartly, nil
	}
	return WrittenWhole, nil
}

// answer reads what the provider answers to what was sent. reusable tells that
// the line may carry another attempt.
func (l *line) answer() (a Response, reusable bool) {
	l.left, l.failed = maxHeaderSize, false
	response, status, err := l.response() //nolint:bodyclose // its body is the line, which is read to the end of it or hung up
	if err != nil {
		otherwise := NotHTTP
		if l.failed {
			otherwise = ConnectionLost
		}
		return Response{Status: status, Failure: why(err, otherwise), Detail: err.Error()}, false
	}
	failpoint.Eval(failpoint.AnswerHeader)
	l.left = maxBodyOnWire
	body, err := readBounded(response, MaxResponseSize)
	failpoint.Eval(failpoint.AnswerRead)
	a = Response{Status: response.StatusCode, RetryAfter: response.Header.Get("Retry-After"), Body: body}
	if err == nil {
		a.Body, err = decoded(body, response.Header, MaxResponseSize)
	}
	if err != nil {
		a.Failure, a.Detail = why(err, Truncated), err.Error()
		return a, false
	}
	behind, _ := l.answers.Peek(l.answers.Buffered())     // no more than is there
	a.TrailingBytes = len(bytes.Trim(behind, "\r\n")) > 0 // some end every body in a line break
	final := response.StatusCode != http.StatusSwitchingProtocols
	return a, final && !response.Close && !l.failed && len(behind) == 0
}

// response reads the header of the answer, past those that only announce it. If
// it fails, status is the one that was read before it did, or 0.
func (l *line) response() (response *http.Response, status int, err error) {
	for range maxInterim {
		begin, _ := l.answers.Peek(min(l.answers.Buffered(), statusSize)) // no more than is there
		l.begin = append(l.begin[:0], begin...)
		r, err := http.ReadResponse(l.answers, nil)
		if err != nil {
			return nil, statusIn(l.begin), err
		}
		if r.StatusCode/100 != 1 || r.StatusCode == http.StatusSwitchingProtocols {
			return r, 0, nil
		}
	}
	return nil, 0, errInterim
}

// statusSize is how much of an answer it takes to know its status.
const statusSize = len("HTTP/1.1 200")

var statusLine = regexp.MustCompile(`^HTTP/1\.[01] [2-5][0-9][0-9]$`)

// statusIn is the status of an answer that begins so.
func statusIn(begin []byte) int {
	if !statusLine.Match(begin) {
		return 0
	}
	status, err := strconv.Atoi(string(begin[len(begin)-3:]))
	if err != nil {
		return 0
	}
	return status
}

func why(err error, otherwise Failure) Failure {
	switch {
	case errors.Is(err, errTooLarge):
		return TooLarge
	case errors.Is(err, errCoding):
		return NotDecoded
	case isTimeout(err):
		return Timeout
	default:
		return otherwise
	}
}

// Read bounds what is read of one answer.
func (l *line) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLarge
	}
	n, err := l.Conn.Read(p[:min(int64(len(p)), l.left)])
	failpoint.Eval(failpoint.ReadAfter)
	l.left -= int64(n)
	if room := statusSize - len(l.begin); room > 0 {
		l.begin = append(l.begin, p[:min(n, room)]...)
	}
	l.failed = l.failed || err != nil
	return n, err
}

// hangUp closes the line. What is said about an attempt on it was said before.
func (l *line) hangUp() { _ = l.Close() }

// abortOn has every Read and Write on the line fail once ctx ends. untouched
// reports whether it never came to that.
func (l *line) abortOn(ctx context.Context) (untouched func() bool) {
	return context.AfterFunc(ctx, func() { _ = l.SetDeadline(past) })
}

// past is a deadline that is over.
var past = time.Unix(1, 0)
