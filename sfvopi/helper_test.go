package sfvopi

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringonce/ringonce/call"
)

const queued = `{"data":{"request_uuid":"sfv_ob_req_a8k3m2x9p1z0","status":"queued"},"message":"success"}`

func phone(t testing.TB, s string) call.Phone {
	t.Helper()
	p, _, err := call.ParsePhone(s, call.PossibleNumbers)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func request(t testing.TB) call.Request {
	t.Helper()
	return call.Request{
		From: phone(t, "+918045678901"), To: phone(t, "+919876543210"),
		Callbacks: call.Callbacks{AnswerURL: "https://example.com/answer?token=a&b=<c>", AnswerMethod: "POST"},
	}
}

func soon() call.Deadline { return call.Deadline{From: time.Now(), For: 10 * time.Second} }

func newClient(t testing.TB, config Config) *Client {
	t.Helper()
	if config.Key == nil {
		config.Key = func() string { return "key-1" }
	}
	c, err := NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// serve starts a provider over TCP that answers with handler.
func serve(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s
}

// pipes is a network of net.Pipe: each connection that is dialled is given to
// serve on a goroutine of its own.
type pipes struct {
	serve func(n int, conn net.Conn) // n counts connections from 1
	delay func(ctx context.Context) error

	dialled atomic.Int32
	mu      sync.Mutex
	stopped bool
	running sync.WaitGroup
}

// stop waits for all connections to end; no new one is opened.
func (p *pipes) stop() {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.running.Wait()
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if p.delay != nil {
		if err := p.delay(ctx); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return nil, net.ErrClosed
	}
	n := int(p.dialled.Add(1))
	client, server := net.Pipe()
	p.running.Go(func() {
		defer server.Close()
		p.serve(n, server)
	})
	return client, nil
}

// gotRequest reads one whole request off a connection, and reports whether
// there was one.
func gotRequest(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

// say writes to a peer that may have left: what came of it is the client's to
// tell.
func say(w io.Writer, s string) { _, _ = io.WriteString(w, s) }

// take reads what a peer sends until it ends.
func take(w io.Writer, r io.Reader) { _, _ = io.Copy(w, r) }

// takeSome reads n bytes of what a peer sends.
func takeSome(r io.Reader, n int64) { _, _ = io.CopyN(io.Discard, r, n) }

// hijack takes the connection of a request from the server.
func hijack(t *testing.T, w http.ResponseWriter) (net.Conn, io.Reader) {
	t.Helper()
	conn, rest, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Fatal(err)
	}
	return conn, rest
}

func flush(t *testing.T, w http.ResponseWriter) {
	t.Helper()
	if err := http.NewResponseController(w).Flush(); err != nil {
		t.Error(err)
	}
}

func answerOn(conn net.Conn, status, body string) {
	say(conn, "HTTP/1.1 "+status+"\r\nContent-Type: application/json\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body)
}

// drain reads until the connection ends and tells how much there was.
func drain(conn net.Conn) int64 {
	n, err := io.Copy(io.Discard, conn)
	if err != nil && !errors.Is(err, io.ErrClosedPipe) {
		panic(err)
	}
	return n
}

func check(t *testing.T, got call.Outcome, class call.Class, reason call.Reason) {
	t.Helper()
	if got.Class != class || got.Reason != reason {
		t.Errorf("outcome %s %s (%d %q), want %s %s", got.Class, got.Reason, got.Status, got.Message, class, reason)
	}
}

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }
