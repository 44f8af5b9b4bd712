package sfvopi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/ringonce/ringonce/internal/bom"
)

// AmbiguousMode is what happens to an attempt whose response does not prove whether
// a call went out.
type AmbiguousMode string

const (
	// HoldAmbiguous keeps such an attempt as unknown. It is the default.
	HoldAmbiguous AmbiguousMode = "hold"
	// RetryAmbiguous dials again, and gives up the promise that no phone rings twice.
	RetryAmbiguous AmbiguousMode = "retry"
)

// The default timeouts.
const (
	DefaultConnectTimeout = 5 * time.Second
	DefaultRequestTimeout = 30 * time.Second
)

// DialFunc opens a network connection, as [net.Dialer.DialContext] does.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// Config configures a [Client].
type Config struct {
	// BaseURL is the URL of the provider's API, with or without / or /sfvopi at
	// its end.
	BaseURL string
	// Key returns the API key. It is called for every request, so that a new key
	// takes effect at once.
	Key func() string

	// ConnectTimeout bounds a connection from name look-up to TLS handshake, 0
	// means DefaultConnectTimeout. RequestTimeout bounds a whole request, 0
	// means DefaultRequestTimeout.
	ConnectTimeout time.Duration
	RequestTimeout time.Duration

	// Ambiguous is HoldAmbiguous if empty.
	Ambiguous AmbiguousMode
	// NotDialled is as in [RuleSettings].
	NotDialled []string

	// ProxyURL names an HTTP proxy, through which every connection is tunnelled
	// with CONNECT, whatever the scheme of BaseURL: a proxy that sees the
	// requests could repeat one. Empty means none; the environment is not
	// consulted.
	ProxyURL string

	// RootCAs, if not nil, replaces the system's certificate authorities. CAFile
	// names a PEM file with additional ones.
	RootCAs *x509.CertPool
	CAFile  string

	// DialContext, if not nil, replaces a net.Dialer.
	DialContext DialFunc

	// Concurrency is how many idle connections are kept, 0 means 1. The caller
	// bounds how many attempts run at once.
	Concurrency int
}

// ConfigError refuses a configuration: which field, by which rule, and how to fix
// it. It never repeats a secret.
type ConfigError struct {
	Field string // as in Config
	Rule  string
	Fix   string
}

func (e *ConfigError) Error() string { return e.Field + " " + e.Rule + "; " + e.Fix }

// withDefaults fills in the defaults and refuses invalid values.
func (c Config) withDefaults() (Config, error) {
	if c.Key == nil {
		return c, &ConfigError{"Key", "is required", "give a function that returns the API key"}
	}
	if c.ConnectTimeout < 0 || c.RequestTimeout < 0 {
		return c, &ConfigError{"ConnectTimeout and RequestTimeout", "must not be negative", "leave them 0 for the defaults"}
	}
	switch c.Ambiguous {
	case "":
		c.Ambiguous = HoldAmbiguous
	case HoldAmbiguous, RetryAmbiguous:
	default:
		return c, &ConfigError{"Ambiguous", "must be hold or retry", "use hold unless a second ring is acceptable"}
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = DefaultConnectTimeout
	}
	if c.RequestTimeout == 0 {
		c.RequestTimeout = DefaultRequestTimeout
	}
	if c.DialContext == nil {
		c.DialContext = (&net.Dialer{}).DialContext
	}
	c.Concurrency = max(c.Concurrency, 1)
	return c, nil
}

// parseBaseURL returns the URL that every path of the provider is appended to.
func parseBaseURL(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" {
		return nil, &ConfigError{"BaseURL", "must be an http or https URL", "use the one the provider gave you, such as https://prod-api.superfone.co.in/superfone"}
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, &ConfigError{"BaseURL", "must not hold a user, a query or a fragment", "give the API key by itself"}
	}
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }) {
		return nil, &ConfigError{"BaseURL", "must name its host in ASCII", "write an international name in its xn-- form"}
	}
	path := strings.TrimRight(u.Path, "/")
	path = strings.TrimRight(strings.TrimSuffix(path, "/sfvopi"), "/")
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: path + "/sfvopi"}, nil
}

func parseProxyURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, nil
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, &ConfigError{"ProxyURL", "must be the http or https URL of a proxy", "write it as http://host:port"}
	}
	return u, nil
}

// tlsConfig is shared by connections to the provider and to a proxy.
func (c Config) tlsConfig() (*tls.Config, error) {
	roots := c.RootCAs
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the certificate authorities in CAFile: %w", err)
		}
		if roots == nil {
			if roots, err = x509.SystemCertPool(); err != nil {
				return nil, fmt.Errorf("read the system's certificate authorities: %w", err)
			}
		} else {
			roots = roots.Clone()
		}
		if !roots.AppendCertsFromPEM(bom.Strip(pem)) {
			return nil, fmt.Errorf("read %s: %w", c.CAFile, errNoCertificate)
		}
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		RootCAs:            roots,
		NextProtos:         []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(0),
	}, nil
}

var errNoCertificate = errors.New("no certificate in PEM form is in CAFile; it must hold at least one")
