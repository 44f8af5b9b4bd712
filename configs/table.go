package configs

import (
	"regexp"
	"strings"
)

// DefaultAccountName is the account of SFVOPI_API_KEY and SFVOPI_API_KEY_FILE.
const DefaultAccountName = "default"

// accountNamePattern is the format of an account name, which is a token of
// subjects and part of variable names, where '-' is written '_'.
var accountNamePattern = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// shortNames are the usual variables of a few settings. The systematic name of
// the same setting overrides them: NATS_URL is often set for other programs too.
var shortNames = map[string]string{
	"NATS_URL":            "nats.url",
	"NATS_CREDS_FILE":     "nats.credentials_file",
	"SFVOPI_BASE_URL":     "provider.base_url",
	"SFVOPI_API_KEY":      "accounts." + DefaultAccountName + ".api_key",
	"SFVOPI_API_KEY_FILE": "accounts." + DefaultAccountName + ".api_key_file",
	"RINGONCE_HTTP_ADDR":  "http.address",
}

// setting is one key. The file reader, the environment, docs/configuration.md,
// reference.yaml and schema.json follow from the two tables below.
type setting struct {
	key          string
	target       any // a pointer to the field
	defaultValue string
	rule         rule
	help         string // for the documentation
}

// settings returns the keys outside of accounts.
func (c *Config) settings() []setting {
	mebibytes := rule{orZero: true, min: 1, max: 100_000}
	return []setting{
		{"nats.url", &c.NATS.URL, "nats://127.0.0.1:4222", rule{format: checkServers}, "one server, or several separated by commas; `nats://`, `tls://`, `ws://` or `wss://`. User and password are refused here, because URLs are logged"},
		{"nats.credentials_file", &c.NATS.CredentialsFile, "", rule{file: checkCredentialsFile}, "a NATS credentials file (JWT and seed), read at each connect. At most one authentication method may be set"},
		{"nats.user", &c.NATS.User, "", rule{}, "user name; needs a password"},
		{"nats.password", &c.NATS.Password, "", rule{}, "its password"},
		{"nats.password_file", &c.NATS.PasswordFile, "", rule{file: checkSecretFile}, "a file that contains only the password; read at each connect"},
		{"nats.token", &c.NATS.Token, "", rule{}, "a token"},
		{"nats.token_file", &c.NATS.TokenFile, "", rule{file: checkSecretFile}, "a file that contains only the token; read at each connect"},
		{"nats.nkey_file", &c.NATS.NKeyFile, "", rule{file: checkNKeyFile}, "a file with the NKey seed of a user; read at each connect"},
		{"nats.domain", &c.NATS.Domain, "", rule{format: checkDomain}, "the JetStream domain of the streams, such as that of the hub when `nats.url` is a leaf node"},
		{"nats.tls.ca_file", &c.NATS.TLS.CAFile, "", rule{file: checkCertificateFile}, "CA certificates to trust instead of the system's, PEM"},
		{"nats.tls.cert_file", &c.NATS.TLS.CertFile, "", rule{file: checkCertificateFile}, "the client certificate, PEM; needs the key"},
		{"nats.tls.key_file", &c.NATS.TLS.KeyFile, "", rule{file: c.NATS.checkTLSKeyFile}, "the key of that certificate, PEM"},

		{"provider.base_url", &c.Provider.BaseURL, "https://prod-api.superfone.co.in/superfone", rule{format: checkBaseURL}, "the provider's API, `http` or `https`; may end in `/` or `/sfvopi`"},
		{"provider.connect_timeout", &c.Provider.ConnectTimeout, "5s", rule{}, "time to connect to the provider: DNS, TCP, TLS"},
		{"provider.request_timeout", &c.Provider.RequestTimeout, "30s", rule{}, "time for the whole request; more than the connect timeout, which it includes"},
		{"provider.ambiguous", &c.Provider.AmbiguousMode, "hold", oneOf("hold", "retry"), "what happens to a call after a response that says neither that it was placed nor that it was not. `hold` keeps it as unknown; `retry` dials it again, and a phone may ring twice"},
		{"provider.not_dialled", &c.Provider.NotDialled, "", rule{format: checkMessages}, "messages with which the provider, as it has confirmed to you, says that no call was placed: an error whose message equals one of them, ignoring case, is retried. Not for messages about the answer webhook: by then the phone has rung. In the environment one message, or a JSON list"},
		{"provider.proxy_url", &c.Provider.ProxyURL, "", rule{format: checkHTTPURL}, "an HTTP proxy, without user and password; `HTTP_PROXY` and similar variables are ignored"},
		{"provider.ca_file", &c.Provider.CAFile, "", rule{file: checkCertificateFile}, "CA certificates to trust in addition to the system's, PEM"},

		{"retry.initial_delay", &c.Retry.InitialDelay, "2s", rule{}, "the delay after the first refused attempt"},
		{"retry.multiplier", &c.Retry.Multiplier, "2", rule{min: 1, max: 1000}, "factor of the delay from one attempt to the next, 1 to 1000"},
		{"retry.max_delay", &c.Retry.MaxDelay, "5m", rule{}, "the longest delay, at least `retry.initial_delay`"},
		// The call record keeps every attempt, and a record is one message.
		{"retry.max_attempts", &c.Retry.MaxAttempts, "12", rule{min: 1, max: 1000}, "attempts for one request, the first one included, 1 to 1000"},

		{"request.max_age", &c.Request.MaxAge, "24h", rule{}, "how long after it was first published a request may be dialled; afterwards it ends as `expired`"},
		{"request.numbers", &c.Request.Numbers, "possible", oneOf("possible", "assigned"), "`possible` accepts numbers of a possible length for their country, `assigned` also requires an assigned range"},
		{"records.keep", &c.Records.Keep, "36h", rule{}, "how long the record of a placed call is kept, so that the same id does not ring again"},
		{"dead.keep", &c.Dead.Keep, "720h", rule{}, "how long dead letters are kept, at least `records.keep`"},
		{"streams.replicas", &c.Streams.Replicas, "1", oneOf("1", "3", "5"), "replicas of each stream: 1 for a single server, 3 or 5 for a cluster"},
		{"streams.provision", &c.Streams.Provision, "true", rule{}, "create missing streams when a worker starts"},
		{"streams.max_urgent_mib", &c.Streams.MaxUrgentMiB, "256", mebibytes, "MiB of urgent requests that may wait; NATS reserves the space on each server when the stream is created, and refuses requests beyond it. 0 is unlimited, and reserves nothing"},
		{"streams.max_normal_mib", &c.Streams.MaxNormalMiB, "768", mebibytes, "the same for normal requests, those without a priority included"},
		{"streams.max_bulk_mib", &c.Streams.MaxBulkMiB, "1024", mebibytes, "the same for bulk requests"},
		{"http.address", &c.HTTP.Address, ":8080", rule{format: checkAddress}, "address for health and metrics; port 0 takes a free one"},
		{"shutdown_grace", &c.ShutdownGrace, "45s", rule{}, "how long a worker that shuts down waits for claimed calls"},
		{"log.level", &c.Log.Level, "info", oneOf("debug", "info", "warn", "error"), "`debug`, `info`, `warn` or `error`"},
		{"log.format", &c.Log.Format, "text", oneOf("text", "json"), "`text` or `json`"},
	}
}

// settings returns the keys of one account, without their "accounts.<name>.".
func (a *Account) settings() []setting {
	d := &a.Defaults
	callback, method := rule{format: checkHTTPURL}, oneOf("POST", "GET")
	return []setting{
		{"api_key", &a.APIKey, "", rule{format: checkAPIKey}, "the API key of the organisation. Set exactly one of `api_key` and `api_key_file`. Account names are 1 to 32 of `a-z`, `0-9` and `-`"},
		{"api_key_file", &a.APIKeyFile, "", rule{file: checkAPIKeyFile}, "a file that contains only the key, at most 4 KiB; read again when it changes"},
		{"calls_per_second", &a.CallsPerSecond, "10", rule{orZero: true, min: 0.001, max: 10_000}, "rate limit of calls, over all workers and evenly spaced; 0 is no limit, otherwise 0.001 to 10000 (0.5 is one call in two seconds)"},
		{"concurrency", &a.Concurrency, "64", rule{min: 1, max: 10_000}, "calls that one worker places concurrently, 1 to 10000"},
		{"min_share", &a.MinShare, "0.05", rule{min: 0.01, max: 0.25}, "minimum share of the calls for each of `bulk` and `normal` while requests of higher priority would use all; 0.01 to 0.25"},
		{"defaults.answer_url", &d.AnswerURL, "", callback, "the webhook for answered calls, for requests without one; its query is never printed"},
		{"defaults.answer_method", &d.AnswerMethod, "POST", method, "`POST` or `GET`"},
		{"defaults.ring_url", &d.RingURL, "", callback, "the webhook for ringing calls, for requests without one"},
		{"defaults.ring_method", &d.RingMethod, "POST", method, "`POST` or `GET`"},
		{"defaults.hangup_url", &d.HangupURL, "", callback, "the webhook for ended calls, for requests without one"},
		{"defaults.hangup_method", &d.HangupMethod, "POST", method, "`POST` or `GET`"},
		{"defaults.ring_timeout", &d.RingTimeout, "60", rule{min: 1, max: 600}, "seconds that the phone may ring, 1 to 600"},
		{"defaults.call_time_limit", &d.CallTimeLimit, "14400", rule{min: 1, max: 86_400}, "seconds that the call may last, 1 to 86400"},
	}
}

// allSettings returns the settings with their full keys, those of accounts last
// and sorted. The targets of the latter are copies.
func (c *Config) allSettings() []setting {
	settings := c.settings()
	for _, account := range c.SortedAccounts() {
		settings = append(settings, accountSettings(account.Name, &account.Account)...)
	}
	return settings
}

func accountSettings(name string, a *Account) []setting {
	settings := a.settings()
	for i := range settings {
		settings[i].key = accountKey(name, settings[i].key)
	}
	return settings
}

// accountKey returns the full key of an account's setting. An invalid name is
// quoted.
func accountKey(name, key string) string { return "accounts." + quoteUnlessPlain(name) + "." + key }

// variable returns the systematic name of a key in the environment.
func variable(key string) string {
	return variablePrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

// Setting is a setting for display.
type Setting struct {
	Key string
	// Value and Default are texts; a secret is "(hidden)", an unset one "".
	Value, Default string
	Source         Source
}

// Settings returns every setting, secrets hidden, those of accounts last and
// sorted.
func (c Config) Settings() []Setting {
	var shown []Setting
	for _, s := range c.allSettings() {
		shown = append(shown, Setting{s.key, s.displayText(), s.defaultValue, c.sources[s.key]})
	}
	return shown
}

// ChangedKeys returns the keys outside of accounts whose values differ: a change
// of these takes effect only after a restart.
func (c Config) ChangedKeys(other Config) []string {
	var keys []string
	theirs := other.settings()
	for i, s := range c.settings() {
		if s.text() != theirs[i].text() {
			keys = append(keys, s.key)
		}
	}
	return keys
}
