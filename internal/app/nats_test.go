package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/ringonce/ringonce/configs"
	"github.com/ringonce/ringonce/queue/embedded"
)

// Editors on Windows save files with a byte order mark.
func TestNATSFilesWithAByteOrderMark(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, append([]byte("\ufeff"), text...), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	account, err := nkeys.CreateAccount()
	must(err)
	user, err := nkeys.CreateUser()
	must(err)
	public, err := user.PublicKey()
	must(err)
	seed, err := user.Seed()
	must(err)
	token, err := jwt.NewUserClaims(public).Encode(account)
	must(err)
	credentials, err := jwt.FormatUserConfig(token, seed)
	must(err)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	must(err)

	c := configs.Default().NATS
	c.CredentialsFile = write("user.creds", credentials)
	c.TLS.CAFile = write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	c.TLS.CertFile = c.TLS.CAFile
	c.TLS.KeyFile = write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	options, err := NATSOptions(c, func(err error) { t.Error(err) })
	must(err)
	var o nats.Options
	for _, option := range options {
		must(option(&o))
	}
	if got, err := o.UserJWT(); err != nil || got != token {
		t.Errorf("the JWT is %q, %v", got, err)
	}
	nonce := []byte("nonce")
	signature, err := o.SignatureCB(nonce)
	must(err)
	must(user.Verify(nonce, signature))

	// The broker shows this certificate, and demands it.
	certificate, err := c.ReadCertificate()
	must(err)
	authorities, err := c.ReadRootCAs()
	must(err)
	broker, err := embedded.Start(embedded.Options{Dir: t.TempDir(), Listen: true, Configure: func(o *server.Options) {
		o.TLS, o.TLSTimeout = true, 30
		o.TLSConfig = &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate},
			ClientCAs: authorities, ClientAuth: tls.RequireAndVerifyClientCert,
		}
	}})
	must(err)
	t.Cleanup(broker.Stop)
	conn, err := nats.Connect(broker.ClientURL(), append(options, nats.Timeout(30*time.Second))...)
	must(err)
	conn.Close()

	key := NATSKey(configs.NATS{NKeyFile: write("user.nk", seed)})
	pair, err := key()
	must(err)
	if got, err := pair.PublicKey(); err != nil || got != public {
		t.Errorf("the key is %q, %v", got, err)
	}
}
