package sfvopi

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Client speaks to the provider for one account. It is safe for concurrent
// use.
type Client struct {
	key            func() string
	requestTimeout time.Duration
	rules          RuleSettings
	proxySecrets   []string
	base           *url.URL // with a path that ends in /sfvopi

	// Calls go over lines of our own, so that what was written of an attempt is
	// known. Look-ups ring nobody and may be repeated: they go by net/http.
	form    form
	lines   lines
	lookups *http.Transport
}

// NewClient makes a client. It opens no connection. Errors about single fields
// are of type [*ConfigError].
func NewClient(config Config) (*Client, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	base, err := parseBaseURL(config.BaseURL)
	if err != nil {
		return nil, err
	}
	proxy, err := parseProxyURL(config.ProxyURL)
	if err != nil {
		return nil, err
	}
	tlsConfig, err := config.tlsConfig()
	if err != nil {
		return nil, err
	}
	c := &connector{
		dial: config.DialContext, timeout: config.ConnectTimeout,
		proxy: proxy, tls: tlsConfig, secure: base.Scheme == "https",
	}
	form, err := newForm(base.JoinPath("calls"))
	if err != nil {
		return nil, err
	}
	address := hostPort(base)
	return &Client{
		key:            config.Key,
		requestTimeout: config.RequestTimeout,
		rules:          RuleSettings{Ambiguous: config.Ambiguous, NotDialled: config.NotDialled},
		proxySecrets:   proxySecrets(proxy),
		base:           base,
		form:           form,
		lines: lines{
			most: config.Concurrency,
			dial: func(ctx context.Context) (net.Conn, error) { return c.connect(ctx, "tcp", address) },
		},
		lookups: newTransport(c.connect, fetchConcurrency),
	}, nil
}

// Close closes the connections that are idle. Requests under way are not
// touched; the client stays usable.
func (c *Client) Close() {
	c.lines.close()
	c.lookups.CloseIdleConnections()
}

// newTransport speaks HTTP/1.1 over what dial opens. It takes nothing from the
// environment, and is used without an http.Client, so it follows no redirect.
func newTransport(dial DialFunc, idle int) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            dial,
		DialTLSContext:         dial, // the connector does TLS, and knows when to
		Protocols:              protocols,
		DisableCompression:     true,
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    idle,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderSize,
	}
}
