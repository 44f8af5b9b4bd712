package app

import (
	"crypto/tls"
	"errors"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/ringonce/ringonce/configs"
)

// NATSOptions returns the options for authentication, except an NKey, see
// [NATSKey], and for TLS. Files are read at each connect, so that they can be
// replaced while a worker runs. If a secret cannot be read again, onReadError is
// called and the previous one is used.
func NATSOptions(c configs.NATS, onReadError func(error)) ([]nats.Option, error) {
	var options []nats.Option
	switch {
	case c.CredentialsFile != "":
		options = append(options, nats.UserJWT(c.ReadJWT, c.Sign))
	case c.User != "":
		password, err := newRereadSecret(c.ReadPassword, onReadError)
		if err != nil {
			return nil, err
		}
		options = append(options, nats.UserInfoHandler(func() (string, string) { return c.User, password.get() }))
	case !c.Token.IsZero() || c.TokenFile != "":
		token, err := newRereadSecret(c.ReadToken, onReadError)
		if err != nil {
			return nil, err
		}
		options = append(options, nats.TokenHandler(token.get))
	}
	if c.TLS.CAFile != "" || c.TLS.CertFile != "" {
		options = append(options, tlsOption(c))
	}
	return options, nil
}

func tlsOption(c configs.NATS) nats.Option {
	return func(o *nats.Options) error {
		o.Secure, o.TLSConfig = true, &tls.Config{MinVersion: tls.VersionTLS12}
		if c.TLS.CAFile != "" {
			o.RootCAsCB = c.ReadRootCAs
		}
		if c.TLS.CertFile != "" {
			o.TLSCertCB = c.ReadCertificate
		}
		return nil
	}
}

// NATSKey returns a function that reads the NKey; nil if none is configured.
func NATSKey(c configs.NATS) func() (nkeys.KeyPair, error) {
	if c.NKeyFile == "" {
		return nil
	}
	return c.ReadNKey
}

// rereadSecret is a secret that is read each time it is used.
type rereadSecret struct {
	read        func() (configs.Secret, error)
	onReadError func(error)

	mu   sync.Mutex
	last configs.Secret
}

func newRereadSecret(read func() (configs.Secret, error), onReadError func(error)) (*rereadSecret, error) {
	secret, err := read()
	if err != nil {
		return nil, err
	}
	return &rereadSecret{read: read, onReadError: onReadError, last: secret}, nil
}

func (r *rereadSecret) get() string {
	secret, err := r.read()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.onReadError(err)
	} else {
		r.last = secret
	}
	return r.last.Reveal()
}

// NATSAuthFailed reports whether the broker refused the credentials.
func NATSAuthFailed(err error) bool {
	for _, refusal := range []error{
		nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired,
	} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// NATSCredentialsSource names where the credentials for NATS come from.
func NATSCredentialsSource(c configs.NATS) string {
	named := func(key, path string) string {
		if path == "" {
			return key
		}
		return key + "_file (" + path + ")"
	}
	switch {
	case c.CredentialsFile != "":
		return "nats.credentials_file (" + c.CredentialsFile + ")"
	case c.User != "":
		return "nats.user and " + named("nats.password", c.PasswordFile)
	case !c.Token.IsZero() || c.TokenFile != "":
		return named("nats.token", c.TokenFile)
	case c.NKeyFile != "":
		return "nats.nkey_file (" + c.NKeyFile + ")"
	case c.TLS.CertFile != "":
		return "nats.tls.cert_file (" + c.TLS.CertFile + ")"
	default:
		return "none: set nats.user, nats.token, nats.nkey_file or nats.credentials_file"
	}
}
