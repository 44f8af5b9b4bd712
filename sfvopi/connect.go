package sfvopi

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"time"
)

// maxProxyResponse bounds what a proxy may send before the tunnel is open, in bytes.
const maxProxyResponse = 16 << 10

// connector opens connections that are ready to carry a request. A failure here
// precedes the first byte of a request, so it proves that no call went out.
type connector struct {
	dial    DialFunc
	timeout time.Duration
	proxy   *url.URL    // nil without one
	tls     *tls.Config // of both the provider and the proxy; holds no ServerName
	secure  bool        // whether the provider uses TLS
}

// connect opens a connection to addr (host:port), through the proxy if there is one,
// with TLS if the provider uses it.
func (c *connector) connect(ctx context.Context, network, addr string) (_ net.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	first := addr
	if c.proxy != nil {
		first = hostPort(c.proxy)
	}
	conn, err := c.dial(ctx, network, first)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", c.wrapProxyError(asResourceError(err)))
	}
	if c.proxy != nil {
		tunnel, err := c.tunnel(ctx, conn, addr)
		if err != nil {
			_ = conn.Close() // the error that matters is the tunnel's
			return nil, fmt.Errorf("connect: %w", c.wrapProxyError(err))
		}
		conn = tunnel
	}
	if !c.secure {
		return conn, nil
	}
	secured, err := c.handshake(ctx, conn, addr)
	if err != nil {
		_ = conn.Close() // the error that matters is the handshake's
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return secured, nil
}

// ProxyError is a connection that could not be opened because of the proxy or the
// way to it.
type ProxyError struct{ err error }

func (e *ProxyError) Error() string { return "the proxy: " + e.err.Error() }
func (e *ProxyError) Unwrap() error { return e.err }

// wrapProxyError attributes an error to the proxy, if there is one, unless this
// machine caused it.
func (c *connector) wrapProxyError(err error) error {
	if c.proxy == nil || isOutOfResources(err) {
		return err
	}
	return &ProxyError{err}
}

func (c *connector) handshake(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	config := c.tls.Clone()
	config.ServerName = host
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return secured, nil
}

// tunnel asks the proxy on conn for a tunnel to addr.
func (c *connector) tunnel(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	if c.proxy.Scheme == "https" {
		secured, err := c.handshake(ctx, conn, hostPort(c.proxy))
		if err != nil {
			return nil, fmt.Errorf("TLS handshake: %w", err)
		}
		conn = secured
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	request := &http.Request{
		Method: http.MethodConnect, Host: addr, URL: &url.URL{Opaque: addr}, Header: http.Header{},
	}
	if u := c.proxy.User; u != nil {
		password, _ := u.Password()
		request.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	answer := bufio.NewReader(io.LimitReader(conn, maxProxyResponse))
	if err := readConnectResponse(answer); err != nil {
		return nil, err
	}
	if !stop() {
		return nil, context.Cause(ctx)
	}
	return conn, nil
}

// readConnectResponse reads a proxy's response to CONNECT: a header with any 2xx. No
// body follows, whatever the header says.
func readConnectResponse(answer *bufio.Reader) error {
	for range maxInterimResponses {
		text := textproto.NewReader(answer)
		line, err := text.ReadLine()
		if err != nil {
			return err
		}
		found := connectStatusLine.FindStringSubmatch(line)
		if found == nil {
			return fmt.Errorf("its answer is not HTTP: %.80q", line)
		}
		if _, err := text.ReadMIMEHeader(); err != nil {
			return err
		}
		switch found[1][0] {
		case '1':
		case '2':
			if answer.Buffered() > 0 {
				return errors.New("it sent data before the tunnel was used")
			}
			return nil
		default:
			return fmt.Errorf("it answered %s", found[1])
		}
	}
	return errTooManyInterim
}

var connectStatusLine = regexp.MustCompile(`^HTTP/1\.[01] ([1-5][0-9][0-9])(?: .*)?$`)

// hostPort adds the default port of the scheme.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}
