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
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
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
	for content, want := range map[string]string{"k3y": "k3y", "k3y\n": "k3y", "k3y\r\n": "k3y", "k3y\n\n": "k3y", "\ufeffk3y\r\n": "k3y", strings.Repeat("k", 4096): strings.Repeat("k", 4096)} {
		key, err := Account{APIKeyFile: write(t, content)}.ReadKey()
		if err != nil || key.Reveal() != want {
			t.Errorf("%.10q: got %q, %v", content, key.Reveal(), err)
		}
	}
	if key, err := (Account{APIKey: NewSecret("inline")}).ReadKey(); err != nil || key.Reveal() != "inline" {
		t.Errorf("got %q, %v", key.Reveal(), err)
	}
}

func TestReadKeyReadsTheFileAgain(t *testing.T) {
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

func TestReadKeyRejects(t *testing.T) {
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
		"spaces":        {Account{APIKeyFile: write(t, " s3cret")}, "contains a space"},
		"not ASCII":     {Account{APIKeyFile: write(t, "s3crét")}, "non-ASCII"},
		"second mark":   {Account{APIKeyFile: write(t, "\ufeff\ufeffs3cret")}, "invisible character"},
		"UTF-16":        {Account{APIKeyFile: write(t, "\xff\xfes\x003\x00c\x00r\x00")}, "is UTF-16; save it as UTF-8"},
		"UTF-16, bare":  {Account{APIKeyFile: write(t, "\x00s\x003\x00c\x00r")}, "is UTF-16"},
		"quoted":        {Account{APIKeyFile: write(t, "\"s3cret\"\n")}, "has quotes around it"},
		"half quoted":   {Account{APIKeyFile: write(t, "s3cret'\n")}, "begins or ends with a quote"},
		"unexpanded":    {Account{APIKeyFile: write(t, "${S3CRET}\n")}, "contains an unexpanded placeholder"},
		"half expanded": {Account{APIKeyFile: write(t, "s3cret${S3CRET}\n")}, "contains an unexpanded placeholder"},
		"shell":         {Account{APIKeyFile: write(t, "SFVOPI_API_KEY=s3cret\n")}, "begins with a name"},
		"header":        {Account{APIKeyFile: write(t, "X-API-Key: s3cret\n")}, "begins with a name"},
		"YAML":          {Account{APIKeyFile: write(t, "api_key: s3cret\n")}, "begins with a name"},
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
	token, seed := newUser(t, time.Hour)
	for _, mark := range []string{"", "\ufeff"} {
		c := valid()
		c.NATS.CredentialsFile = write(t, mark+credentials(t, token, seed))
		c.NATS.NKeyFile = write(t, mark+seed+"\n")
		c.NATS.TLS.CAFile, c.NATS.TLS.CertFile, c.NATS.TLS.KeyFile = write(t, mark+cert), write(t, mark+cert), write(t, mark+key)
		c.Provider.CAFile = write(t, mark+cert)
		account := DefaultAccount()
		account.APIKeyFile = write(t, mark+"k3y\n")
		c.Accounts["other"] = account
		if err := c.checkFiles().err(); err != nil {
			t.Errorf("mark %q: got %v", mark, err)
		}
	}
}

func TestCheckFilesReportsEveryError(t *testing.T) {
	cert, _ := newCertificate(t)
	_, foreignKey := newCertificate(t)
	missing := filepath.Join(t.TempDir(), "missing")
	c := valid()
	c.NATS = NATS{
		CredentialsFile: missing, PasswordFile: write(t, "\n"), TokenFile: write(t, "a\nb"), NKeyFile: write(t, " \n"),
	}
	c.NATS.TLS.CAFile, c.NATS.TLS.CertFile, c.NATS.TLS.KeyFile = write(t, "no certificate"), write(t, cert), write(t, foreignKey)
	c.Provider.CAFile = missing
	account := DefaultAccount()
	account.APIKeyFile = write(t, "")
	c.Accounts["other"] = account
	c.sources = map[string]Source{"accounts.other.api_key_file": {File: "r.yaml", Line: 7}}
	wantErrors(
		t, errorsOf(t, c.checkFiles()),
		"nats.credentials_file: cannot be used: "+missing+": no such file", "nats.password_file: cannot be used", "nats.token_file: cannot be used",
		"nats.nkey_file: cannot be used", "nats.tls.ca_file: cannot be used", "nats.tls.key_file: cannot be used", "provider.ca_file: cannot be used",
		"r.yaml:7: accounts.other.api_key_file: cannot be used",
	)

	c = valid()
	c.NATS.TLS.CertFile, c.NATS.TLS.KeyFile = missing, write(t, foreignKey)
	wantErrors(t, errorsOf(t, c.checkFiles()), "nats.tls.cert_file: cannot be used")
}

// A secret in the place of the path of its file is not printed.
func TestCheckFilesHidesASecretGivenAsAPath(t *testing.T) {
	for _, setting := range []string{"SFVOPI_API_KEY_FILE", "RINGONCE_ACCOUNTS_DEFAULT_API_KEY_FILE", "RINGONCE_NATS_TOKEN_FILE"} {
		_, err := Check("", nil, []string{"SFVOPI_API_KEY_FILE=key", setting + "=sf_live_s3cret0123456789"})
		got := errorsOf(t, err).Error()
		if strings.Contains(got, "s3cret") || !strings.Contains(got, "cannot be used: is not a path") {
			t.Errorf("%s: %s", setting, got)
		}
	}
}

func TestCheckFilesRejectsInvalidContent(t *testing.T) {
	token, seed := newUser(t, time.Hour)
	expired, seedOfExpired := newUser(t, -time.Hour)
	_, otherSeed := newUser(t, time.Hour)
	account, err := nkeys.CreateAccount()
	if err != nil {
		t.Fatal(err)
	}
	accountSeed, _ := account.Seed()
	public, _ := account.PublicKey()
	for name, test := range map[string]struct{ seed, credentials, want string }{
		"text":               {seed: "s3cret\n", want: "contains no user seed"},
		"public key":         {seed: public, want: "contains no user seed"},
		"seed of an account": {seed: string(accountSeed), want: "contains no user seed"},
		"mistyped seed":      {seed: seed[:20] + "A" + seed[21:len(seed)-1], want: "contains no user seed"},
		"quoted seed":        {seed: `"` + seed + `"`, want: "contains no user seed"},
		"UTF-16 seed":        {seed: "\xff\xfeS\x00U\x00", want: "is UTF-16"},
		"no JWT":             {credentials: "s3cret", want: "contains no user JWT"},
		"seed alone":         {credentials: seed, want: "contains no user JWT"},
		"JWT alone":          {credentials: token, want: "contains no user seed"},
		"cut off":            {credentials: credentials(t, token, seed)[:200], want: "contains no user JWT"},
		"another's seed":     {credentials: strings.Replace(credentials(t, token, seed), seed, otherSeed, 1), want: "the JWT of one user and the seed of another"},
		"expired":            {credentials: credentials(t, expired, seedOfExpired), want: "expired at "},
	} {
		t.Run(name, func(t *testing.T) {
			c := valid()
			if test.seed != "" {
				c.NATS.NKeyFile = write(t, test.seed)
			} else {
				c.NATS.CredentialsFile = write(t, test.credentials)
			}
			got := errorsOf(t, c.checkFiles())
			wantErrors(t, got, test.want)
			for _, secret := range []string{"s3cret", seed[2:], token} {
				if strings.Contains(got.Error(), secret) {
					t.Errorf("a secret is printed: %v", got)
				}
			}
		})
	}
}

// newUser returns a NATS user: a JWT, signed by an account, and a seed.
func newUser(t *testing.T, lasts time.Duration) (token, seed string) {
	t.Helper()
	account, err := nkeys.CreateAccount()
	if err != nil {
		t.Fatal(err)
	}
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := user.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	claims := jwt.NewUserClaims(public)
	claims.Expires = time.Now().Add(lasts).Unix()
	if token, err = claims.Encode(account); err != nil {
		t.Fatal(err)
	}
	secret, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return token, string(secret)
}

func credentials(t *testing.T, token, seed string) string {
	t.Helper()
	text, err := jwt.FormatUserConfig(token, []byte(seed))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// newCertificate returns a self-signed certificate and its key, as PEM.
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
