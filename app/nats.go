package app

import (
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/ringonce/ringonce/configs"
)

// NATSOptions gives the way to authenticate to NATS and to encrypt, reading the
// files that the configuration names.
func NATSOptions(c configs.NATS) ([]nats.Option, error) {
	var options []nats.Option
	password, err := c.ReadPassword()
	if err != nil {
		return nil, err
	}
	token, err := c.ReadToken()
	if err != nil {
		return nil, err
	}
	switch {
	case c.CredentialsFile != "":
		options = append(options, nats.UserCredentials(c.CredentialsFile))
	case c.User != "":
		options = append(options, nats.UserInfo(c.User, password.Reveal()))
	case !token.IsZero():
		options = append(options, nats.Token(token.Reveal()))
	case c.NKeyFile != "":
		option, err := nats.NkeyOptionFromSeed(c.NKeyFile)
		if err != nil {
			return nil, fmt.Errorf("read nats.nkey_file: %w", err)
		}
		options = append(options, option)
	}
	if c.TLS.CAFile != "" {
		options = append(options, nats.RootCAs(c.TLS.CAFile))
	}
	if c.TLS.CertFile != "" {
		options = append(options, nats.ClientCert(c.TLS.CertFile, c.TLS.KeyFile))
	}
	return options, nil
}
