package sfvopi

import (
	"net/http"
	"net/url"
	"time"
)

const (
	// A server may close an idle connection just as we write to it, which
	// turns a call into a false unknown; so ours are not kept for long.
	idleTimeout = 5 * time.Second
	// maxHeaderSize bounds the header of an answer, in bytes.
	maxHeaderSize = 64 << 10
	userAgent     = "ringonce"
)

// Client speaks to the provider for one account. It is safe for concurrent
// use.
type Client struct {
	key            func() string
	requestTimeout time.Duration
	ambiguous      Ambiguous
	base           *url.URL      // with a path that ends in /sfvopi
	placing        *http.Request // the model of every call; never sent itself

	calls   *http.Transport // its connections are guarded: they carry attempts only
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
	callsURL := base.JoinPath("calls")
	return &Client{
		key:            config.Key,
		requestTimeout: config.RequestTimeout,
		ambiguous:      config.Ambiguous,
		base:           base,
		placing: &http.Request{
			Method: http.MethodPost, URL: callsURL, Host: callsURL.Host,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		},
		calls:   newTransport(c.guarded, config.Concurrency),
		lookups: newTransport(c.connect, fetchConcurrency),
	}, nil
}

// Close closes the connections that are idle. Requests under way are not
// touched; the client stays usable.
func (c *Client) Close() {
	c.calls.CloseIdleConnections()
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
