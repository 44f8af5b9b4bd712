package configs

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestLoadWithoutFile(t *testing.T) {
	c, err := Load("", nil, []string{"NATS_URL=nats://broker:4222", "SFVOPI_BASE_URL=http://127.0.0.1:9/sfvopi", "SFVOPI_API_KEY=k3y", "HOME=/root"})
	if err != nil {
		t.Fatal(err)
	}
	want := valid()
	want.NATS.URL = "nats://broker:4222"
	want.Provider.BaseURL = "http://127.0.0.1:9"
	if !same(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestLoadKeyFileFromEnvironment(t *testing.T) {
	c, err := Load("", nil, []string{"SFVOPI_API_KEY_FILE=/run/key"})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Accounts[DefaultAccountName]; got.APIKeyFile != "/run/key" || !got.APIKey.IsZero() {
		t.Errorf("got %+v", got)
	}
}

func TestLoadReadsTheFile(t *testing.T) {
	c := mustLoad(t, `
# a comment
nats: {url: "nats://a:4222, tls://b:4222"}
provider:
  base_url: https://example.com/superfone/sfvopi/
  connect_timeout: 500ms
  ambiguous: retry
accounts:
  acme-west:
    api_key: 0123
    calls_per_second: 0.5
    defaults:
      ring_timeout: 30
      answer_url: https://example.com/answer?token=s3cret
  default: {api_key_file: /run/key, calls_per_second: 0}
retry:
  # nothing of it
streams:
  provision: false
  replicas: "3"
`)
	want := Default()
	want.NATS.URL = "nats://a:4222, tls://b:4222"
	want.Provider.BaseURL = "https://example.com/superfone"
	want.Provider.ConnectTimeout = 500 * time.Millisecond
	want.Provider.AmbiguousMode = "retry"
	acme := DefaultAccount()
	acme.APIKey = NewSecret("0123")
	acme.CallsPerSecond = 0.5
	acme.Defaults.RingTimeout = 30
	acme.Defaults.AnswerURL = CallbackURL{"https://example.com/answer?token=s3cret"}
	other := DefaultAccount()
	other.APIKeyFile = "/run/key"
	other.CallsPerSecond = 0
	want.Accounts = map[string]Account{"acme-west": acme, "default": other}
	want.Streams.Replicas, want.Streams.Provision = 3, false
	if !same(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	if got := fmt.Sprint(c.AccountNames()); got != "[acme-west default]" {
		t.Errorf("got %s", got)
	}
	if sorted := c.SortedAccounts(); sorted[0].Name != "acme-west" || sorted[0].APIKey != acme.APIKey || sorted[1].Name != "default" {
		t.Errorf("got %+v", sorted)
	}
}

func TestLoadAcceptsByteOrderMarkAndCRLF(t *testing.T) {
	c := mustLoad(t, "\ufeff"+strings.ReplaceAll(minimal, "\n", "\r\n"))
	if !same(c, valid()) {
		t.Errorf("got %+v", c)
	}
}

// A key is one line of text, however YAML would read it as a number, and in
// whatever style it is written.
func TestLoadKeepsScalarsAsWritten(t *testing.T) {
	for _, text := range []string{"0123", "1e3", "0x10", "1_000", ".inf", ".nan", "true", "-17", "2020-01-01", `"quoted"`, `'single'`, "|-\n      block", ">-\n      folded"} {
		c := mustLoad(t, "accounts:\n  default:\n    api_key: "+text+"\n")
		want := strings.Trim(strings.TrimLeft(text, "|>-\n "), `"'`)
		if strings.HasPrefix(text, "-") {
			want = text
		}
		if got := c.Accounts["default"].APIKey.Reveal(); got != want {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestLoadRejectsFile(t *testing.T) {
	for _, test := range []struct {
		name, data string
		want       []string
	}{
		{"unknown key", minimal + "retry:\n  max_dealy: 1m\n", []string{"ringonce.yaml:5: retry.max_dealy: unknown key; did you mean max_delay?"}},
		{"unknown key at the top", minimal + "acounts:\n  a: {api_key: b}\n", []string{"ringonce.yaml:4: acounts: unknown key; did you mean accounts?"}},
		{"nothing near", minimal + "xyz: 1\n", []string{"the valid keys here are nats, provider"}},
		{"unknown key of an account", minimal + "    apikey: x\n", []string{"ringonce.yaml:4: accounts.default.apikey: unknown key; did you mean api_key?"}},
		{"unknown deep key", minimal + "    defaults:\n      answerurl: x\n", []string{"accounts.default.defaults.answerurl"}},
		{"duplicate key", minimal + "http: {address: ':1'}\nhttp:\n  address: ':2'\n", []string{"ringonce.yaml:5: http: duplicates the key on line 4"}},
		{"duplicate leaf", minimal + "    api_key: other\n", []string{"ringonce.yaml:4: accounts.default.api_key: duplicates the key on line 3"}},
		{"duplicate account", minimal + "  default:\n    api_key: other\n", []string{"ringonce.yaml:4: accounts.default: duplicates the key on line 2"}},
		{"bare number", minimal + "shutdown_grace: 60\n", []string{`shutdown_grace: has no unit: "60"; add one`}},
		{"bare zero", minimal + "shutdown_grace: 0\n", []string{"has no unit"}},
		{"days", minimal + "records: {keep: 2d}\n", []string{"ringonce.yaml:4: records.keep: must be a duration"}},
		{"integer", minimal + "retry: {max_attempts: 1.5}\n", []string{"retry.max_attempts: must be a whole number"}},
		{"seconds with a unit", minimal + "    defaults: {ring_timeout: 60s}\n", []string{"write digits only, without a unit"}},
		{"number", minimal + "retry: {multiplier: two}\n", []string{"retry.multiplier: must be a number"}},
		{"boolean", minimal + "streams: {provision: yes}\n", []string{"streams.provision: must be true or false"}},
		{"null", minimal + "nats:\n  url:\n", []string{"ringonce.yaml:5: nats.url: has no value"}},
		{"tilde", minimal + "nats: {url: ~}\n", []string{"nats.url: has no value"}},
		{"mapping for a value", minimal + "nats:\n  url:\n    a: b\n", []string{"nats.url: must be a single value"}},
		{"value for a mapping", minimal + "nats: nats://x\n", []string{"nats: must be a mapping"}},
		{"value for an account", "accounts:\n  default: key\n", []string{"accounts.default: must be a mapping", "accounts.default.api_key: is missing"}},
		{"list", minimal + "nats:\n  url:\n  - a\n", []string{"ringonce.yaml:5: nats.url: must be a single value, not a list"}},
		{"flow list", minimal + "nats: {url: [a]}\n", []string{"nats.url: must be a single value, not a list"}},
		{"list for a mapping", minimal + "nats: [a]\n", []string{"nats: must be a mapping"}},
		{"list for a file", "- a: b\n", []string{"ringonce.yaml:1: the file must be a mapping"}},
		{"key of another section", minimal + "max_delay: 5m\n", []string{"ringonce.yaml:4: max_delay: unknown key; did you mean retry.max_delay?"}},
		{"key with a dot", minimal + "retry.max_delay: 5m\n", []string{`ringonce.yaml:4: "retry.max_delay": unknown key; did you mean retry.max_delay?`}},
		{"key with capitals", minimal + "    api-Key-File: /k\n", []string{"did you mean api_key_file?"}},
		{"duplicate key in quotes", minimal + "log: {level: info}\n\"log\": {level: warn}\n", []string{"ringonce.yaml:5: log: duplicates the key on line 4"}},
		{"UTF-16", "\xff\xfea\x00:\x00", []string{"ringonce.yaml:1: the file is UTF-16; save it as UTF-8"}},
		{"UTF-16 without a mark", "\x00a\x00:", []string{"ringonce.yaml:1: the file is UTF-16"}},
		{"unexpanded in braces", "accounts:\n  default: {api_key: ${KEY}}\n", []string{"ringonce.yaml:2: the file is not valid YAML: ',' or '}' must be specified; replace the placeholder in this line"}},
		{"template", "accounts:\n  default:\n    api_key: {{ .Key }}\n", []string{"ringonce.yaml:3: the file is not valid YAML: could not find flow map content; replace the placeholder"}},
		{"anchor", minimal + "http: &h {address: ':1'}\n", []string{"ringonce.yaml:4: http: must be a mapping, without tag, anchor or alias"}},
		{"alias", minimal + "http: *h\n", []string{"ringonce.yaml:4: http: must be a mapping, without tag, anchor or alias"}},
		{"merge", minimal + "http:\n  <<: {address: ':1'}\n", []string{`ringonce.yaml:5: http."<<": unknown key`}},
		{"tag", minimal + "shutdown_grace: !!str 60s\n", []string{"ringonce.yaml:4: shutdown_grace: must be a single value, not a list, mapping, tag"}},
		{"directive", "%YAML 1.2\n---\n" + minimal, []string{"ringonce.yaml:3: a second document begins here; write one document, without directives"}},
		{"complex key", minimal + "? http\n: {address: ':1'}\n", []string{`ringonce.yaml:4: "?": unknown key`}},
		{"two documents", minimal + "---\nhttp: {address: ':1'}\n", []string{"ringonce.yaml:5: a second document"}},
		{"text", "just text\n", []string{"the file must be a mapping"}},
		{"tab", "accounts:\n\tdefault:\n", []string{"ringonce.yaml:2: the line is indented with a tab; indent with spaces"}},
		{"tab after spaces", "accounts:\n  \tdefault:\n", []string{"ringonce.yaml:2: the line is indented with a tab"}},
		{"indent too far", "accounts:\n  default:\n    api_key: a\n     api_key_file: b\n", []string{"check indentation"}},
		{"indent too little", "accounts:\n   default:\n  api_key: a\n", []string{"ringonce.yaml:3: the file is not valid YAML"}},
		{"open quote", minimal + "http: {address: \":1}\n", []string{"the file is not valid YAML"}},
		{"no UTF-8", minimal + "# caf\xe9\n", []string{"ringonce.yaml:4: the file is not UTF-8"}},
		{"control character", minimal + `nats: {user: "a\u0007"}`, []string{"nats.user: contains a control character"}},
		{"line break", minimal + "nats:\n  url: |\n    nats://x:1\n", []string{"nats.url: ends in a line break"}},
		{"long value", minimal + "http: {address: " + strings.Repeat("x", 4097) + "}", []string{"http.address: is longer than 4096 bytes"}},
		{"too large", minimal + "#" + strings.Repeat("x", 1<<20), []string{"larger than 1048576 bytes"}},
		{"too deep", strings.Repeat("{a: ", 5_000), []string{"more than 16 levels of brackets"}},
		{"too many brackets", strings.Repeat("[", 50_000), []string{"more than 16 levels of brackets"}},
		{"too many keys", strings.Repeat("a: 1\n", 10_100), []string{"ringonce.yaml:10001: the file has more than 30000 tokens"}},
		{"too many commas", "{" + strings.Repeat(",", 31_000), []string{"more than 30000 tokens"}},
		{"account's name", "accounts:\n  Acme_1: {api_key: k}\n", []string{`accounts.Acme_1: is not an account name`}},
		{"account's long name", "accounts:\n  " + strings.Repeat("a", 33) + ": {api_key: k}\n", []string{"is not an account name"}},
		{"no account", "accounts:\nhttp: {address: ':1'}\n", []string{"accounts: no account is configured"}},
		{"empty account", "accounts:\n  default:\n", []string{"accounts.default.api_key: is missing"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantErrors(t, loadErrors(t, test.data), test.want...)
		})
	}
}

// Likely typing errors in a single value are rejected with their line.
func TestLoadRejectsTypingErrors(t *testing.T) {
	const quotes, placeholder, space = "has quotes around it", "contains an unexpanded placeholder", "begins or ends with a space"
	const host = "has a host that is neither a name nor an IP address"
	for _, group := range []struct {
		key    string
		values map[string]string
	}{
		{"accounts.a-b.api_key", map[string]string{
			`"abc"`: quotes, "`abc`": quotes, "“abc”": quotes, "„abc“": quotes, "«abc»": quotes,
			`"abc`: "begins or ends with a quote", `abc"`: "begins or ends with a quote", `"`: "begins or ends with a quote",
			"${KEY}": placeholder, "$KEY": placeholder, "$key": placeholder, "$(KEY)": placeholder, "abc${KEY}": placeholder,
			"{{ key }}": placeholder, "%KEY%": placeholder, "<your key>": placeholder,
			" abc": "contains a space", "Bearer abc": "contains a space", "abc\u00a0": "contains an invisible character", "abc\u200b": "contains an invisible character", "\ufeffabc": "contains an invisible character",
			"SFVOPI_API_KEY=abc": "begins with a name", "api_key:abc": "begins with a name",
		}},
		{"nats.token", map[string]string{`"t"`: quotes, "${TOKEN}": placeholder, "$TOKEN": placeholder}},
		{"provider.base_url", map[string]string{
			`"https://a"`: quotes, "https://${HOST}/x": placeholder, "https://$HOST/x": placeholder, " https://a": space, "https://a ": space,
			"http:/x": "has no host", "http://": "has no host", "https:///x": "has no host", "https://:80": "has no host",
			"a.example/x": "must begin with http:// or https://", "a:9380": "must begin with", "nats://a": "must begin with", "ftp://a": "must begin with",
			"https://a b": "is not a URL", "https://a/b c": "is not a URL", "https://a:b": "is not a URL", "https://a:1:2": "is not a URL", `https:\\a`: "is not a URL", "https://[::1": "is not a URL",
			"https://a:0": "has a port", "https://a:70000": "has a port", "https://a:": "has a port", "https://https://a": "has a port",
			"https://a..b": host, "https://-a": host, "https://1.2.3.400": host, "https://1.2.3": host, "https://a,b": host, "https://*.a": host, "https://<host>/x": host,
			"https://a?b": "must not have a query", "https://u:p@a": "contains user information",
			"https://a/sfvopi/calls":            `ends in "/sfvopi/calls", which is a path of the API; write https://a`,
			"https://a/superfone/sfvopi/calls/": `ends in "/sfvopi/calls", which is a path of the API; write https://a/superfone`,
			"https://a/x//SFVOPI/apps/1":        `ends in "//SFVOPI/apps/1", which is a path of the API; write https://a/x`,
		}},
		{"provider.proxy_url", map[string]string{"proxy:3128": "must begin with", "http://proxy:0": "has a port", "socks5://proxy:1": "must begin with", "${PROXY}": placeholder}},
		{"nats.url", map[string]string{
			`"nats://a"`: quotes, "$NATS_URL": placeholder, "nats://${HOST}:4222": placeholder,
			"http://a": "must begin with nats://", "tcp://a:4222": "must begin with nats://", "nats:/a": "has a port", "nats:a": "is not a URL",
			"nats://a:0": "has a port", "a:70000": "has a port", ":4222": "has no host", "4222": host, "nats://a;nats://b": host, "::1": host,
			"nats://a b": "is not a URL", "nats//a": "has a path, query or fragment", "nats://a:1/x": "has a path, query or fragment", "nats://a?x=y": "has a path, query or fragment",
			"nats://a,,http://b": "entry 2 is empty, entry 3 must begin with", "nats://a,wss://b": "mixes ws:// or wss://",
		}},
		{"http.address", map[string]string{
			"8080": "must be host:port", "http://:8080": "must be host:port", ":70000": `has port "70000"`, ":http": `has port "http"`, ":-1": `has port "-1"`,
			"a b:80": `has host "a b"`, "1.2.3.400:80": `has host "1.2.3.400"`, "*:80": `has host "*"`,
		}},
		{"accounts.a-b.defaults.answer_url", map[string]string{"example.com/a": "must begin with", "https://a:0/?t=s3cret": "has a port", "${HOOK}": placeholder, `"https://a"`: quotes}},
		{"provider.ca_file", map[string]string{"~/ca.pem": placeholder, "$HOME/ca.pem": placeholder, `"/ca.pem"`: quotes, "/ca.pem ": space, `%APPDATA%\ca.pem`: placeholder}},
		{"shutdown_grace", map[string]string{"1 minute": "must be a duration", "1d": "must be a duration", "60": "has no unit", "-45s": "must be more than 0", "0s": "must be more than 0", `"45s"`: quotes}},
		{"log.level", map[string]string{"DEBUG": `must be one of debug, info, warn, error, is "DEBUG"; did you mean debug?`, "trace": "must be one of"}},
	} {
		for value, want := range group.values {
			t.Run(group.key+"="+value, func(t *testing.T) {
				got := loadErrors(t, yamlOf(group.key, value))
				line := 1 + strings.Count(group.key, ".")
				wantErrors(t, got, fmt.Sprintf("ringonce.yaml:%d: %s: %s", line, group.key, want))
				got = loadErrors(t, accountAB, variable(group.key)+"="+value)
				wantErrors(t, got, fmt.Sprintf("%s: %s: %s", variable(group.key), group.key, want))
				if strings.Contains(got.Error(), "s3cret") || strings.Contains(got.Error(), "abc") {
					t.Errorf("a secret is printed: %v", got)
				}
			})
		}
	}
}

// Unusual but valid values are accepted.
func TestLoadAcceptsUnusualValues(t *testing.T) {
	for key, values := range map[string][]string{
		"nats.password":                    {"a${b}c", "$ecret", "p'", `x"y`, " p ", "100%A%"},
		"accounts.a-b.api_key":             {`x"y`, "a$b", "YWJj+/==", "sf_live.abc-1", "a:b"},
		"provider.base_url":                {"https://a", "https://a/", "https://a/sfvopi", "https://a/sfvopi/", "HTTPS://a_b.example:443/x", "http://[::1]:9380", "https://a/sfvopi-proxy", "https://a.b.", "https://exämple.com"},
		"nats.url":                         {"a", "a:4222", "127.0.0.1", "[::1]:4222", "NATS://a:4222/", "ws://a/path, wss://b:443"},
		"http.address":                     {":0", "127.0.0.1:0", "[::]:8080", "localhost:8080"},
		"accounts.a-b.defaults.answer_url": {"https://a/b?x=%E0%A4%B9&t=abc", "https://a/?x=%ABC%20%DEF_%20", "http://127.0.0.1:1/a#b"},
	} {
		for _, value := range values {
			mustLoad(t, accountAB+"nats: {user: u, password: p}\n", variable(key)+"="+value)
		}
	}
}

func TestLoadReportsEveryErrorAtOnce(t *testing.T) {
	got := loadErrors(t, `
nats: {url: http://x, bogus: 1}
retry: {initial_delay: 5, max_delay: 1s, multiplier: .nan}
records: {keep: 20h}
dead: {keep: 10h}
log: {level: loud}
log: {}
accounts:
  a: {api_key: x, api_key_file: y, concurrency: 0}
`, "RINGONCE_LOG_FORMAT=xml", "RINGONCE_LOGLEVEL=debug", "RINGONCE_STREAMS_REPLICAS=many")
	wantErrors(
		t, got,
		"ringonce.yaml:2: nats.bogus", "ringonce.yaml:2: nats.url: must begin with",
		"retry.initial_delay: has no unit", "retry.multiplier: must be a number",
		"records.keep: must be at least 25h0m45s, is 20h", "dead.keep: must be at least records.keep (20h), is 10h",
		"ringonce.yaml:6: log.level: must be one of", "ringonce.yaml:7: log: duplicates the key",
		"accounts.a.api_key_file: is set as well as accounts.a.api_key;", "accounts.a.concurrency",
		"RINGONCE_LOG_FORMAT: log.format: must be one of",
		"RINGONCE_LOGLEVEL: unknown variable; did you mean RINGONCE_LOG_LEVEL?",
		"RINGONCE_STREAMS_REPLICAS: streams.replicas: must be a whole number",
	)
}

// A value is not compared with one that could not be parsed.
func TestLoadDoesNotCompareUnparsedValues(t *testing.T) {
	wantErrors(t, loadErrors(t, minimal+"request: {max_age: 1 day}\nrecords: {keep: 2h}\n"), "request.max_age")
	wantErrors(t, loadErrors(t, minimal+"provider: {request_timeout: 600}\nshutdown_grace: 11s\n"), "provider.request_timeout")
	// A valid value of the environment is compared.
	wantErrors(t, loadErrors(t, minimal+"request: {max_age: 1 day}\nrecords: {keep: 2h}\n", "RINGONCE_REQUEST_MAX_AGE=24h"), "request.max_age: must be a duration", "records.keep: must be at least 25h0m45s")
}

func TestSampleLoads(t *testing.T) {
	data, err := os.ReadFile("ringonce.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	account := DefaultAccount()
	account.APIKeyFile = "/run/secrets/superfone_api_key"
	want.Accounts["default"] = account
	if c := mustLoad(t, string(data)); !same(c, want) {
		t.Errorf("the sample has the defaults, got %+v", c)
	}
	// As the sample says, the environment's key replaces its key file.
	account.APIKeyFile, account.APIKey = "", NewSecret("k3y")
	want.Accounts["default"] = account
	if c := mustLoad(t, string(data), "SFVOPI_API_KEY=k3y"); !same(c, want) {
		t.Errorf("got %+v", c)
	}
}

// Five hundred accounts with every key set are within the limits of a file.
func TestLoadManyAccounts(t *testing.T) {
	var b strings.Builder
	b.WriteString("accounts:\n")
	for i := range 500 {
		fmt.Fprintf(&b, "  a%d:\n    api_key: k\n    api_key_file: ''\n    calls_per_second: 1\n    concurrency: 1\n    defaults:\n", i)
		for _, key := range []string{"answer_method: POST", "ring_method: POST", "hangup_method: POST", "ring_timeout: 1", "call_time_limit: 1", "answer_url: ''", "ring_url: ''", "hangup_url: ''"} {
			fmt.Fprintf(&b, "      %s\n", key)
		}
	}
	if c := mustLoad(t, b.String()); len(c.Accounts) != 500 {
		t.Errorf("got %d accounts", len(c.Accounts))
	}
}

func TestListFormats(t *testing.T) {
	const accounts = "accounts: {a: {api_key: k}}\n"
	for file, want := range map[string][]string{
		"provider: {not_dialled: [Queue is full, \"Busy: try later\"]}\n":   {"Queue is full", "Busy: try later"},
		"provider:\n  not_dialled:\n    - Queue is full\n    # a comment\n": {"Queue is full"},
		"provider: {not_dialled: Queue is full}\n":                          {"Queue is full"},
		"provider: {not_dialled: []}\n":                                     nil,
		"provider: {not_dialled: \"\"}\n":                                   nil,
		"":                                                                  nil,
	} {
		if got := mustLoad(t, file+accounts).Provider.NotDialled; !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", file, got, want)
		}
	}
	for value, want := range map[string][]string{`Queue is full`: {"Queue is full"}, `["a, b","c"]`: {"a, b", "c"}, `[]`: nil} {
		if got := mustLoad(t, accounts, "RINGONCE_PROVIDER_NOT_DIALLED="+value).Provider.NotDialled; !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
	for file, want := range map[string]string{
		"[answer_url timeout]": "is about the answer webhook",
		"[Bad Webhook here]":   "is about the answer webhook",
		"[\"\"]":               "contains an empty message",
		"[[a]]":                "must be a single value",
		"{a: b}":               "must be a single value",
		"[null]":               "has no value",
		"'[a'":                 "is neither a string nor a JSON list",
	} {
		errs := loadErrors(t, "provider: {not_dialled: "+file+"}\n"+accounts)
		if len(errs) != 1 || errs[0].Key != "provider.not_dialled" || errs[0].Source.Line != 1 || !strings.Contains(errs[0].Rule, want) {
			t.Errorf("%s: %v, want %q", file, errs, want)
		}
	}
}
