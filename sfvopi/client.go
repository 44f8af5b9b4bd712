package sfvopi

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Client is the provider's client for one account. It is safe for concurrent use.
type Client struct {
	key            func() string
	requestTimeout time.Duration
	rules          RuleSettings
	proxySecrets   []string
	base           *url.URL // with a path that ends in /sfvopi

	// Calls use our own connections, so that it is known how much of a request
	// was written. Look-ups ring no phone and may be repeated: they use net/http.
	header  requestHeader
	pool    pool
	lookups *http.Transport
}

// NewClient returns a client. It opens no connection. Errors about single fields
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
	form, err := newRequestHeader(base.JoinPath("calls"))
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
		header:         form,
		pool: pool{
			maxIdle: config.Concurrency,
			dial:    func(ctx context.Context) (net.Conn, error) { return c.connect(ctx, "tcp", address) },
		},
		lookups: newTransport(c.connect, fetchConcurrency),
	}, nil
}

// Close closes idle connections. It does not affect requests in flight, and the
// client stays usable.
func (c *Client) Close() {
	c.pool.close()
	c.lookups.CloseIdleConnections()
}

// newTransport returns an HTTP/1.1 transport over what dial opens. It reads nothing
// from the environment and, without an http.Client, follows no redirect.
func newTransport(dial DialFunc, idle int) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            dial,
		DialTLSContext:         dial, // the connector does TLS itself
		Protocols:              protocols,
		DisableCompression:     true,
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    idle,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderSize,
	}
}
