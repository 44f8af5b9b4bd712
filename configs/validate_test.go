package configs

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func TestValidateAccepts(t *testing.T) {
	for name, change := range map[string]func(c *Config, a *Account){
		"as it is":             func(*Config, *Account) {},
		"no limit":             func(_ *Config, a *Account) { a.CallsPerSecond = 0 },
		"slowest":              func(_ *Config, a *Account) { a.CallsPerSecond = 0.001 },
		"greatest concurrency": func(_ *Config, a *Account) { a.Concurrency = 10000 },
		"bounds of a call":     func(_ *Config, a *Account) { a.Defaults.RingTimeout, a.Defaults.CallTimeLimit = 600, 86400 },
		"shortest call":        func(_ *Config, a *Account) { a.Defaults.RingTimeout, a.Defaults.CallTimeLimit = 1, 1 },
		"constant delay":       func(c *Config, _ *Account) { c.Retry.Multiplier, c.Retry.MaxDelay = 1, c.Retry.InitialDelay },
		"one attempt":          func(c *Config, _ *Account) { c.Retry.MaxAttempts = 1 },
		"five replicas":        func(c *Config, _ *Account) { c.Streams.Replicas = 5 },
		"bare server":          func(c *Config, _ *Account) { c.NATS.URL = "localhost:4222" },
		"several servers":      func(c *Config, _ *Account) { c.NATS.URL = "nats://a, tls://b:1,[::1]:4222" },
		"websocket":            func(c *Config, _ *Account) { c.NATS.URL = "wss://a/x" },
		"user and password":    func(c *Config, _ *Account) { c.NATS.User, c.NATS.PasswordFile = "u", "/p" },
		"shortest retention": func(c *Config, _ *Account) {
			c.Records.Keep = c.Request.MaxAge + c.Provider.ClaimWait() + time.Hour
			c.Dead.Keep = c.Records.Keep
		},
		"shortest grace": func(c *Config, _ *Account) {
			c.ShutdownGrace = c.Provider.ClaimDeadline() + c.Provider.RequestTimeout + 1
		},
		"IPv6 address":        func(c *Config, _ *Account) { c.HTTP.Address = "[::1]:8080" },
		"un-normalised base":  func(c *Config, _ *Account) { c.Provider.BaseURL = "https://a/sfvopi/" },
		"longest duration":    func(c *Config, _ *Account) { c.Dead.Keep = maxDuration },
		"callback with token": func(_ *Config, a *Account) { a.Defaults.RingURL = CallbackURL{"http://a:1/x?token=y"} },
	} {
		t.Run(name, func(t *testing.T) {
			if err := changed(change).Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestValidateRejects(t *testing.T) {
	type change = func(c *Config, a *Account)
	for _, test := range []struct {
		want   string
		change change
	}{
		{"nats.url: is empty", func(c *Config, _ *Account) { c.NATS.URL = "" }},
		{"nats.url: entry 2 is empty", func(c *Config, _ *Account) { c.NATS.URL = "nats://a," }},
		{"nats.url: must begin with nats://", func(c *Config, _ *Account) { c.NATS.URL = "http://a" }},
		{"nats.url: contains user information; set nats.user", func(c *Config, _ *Account) { c.NATS.URL = "nats://u:s3cret@a" }},
		{"nats.url: contains user information", func(c *Config, _ *Account) { c.NATS.URL = "s3cret@a:4222" }},
		{"nats.url: entry 1 has no host", func(c *Config, _ *Account) { c.NATS.URL = "nats://:4222,nats://a" }},
		{"nats.url: is not a URL", func(c *Config, _ *Account) { c.NATS.URL = "nats://a:s3cret" }},
		{"nats.url: has a port outside", func(c *Config, _ *Account) { c.NATS.URL = "nats://a:65536" }},
		{"nats.user: has no password", func(c *Config, _ *Account) { c.NATS.User = "u" }},
		{"nats.user: is missing, but a password is set", func(c *Config, _ *Account) { c.NATS.Password = NewSecret("s3cret") }},
		{"nats.password_file: is set as well as nats.password", func(c *Config, _ *Account) {
			c.NATS.User, c.NATS.Password, c.NATS.PasswordFile = "u", NewSecret("s3cret"), "/p"
		}},
		{"nats.token_file: is set as well as nats.token", func(c *Config, _ *Account) {
			c.NATS.Token, c.NATS.TokenFile = NewSecret("s3cret"), "/t"
		}},
		{"nats: has more than one authentication method: nats.credentials_file, nats.token;", func(c *Config, _ *Account) {
			c.NATS.CredentialsFile, c.NATS.Token = "/c", NewSecret("s3cret")
		}},
		{"nats.nkey_file, nats.user;", func(c *Config, _ *Account) {
			c.NATS.User, c.NATS.Password, c.NATS.NKeyFile = "u", NewSecret("s3cret"), "/n"
		}},
		{"nats.nkey_file, nats.token_file;", func(c *Config, _ *Account) { c.NATS.TokenFile, c.NATS.NKeyFile = "/t", "/n" }},
		{"nats.tls.key_file: is missing", func(c *Config, _ *Account) { c.NATS.TLS.CertFile = "/c" }},
		{"nats.tls.cert_file: is missing", func(c *Config, _ *Account) { c.NATS.TLS.KeyFile = "/k" }},

		{"provider.base_url: is empty", func(c *Config, _ *Account) { c.Provider.BaseURL = "" }},
		{"provider.base_url: must begin with http:// or https://", func(c *Config, _ *Account) { c.Provider.BaseURL = "ftp://a" }},
		{"provider.base_url: has no host", func(c *Config, _ *Account) { c.Provider.BaseURL = "https:///x" }},
		{"provider.base_url: contains user information", func(c *Config, _ *Account) { c.Provider.BaseURL = "https://s3cret@a" }},
		{"provider.base_url: must not have a query", func(c *Config, _ *Account) { c.Provider.BaseURL = "https://a?s3cret" }},
		{"provider.connect_timeout: must be more than 0", func(c *Config, _ *Account) { c.Provider.ConnectTimeout = 0 }},
		{"provider.connect_timeout: must be at most 87600h", func(c *Config, _ *Account) { c.Provider.ConnectTimeout = math.MaxInt64 }},
		{"provider.request_timeout: must be more than 0", func(c *Config, _ *Account) { c.Provider.RequestTimeout = -1 }},
		{"provider.request_timeout: must be more than provider.connect_timeout (5s), which it includes, is 5s", func(c *Config, _ *Account) {
			c.Provider.RequestTimeout = c.Provider.ConnectTimeout
		}},
		{"provider.ambiguous: is empty; set a value, or remove it to use the default, hold", func(c *Config, _ *Account) { c.Provider.AmbiguousMode = "" }},
		{"provider.ambiguous: must be one of hold, retry", func(c *Config, _ *Account) { c.Provider.AmbiguousMode = "redial" }},
		{"provider.proxy_url: must begin with", func(c *Config, _ *Account) { c.Provider.ProxyURL = "socks5://a:1" }},
		{"provider.proxy_url: contains user information", func(c *Config, _ *Account) { c.Provider.ProxyURL = "http://u:s3cret@a:1" }},

		{"retry.initial_delay: must be more than 0", func(c *Config, _ *Account) { c.Retry.InitialDelay = 0 }},
		{"retry.max_delay: must be more than 0", func(c *Config, _ *Account) { c.Retry.MaxDelay = 0 }},
		{"retry.max_delay: must be at least retry.initial_delay (2s), is 1.999s", func(c *Config, _ *Account) { c.Retry.MaxDelay = 1999 * time.Millisecond }},
		{"retry.multiplier: must be from 1 to 1000", func(c *Config, _ *Account) { c.Retry.Multiplier = 0.999 }},
		{"retry.multiplier: must be from 1 to 1000", func(c *Config, _ *Account) { c.Retry.Multiplier = math.NaN() }},
		{"retry.multiplier: must be from 1 to 1000", func(c *Config, _ *Account) { c.Retry.Multiplier = math.Inf(1) }},
		{"retry.max_attempts: must be from 1 to 1000", func(c *Config, _ *Account) { c.Retry.MaxAttempts = 0 }},
		{"retry.max_attempts: must be from 1 to 1000", func(c *Config, _ *Account) { c.Retry.MaxAttempts = 1001 }},

		{"request.max_age: must be more than 0", func(c *Config, _ *Account) { c.Request.MaxAge = 0 }},
		{"request.numbers: must be one of possible, assigned, is \"Assigned\"; did you mean assigned?", func(c *Config, _ *Account) { c.Request.Numbers = "Assigned" }},
		{"records.keep: must be more than 0", func(c *Config, _ *Account) { c.Records.Keep = 0 }},
		{"records.keep: must be at least 25h0m45s, is 25h0m44s", func(c *Config, _ *Account) { c.Records.Keep = 25*time.Hour + 44*time.Second }},
		{"dead.keep: must be more than 0", func(c *Config, _ *Account) { c.Dead.Keep = 0 }},
		{"dead.keep: must be at least records.keep (36h)", func(c *Config, _ *Account) { c.Dead.Keep = 36*time.Hour - 1 }},

		{"streams.replicas: must be one of 1, 3, 5, is \"2\"; choose one", func(c *Config, _ *Account) { c.Streams.Replicas = 2 }},
		{"streams.replicas: must be one of 1, 3, 5, is \"0\"; choose one", func(c *Config, _ *Account) { c.Streams.Replicas = 0 }},
		{"http.address: must be host:port", func(c *Config, _ *Account) { c.HTTP.Address = "8080" }},
		{"http.address: has port \"http\"", func(c *Config, _ *Account) { c.HTTP.Address = ":http" }},
		{"http.address: has port \"65536\"", func(c *Config, _ *Account) { c.HTTP.Address = ":65536" }},
		{"shutdown_grace: must be more than 0", func(c *Config, _ *Account) { c.ShutdownGrace = -time.Second }},
		{"shutdown_grace: must be more than 40s, is 40s", func(c *Config, _ *Account) { c.ShutdownGrace = 40 * time.Second }},
		{"log.level: must be one of debug, info, warn, error", func(c *Config, _ *Account) { c.Log.Level = "trace" }},
		{"log.format: must be one of text, json, is \"JSON\"; did you mean json?", func(c *Config, _ *Account) { c.Log.Format = "JSON" }},

		{"accounts: no account is configured", func(c *Config, _ *Account) { clear(c.Accounts) }},
		{"accounts.default.api_key: is missing", func(_ *Config, a *Account) { a.APIKey = Secret{} }},
		{"accounts.default.api_key_file: is set as well as accounts.default.api_key;", func(_ *Config, a *Account) { a.APIKeyFile = "/k" }},
		{"accounts.default.api_key: contains a space", func(_ *Config, a *Account) { a.APIKey = NewSecret("s3cret x") }},
		{"accounts.default.api_key: contains a space, a control character", func(_ *Config, a *Account) { a.APIKey = NewSecret("s3cret\x00") }},
		{"accounts.default.api_key: is longer", func(_ *Config, a *Account) { a.APIKey = NewSecret(strings.Repeat("s3cret", 1000)) }},
		{"accounts.default.calls_per_second: must be 0 or from 0.001 to 10000", func(_ *Config, a *Account) { a.CallsPerSecond = -1 }},
		{"accounts.default.calls_per_second: must be 0 or", func(_ *Config, a *Account) { a.CallsPerSecond = 0.0009 }},
		{"accounts.default.calls_per_second: must be 0 or", func(_ *Config, a *Account) { a.CallsPerSecond = 10001 }},
		{"accounts.default.calls_per_second: must be 0 or", func(_ *Config, a *Account) { a.CallsPerSecond = math.NaN() }},
		{"accounts.default.calls_per_second: must be 0 or", func(_ *Config, a *Account) { a.CallsPerSecond = math.Inf(1) }},
		{"accounts.default.min_share: must be from 0.01 to 0.25", func(_ *Config, a *Account) { a.MinShare = 0 }},
		{"accounts.default.min_share: must be from", func(_ *Config, a *Account) { a.MinShare = 0.26 }},
		{"accounts.default.min_share: must be from", func(_ *Config, a *Account) { a.MinShare = -0.05 }},
		{"accounts.default.min_share: must be from", func(_ *Config, a *Account) { a.MinShare = math.NaN() }},
		{"accounts: 501 accounts are configured, and one set of streams serves at most 500", func(c *Config, a *Account) {
			for i := range 500 {
				c.Accounts[fmt.Sprint("a", i)] = *a
			}
		}},
		{"accounts.default.concurrency: must be from 1 to 10000", func(_ *Config, a *Account) { a.Concurrency = 0 }},
		{"accounts.default.concurrency: must be from 1 to 10000", func(_ *Config, a *Account) { a.Concurrency = 10001 }},
		{"accounts.default.defaults.answer_url: must begin with", func(_ *Config, a *Account) { a.Defaults.AnswerURL = CallbackURL{"s3cret"} }},
		{"accounts.default.defaults.ring_url: contains user information", func(_ *Config, a *Account) { a.Defaults.RingURL = CallbackURL{"http://s3cret@a"} }},
		{"accounts.default.defaults.hangup_url: is not a URL", func(_ *Config, a *Account) { a.Defaults.HangupURL = CallbackURL{"http://a/%zz?s3cret"} }},
		{"accounts.default.defaults.answer_method: must be one of POST, GET", func(_ *Config, a *Account) { a.Defaults.AnswerMethod = "PUT" }},
		{"accounts.default.defaults.ring_method: must be one of POST, GET", func(_ *Config, a *Account) { a.Defaults.RingMethod = "post" }},
		{"accounts.default.defaults.hangup_method: is empty", func(_ *Config, a *Account) { a.Defaults.HangupMethod = "" }},
		{"accounts.default.defaults.ring_timeout: must be from 1 to 600, is", func(_ *Config, a *Account) { a.Defaults.RingTimeout = 0 }},
		{"accounts.default.defaults.ring_timeout: must be from 1 to 600, is", func(_ *Config, a *Account) { a.Defaults.RingTimeout = 601 }},
		{"accounts.default.defaults.call_time_limit: must be from 1 to 86400", func(_ *Config, a *Account) { a.Defaults.CallTimeLimit = 0 }},
		{"accounts.default.defaults.call_time_limit: must be from 1 to 86400", func(_ *Config, a *Account) { a.Defaults.CallTimeLimit = 86401 }},
	} {
		t.Run(test.want, func(t *testing.T) {
			got := errorsOf(t, changed(test.change).Validate())
			wantErrors(t, got, test.want)
			if strings.Contains(got.Error(), "s3cret") {
				t.Errorf("a secret is printed: %v", got)
			}
		})
	}
}

// changed returns a valid configuration after a change to it or to its account.
func changed(change func(c *Config, a *Account)) Config {
	c := valid()
	account := c.Accounts["default"]
	change(&c, &account)
	if len(c.Accounts) > 0 {
		c.Accounts["default"] = account
	}
	return c
}

func TestValidateReportsSeveralAccounts(t *testing.T) {
	c := valid()
	c.Accounts["Bad\nname"] = c.Accounts["default"]
	c.Accounts["empty"] = DefaultAccount()
	wantErrors(t, errorsOf(t, c.Validate()), `accounts."Bad\nname": is not an account name`, "accounts.empty.api_key: is missing")
}

func TestTimeouts(t *testing.T) {
	p := Provider{ConnectTimeout: 3 * time.Second, RequestTimeout: 20 * time.Second}
	for name, span := range map[string][2]time.Duration{
		"ClaimDeadline": {p.ClaimDeadline(), 6 * time.Second},
		"ClaimWait":     {p.ClaimWait(), 29 * time.Second},
		"AckWait":       {p.AckWait(), 29 * time.Second},
	} {
		if span[0] != span[1] {
			t.Errorf("%s: got %v, want %v", name, span[0], span[1])
		}
	}
}

func TestNormaliseBaseURL(t *testing.T) {
	for _, base := range []string{"https://a/superfone", "https://a/superfone/", "https://a/superfone/sfvopi", "https://a/superfone//sfvopi//"} {
		if got := normaliseBaseURL(base); got != "https://a/superfone" {
			t.Errorf("%s: got %s", base, got)
		}
	}
	if got := normaliseBaseURL("https://a/mysfvopi"); got != "https://a/mysfvopi" {
		t.Errorf("got %s", got)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"max_delay", "max_attempts", "initial_delay"}
	for name, want := range map[string]string{"max_dealy": "max_delay", "maxdelay": "max_delay", "max_attempt": "max_attempts", "url": "", "": "", "multiplier": ""} {
		if got := nearest(name, known); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestDurationText(t *testing.T) {
	for text, d := range map[string]time.Duration{"24h": 24 * time.Hour, "5m": 5 * time.Minute, "1h30m": 90 * time.Minute, "1h0m5s": time.Hour + 5*time.Second, "10m": 10 * time.Minute, "20s": 20 * time.Second, "0s": 0, "500ms": 500 * time.Millisecond, "-1m": -time.Minute} {
		if got := duration(d).String(); got != text {
			t.Errorf("%v: got %s, want %s", d, got, text)
		}
	}
}
