package sfvopi

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// maxProxyAnswer bounds what a proxy may say before the tunnel is open, in
// bytes.
const maxProxyAnswer = 16 << 10

// connector opens connections that are ready to carry a request. All of it
// happens before the first byte of any request, so whatever fails here is
// proof that no call went out.
type connector struct {
	dial    DialFunc
	timeout time.Duration
	proxy   *url.URL    // nil without one
	tls     *tls.Config // of both the provider and the proxy; holds no ServerName
	secure  bool        // whether the provider is spoken to over TLS
}

// connect opens a connection to addr (host:port), through the proxy if there
// is one, with TLS if the provider is spoken to so.
func (c *connector) connect(ctx context.Context, network, addr string) (_ net.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	first := addr
	if c.proxy != nil {
		first = hostPort(c.proxy)
	}
	conn, err := c.dial(ctx, network, first)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if c.proxy != nil {
		tunnel, err := c.tunnel(ctx, conn, addr)
		if err != nil {
			_ = conn.Close() // the error that matters is the tunnel's
			return nil, fmt.Errorf("connect through the proxy: %w", err)
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

// tunnel asks the proxy on conn for a blind connection to addr.
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
	answer := bufio.NewReader(io.LimitReader(conn, maxProxyAnswer))
	response, err := http.ReadResponse(answer, request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // empty: a tunnel follows
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered %d", response.StatusCode)
	}
	if answer.Buffered() > 0 {
		return nil, fmt.Errorf("it spoke before the tunnel was used")
	}
	if !stop() {
		return nil, context.Cause(ctx)
	}
	return conn, nil
}

// hostPort adds the port that the scheme stands for.
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
