package configs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadKey(t *testing.T) {
	for content, want := range map[string]string{"k3y": "k3y", "k3y\n": "k3y", "k3y\r\n": "k3y", "k3y\n\n": "k3y", strings.Repeat("k", 4096): strings.Repeat("k", 4096)} {
		key, err := Account{APIKeyFile: write(t, content)}.ReadKey()
		if err != nil || key.Reveal() != want {
			t.Errorf("%.10q: got %q, %v", content, key.Reveal(), err)
		}
	}
	if key, err := (Account{APIKey: NewSecret("inline")}).ReadKey(); err != nil || key.Reveal() != "inline" {
		t.Errorf("got %q, %v", key.Reveal(), err)
	}
}

func TestReadKeyReadsAnew(t *testing.T) {
	account := Account{APIKeyFile: write(t, "old\n")}
	for _, want := range []string{"old", "new"} {
		if err := os.WriteFile(account.APIKeyFile, []byte(want+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if key, err := account.ReadKey(); err != nil || key.Reveal() != want {
			t.Errorf("got %q, %v; want %q", key.Reveal(), err, want)
		}
	}
}

func TestReadKeyRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		account Account
		want    string
	}{
		"missing":       {Account{APIKeyFile: "/does/not/exist"}, "/does/not/exist: no such file"},
		"directory":     {Account{APIKeyFile: t.TempDir()}, "is a directory"},
		"empty":         {Account{APIKeyFile: write(t, "")}, "is empty"},
		"only newlines": {Account{APIKeyFile: write(t, "\n\n")}, "is empty"},
		"too large":     {Account{APIKeyFile: write(t, strings.Repeat("s3cret", 1000))}, "larger than 4096 bytes"},
		"two lines":     {Account{APIKeyFile: write(t, "s3cret\ns3cret\n")}, "contains a control character"},
		"NUL":           {Account{APIKeyFile: write(t, "s3cret\x00")}, "contains a control character"},
		"spaces":        {Account{APIKeyFile: write(t, " s3cret")}, "holds a space"},
		"not ASCII":     {Account{APIKeyFile: write(t, "s3crét")}, "not ASCII"},
		"BOM":           {Account{APIKeyFile: write(t, "\ufeffs3cret")}, "not ASCII"},
		"not UTF-8":     {Account{APIKeyFile: write(t, "s3cret\xff")}, "is not UTF-8"},
		"none":          {Account{}, "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := test.account.ReadKey()
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %q, %v; want %q", key.Reveal(), err, test.want)
			}
			if strings.Contains(err.Error(), "s3cr") {
				t.Errorf("the key is printed: %v", err)
			}
		})
	}
}

func TestReadPasswordAndToken(t *testing.T) {
	n := NATS{PasswordFile: write(t, "pass wörd\n"), Token: NewSecret("t")}
	if p, err := n.ReadPassword(); err != nil || p.Reveal() != "pass wörd" {
		t.Errorf("got %q, %v", p.Reveal(), err)
	}
	if token, err := n.ReadToken(); err != nil || token.Reveal() != "t" {
		t.Errorf("got %q, %v", token.Reveal(), err)
	}
	if p, err := (NATS{}).ReadPassword(); err != nil || !p.IsZero() {
		t.Errorf("got %q, %v", p.Reveal(), err)
	}
	if _, err := (NATS{TokenFile: write(t, "")}).ReadToken(); err == nil {
		t.Error("an empty token file is accepted")
	}
}

func TestReadFileIsBounded(t *testing.T) {
	if data, err := ReadFile(write(t, strings.Repeat("#", 1<<20))); err != nil || len(data) != 1<<20 {
		t.Errorf("got %d bytes, %v", len(data), err)
	}
	if _, err := ReadFile(write(t, strings.Repeat("#", 1<<20+1))); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("got %v", err)
	}
	if _, err := ReadFile("/does/not/exist"); err == nil {
		t.Error("a missing file is read")
	}
}

func TestCheckFiles(t *testing.T) {
	cert, key := newCertificate(t)
	c := valid()
	c.NATS.CredentialsFile = write(t, "creds")
	c.NATS.TLS = TLS{CAFile: write(t, cert), CertFile: write(t, cert), KeyFile: write(t, key)}
	c.Provider.CAFile = write(t, cert)
	account := DefaultAccount()
	account.APIKeyFile = write(t, "k3y\n")
	c.Accounts["other"] = account
	if err := CheckFiles(c); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestCheckFilesNamesEveryMistake(t *testing.T) {
	cert, _ := newCertificate(t)
	_, foreignKey := newCertificate(t)
	missing := filepath.Join(t.TempDir(), "missing")
	c := valid()
	c.NATS = NATS{
		CredentialsFile: missing, PasswordFile: write(t, "\n"), TokenFile: write(t, "a\nb"), NKeyFile: write(t, " \n"),
		TLS: TLS{CAFile: write(t, "no certificate"), CertFile: write(t, cert), KeyFile: write(t, foreignKey)},
	}
	c.Provider.CAFile = missing
	account := DefaultAccount()
	account.APIKeyFile = write(t, "")
	c.Accounts["other"] = account
	c.origins = map[string]Origin{"accounts.other.api_key_file": {File: "r.yaml", Line: 7}}
	wantMistakes(
		t, mistakesOf(t, CheckFiles(c)),
		"nats.credentials_file: cannot be used: "+missing+": no such file", "nats.password_file: cannot be used", "nats.token_file: cannot be used",
		"nats.nkey_file: cannot be used", "nats.tls.ca_file: cannot be used", "nats.tls.key_file: cannot be used", "provider.ca_file: cannot be used",
		"r.yaml:7: accounts.other.api_key_file: cannot be used",
	)

	c = valid()
	c.NATS.TLS = TLS{CertFile: missing, KeyFile: write(t, foreignKey)}
	wantMistakes(t, mistakesOf(t, CheckFiles(c)), "nats.tls.cert_file: cannot be used")
}

// newCertificate makes a certificate that signs itself, and its key, as PEM.
func newCertificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return block("CERTIFICATE", der), block("PRIVATE KEY", keyDER)
}
