package configs

import (
	"maps"
	"slices"
	"time"
)

// Config is everything that an operator can set; table.go says what each field
// means. Get one from Load, or from Default in a test.
type Config struct {
	NATS     NATS
	Provider Provider
	// Accounts holds one entry per organisation at the provider, by account
	// name: the name that stands in the subject of its requests.
	Accounts map[string]Account
	Retry    Retry
	Request  struct {
		MaxAge  time.Duration
		Numbers string
	}
	Records, Dead struct{ Keep time.Duration }
	Streams       struct {
		Replicas                               int
		Provision                              bool
		MaxUrgentMiB, MaxNormalMiB, MaxBulkMiB int
	}
	HTTP          struct{ Address string }
	ShutdownGrace time.Duration
	Log           Log

	origins map[string]Origin
}

// NATS says how to reach the broker, and how to authenticate.
type NATS struct {
	URL                             string
	CredentialsFile, NKeyFile, User string
	Password, Token                 Secret
	PasswordFile, TokenFile, Domain string
	TLS                             struct{ CAFile, CertFile, KeyFile string }
}

// Provider says how to reach the provider's HTTP API. The waits that follow
// from its timeouts are methods: ClaimDeadline, ForeignClaimWait, AckWait.
type Provider struct {
	// BaseURL has no slash at its end, and not the /sfvopi with which the paths
	// of the API begin; Load strips both.
	BaseURL, ProxyURL, CAFile      string
	ConnectTimeout, RequestTimeout time.Duration
	Ambiguous                      string
	NotDialled                     []string
}

// Retry shapes the growing delay between the attempts at one request.
type Retry struct {
	InitialDelay, MaxDelay time.Duration
	Multiplier             float64
	MaxAttempts            int
}

// Log says how much is logged, and in which form.
type Log struct{ Level, Format string }

// Account is one organisation at the provider: its key, its limits, and what
// its requests say when they do not say it themselves. ReadKey returns the key
// from either of its two places.
type Account struct {
	APIKey                     Secret
	APIKeyFile                 string
	CallsPerSecond, LeastShare float64
	Concurrency                int
	Defaults                   CallDefaults
}

// CallDefaults stand in for fields that a request leaves out.
type CallDefaults struct {
	AnswerURL, RingURL, HangupURL          CallbackURL
	AnswerMethod, RingMethod, HangupMethod string
	RingTimeout, CallTimeLimit             int // seconds
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
