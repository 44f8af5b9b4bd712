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
			if mayBeSecret(s.text()) {
				err = errors.New("is no path, and may be the secret itself")
			}
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

// mayBeSecret recognises a secret that was given instead of the path of its file.
func mayBeSecret(path string) bool {
	_, err := os.Lstat(path)
	return err != nil && len(path) >= 16 && !strings.ContainsAny(path, `/\.`)
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

// ReadRootCAs are the authorities that nats.tls.ca_file holds.
func (n NATS) ReadRootCAs() (*x509.CertPool, error) { return readCertificates(n.TLS.CAFile) }

// ReadCertificate is the client's certificate with its key.
func (n NATS) ReadCertificate() (tls.Certificate, error) {
	cert, err := readText(n.TLS.CertFile, maxPEMFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := readText(n.TLS.KeyFile, maxPEMFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s and %s are no pair: %w", n.TLS.KeyFile, n.TLS.CertFile, err)
	}
	return pair, nil
}

func readCertificates(path string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	data, err := readText(path, maxPEMFile)
	if err == nil && !pool.AppendCertsFromPEM(data) {
		err = fmt.Errorf("%s holds no certificate in PEM form", path)
	}
	return pool, err
}

func holdsCertificates(path string) error {
	_, err := readCertificates(path)
	return err
}

// holdsKey judges the key beside its certificate, unless that has a mistake of
// its own.
func (n *NATS) holdsKey(path string) error {
	if holdsCertificates(n.TLS.CertFile) != nil {
		_, err := readText(path, maxPEMFile)
		return err
	}
	_, err := n.ReadCertificate()
	return err
}

// ReadNKey is the user's key pair in the NKey file, or else in the credentials
// file. No error holds any of it.
func (n NATS) ReadNKey() (nkeys.KeyPair, error) {
	path := cmp.Or(n.NKeyFile, n.CredentialsFile)
	data, err := readText(path, maxPEMFile)
	if err != nil {
		return nil, err
	}
	pair, err := nkeys.ParseDecoratedUserNKey(data)
	if err != nil {
		return nil, fmt.Errorf("%s holds no seed of a user, which begins with SU: %w", path, err)
	}
	return pair, nil
}

// Sign proves to the broker that we have the key.
func (n NATS) Sign(nonce []byte) ([]byte, error) {
	pair, err := n.ReadNKey()
	if err != nil {
		return nil, err
	}
	defer pair.Wipe()
	return pair.Sign(nonce)
}

// ReadJWT is the user's JWT in the credentials file.
func (n NATS) ReadJWT() (string, error) {
	data, err := readText(n.CredentialsFile, maxPEMFile)
	if err != nil {
		return "", err
	}
	token, err := nkeys.ParseDecoratedJWT(data)
	if err != nil {
		return "", fmt.Errorf("%s holds no JWT", n.CredentialsFile)
	}
	return strings.TrimSpace(token), nil
}

func holdsSeed(path string) error {
	_, err := NATS{NKeyFile: path}.ReadNKey()
	return err
}

func holdsCredentials(path string) error {
	n := NATS{CredentialsFile: path}
	token, err := n.ReadJWT()
	if err != nil {
		return err
	}
	claims, err := jwt.DecodeUserClaims(token)
	if err != nil { // the error may hold a part of the file
		return fmt.Errorf("%s holds no JWT of a user; nsc generate creds makes such a file", path)
	}
	pair, err := n.ReadNKey()
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
