package configs

import "strings"

// setting is one leaf of the configuration: its key, and a pointer to the field
// that holds its value.
type setting struct {
	key    string
	target any
}

// settings names every key outside of accounts, in the order of the reference.
func (c *Config) settings() []setting {
	return []setting{
		{"nats.url", &c.NATS.URL},
		{"nats.credentials_file", &c.NATS.CredentialsFile},
		{"nats.user", &c.NATS.User},
		{"nats.password", &c.NATS.Password},
		{"nats.password_file", &c.NATS.PasswordFile},
		{"nats.token", &c.NATS.Token},
		{"nats.token_file", &c.NATS.TokenFile},
		{"nats.nkey_file", &c.NATS.NKeyFile},
		{"nats.tls.ca_file", &c.NATS.TLS.CAFile},
		{"nats.tls.cert_file", &c.NATS.TLS.CertFile},
		{"nats.tls.key_file", &c.NATS.TLS.KeyFile},
		{"provider.base_url", &c.Provider.BaseURL},
		{"provider.connect_timeout", &c.Provider.ConnectTimeout},
		{"provider.request_timeout", &c.Provider.RequestTimeout},
		{"provider.ambiguous", &c.Provider.Ambiguous},
		{"provider.proxy_url", &c.Provider.ProxyURL},
		{"provider.ca_file", &c.Provider.CAFile},
		{"retry.initial_delay", &c.Retry.InitialDelay},
		{"retry.multiplier", &c.Retry.Multiplier},
		{"retry.max_delay", &c.Retry.MaxDelay},
		{"retry.max_attempts", &c.Retry.MaxAttempts},
		{"request.max_age", &c.Request.MaxAge},
		{"request.numbers", &c.Request.Numbers},
		{"records.keep", &c.Records.Keep},
		{"dead.keep", &c.Dead.Keep},
		{"streams.replicas", &c.Streams.Replicas},
		{"streams.provision", &c.Streams.Provision},
		{"http.address", &c.HTTP.Address},
		{"shutdown_grace", &c.ShutdownGrace},
		{"log.level", &c.Log.Level},
		{"log.format", &c.Log.Format},
	}
}

// settings names every key of one account, without the "accounts.<name>."
// before it.
func (a *Account) settings() []setting {
	return []setting{
		{"api_key", &a.APIKey},
		{"api_key_file", &a.APIKeyFile},
		{"calls_per_second", &a.CallsPerSecond},
		{"concurrency", &a.Concurrency},
		{"least_share", &a.LeastShare},
		{"defaults.answer_url", &a.Defaults.AnswerURL},
		{"defaults.answer_method", &a.Defaults.AnswerMethod},
		{"defaults.ring_url", &a.Defaults.RingURL},
		{"defaults.ring_method", &a.Defaults.RingMethod},
		{"defaults.hangup_url", &a.Defaults.HangupURL},
		{"defaults.hangup_method", &a.Defaults.HangupMethod},
		{"defaults.ring_timeout", &a.Defaults.RingTimeout},
		{"defaults.call_time_limit", &a.Defaults.CallTimeLimit},
	}
}

// alternatives are pairs of keys that give the same secret in two ways. A value
// of the environment for one of them also replaces the file's value of the other.
var alternatives = [][2]string{
	{"nats.password", "nats.password_file"},
	{"nats.token", "nats.token_file"},
}

// accountAlternatives are the same for the keys of an account.
var accountAlternatives = [][2]string{{"api_key", "api_key_file"}}

// accountKey is the full key of an account, or of one of its settings. A name
// that cannot be one is quoted.
func accountKey(name, key string) string {
	if !accountNamePattern.MatchString(name) {
		name = quote(name)
	}
	if key == "" {
		return "accounts." + name
	}
	return "accounts." + name + "." + key
}

// Setting is a setting as it may be shown to anyone.
type Setting struct {
	// Key is the full key, Variable its name in the environment.
	Key, Variable string
	// Value and Default are texts; a secret is "(hidden)", an unset one "".
	Value, Default string
	// Origin is where the value came from.
	Origin Origin
}

// Settings lists every setting, secrets hidden, the accounts' last and sorted.
func (c Config) Settings() []Setting {
	var shown []Setting
	add := func(prefix string, values, defaults []setting) {
		for i, s := range values {
			key := prefix + s.key
			shown = append(shown, Setting{
				Key:      key,
				Variable: variable(key),
				Value:    show(s.target),
				Default:  show(defaults[i].target),
				Origin:   c.origins[key],
			})
		}
	}
	defaults := Default()
	add("", c.settings(), defaults.settings())
	for _, account := range c.SortedAccounts() {
		defaults := DefaultAccount()
		add("accounts."+account.Name+".", account.settings(), defaults.settings())
	}
	return shown
}

// variable is the systematic name of a key in the environment.
func variable(key string) string {
	return "RINGONCE_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}
