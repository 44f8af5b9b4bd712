package configs

import "regexp"

// DefaultAccountName is the account that SFVOPI_API_KEY and SFVOPI_API_KEY_FILE
// configure.
const DefaultAccountName = "default"

// accountNamePattern is the form of an account name; it becomes a token of
// subjects, and part of the names of variables, where '-' is written '_'.
var accountNamePattern = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// Account is one organisation at the provider: its key, its limits, and what
// its requests say when they do not say it themselves.
type Account struct {
	// APIKey and APIKeyFile are two ways to give the key; exactly one is set.
	// ReadKey follows either.
	APIKey     Secret `yaml:"api_key"`
	APIKeyFile string `yaml:"api_key_file"`
	// CallsPerSecond is the rate at which calls are placed, fractions allowed
	// (0.5 is one call in two seconds). 0 is no limit.
	CallsPerSecond float64 `yaml:"calls_per_second"`
	// Concurrency is how many calls one worker places at the same time.
	Concurrency int `yaml:"concurrency"`
	// LeastShare is the part of the calls that each lower priority gets while
	// higher ones have more than can be dialled.
	LeastShare float64      `yaml:"least_share"`
	Defaults   CallDefaults `yaml:"defaults"`
}

// CallDefaults stand in for fields that a request leaves out. Bounds and
// defaults are those of the provider's documentation of placing a call.
type CallDefaults struct {
	AnswerURL    CallbackURL `yaml:"answer_url"`
	AnswerMethod Method      `yaml:"answer_method"`
	RingURL      CallbackURL `yaml:"ring_url"`
	RingMethod   Method      `yaml:"ring_method"`
	HangupURL    CallbackURL `yaml:"hangup_url"`
	HangupMethod Method      `yaml:"hangup_method"`
	// RingTimeout is how long the phone may ring, in seconds, 1 to 600.
	RingTimeout int `yaml:"ring_timeout"`
	// CallTimeLimit is how long the call may last, in seconds, 1 to 86400.
	CallTimeLimit int `yaml:"call_time_limit"`
}

// DefaultAccount is an account as it is before the file and the environment
// have said anything about it. It has no key and is therefore not valid yet.
func DefaultAccount() Account {
	return Account{
		CallsPerSecond: 10,
		Concurrency:    64,
		LeastShare:     0.05,
		Defaults: CallDefaults{
			AnswerMethod:  MethodPost,
			RingMethod:    MethodPost,
			HangupMethod:  MethodPost,
			RingTimeout:   60,
			CallTimeLimit: 14400,
		},
	}
}
