package configs

import (
	"regexp"
	"strings"
)

// DefaultAccountName is the account that SFVOPI_API_KEY and SFVOPI_API_KEY_FILE
// configure.
const DefaultAccountName = "default"

// accountNamePattern is the form of an account name; it becomes a token of
// subjects, and part of the names of variables, where '-' is written '_'.
var accountNamePattern = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// shortNames are the customary names of a few settings. The systematic name of
// the same setting beats them: NATS_URL, for one, is often set for other
// programs, too.
var shortNames = map[string]string{
	"NATS_URL":            "nats.url",
	"NATS_CREDS_FILE":     "nats.credentials_file",
	"SFVOPI_BASE_URL":     "provider.base_url",
	"SFVOPI_API_KEY":      "accounts." + DefaultAccountName + ".api_key",
	"SFVOPI_API_KEY_FILE": "accounts." + DefaultAccountName + ".api_key_file",
	"RINGONCE_HTTP_ADDR":  "http.address",
}

// setting is one key: the field that holds its value, its default, the rule
// that its values obey, and what it means, in the words of the documentation.
// The file, the environment, docs/configuration.md, reference.yaml and
// schema.json follow from the two tables below.
type setting struct {
	key    string
	target any // a pointer to the field
	value  string
	rule   rule
	help   string
}

// settings are the keys outside of accounts.
func (c *Config) settings() []setting {
	mebibytes := rule{zero: true, least: 1, most: 100_000}
	return []setting{
		{"nats.url", &c.NATS.URL, "nats://127.0.0.1:4222", rule{form: checkServers}, "one server, or several with commas between them; `nats://`, `tls://`, `ws://` or `wss://`. User and password are refused here, because URLs are logged"},
		{"nats.credentials_file", &c.NATS.CredentialsFile, "", rule{file: holdsCredentials}, "a NATS credentials file (JWT and seed), read at each connect. At most one way to authenticate may be given"},
		{"nats.user", &c.NATS.User, "", rule{}, "user name; needs a password"},
		{"nats.password", &c.NATS.Password, "", rule{}, "its password"},
		{"nats.password_file", &c.NATS.PasswordFile, "", rule{file: holdsSecret}, "a file that holds the password alone; read at each connect"},
		{"nats.token", &c.NATS.Token, "", rule{}, "a token"},
		{"nats.token_file", &c.NATS.TokenFile, "", rule{file: holdsSecret}, "a file that holds the token alone; read at each connect"},
		{"nats.nkey_file", &c.NATS.NKeyFile, "", rule{file: holdsSeed}, "an NKey seed file of a user; read at each connect"},
		{"nats.domain", &c.NATS.Domain, "", rule{form: checkDomain}, "the JetStream domain in which the streams are, such as that of the hub when `nats.url` is a leaf node"},
		{"nats.tls.ca_file", &c.NATS.TLS.CAFile, "", rule{file: holdsCertificates}, "authorities to trust instead of the system's, PEM"},
		{"nats.tls.cert_file", &c.NATS.TLS.CertFile, "", rule{file: holdsCertificates}, "the client's certificate, PEM; needs the key"},
		{"nats.tls.key_file", &c.NATS.TLS.KeyFile, "", rule{file: c.NATS.holdsKey}, "the key of that certificate, PEM"},

		{"provider.base_url", &c.Provider.BaseURL, "https://prod-api.superfone.co.in/superfone", rule{form: checkBaseURL}, "the provider's API, `http` or `https`; may end in `/` or `/sfvopi`"},
		{"provider.connect_timeout", &c.Provider.ConnectTimeout, "5s", rule{}, "for reaching the provider: resolving, connecting, TLS"},
		{"provider.request_timeout", &c.Provider.RequestTimeout, "30s", rule{}, "for the whole request; more than the connect timeout, which it includes"},
		{"provider.ambiguous", &c.Provider.Ambiguous, "hold", oneOf("hold", "retry"), "what becomes of a call whose answer says neither that it went out nor that it did not. `hold` keeps it as unknown; `retry` dials it again and gives away the promise that no phone rings twice"},
		{"provider.not_dialled", &c.Provider.NotDialled, "", rule{form: checkMessages}, "a list of messages by which the provider, as it has told you, says that no call went out: an error that is one of them, whole and in any case, is dialled again. Not for messages about the answer webhook: by then the phone has rung. In the environment one message, or a list in JSON"},
		{"provider.proxy_url", &c.Provider.ProxyURL, "", rule{form: checkHTTPURL}, "an HTTP proxy, without user and password; `HTTP_PROXY` and its like are not looked at"},
		{"provider.ca_file", &c.Provider.CAFile, "", rule{file: holdsCertificates}, "authorities to trust besides the system's, PEM"},

		{"retry.initial_delay", &c.Retry.InitialDelay, "2s", rule{}, "the delay after the first refused attempt"},
		{"retry.multiplier", &c.Retry.Multiplier, "2", rule{least: 1, most: 1000}, "what the delay grows by with every attempt, 1 to 1000; 1 keeps it as it is, 2 doubles it"},
		{"retry.max_delay", &c.Retry.MaxDelay, "5m", rule{}, "the greatest delay, at least `retry.initial_delay`"},
		// The call's record keeps every attempt, and one record is one message.
		{"retry.max_attempts", &c.Retry.MaxAttempts, "12", rule{least: 1, most: 1000}, "attempts at one request, the first one included, 1 to 1000"},

		{"request.max_age", &c.Request.MaxAge, "24h", rule{}, "how long after its first publish a request may still be dialled; afterwards it ends as `expired`"},
		{"request.numbers", &c.Request.Numbers, "possible", oneOf("possible", "assigned"), "`possible` accepts numbers of a possible length for their country, `assigned` demands an assigned range, too"},
		{"records.keep", &c.Records.Keep, "36h", rule{}, "how long a placed call is remembered, so that the same id does not ring again"},
		{"dead.keep", &c.Dead.Keep, "720h", rule{}, "how long dead letters are kept, at least `records.keep`"},
		{"streams.replicas", &c.Streams.Replicas, "1", oneOf("1", "3", "5"), "replicas of every stream, 1, 3 or 5: 1 for a single server, 3 for a cluster"},
		{"streams.provision", &c.Streams.Provision, "true", rule{}, "create missing streams when a worker starts"},
		{"streams.max_urgent_mib", &c.Streams.MaxUrgentMiB, "256", mebibytes, "how many MiB of urgent requests may wait; NATS reserves the room on each server when the stream is made, and refuses requests beyond it. 0 is no bound, and reserves nothing"},
		{"streams.max_normal_mib", &c.Streams.MaxNormalMiB, "768", mebibytes, "the same for normal requests, those without a priority included"},
		{"streams.max_bulk_mib", &c.Streams.MaxBulkMiB, "1024", mebibytes, "the same for bulk requests"},
		{"http.address", &c.HTTP.Address, ":8080", rule{form: checkAddress}, "where health and metrics are served; port 0 takes a free one"},
		{"shutdown_grace", &c.ShutdownGrace, "45s", rule{}, "how long a stopping worker lets claimed calls finish"},
		{"log.level", &c.Log.Level, "info", oneOf("debug", "info", "warn", "error"), "`debug`, `info`, `warn` or `error`"},
		{"log.format", &c.Log.Format, "text", oneOf("text", "json"), "`text` or `json`"},
	}
}

// settings are the keys of one account, without the "accounts.<name>." before
// them.
func (a *Account) settings() []setting {
	d := &a.Defaults
	callback, method := rule{form: checkHTTPURL}, oneOf("POST", "GET")
	return []setting{
		{"api_key", &a.APIKey, "", rule{form: checkAPIKey}, "the API key of the organisation. Exactly one of `api_key` and `api_key_file`. Names of accounts are 1 to 32 of `a-z`, `0-9` and `-`"},
		{"api_key_file", &a.APIKeyFile, "", rule{file: holdsAPIKey}, "a file that holds the key alone, at most 4 KiB; read again when it changes"},
		{"calls_per_second", &a.CallsPerSecond, "10", rule{zero: true, least: 0.001, most: 10_000}, "the rate at which calls are placed, by all workers together and evenly; 0 is no limit, otherwise 0.001 to 10000 (0.5 is one call in two seconds)"},
		{"concurrency", &a.Concurrency, "64", rule{least: 1, most: 10_000}, "calls that one worker places at the same time, 1 to 10000"},
		{"least_share", &a.LeastShare, "0.05", rule{least: 0.01, most: 0.25}, "the part of the calls that `bulk`, and `normal`, get at least while requests of higher priority would take everything; 0.01 to 0.25"},
		{"defaults.answer_url", &d.AnswerURL, "", callback, "the webhook for answered calls, if the request names none; its query is never printed"},
		{"defaults.answer_method", &d.AnswerMethod, "POST", method, "`POST` or `GET`"},
		{"defaults.ring_url", &d.RingURL, "", callback, "the webhook for ringing calls, if the request names none"},
		{"defaults.ring_method", &d.RingMethod, "POST", method, "`POST` or `GET`"},
		{"defaults.hangup_url", &d.HangupURL, "", callback, "the webhook for ended calls, if the request names none"},
		{"defaults.hangup_method", &d.HangupMethod, "POST", method, "`POST` or `GET`"},
		{"defaults.ring_timeout", &d.RingTimeout, "60", rule{least: 1, most: 600}, "seconds that the phone may ring, 1 to 600"},
		{"defaults.call_time_limit", &d.CallTimeLimit, "14400", rule{least: 1, most: 86_400}, "seconds that the call may last, 1 to 86400"},
	}
}

// all are the settings with their full keys, the accounts' last and sorted. What
// is behind those of accounts is a copy.
func (c *Config) all() []setting {
	settings := c.settings()
	for _, account := range c.SortedAccounts() {
		settings = append(settings, ofAccount(account.Name, &account.Account)...)
	}
	return settings
}

func ofAccount(name string, a *Account) []setting {
	settings := a.settings()
	for i := range settings {
		settings[i].key = accountKey(name, settings[i].key)
	}
	return settings
}

// accountKey is the full key of an account's setting. A name that cannot be one
// is quoted.
func accountKey(name, key string) string { return "accounts." + plainOrQuoted(name) + "." + key }

// variable is the systematic name of a key in the environment.
func variable(key string) string {
	return variablePrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

// Setting is a setting as it may be shown to anyone.
type Setting struct {
	Key string
	// Value and Default are texts; a secret is "(hidden)", an unset one "".
	Value, Default string
	Origin         Origin
}

// Settings lists every setting, secrets hidden, the accounts' last and sorted.
func (c Config) Settings() []Setting {
	var shown []Setting
	for _, s := range c.all() {
		shown = append(shown, Setting{s.key, s.shown(), s.value, c.origins[s.key]})
	}
	return shown
}

// Differences lists the keys outside of accounts whose values differ: those that
// a worker takes up only when it is started.
func (c Config) Differences(other Config) []string {
	var keys []string
	theirs := other.settings()
	for i, s := range c.settings() {
		if s.text() != theirs[i].text() {
			keys = append(keys, s.key)
		}
	}
	return keys
}
