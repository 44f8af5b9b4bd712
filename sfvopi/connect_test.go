package sfvopi

import (
	"bufio"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringonce/ringonce/call"
)

func TestNoConnection(t *testing.T) {
	for name, dial := range map[string]DialFunc{
		"refused": func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		},
		"no such host": func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
		},
		"hangs": func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, Config{BaseURL: "http://provider", DialContext: dial})
				began := time.Now()
				got := client.Place(t.Context(), request(t), soon())
				check(t, got, call.Refused, call.NotSent)
				if !got.FeedsBreaker || got.Unspent {
					t.Errorf("outcome %+v", got)
				}
				if took := time.Since(began); took > DefaultConnectTimeout {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// secure starts a provider over TLS and gives its certificate authority.
func secure(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = discardLog()
	s.EnableHTTP2 = true // to see that it is not spoken
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s, roots
}

func TestTLS(t *testing.T) {
	var posts atomic.Int32
	provider, roots := secure(t, func(w http.ResponseWriter, r *http.Request) {
		posts.Add(1)
		if r.Proto != "HTTP/1.1" {
			t.Errorf("spoke %s", r.Proto)
		}
		say(w, queued)
	})
	place := func(config Config, by call.Deadline) call.Outcome {
		config.BaseURL = provider.URL
		return newClient(t, config).Place(t.Context(), request(t), by)
	}
	t.Run("trusted", func(t *testing.T) {
		check(t, place(Config{RootCAs: roots}, soon()), call.Placed, call.Accepted)
	})
	t.Run("trusted by file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "ca.pem")
		block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: provider.Certificate().Raw})
		for _, mark := range []string{"", "\ufeff"} {
			if err := os.WriteFile(file, append([]byte(mark), block...), 0o600); err != nil {
				t.Fatal(err)
			}
			check(t, place(Config{CAFile: file}, soon()), call.Placed, call.Accepted)
			check(t, place(Config{RootCAs: x509.NewCertPool(), CAFile: file}, soon()), call.Placed, call.Accepted)
		}
	})
	t.Run("not trusted", func(t *testing.T) {
		before := posts.Load()
		check(t, place(Config{}, soon()), call.Suspended, call.CertificateInvalid)
		if posts.Load() != before {
			t.Error("posted to a provider that is not trusted")
		}
	})
	t.Run("deadline passes during the handshake", func(t *testing.T) {
		before := posts.Load()
		by := call.Deadline{From: time.Now(), For: 100 * time.Millisecond}
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			return &slowConn{Conn: conn, by: by}, err
		}
		check(t, place(Config{RootCAs: roots, DialContext: dial}, by), call.Refused, call.Interrupted)
		if posts.Load() != before {
			t.Error("posted past the deadline")
		}
	})
	t.Run("handshake fails", func(t *testing.T) {
		plain := serve(t, func(http.ResponseWriter, *http.Request) { posts.Add(1) })
		plain.Config.ErrorLog = discardLog()
		u, _ := url.Parse(plain.URL)
		client := newClient(t, Config{BaseURL: "https://" + u.Host})
		before := posts.Load()
		check(t, client.Place(t.Context(), request(t), soon()), call.Refused, call.NotSent)
		if posts.Load() != before {
			t.Error("posted without TLS")
		}
	})
}

// slowConn holds back what it reads until a deadline has passed.
type slowConn struct {
	net.Conn
	by call.Deadline
}

func (c *slowConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	<-time.After(time.Until(c.by.From.Add(c.by.For)))
	return n, err
}

// proxy is an HTTP proxy that tunnels, and refuses to forward.
type proxy struct {
	t                 *testing.T
	tunnels, forwards atomic.Int32
	answer            string // to CONNECT, if another than the usual
	authorization     atomic.Value
	running           sync.WaitGroup
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.authorization.Store(r.Header.Get("Proxy-Authorization"))
	if r.Method != http.MethodConnect {
		p.forwards.Add(1)
		return
	}
	out, err := net.Dial("tcp", r.Host)
	if err != nil {
		http.Error(w, "", http.StatusBadGateway)
		return
	}
	p.tunnels.Add(1)
	in, rest := hijack(p.t, w)
	say(in, cmp.Or(p.answer, "HTTP/1.1 200 Connection established\r\n\r\n"))
	p.running.Go(func() { take(out, rest); out.Close() })
	p.running.Go(func() { take(in, out); in.Close() })
}

func TestProxyIsTunnelledThrough(t *testing.T) {
	answer := func(w http.ResponseWriter, _ *http.Request) { say(w, queued) }
	plain := serve(t, answer)
	secured, roots := secure(t, answer)
	for name, secureProxy := range map[string]bool{"http proxy": false, "https proxy": true} {
		for _, provider := range []string{plain.URL, secured.URL} {
			t.Run(name+" to "+provider[:5], func(t *testing.T) {
				p := &proxy{t: t}
				server := httptest.NewUnstartedServer(p)
				trusted := roots.Clone()
				if secureProxy {
					server.StartTLS()
					trusted.AddCert(server.Certificate())
				} else {
					server.Start()
				}
				u, _ := url.Parse(server.URL)
				u.User = url.UserPassword("u", "p")
				client := newClient(t, Config{BaseURL: provider, ProxyURL: u.String(), RootCAs: trusted})
				check(t, client.Place(t.Context(), request(t), soon()), call.Placed, call.Accepted)
				check(t, client.Place(t.Context(), request(t), soon()), call.Placed, call.Accepted)
				if p.tunnels.Load() == 0 || p.forwards.Load() != 0 {
					t.Errorf("%d tunnels, %d forwarded", p.tunnels.Load(), p.forwards.Load())
				}
				if got := p.authorization.Load(); got != "Basic dTpw" {
					t.Errorf("authorization %q", got)
				}
				client.Close()
				server.Close()
				p.running.Wait()
			})
		}
	}
}

// TestProxyThatAnswersUnusually opens a tunnel all the same: what a 2xx says of
// a body says nothing.
func TestProxyThatAnswersUnusually(t *testing.T) {
	secured, roots := secure(t, func(w http.ResponseWriter, _ *http.Request) { say(w, queued) })
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) { say(w, queued) })
	for name, answer := range map[string]string{
		"chunked":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"another coding":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"a length":         "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
		"both":             "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n",
		"201":              "HTTP/1.1 201 Created\r\n\r\n",
		"202 chunked":      "HTTP/1.0 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n",
		"204":              "HTTP/1.1 204 No Content\r\n\r\n",
		"299 and no words": "HTTP/1.1 299\r\n\r\n",
		"after a 100":      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
		"bare line feeds":  "HTTP/1.1 200 OK\nX: y\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			p := &proxy{t: t, answer: answer}
			server := serve(t, p.ServeHTTP)
			for _, provider := range []string{plain.URL, secured.URL} {
				client := newClient(t, Config{BaseURL: provider, ProxyURL: server.URL, RootCAs: roots})
				check(t, client.Place(t.Context(), request(t), soon()), call.Placed, call.Accepted)
				client.Close()
			}
			p.running.Wait()
		})
	}
}

// TestProxyErrors where it, or the way to it, is at fault, and only there.
func TestProxyErrors(t *testing.T) {
	nothing := serve(t, func(http.ResponseWriter, *http.Request) {})
	nothing.Close()
	works := &proxy{t: t}
	for name, c := range map[string]struct {
		proxy  http.HandlerFunc
		blamed bool
	}{
		"refuses":         {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }, true},
		"cannot reach it": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, true},
		"is no proxy": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _ := hijack(t, w)
			say(conn, "SSH\r\n")
			conn.Close()
		}, true},
		"does not listen":        {nil, true},
		"works, provider refuse": {works.ServeHTTP, false},
	} {
		t.Run(name, func(t *testing.T) {
			provider := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
			proxyURL := nothing.URL
			if c.proxy != nil {
				proxyURL = serve(t, c.proxy).URL
			}
			client := newClient(t, Config{BaseURL: provider.URL, ProxyURL: proxyURL})
			err := client.Probe(t.Context())
			if _, blamed := errors.AsType[*ProxyError](err); err == nil || blamed != c.blamed || strings.Contains(err.Error(), "the proxy") != c.blamed {
				t.Errorf("error %v", err)
			}
			client.Close()
		})
	}
	works.running.Wait()
}

// TestOutOfFileDescriptors is this machine's fault, and says so.
func TestOutOfFileDescriptors(t *testing.T) {
	for name, cause := range map[string]error{
		"process":      &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", syscall.EMFILE)},
		"system":       &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("socket", syscall.ENFILE)},
		"buffers":      &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ENOBUFS)},
		"in a look-up": &net.DNSError{Err: "dial udp 10.0.0.2:53: socket: too many open files", Name: "provider", Server: "10.0.0.2:53"},
	} {
		for _, proxy := range []string{"", "http://proxy"} {
			dial := func(context.Context, string, string) (net.Conn, error) { return nil, cause }
			client := newClient(t, Config{BaseURL: "https://provider", ProxyURL: proxy, DialContext: dial})
			got := client.Place(t.Context(), request(t), soon())
			check(t, got, call.Refused, call.OutOfResources)
			if got.FeedsBreaker || !got.Unspent || got.ThrottlesAccount || !strings.Contains(got.Message, "out of file descriptors") {
				t.Errorf("%s: outcome %+v", name, got)
			}
			err := client.Probe(t.Context())
			if err == nil || !strings.Contains(err.Error(), "out of file descriptors") || strings.Contains(err.Error(), "the proxy") {
				t.Errorf("%s: error %v", name, err)
			}
		}
	}
}

func TestProxyThatRefuses(t *testing.T) {
	for name, answer := range map[string]string{
		"refuses":         "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
		"speaks too soon": "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 201 Created\r\n\r\n",
		"is no proxy":     "SSH-2.0-OpenSSH_9.6\r\n",
		"says nothing":    "",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var after atomic.Int64
				network := &pipes{serve: func(_ int, conn net.Conn) {
					if gotRequest(bufio.NewReader(conn)) {
						say(conn, answer)
					}
					after.Add(drain(conn))
				}}
				client := newClient(t, Config{BaseURL: "http://provider", ProxyURL: "http://proxy", DialContext: network.dial})
				check(t, client.Place(t.Context(), request(t), soon()), call.Refused, call.NotSent)
				client.Close()
				network.stop()
				if after.Load() != 0 {
					t.Errorf("%d bytes were sent after the proxy would not", after.Load())
				}
			})
		})
	}
}
