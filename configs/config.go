package configs

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// Config is everything that an operator can set; table.go says what each field
// means. Get one from Load, or from Default in a test.
type Config struct {
	NATS     NATS
	Provider Provider
	// Accounts holds one entry per organisation at the provider, by account
	// name: the name that stands in the subject of its requests.
	Accounts      map[string]Account
	Retry         Retry
	Request       Request
	Records       Records
	Dead          Dead
	Streams       Streams
	HTTP          HTTP
	ShutdownGrace time.Duration
	Log           Log

	origins map[string]Origin
}

// NATS says how to reach the broker, and how to authenticate.
type NATS struct {
	URL             string
	CredentialsFile string
	User            string
	Password        Secret
	PasswordFile    string
	Token           Secret
	TokenFile       string
	NKeyFile        string
	TLS             TLS
}

// Servers are the single URLs that NATS.URL lists.
func (n NATS) Servers() []string {
	servers := strings.Split(n.URL, ",")
	for i := range servers {
		servers[i] = strings.TrimSpace(servers[i])
	}
	return servers
}

// TLS names PEM files for the connection to NATS.
type TLS struct{ CAFile, CertFile, KeyFile string }

// Provider says how to reach the provider's HTTP API. The waits that follow
// from its timeouts are methods: ClaimDeadline, ForeignClaimWait, AckWait.
type Provider struct {
	// BaseURL is what every path of the API is appended to, without a slash or
	// the /sfvopi with which those paths begin; Load strips both.
	BaseURL        string
	ConnectTimeout time.Duration
	RequestTimeout time.Duration
	Ambiguous      Ambiguous
	ProxyURL       string
	CAFile         string
}

// Retry shapes the growing delay between the attempts at one request.
type Retry struct {
	InitialDelay time.Duration
	Multiplier   float64
	MaxDelay     time.Duration
	MaxAttempts  int
}

// Request bounds what publishers may ask for.
type Request struct {
	MaxAge  time.Duration
	Numbers NumberRule
}

// Records says how long a placed call is remembered.
type Records struct{ Keep time.Duration }

// Dead says how long dead letters, and the records of their calls, are kept.
type Dead struct{ Keep time.Duration }

// Streams says how the JetStream streams are set up.
type Streams struct {
	Replicas  int
	Provision bool
}

// HTTP says where the worker serves health and metrics.
type HTTP struct{ Address string }

// Log says how much is logged, and in which form.
type Log struct {
	Level  LogLevel
	Format LogFormat
}

// Account is one organisation at the provider: its key, its limits, and what
// its requests say when they do not say it themselves. ReadKey returns the key
// from either of its two places.
type Account struct {
	APIKey         Secret
	APIKeyFile     string
	CallsPerSecond float64
	Concurrency    int
	LeastShare     float64
	Defaults       CallDefaults
}

// CallDefaults stand in for fields that a request leaves out. Bounds and
// defaults are those of the provider's documentation of placing a call.
type CallDefaults struct {
	AnswerURL    CallbackURL
	AnswerMethod Method
	RingURL      CallbackURL
	RingMethod   Method
	HangupURL    CallbackURL
	HangupMethod Method
	// RingTimeout and CallTimeLimit are seconds.
	RingTimeout   int
	CallTimeLimit int
}

// The texts of settings that have a few possible values.
type (
	// Ambiguous says what becomes of a call whose answer says neither that it
	// went out nor that it did not.
	Ambiguous string
	// NumberRule says how strictly phone numbers are checked.
	NumberRule string
	// Method is the HTTP method by which the provider calls a webhook.
	Method string
	// LogLevel is the least level that is logged.
	LogLevel string
	// LogFormat is the form of the log's lines.
	LogFormat string
)

// The values of those types.
const (
	Hold           Ambiguous = "hold"
	RetryAmbiguous Ambiguous = "retry"

	Possible NumberRule = "possible"
	Assigned NumberRule = "assigned"

	MethodGet  Method = "GET"
	MethodPost Method = "POST"

	LevelDebug LogLevel = "debug"
	LevelInfo  LogLevel = "info"
	LevelWarn  LogLevel = "warn"
	LevelError LogLevel = "error"

	FormatText LogFormat = "text"
	FormatJSON LogFormat = "json"
)

// Slog is the level in the terms of log/slog; info for one that Validate refuses.
func (l LogLevel) Slog() slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l))
	return level
}

// Default is the configuration of an empty file and an empty environment. It
// has no account and is therefore not valid yet.
func Default() Config {
	c := Config{Accounts: map[string]Account{}}
	setDefaults(c.settings())
	return c
}

// DefaultAccount is an account of which the file and the environment say
// nothing. It has no key and is therefore not valid yet.
func DefaultAccount() Account {
	var a Account
	setDefaults(a.settings())
	return a
}

// AccountNames are the names of all accounts, sorted.
func (c Config) AccountNames() []string { return slices.Sorted(maps.Keys(c.Accounts)) }

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
