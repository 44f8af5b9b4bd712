package configs

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/ringonce/ringonce/internal/bom"
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
// read again with every call, so that a key can be replaced while we run; the
// line break at its end is dropped. No error holds any of the key.
func (a Account) ReadKey() (Secret, error) {
	key, err := readSecret("the API key", a.APIKey, a.APIKeyFile)
	if err != nil {
		return Secret{}, err
	}
	if f := checkAPIKey(key.Reveal()); f != nil {
		return Secret{}, fmt.Errorf("reading the API key from %s: it %s; %s", cmp.Or(a.APIKeyFile, "api_key"), f.rule, f.fix)
	}
	return key, nil
}

// ReadPassword is the password for NATS, from wherever it is given; zero if
// none is. So is ReadToken.
func (n NATS) ReadPassword() (Secret, error) {
	return readSecret("the NATS password", n.Password, n.PasswordFile)
}

// ReadToken is the token for NATS.
func (n NATS) ReadToken() (Secret, error) { return readSecret("the NATS token", n.Token, n.TokenFile) }

// ReadText is the content of a file of certificates, credentials or a seed,
// without a byte order mark.
func ReadText(path string) ([]byte, error) { return readText(path, maxPEMFile) }

// checkFiles reads every file that the configuration names and refuses those
// that cannot be used: missing, unreadable, empty, too large, or not holding
// what they should.
func (c Config) checkFiles() Mistakes {
	var mistakes Mistakes
	for _, s := range c.all() {
		if s.rule.file == nil || s.text() == "" {
			continue
		}
		if err := s.rule.file(s.text()); err != nil {
			mistakes = append(mistakes, Mistake{
				Origin: c.origins[s.key],
				Key:    s.key,
				Rule:   "cannot be used: " + err.Error(),
				Fix:    "correct the path, its permissions or its content",
			})
		}
	}
	return mistakes
}

// readSecret is the inline secret, or else that of the file.
func readSecret(what string, inline Secret, path string) (Secret, error) {
	if path == "" {
		return inline, nil
	}
	secret, err := readSecretFile(path)
	if err != nil {
		return Secret{}, fmt.Errorf("reading %s: %w", what, err)
	}
	return secret, nil
}

// readSecretFile drops the line break at the end.
func readSecretFile(path string) (Secret, error) {
	data, err := readText(path, maxSecretFile)
	if err != nil {
		return Secret{}, err
	}
	text := strings.TrimRight(string(data), "\r\n")
	if f := checkText(text, true); f != nil {
		return Secret{}, fmt.Errorf("%s %s; %s", path, f.rule, f.fix)
	}
	return NewSecret(text), nil
}

func readText(path string, most int64) ([]byte, error) {
	data, err := readBounded(path, most)
	switch {
	case err != nil:
		return nil, err
	case isUTF16(data):
		return nil, fmt.Errorf("%s is UTF-16; save it as UTF-8", path)
	}
	data = bom.Strip(data)
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	return data, nil
}

// isUTF16 recognises text that Windows calls Unicode, with its mark or without.
func isUTF16(data []byte) bool {
	return len(data) > 1 && (data[0] == 0 || data[1] == 0 || data[0] == 0xff && data[1] == 0xfe || data[0] == 0xfe && data[1] == 0xff)
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

func holdsSecret(path string) error {
	_, err := readSecretFile(path)
	return err
}

func holdsAPIKey(path string) error {
	_, err := Account{APIKeyFile: path}.ReadKey()
	return err
}

func holdsCertificates(path string) error {
	data, err := ReadText(path)
	if err == nil && !x509.NewCertPool().AppendCertsFromPEM(data) {
		err = fmt.Errorf("%s holds no certificate in PEM form", path)
	}
	return err
}

// holdsKeyFor judges a key by its certificate, unless that has a mistake of its
// own.
func holdsKeyFor(certPath func() string) func(path string) error {
	return func(path string) error {
		key, err := ReadText(path)
		if err != nil || holdsCertificates(certPath()) != nil {
			return err
		}
		cert, err := ReadText(certPath())
		if err != nil {
			return err
		}
		if _, err := tls.X509KeyPair(cert, key); err != nil {
			return fmt.Errorf("%s and %s are no pair: %w", path, certPath(), err)
		}
		return nil
	}
}

// readUserKey is the user's key pair in a seed or credentials file, read as the
// client of NATS reads it. No error holds any of it.
func readUserKey(path string) (nkeys.KeyPair, error) {
	data, err := ReadText(path)
	if err != nil {
		return nil, err
	}
	pair, err := nkeys.ParseDecoratedUserNKey(data)
	if err != nil {
		return nil, fmt.Errorf("%s holds no seed of a user, which begins with SU: %w", path, err)
	}
	return pair, nil
}

// ReadNKey is the key pair in the NKey file. No error holds any of it.
func (n NATS) ReadNKey() (nkeys.KeyPair, error) { return readUserKey(n.NKeyFile) }

func holdsSeed(path string) error {
	_, err := readUserKey(path)
	return err
}

func holdsCredentials(path string) error {
	data, err := ReadText(path)
	if err != nil {
		return err
	}
	text, err := nkeys.ParseDecoratedJWT(data)
	if err != nil {
		return fmt.Errorf("%s holds no JWT", path)
	}
	claims, err := jwt.DecodeUserClaims(strings.TrimSpace(text))
	if err != nil { // the error may hold a part of the file
		return fmt.Errorf("%s holds no JWT of a user; nsc generate creds makes such a file", path)
	}
	pair, err := readUserKey(path)
	if err != nil {
		return err
	}
	public, err := pair.PublicKey()
	switch {
	case err != nil:
		return fmt.Errorf("%s: read the seed: %w", path, err)
	case public != claims.Subject:
		return fmt.Errorf("%s holds the JWT of one user and the seed of another", path)
	case claims.Expires != 0 && claims.Expires < time.Now().Unix():
		return fmt.Errorf("%s expired at %s", path, time.Unix(claims.Expires, 0).UTC().Format(time.RFC3339))
	}
	return nil
}
