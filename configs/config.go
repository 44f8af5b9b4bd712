package configs

import (
	"maps"
	"slices"
	"time"
)

// Config holds every setting; table.go documents the fields. Load returns one;
// tests use Default.
type Config struct {
	NATS     NATS
	Provider Provider
	// Accounts has one entry per organisation at the provider, by the account
	// name that is part of its subjects.
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

	sources map[string]Source
}

// NATS is how to reach the broker, and how to authenticate.
type NATS struct {
	URL                             string
	CredentialsFile, NKeyFile, User string
	Password, Token                 Secret
	PasswordFile, TokenFile, Domain string
	TLS                             struct{ CAFile, CertFile, KeyFile string }
}

// Provider is how to reach the provider's HTTP API. ClaimDeadline, ClaimWait and
// AckWait follow from its timeouts.
type Provider struct {
	// BaseURL ends neither in a slash nor in /sfvopi, with which the paths of
	// the API begin; Load strips both.
	BaseURL, ProxyURL, CAFile      string
	ConnectTimeout, RequestTimeout time.Duration
	AmbiguousMode                  string
	NotDialled                     []string
}

// Retry is the exponential delay between the attempts of one request.
type Retry struct {
	InitialDelay, MaxDelay time.Duration
	Multiplier             float64
	MaxAttempts            int
}

// Log is what is logged, and in which form.
type Log struct{ Level, Format string }

// Account is one organisation at the provider: its key, its limits, and defaults
// for its requests. ReadKey returns the key from either of its two settings.
type Account struct {
	APIKey                   Secret
	APIKeyFile               string
	CallsPerSecond, MinShare float64
	Concurrency              int
	Defaults                 CallDefaults
}

// CallDefaults are used for fields that a request omits.
type CallDefaults struct {
	AnswerURL, RingURL, HangupURL          CallbackURL
	AnswerMethod, RingMethod, HangupMethod string
	RingTimeout, CallTimeLimit             int // seconds
}

// Default returns the configuration of an empty file and environment. It is not
// valid: it has no account.
func Default() Config {
	c := Config{Accounts: map[string]Account{}}
	setDefaults(c.settings())
	return c
}

// DefaultAccount returns an account with every setting at its default. It is not
// valid: it has no key.
func DefaultAccount() Account {
	var a Account
	setDefaults(a.settings())
	return a
}

// AccountNames returns the names of all accounts, sorted.
func (c Config) AccountNames() []string { return slices.Sorted(maps.Keys(c.Accounts)) }

// NamedAccount is an account with its name.
type NamedAccount struct {
	Name string
	Account
}

// SortedAccounts returns all accounts, sorted by name.
func (c Config) SortedAccounts() []NamedAccount {
	accounts := make([]NamedAccount, 0, len(c.Accounts))
	for _, name := range c.AccountNames() {
		accounts = append(accounts, NamedAccount{name, c.Accounts[name]})
	}
	return accounts
}
