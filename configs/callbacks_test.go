package configs

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

const (
	key1 = "first-key-of-thirty-two-bytes-s3cret"
	key2 = "second-key-of-thirty-two-bytes-s3cret"
)

func receiving(c *Config) {
	c.Callbacks.PublicURL, c.Callbacks.Key = "https://calls.example", NewSecret(key1)
}

func TestKeysOneALine(t *testing.T) {
	for name, text := range map[string]string{"unix": key1 + "\n" + key2 + "\n", "windows": "\ufeff" + key1 + "\r\n" + key2 + "\r\n", "no end": key1 + "\n" + key2} {
		for of, read := range map[string]func(path string) ([]Secret, error){
			"callbacks": func(path string) ([]Secret, error) { return Callbacks{KeyFile: path}.ReadKeys() },
			"relays":    func(path string) ([]Secret, error) { return Callbacks{RelayKeyFile: path}.ReadRelayKeys() },
		} {
			keys, err := read(write(t, text))
			if err != nil || len(keys) != 2 || keys[0].Reveal() != key1 || keys[1].Reveal() != key2 {
				t.Errorf("%s, %s: %d keys, %v", name, of, len(keys), err)
			}
		}
	}
	file := "callbacks:\n  key: |\n    " + key1 + "\n    " + key2 + "\n" + minimal
	if keys, err := mustLoad(t, file).Callbacks.ReadKeys(); err != nil || len(keys) != 2 || keys[1].Reveal() != key2 {
		t.Errorf("inline: %d keys, %v", len(keys), err)
	}
	if keys, err := (Callbacks{}).ReadKeys(); err != nil || keys != nil {
		t.Errorf("without a setting: %v, %v", keys, err)
	}
}

func TestKeysAreReadAgain(t *testing.T) {
	c := Callbacks{KeyFile: write(t, key1)}
	for _, want := range []string{key1, key2} {
		if err := os.WriteFile(c.KeyFile, []byte(want+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if keys, err := c.ReadKeys(); err != nil || len(keys) != 1 || keys[0].Reveal() != want {
			t.Errorf("%d keys, %v", len(keys), err)
		}
	}
}

func TestKeysRejected(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"empty":      {"", "is empty"},
		"too short":  {"s3cret-of-31-bytes-is-too-short", "a key of 31 bytes in line 1, and needs at least 32"},
		"second":     {key1 + "\ns3cret", "a key of 6 bytes in line 2"},
		"blank line": {key1 + "\n\n" + key2, "an empty line 2"},
		"space":      {key1 + " x", "line 1 that contains a space"},
		"not ASCII":  {key1 + "é", "line 1 that contains a space or a non-ASCII"},
		"control":    {key1 + "\x00", "line 1 that contains a control character"},
		"quoted":     {`"` + key1 + `"`, "line 1 that has quotes around it"},
		"twice":      {key1 + "\n" + key1, "line 2 that repeats"},
		"too many":   {nineKeys(), "has 9 keys, at most 8"},
		"unexpanded": {"${CALLBACKS_KEY_OF_THIRTY_TWO_BYTES_s3cret}", "unexpanded placeholder"},
		"too large":  {strings.Repeat(key1+"\n", 200), "larger than 4096 bytes"},
	} {
		_, err := Callbacks{KeyFile: write(t, test.text)}.ReadKeys()
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the key is printed: %v", name, err)
		}
	}
}

func nineKeys() string {
	var text strings.Builder
	for i := range 9 {
		fmt.Fprintf(&text, "%s-%d\n", key1, i)
	}
	return text.String()
}

func TestCallbacksAccepted(t *testing.T) {
	for name, change := range map[string]func(c *Config, a *Account){
		"receiver alone":  func(c *Config, _ *Account) { c.Callbacks.Address, c.Callbacks.KeyFile = ":8081", "/k" },
		"worker":          func(c *Config, _ *Account) { receiving(c) },
		"with a path":     func(c *Config, _ *Account) { receiving(c); c.Callbacks.PublicURL = "https://calls.example:8443/a/b" },
		"loopback":        func(c *Config, _ *Account) { receiving(c); c.Callbacks.PublicURL = "http://127.0.0.1:8081" },
		"IPv6 loopback":   func(c *Config, _ *Account) { receiving(c); c.Callbacks.PublicURL = "http://[::1]:8081" },
		"localhost":       func(c *Config, _ *Account) { receiving(c); c.Callbacks.PublicURL = "http://LocalHost:8081" },
		"shortest events": func(c *Config, _ *Account) { c.Events.Keep = time.Hour },
		"longest events":  func(c *Config, _ *Account) { c.Events.Keep = 8784 * time.Hour },
		"redial": func(c *Config, a *Account) {
			receiving(c)
			a.Redial = Redial{[]string{"failed", "busy", "no_answer"}, 10, time.Minute}
		},
		"shortest redial": func(c *Config, a *Account) {
			receiving(c)
			c.Request.MinRedialDelay, a.Redial = time.Second, Redial{[]string{"busy"}, 1, time.Second}
		},
		"open calls, by time alone": func(_ *Config, a *Account) { a.MaxOpenCalls = 10_000 },
	} {
		if err := changed(change).Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCallbacksRejected(t *testing.T) {
	plan := Redial{[]string{"busy"}, 2, time.Hour}
	redial := func(change func(r *Redial)) func(c *Config, a *Account) {
		return func(c *Config, a *Account) {
			receiving(c)
			a.Redial = plan
			change(&a.Redial)
		}
	}
	publicURL := func(u string) func(c *Config, _ *Account) {
		return func(c *Config, _ *Account) { receiving(c); c.Callbacks.PublicURL = u }
	}
	for _, test := range []struct {
		want   string
		change func(c *Config, a *Account)
	}{
		{"callbacks.public_url: must begin with https://, unless", publicURL("http://calls.example")},
		{"callbacks.public_url: must begin with https://, unless", publicURL("http://localhost.example")},
		{"callbacks.public_url: must begin with https://, unless", publicURL("http://10.0.0.1:8081")},
		{"callbacks.public_url: must begin with http:// or https://", publicURL("ftp://calls.example")},
		{"callbacks.public_url: must not have a query", publicURL("https://calls.example/?token=s3cret")},
		{"callbacks.public_url: must not have a query or a fragment", publicURL("https://calls.example/#s3cret")},
		{"callbacks.public_url: contains user information", publicURL("https://u:s3cret@calls.example")},
		{"callbacks.public_url: is longer than 512 bytes", publicURL("https://calls.example/" + strings.Repeat("a", 500))},
		{"callbacks.address: must be host:port", func(c *Config, _ *Account) { receiving(c); c.Callbacks.Address = "8081" }},
		{"callbacks.key: is missing, but callbacks.public_url is set", func(c *Config, _ *Account) { c.Callbacks.PublicURL = "https://calls.example" }},
		{"callbacks.key: is missing, but callbacks.address is set", func(c *Config, _ *Account) { c.Callbacks.Address = ":8081" }},
		{"callbacks.key: has a key of 6 bytes", func(c *Config, _ *Account) { c.Callbacks.Key = NewSecret("s3cret") }},
		{"callbacks.key_file: is set as well as callbacks.key", func(c *Config, _ *Account) { receiving(c); c.Callbacks.KeyFile = "/k" }},
		{"callbacks.relay_key: has a key of 6 bytes", func(c *Config, _ *Account) { c.Callbacks.RelayKey = NewSecret("s3cret") }},
		{"callbacks.relay_key_file: is set as well as", func(c *Config, _ *Account) {
			c.Callbacks.RelayKey, c.Callbacks.RelayKeyFile = NewSecret(key1), "/k"
		}},
		{"events.keep: must be at least 1h, is 59m", func(c *Config, _ *Account) { c.Events.Keep = 59 * time.Minute }},
		{"events.keep: must be at most 8784h, is 8785h", func(c *Config, _ *Account) { c.Events.Keep = 8785 * time.Hour }},
		{"request.min_redial_delay: must be at least 1s, is 999ms", func(c *Config, _ *Account) { c.Request.MinRedialDelay = 999 * time.Millisecond }},
		{"accounts.default.max_open_calls: must be 0 or from 1 to 10000, is -1", func(_ *Config, a *Account) { a.MaxOpenCalls = -1 }},
		{"accounts.default.max_open_calls: must be 0 or", func(_ *Config, a *Account) { a.MaxOpenCalls = 10_001 }},
		{"accounts.default.redial.on: is missing", redial(func(r *Redial) { r.On = nil })},
		{"accounts.default.redial.rounds: is missing", redial(func(r *Redial) { r.Rounds = 0 })},
		{"accounts.default.redial.delay: is missing", redial(func(r *Redial) { r.Delay = 0 })},
		{"accounts.default.redial.on: has an entry that must be one of no_answer, busy, failed, is \"Busy\"; did you mean busy?", redial(func(r *Redial) { r.On = []string{"Busy"} })},
		{"accounts.default.redial.on: has an entry that must be one of", redial(func(r *Redial) { r.On = []string{"busy", "completed"} })},
		{"accounts.default.redial.on: names busy twice", redial(func(r *Redial) { r.On = []string{"busy", "failed", "busy"} })},
		{"accounts.default.redial.rounds: must be 0 or from 1 to 10, is 11", redial(func(r *Redial) { r.Rounds = 11 })},
		{"accounts.default.redial.rounds: must be 0 or from 1 to 10, is -1", redial(func(r *Redial) { r.Rounds = -1 })},
		{"accounts.default.redial.delay: must be at least request.min_redial_delay (1m), is 59s", redial(func(r *Redial) { r.Delay = 59 * time.Second })},
		{"accounts.default.redial.delay: must be whole seconds", redial(func(r *Redial) { r.Delay += time.Millisecond })},
		{"accounts.default.redial.delay: must be less than request.max_age (24h)", redial(func(r *Redial) { r.Delay = 24 * time.Hour })},
		{"accounts.default.redial.delay: must be more than 0", redial(func(r *Redial) { r.Delay = -time.Minute })},
		{"accounts.default.redial: is set, but callbacks.public_url is not", func(_ *Config, a *Account) { a.Redial = plan }},
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

// A key that is too short is named wherever it is: in the file, in the
// environment, in a file of its own.
func TestCheckNamesKeysThatAreTooShort(t *testing.T) {
	file := "callbacks:\n  address: :8081\n  key_file: " + write(t, key1+"\ns3cret\n") + "\n  relay_key: s3cret\n" + minimal
	_, err := Check("ringonce.yaml", []byte(file), nil)
	got := errorsOf(t, err)
	wantErrors(t, got, "ringonce.yaml:3: callbacks.key_file: cannot be used", "ringonce.yaml:4: callbacks.relay_key: has a key of 6 bytes")
	if strings.Contains(got.Error(), "s3cret") {
		t.Errorf("a key is printed: %v", got)
	}
	_, err = Check("", []byte(minimal), []string{"RINGONCE_CALLBACKS_KEY=" + key1 + "\ns3cret"})
	wantErrors(t, errorsOf(t, err), "RINGONCE_CALLBACKS_KEY: callbacks.key: has a key of 6 bytes in line 2")
}

func TestPublicURLEndsInNoSlash(t *testing.T) {
	c := mustLoad(t, minimal, "RINGONCE_CALLBACKS_PUBLIC_URL=https://calls.example/x//", "RINGONCE_CALLBACKS_KEY="+key1)
	if c.Callbacks.PublicURL != "https://calls.example/x" {
		t.Errorf("got %s", c.Callbacks.PublicURL)
	}
}

func TestNotes(t *testing.T) {
	limited := func(_ *Config, a *Account) { a.MaxOpenCalls = 30 }
	c := changed(limited)
	if notes := c.Notes(); len(notes) != 1 || !strings.Contains(notes[0].String(), "accounts.default.max_open_calls is set, but callbacks.public_url is not: slots are freed by time alone") {
		t.Errorf("got %v", notes)
	}
	receiving(&c)
	if notes := c.Notes(); len(notes) != 0 {
		t.Errorf("with callbacks: got %v", notes)
	}
	if notes := valid().Notes(); len(notes) != 0 {
		t.Errorf("without a limit: got %v", notes)
	}
}

func TestReceiverNeedsNoAccount(t *testing.T) {
	listening := []string{"RINGONCE_CALLBACKS_ADDRESS=:8081", "RINGONCE_CALLBACKS_KEY=" + key1}
	if c, err := CheckForReceiver("", nil, listening); err != nil || c.Callbacks.Address != ":8081" {
		t.Errorf("%+v, %v", c.Callbacks, err)
	}
	// The API keys are the workers'.
	accounts := []byte("accounts: {default: {api_key_file: /does/not/exist}}\n")
	if _, err := CheckForReceiver("ringonce.yaml", accounts, listening); err != nil {
		t.Error(err)
	}
	_, err := CheckForReceiver("", nil, listening[1:])
	wantErrors(t, errorsOf(t, err), "callbacks.address: is missing")
	_, err = CheckForReceiver("", nil, listening[:1])
	wantErrors(t, errorsOf(t, err), "callbacks.key: is missing, but callbacks.address is set")
	_, err = CheckForReceiver("", nil, []string{"RINGONCE_CALLBACKS_ADDRESS=x", "RINGONCE_CALLBACKS_KEY=" + key1})
	wantErrors(t, errorsOf(t, err), "callbacks.address: must be host:port")
}
