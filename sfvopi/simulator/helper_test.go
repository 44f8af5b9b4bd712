package simulator

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	testCallee    = "+919812345678"
	testAnswerURL = "https://publisher.example/answer?call=1"
)

var testIdentity = Identity{DefaultOrganisation, testCallee, testAnswerURL}

// provider is a simulator behind an HTTP server, and a client of it.
type provider struct {
	*Simulator
	t      *testing.T
	base   string
	key    string
	client *http.Client
}

// overTCP serves a simulator on a loopback socket.
func overTCP(t *testing.T, config Config) *provider {
	t.Helper()
	s := newSimulator(t, config)
	server := httptest.NewServer(s)
	transport := &http.Transport{}
	t.Cleanup(func() {
		closeNow(t, s)
		server.Close()
	})
	t.Cleanup(transport.CloseIdleConnections)
	return &provider{s, t, server.URL, DefaultAPIKey, clientOf(transport)}
}

// overPipe serves a simulator over net.Pipe, inside a synctest bubble.
func overPipe(t *testing.T, config Config) *provider {
	t.Helper()
	s := newSimulator(t, config)
	listener := newPipeListener()
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	transport := &http.Transport{DialContext: listener.dial}
	t.Cleanup(func() {
		closeNow(t, s)
		if err := server.Close(); err != nil {
			t.Errorf("close the server: %v", err)
		}
		<-served //nolint:errcheck // it always says that the server was closed
	})
	t.Cleanup(transport.CloseIdleConnections)
	return &provider{s, t, "http://provider.example/superfone", DefaultAPIKey, clientOf(transport)}
}

func newSimulator(t *testing.T, config Config) *Simulator {
	t.Helper()
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeNow(t *testing.T, s *Simulator) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
}

func clientOf(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is what came of a request: a whole answer, or an error and as much as
// arrived before it.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

func (p *provider) do(ctx context.Context, method, path, body string) answer {
	p.t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("X-API-Key", p.key)
	request.Header.Set("Content-Type", "application/json")
	response, err := p.client.Do(request)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(text), err}
}

// want fails the test unless the answer is whole and has this status and body.
func (p *provider) want(method, path, body string, status int, text string) string {
	p.t.Helper()
	got := p.do(p.t.Context(), method, path, body)
	if got.err != nil || got.status != status || !strings.Contains(got.body, text) {
		p.t.Fatalf("%s %s %s\n got %d %s (%v)\nwant %d …%s…", method, path, body, got.status, got.body, got.err, status, text)
	}
	return got.body
}

func callBody(from, to, answerURL string) string {
	return fmt.Sprintf(`{"from":%q,"to":%q,"answer_url":%q}`, from, to, answerURL)
}

// call asks for the test's usual call, to another callee.
func (p *provider) call(callee string) answer {
	p.t.Helper()
	return p.do(p.t.Context(), "POST", "/sfvopi/calls", callBody(DefaultNumber, callee, testAnswerURL))
}

func message(text string) string {
	quoted, _ := json.Marshal(map[string]string{"message": text})
	return string(quoted)
}

// pipeListener hands the server's ends of in-memory connections to a server.
type pipeListener struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{connections: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.connections <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case connection := <-l.connections:
		return connection, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }
