package configs

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Config is everything that an operator can set. Its YAML form is documented in
// docs/configuration.md. Get one from Load, or from Default in a test.
type Config struct {
	NATS     NATS     `yaml:"nats"`
	Provider Provider `yaml:"provider"`
	// Accounts holds one entry per organisation at the provider, by account
	// name: the name that stands in the subject of its requests.
	Accounts map[string]Account `yaml:"accounts"`
	Retry    Retry              `yaml:"retry"`
	Request  Request            `yaml:"request"`
	Records  Records            `yaml:"records"`
	Dead     Dead               `yaml:"dead"`
	Streams  Streams            `yaml:"streams"`
	HTTP     HTTP               `yaml:"http"`
	// ShutdownGrace is how long a stopping worker lets claimed calls finish.
	// It exceeds the claim deadline and the request timeout together, so that
	// no stop alone turns a call into an unknown.
	ShutdownGrace time.Duration `yaml:"shutdown_grace"`
	Log           Log           `yaml:"log"`

	origins map[string]Origin
}

// NATS says how to reach the broker. At most one way of authenticating may be
// given: credentials file, user and password, token, or NKey seed file.
type NATS struct {
	// URL is one server's URL, or several with commas between them. It holds no
	// user information: that would be printed wherever the URL is.
	URL             string `yaml:"url"`
	CredentialsFile string `yaml:"credentials_file"`
	User            string `yaml:"user"`
	Password        Secret `yaml:"password"`
	PasswordFile    string `yaml:"password_file"`
	Token           Secret `yaml:"token"`
	TokenFile       string `yaml:"token_file"`
	NKeyFile        string `yaml:"nkey_file"`
	TLS             TLS    `yaml:"tls"`
}

// Servers are the single URLs that NATS.URL lists.
func (n NATS) Servers() []string {
	servers := strings.Split(n.URL, ",")
	for i := range servers {
		servers[i] = strings.TrimSpace(servers[i])
	}
	return servers
}

// TLS names PEM files for the connection to NATS: the authorities to trust
// besides the system's, and the client's certificate with its key.
type TLS struct {
	CAFile   string `yaml:"ca_file"`
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// Provider says how to reach the provider's HTTP API. The waits that follow
// from its timeouts are methods: ClaimDeadline, ForeignClaimWait, AckWait.
type Provider struct {
	// BaseURL is what every path of the API is appended to, without a slash or
	// the /sfvopi with which those paths begin; Load strips both.
	BaseURL string `yaml:"base_url"`
	// ConnectTimeout bounds reaching the provider: resolving, connecting, TLS.
	ConnectTimeout time.Duration `yaml:"connect_timeout"`
	// RequestTimeout bounds the whole request, connecting included.
	RequestTimeout time.Duration `yaml:"request_timeout"`
	// Ambiguous decides over answers that say neither that the call went out
	// nor that it did not.
	Ambiguous Ambiguous `yaml:"ambiguous"`
	// ProxyURL is the proxy to use; none if empty. The proxy variables of the
	// environment are not looked at.
	ProxyURL string `yaml:"proxy_url"`
	// CAFile names a PEM file of authorities to trust besides the system's.
	CAFile string `yaml:"ca_file"`
}

// Retry shapes the growing delay between the attempts at one request.
type Retry struct {
	InitialDelay time.Duration `yaml:"initial_delay"`
	Multiplier   float64       `yaml:"multiplier"`
	MaxDelay     time.Duration `yaml:"max_delay"`
	// MaxAttempts counts the first attempt, too.
	MaxAttempts int `yaml:"max_attempts"`
}

// Request bounds what publishers may ask for.
type Request struct {
	// MaxAge is how long after its first publish a request may still be dialled.
	MaxAge time.Duration `yaml:"max_age"`
	// Numbers says how strictly phone numbers are checked.
	Numbers NumberRule `yaml:"numbers"`
}

// Records says how long a placed call is remembered. It is what makes the same
// id never ring twice, so it outlasts Request.MaxAge by a margin.
type Records struct {
	Keep time.Duration `yaml:"keep"`
}

// Dead says how long dead letters, and the records of their calls, are kept.
type Dead struct {
	Keep time.Duration `yaml:"keep"`
}

// Streams says how the JetStream streams are set up.
type Streams struct {
	Replicas int `yaml:"replicas"`
	// Provision lets a worker create missing streams when it starts.
	Provision bool `yaml:"provision"`
}

// HTTP says where the worker serves health and metrics.
type HTTP struct {
	// Address is a listening address, such as ":8080" or "127.0.0.1:8080".
	Address string `yaml:"address"`
}

// Log says how much is logged, and in which form.
type Log struct {
	Level  LogLevel  `yaml:"level"`
	Format LogFormat `yaml:"format"`
}

// Default is the configuration of an empty file and an empty environment. It
// has no account and is therefore not valid yet.
func Default() Config {
	return Config{
		NATS: NATS{URL: "nats://127.0.0.1:4222"},
		Provider: Provider{
			BaseURL:        "https://prod-api.superfone.co.in/superfone",
			ConnectTimeout: 5 * time.Second,
			RequestTimeout: 30 * time.Second,
			Ambiguous:      Hold,
		},
		Accounts: map[string]Account{},
		Retry: Retry{
			InitialDelay: 2 * time.Second,
			Multiplier:   2,
			MaxDelay:     5 * time.Minute,
			MaxAttempts:  12,
		},
		Request:       Request{MaxAge: 24 * time.Hour, Numbers: Possible},
		Records:       Records{Keep: 36 * time.Hour},
		Dead:          Dead{Keep: 720 * time.Hour},
		Streams:       Streams{Replicas: 1, Provision: true},
		HTTP:          HTTP{Address: ":8080"},
		ShutdownGrace: 45 * time.Second,
		Log:           Log{Level: LevelInfo, Format: FormatText},
	}
}

// AccountNames are the names of all accounts, sorted.
func (c Config) AccountNames() []string {
	return slices.Sorted(maps.Keys(c.Accounts))
}

// NamedAccount is an account together with the name it has in the Config.
type NamedAccount struct {
	Name string
	Account
}

// SortedAccounts are all accounts in the order of their names.
func (c Config) SortedAccounts() []NamedAccount {
	accounts := make([]NamedAccount, 0, len(c.Accounts))
	for _, name := range c.AccountNames() {
		accounts = append(accounts, NamedAccount{name, c.Accounts[name]})
	}
	return accounts
}
