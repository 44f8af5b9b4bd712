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

// ReadFile reads a configuration file for Load, up to the size that Load accepts.
func ReadFile(path string) ([]byte, error) {
	data, err := readBounded(path, maxFileSize)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return data, nil
}

// ReadKey returns the account's API key, from api_key or api_key_file. The file is
// read with every call, so that a key can be rotated; the line break at its end
// is dropped. No error contains any of the key.
func (a Account) ReadKey() (Secret, error) {
	key, err := readSecret("the API key", a.APIKey, a.APIKeyFile)
	if err != nil {
		return Secret{}, err
	}
	if p := checkAPIKey(key.Reveal()); p != nil {
		return Secret{}, fmt.Errorf("reading the API key from %s: it %s; %s", cmp.Or(a.APIKeyFile, "api_key"), p.rule, p.fix)
	}
	return key, nil
}

// ReadPassword returns the password for NATS, from password or password_file; zero
// if neither is set.
func (n NATS) ReadPassword() (Secret, error) {
	return readSecret("the NATS password", n.Password, n.PasswordFile)
}

// ReadToken returns the token for NATS, likewise.
func (n NATS) ReadToken() (Secret, error) { return readSecret("the NATS token", n.Token, n.TokenFile) }

// checkFiles reads every file that the configuration names, and rejects those that
// are missing, unreadable, empty, too large, or of the wrong kind.
func (c Config) checkFiles() (errs ValidationErrors) {
	for _, s := range c.allSettings() {
		if s.rule.file == nil || s.text() == "" {
			continue
		}
		if err := s.rule.file(s.text()); err != nil {
			if looksLikeSecret(s.text()) {
				err = errors.New("is not a path, and may be the secret itself")
			}
			errs = append(errs, ValidationError{c.sources[s.key], s.key, "cannot be used: " + err.Error(), "correct the path, its permissions or its content"})
		}
	}
	return errs
}

// looksLikeSecret recognises a secret in the place of the path of its file.
func looksLikeSecret(path string) bool {
	_, err := os.Lstat(path)
	return err != nil && len(path) >= 16 && !strings.ContainsAny(path, `/\.`)
}

// readSecret returns the inline secret, or else that of the file.
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
	if p := checkText(text, true); p != nil {
		return Secret{}, fmt.Errorf("%s %s; %s", path, p.rule, p.fix)
	}
	return NewSecret(text), nil
}

func readText(path string, maxSize int64) ([]byte, error) {
	data, err := readBounded(path, maxSize)
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

// isUTF16 recognises UTF-16, with or without a byte order mark.
func isUTF16(data []byte) bool {
	return len(data) > 1 && (data[0] == 0 || data[1] == 0 || data[0] == 0xff && data[1] == 0xfe || data[0] == 0xfe && data[1] == 0xff)
}

func readBounded(path string, maxSize int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, withoutSyscall(err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, withoutSyscall(err)
	}
	if int64(len(data)) > maxSize {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxSize)
	}
	return data, nil
}

// withoutSyscall drops the name of the system call from an error.
func withoutSyscall(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s: %w", path.Path, path.Err)
	}
	return err
}

func checkSecretFile(path string) error {
	_, err := readSecretFile(path)
	return err
}

func checkAPIKeyFile(path string) error {
	_, err := Account{APIKeyFile: path}.ReadKey()
	return err
}

// ReadRootCAs returns the CA certificates of nats.tls.ca_file.
func (n NATS) ReadRootCAs() (*x509.CertPool, error) { return readCertificates(n.TLS.CAFile) }

// ReadCertificate returns the client certificate with its key.
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
		return tls.Certificate{}, fmt.Errorf("%s and %s do not match: %w", n.TLS.KeyFile, n.TLS.CertFile, err)
	}
	return pair, nil
}

func readCertificates(path string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	data, err := readText(path, maxPEMFile)
	if err == nil && !pool.AppendCertsFromPEM(data) {
		err = fmt.Errorf("%s contains no PEM certificate", path)
	}
	return pool, err
}

func checkCertificateFile(path string) error {
	_, err := readCertificates(path)
	return err
}

// checkTLSKeyFile checks the key against its certificate, unless that is invalid
// itself.
func (n *NATS) checkTLSKeyFile(path string) error {
	if checkCertificateFile(n.TLS.CertFile) != nil {
		_, err := readText(path, maxPEMFile)
		return err
	}
	_, err := n.ReadCertificate()
	return err
}

// ReadNKey returns the user's key pair from the NKey file, or else from the
// credentials file. No error contains any of it.
func (n NATS) ReadNKey() (nkeys.KeyPair, error) {
	path := cmp.Or(n.NKeyFile, n.CredentialsFile)
	data, err := readText(path, maxPEMFile)
	if err != nil {
		return nil, err
	}
	pair, err := nkeys.ParseDecoratedUserNKey(data)
	if err != nil {
		return nil, fmt.Errorf("%s contains no user seed, which begins with SU: %w", path, err)
	}
	return pair, nil
}

// Sign signs the broker's nonce with the user's key.
func (n NATS) Sign(nonce []byte) ([]byte, error) {
	pair, err := n.ReadNKey()
	if err != nil {
		return nil, err
	}
	defer pair.Wipe()
	return pair.Sign(nonce)
}

// ReadJWT returns the user's JWT from the credentials file.
func (n NATS) ReadJWT() (string, error) {
	data, err := readText(n.CredentialsFile, maxPEMFile)
	if err != nil {
		return "", err
	}
	token, err := nkeys.ParseDecoratedJWT(data)
	if err != nil {
		return "", fmt.Errorf("%s contains no user JWT", n.CredentialsFile)
	}
	return strings.TrimSpace(token), nil
}

func checkNKeyFile(path string) error {
	_, err := NATS{NKeyFile: path}.ReadNKey()
	return err
}

func checkCredentialsFile(path string) error {
	n := NATS{CredentialsFile: path}
	token, err := n.ReadJWT()
	if err != nil {
		return err
	}
	claims, err := jwt.DecodeUserClaims(token)
	if err != nil { // the error may contain a part of the file
		return fmt.Errorf("%s contains no user JWT; nsc generate creds makes such a file", path)
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
		return fmt.Errorf("%s contains the JWT of one user and the seed of another", path)
	case claims.Expires != 0 && claims.Expires < time.Now().Unix():
		return fmt.Errorf("%s expired at %s", path, time.Unix(claims.Expires, 0).UTC().Format(time.RFC3339))
	}
	return nil
}
