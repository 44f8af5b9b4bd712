package configs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// maxSecretFile bounds a file that holds a single secret, in bytes; maxPEMFile
// one that holds certificates or credentials.
const (
	maxSecretFile = 4 << 10
	maxPEMFile    = 1 << 20
)

// ReadFile reads a configuration file for Load, up to the size that Load would
// refuse.
func ReadFile(path string) ([]byte, error) {
	data, err := readBounded(path, maxFileSize)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return data, nil
}

// ReadKey is the account's API key, from wherever it is given. A key file is
// read anew with every call, so that a key can be replaced while we run; the
// line break at its end is dropped. No error holds any of the key.
func (a Account) ReadKey() (Secret, error) {
	key, err := readSecret(a.APIKey, a.APIKeyFile)
	if err != nil {
		return Secret{}, fmt.Errorf("reading the API key: %w", err)
	}
	if f := checkAPIKey(key.Reveal()); f != nil {
		return Secret{}, fmt.Errorf("reading the API key from %s: it %s; %s", sourceOf(a.APIKeyFile), f.rule, f.fix)
	}
	return key, nil
}

// ReadPassword is the password for NATS, from wherever it is given; zero if
// none is.
func (n NATS) ReadPassword() (Secret, error) {
	password, err := readSecret(n.Password, n.PasswordFile)
	if err != nil {
		return Secret{}, fmt.Errorf("reading the NATS password: %w", err)
	}
	return password, nil
}

// ReadToken is the token for NATS, from wherever it is given; zero if none is.
func (n NATS) ReadToken() (Secret, error) {
	token, err := readSecret(n.Token, n.TokenFile)
	if err != nil {
		return Secret{}, fmt.Errorf("reading the NATS token: %w", err)
	}
	return token, nil
}

// CheckFiles reads every file that the configuration names and refuses those
// that cannot be used: missing, unreadable, empty, too large, or not holding
// what they should. The error is a Mistakes.
func CheckFiles(c Config) error { return checkFiles(c).err() }

func checkFiles(c Config) Mistakes {
	var mistakes Mistakes
	check := func(key, path string, look func(path string) error) {
		if path == "" {
			return
		}
		if err := look(path); err != nil {
			mistakes = append(mistakes, Mistake{
				Origin: c.origins[key],
				Key:    key,
				Rule:   "cannot be used: " + err.Error(),
				Fix:    "correct the path, its permissions or its content",
			})
		}
	}
	n := c.NATS
	check("nats.credentials_file", n.CredentialsFile, holdsSomething)
	check("nats.password_file", n.PasswordFile, holdsSecret)
	check("nats.token_file", n.TokenFile, holdsSecret)
	check("nats.nkey_file", n.NKeyFile, holdsSomething)
	check("nats.tls.ca_file", n.TLS.CAFile, holdsCertificates)
	check("nats.tls.cert_file", n.TLS.CertFile, holdsSomething)
	check("nats.tls.key_file", n.TLS.KeyFile, func(path string) error { return holdsKeyFor(n.TLS.CertFile, path) })
	check("provider.ca_file", c.Provider.CAFile, holdsCertificates)
	for _, account := range c.SortedAccounts() {
		check(accountKey(account.Name, "api_key_file"), account.APIKeyFile, func(string) error {
			_, err := account.ReadKey()
			return err
		})
	}
	return mistakes
}

// readSecret is the inline secret, or else the content of the file without the
// line break at its end.
func readSecret(inline Secret, path string) (Secret, error) {
	if path == "" {
		return inline, nil
	}
	data, err := readBounded(path, maxSecretFile)
	if err != nil {
		return Secret{}, err
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		return Secret{}, fmt.Errorf("%s is empty", path)
	}
	if f := checkText(text); f != nil {
		return Secret{}, fmt.Errorf("%s %s", path, f.rule)
	}
	return NewSecret(text), nil
}

func readBounded(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, plainPathError(err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, plainPathError(err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return data, nil
}

// plainPathError drops the name of the system call, which says nothing to an
// operator.
func plainPathError(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s: %w", path.Path, path.Err)
	}
	return err
}

func sourceOf(path string) string {
	if path == "" {
		return "api_key"
	}
	return path
}

func holdsSecret(path string) error {
	_, err := readSecret(Secret{}, path)
	return err
}

func holdsSomething(path string) error {
	data, err := readBounded(path, maxPEMFile)
	if err == nil && len(strings.TrimSpace(string(data))) == 0 {
		err = fmt.Errorf("%s is empty", path)
	}
	return err
}

func holdsCertificates(path string) error {
	data, err := readBounded(path, maxPEMFile)
	if err == nil && !x509.NewCertPool().AppendCertsFromPEM(data) {
		err = fmt.Errorf("%s holds no certificate in PEM form", path)
	}
	return err
}

func holdsKeyFor(certPath, keyPath string) error {
	key, err := readBounded(keyPath, maxPEMFile)
	if err != nil {
		return err
	}
	cert, unreadable := readBounded(certPath, maxPEMFile)
	if unreadable != nil {
		// The check of the certificate's own key reports that.
		return nil
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		return fmt.Errorf("%s and %s are no pair: %w", keyPath, certPath, err)
	}
	return nil
}
