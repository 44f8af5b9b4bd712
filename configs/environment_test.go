package configs

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
)

// otherValues are valid values that differ from the defaults and from each other,
// with the variables that they depend on.
var otherValues = map[string]struct{ value, context string }{
	"nats.url":                              {value: "tls://broker:4333"},
	"nats.credentials_file":                 {value: "/c"},
	"nats.user":                             {value: "u", context: "RINGONCE_NATS_PASSWORD=p"},
	"nats.password":                         {value: "p w", context: "RINGONCE_NATS_USER=u"},
	"nats.password_file":                    {value: "/p", context: "RINGONCE_NATS_USER=u"},
	"nats.token":                            {value: "t"},
	"nats.token_file":                       {value: "/t"},
	"nats.nkey_file":                        {value: "/n"},
	"nats.domain":                           {value: "hub"},
	"nats.tls.ca_file":                      {value: "/ca"},
	"nats.tls.cert_file":                    {value: "/cert", context: "RINGONCE_NATS_TLS_KEY_FILE=/key"},
	"nats.tls.key_file":                     {value: "/key", context: "RINGONCE_NATS_TLS_CERT_FILE=/cert"},
	"provider.base_url":                     {value: "http://127.0.0.1:9090/x"},
	"provider.connect_timeout":              {value: "4s"},
	"provider.request_timeout":              {value: "20s"},
	"provider.ambiguous":                    {value: "retry"},
	"provider.not_dialled":                  {value: `["Queue is full","Busy, try later"]`},
	"provider.proxy_url":                    {value: "http://proxy:3128"},
	"provider.ca_file":                      {value: "/pca"},
	"retry.initial_delay":                   {value: "1.5s"},
	"retry.multiplier":                      {value: "1.5"},
	"retry.max_delay":                       {value: "10m"},
	"retry.max_attempts":                    {value: "3"},
	"request.max_age":                       {value: "12h"},
	"request.numbers":                       {value: "assigned"},
	"records.keep":                          {value: "48h"},
	"dead.keep":                             {value: "100h"},
	"streams.replicas":                      {value: "3"},
	"streams.max_urgent_mib":                {value: "7"},
	"streams.max_normal_mib":                {value: "8"},
	"streams.max_bulk_mib":                  {value: "0"},
	"streams.provision":                     {value: "false"},
	"http.address":                          {value: "127.0.0.1:0"},
	"shutdown_grace":                        {value: "1m"},
	"log.level":                             {value: "debug"},
	"log.format":                            {value: "json"},
	"accounts.a-b.api_key":                  {value: "other"},
	"accounts.a-b.api_key_file":             {value: "/k"},
	"accounts.a-b.calls_per_second":         {value: "0.25"},
	"accounts.a-b.concurrency":              {value: "7"},
	"accounts.a-b.min_share":                {value: "0.1"},
	"accounts.a-b.defaults.answer_url":      {value: "https://h/a?t=1"},
	"accounts.a-b.defaults.ring_url":        {value: "https://h/r?t=1"},
	"accounts.a-b.defaults.hangup_url":      {value: "https://h/h?t=1"},
	"accounts.a-b.defaults.answer_method":   {value: "GET"},
	"accounts.a-b.defaults.ring_method":     {value: "GET"},
	"accounts.a-b.defaults.hangup_method":   {value: "GET"},
	"accounts.a-b.defaults.ring_timeout":    {value: "45"},
	"accounts.a-b.defaults.call_time_limit": {value: "600"},
}

const accountAB = "accounts:\n  a-b:\n    api_key: k3y\n"

// Every setting can be set by its variable, and by its key in the file; the
// variable wins.
func TestEveryKeyFromFileAndEnvironment(t *testing.T) {
	for _, key := range allKeys("accounts.a-b.") {
		t.Run(key, func(t *testing.T) {
			other, ok := otherValues[key]
			if !ok {
				t.Fatal("otherValues has no value for this key")
			}
			base := mustLoad(t, accountAB)
			name := "RINGONCE_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
			environ := []string{name + "=" + other.value}
			if other.context != "" {
				environ = append(environ, other.context)
			}
			fromEnvironment := mustLoad(t, accountAB, environ...)
			if got := textOf(t, fromEnvironment, key); got != other.value {
				t.Errorf("%s: got %q, want %q", name, got, other.value)
			}
			if textOf(t, base, key) == textOf(t, fromEnvironment, key) {
				t.Error("the value is the default: this proves nothing")
			}
			if got := fromEnvironment.sources[key]; got != (Source{Variable: name}) {
				t.Errorf("source: got %v", got)
			}

			file := yamlOf(key, other.value)
			if other.context != "" {
				environ = environ[1:]
			} else {
				environ = nil
			}
			fromFile := mustLoad(t, file, environ...)
			if got := textOf(t, fromFile, key); got != other.value {
				t.Errorf("file: got %q, want %q", got, other.value)
			}
			if got := fromFile.sources[key]; got.File != "ringonce.yaml" || got.Line == 0 {
				t.Errorf("source: got %v", got)
			}
			// The value of the file, overridden by the variable.
			overridden := textOf(t, base, key)
			if overridden == "" || key == "accounts.a-b.api_key" {
				return
			}
			both := mustLoad(t, yamlOf(key, overridden), append(environ, name+"="+other.value)...)
			if got := textOf(t, both, key); got != other.value {
				t.Errorf("both: got %q, want %q", got, other.value)
			}
		})
	}
}

// yamlOf returns a file with one key set, and an account.
func yamlOf(key, value string) string {
	var b strings.Builder
	for i, part := range strings.Split(key, ".") {
		if i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(strings.Repeat("  ", i) + part + ":")
	}
	b.WriteString(" '" + value + "'\n")
	switch {
	case !strings.HasPrefix(key, "accounts."):
		b.WriteString(accountAB)
	case !strings.Contains(key, "api_key"):
		b.WriteString("    api_key: k3y\n")
	}
	return b.String()
}

// Each field has one entry in the tables, and each default is valid.
func TestTableHasEveryField(t *testing.T) {
	c, a := Config{}, Account{}
	for _, table := range []struct {
		fields   map[any]string
		settings []setting
	}{{fieldsOf(reflect.ValueOf(&c).Elem(), ""), c.settings()}, {fieldsOf(reflect.ValueOf(&a).Elem(), ""), a.settings()}} {
		for _, s := range table.settings {
			if _, ok := table.fields[s.target]; !ok {
				t.Errorf("%s: the field is not of this struct, or has two entries", s.key)
			}
			delete(table.fields, s.target)
			if p := s.parse(s.defaultValue); p != nil {
				t.Errorf("%s: the default %s", s.key, p.rule)
			}
			if p := s.check(); p != nil {
				t.Errorf("%s: the default %s", s.key, p.rule)
			}
			if kind := reflect.TypeOf(s.target).Elem().Kind(); (kind == reflect.Int || kind == reflect.Float64) && s.rule.max == 0 && s.rule.choices == nil {
				t.Errorf("%s: a number has bounds", s.key)
			}
		}
		for _, name := range table.fields {
			t.Errorf("no entry for the field %s", name)
		}
	}
}

// fieldsOf returns the names of the fields that hold a value, by pointer.
func fieldsOf(v reflect.Value, prefix string) map[any]string {
	fields := map[any]string{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		switch {
		case !field.IsExported() || field.Type.Kind() == reflect.Map:
		case field.Type.Kind() == reflect.Struct && !field.Type.Implements(reflect.TypeFor[fmt.Formatter]()):
			maps.Copy(fields, fieldsOf(v.Field(i), prefix+field.Name+"."))
		default:
			fields[v.Field(i).Addr().Interface()] = prefix + field.Name
		}
	}
	return fields
}

// keyOfVariable may take the first reading of a variable because there is only one.
func TestAccountVariablesHaveOneReading(t *testing.T) {
	a := Account{}
	for _, one := range a.settings() {
		for _, other := range a.settings() {
			name := strings.TrimPrefix(variable(one.key), "RINGONCE_")
			if strings.HasSuffix(name, strings.TrimPrefix(variable(other.key), "RINGONCE")) {
				t.Errorf("%s of one account is %s of another", one.key, other.key)
			}
		}
	}
	// And no two keys at all share a variable.
	seen := map[string]string{}
	for _, key := range allKeys("accounts.a.") {
		if before, ok := seen[variable(key)]; ok {
			t.Errorf("%s and %s share %s", before, key, variable(key))
		}
		seen[variable(key)] = key
	}
}

func TestShortNames(t *testing.T) {
	values := map[string]string{}
	for name, key := range shortNames {
		values[name] = otherValues[strings.Replace(key, "accounts.default", "accounts.a-b", 1)].value
	}
	for name, key := range shortNames {
		file := minimal
		c := mustLoad(t, file, name+"="+values[name])
		if got := c.sources[key]; got.Variable != name {
			t.Errorf("%s: source %v", name, got)
		}
		got := textOf(t, c, key)
		if got != values[name] {
			t.Errorf("%s: got %q, want %q", name, got, values[name])
		}
	}
}

func TestSystematicNameBeatsShortName(t *testing.T) {
	for _, environ := range [][]string{
		{"NATS_URL=nats://short:1", "RINGONCE_NATS_URL=nats://long:1"},
		{"RINGONCE_NATS_URL=nats://long:1", "NATS_URL=nats://short:1"},
	} {
		if c := mustLoad(t, minimal, environ...); c.NATS.URL != "nats://long:1" {
			t.Errorf("got %s", c.NATS.URL)
		}
	}
	if c := mustLoad(t, minimal, "RINGONCE_HTTP_ADDRESS=:1", "RINGONCE_HTTP_ADDR=:2"); c.HTTP.Address != ":1" {
		t.Errorf("got %s", c.HTTP.Address)
	}
}

func TestLastOfEqualNamesWins(t *testing.T) {
	if c := mustLoad(t, minimal, "RINGONCE_LOG_LEVEL=warn", "RINGONCE_LOG_LEVEL=debug"); c.Log.Level != "debug" {
		t.Errorf("got %s", c.Log.Level)
	}
}

func TestEnvironmentRejected(t *testing.T) {
	acme := "accounts:\n  acme: {api_key: k}\n"
	for _, test := range []struct {
		name, file string
		environ    []string
		want       []string
	}{
		{"unknown", minimal, []string{"RINGONCE_RETRY_MAXDELAY=1m"}, []string{"did you mean RINGONCE_RETRY_MAX_DELAY?"}},
		{"unknown, nothing near", minimal, []string{"RINGONCE_X=1"}, []string{"docs/configuration.md"}},
		{"unknown, with control characters", minimal, []string{"RINGONCE_\r\n\x1b[1m=1"}, []string{`"RINGONCE_\r\n\x1b[1m": unknown variable`}},
		{"unknown key of an account", acme, []string{"RINGONCE_ACCOUNTS_ACME_CONCURENCY=1"}, []string{"did you mean RINGONCE_ACCOUNTS_ACME_CONCURRENCY?"}},
		{"no account's name", minimal, []string{"RINGONCE_ACCOUNTS_API_KEY=secr3t"}, []string{"unknown variable"}},
		{"lower case", minimal, []string{"RINGONCE_ACCOUNTS_acme_API_KEY=secr3t"}, []string{"unknown variable"}},
		{"name with a dash", acme, []string{"RINGONCE_ACCOUNTS_AC-ME_API_KEY=secr3t"}, []string{"unknown variable"}},
		{"account not in the file", acme, []string{"RINGONCE_ACCOUNTS_ACEM_API_KEY=secr3t"}, []string{`accounts.acem.api_key: the file defines accounts, but not "acem"`}},
		{"default not in the file", acme, []string{"SFVOPI_API_KEY=secr3t"}, []string{`SFVOPI_API_KEY: accounts.default.api_key: the file defines accounts, but not "default"`}},
		{"account without a key", "", []string{"RINGONCE_ACCOUNTS_A_CONCURRENCY=3"}, []string{"accounts.a.api_key: is missing"}},
		{"two spellings of a key", "", []string{"SFVOPI_API_KEY=secr3t", "SFVOPI_API_KEY_FILE=/k"}, []string{"SFVOPI_API_KEY_FILE: accounts.default.api_key_file: is set as well as accounts.default.api_key;"}},
		{"empty key", minimal, []string{"SFVOPI_API_KEY="}, []string{"accounts.default.api_key: is missing"}},
		{"key with a line break", minimal, []string{"SFVOPI_API_KEY=secr3t\n"}, []string{"ends in a line break"}},
		{"key with a space", minimal, []string{"SFVOPI_API_KEY=secr3t x"}, []string{"SFVOPI_API_KEY: accounts.default.api_key: contains a space"}},
		{"two ways to authenticate", minimal + "nats: {token: secr3t}\n", []string{"NATS_CREDS_FILE=/c"}, []string{"nats.credentials_file (NATS_CREDS_FILE), nats.token (ringonce.yaml:4)"}},
		{"empty number", minimal, []string{"RINGONCE_STREAMS_REPLICAS="}, []string{"streams.replicas: is empty; set a value, or remove it to use the default, 1"}},
		{"empty duration", minimal, []string{"RINGONCE_RETRY_MAX_DELAY="}, []string{"RINGONCE_RETRY_MAX_DELAY: retry.max_delay: is empty"}},
		{"quoted number", minimal, []string{`RINGONCE_RETRY_MAX_ATTEMPTS="3"`}, []string{"retry.max_attempts: has quotes around it"}},
		{"number with a space", minimal, []string{"RINGONCE_RETRY_MAX_ATTEMPTS=3 "}, []string{"retry.max_attempts: begins or ends with a space"}},
		{"name in lower case", minimal, []string{"ringonce_log_level=debug"}, []string{"ringonce_log_level: unknown variable; did you mean RINGONCE_LOG_LEVEL?"}},
		{"name of the file", minimal, []string{"RINGONCE_CONFIG=a.yaml", "RINGONCE_CONFIGS=a.yaml"}, []string{"RINGONCE_CONFIGS: unknown variable; did you mean RINGONCE_CONFIG?"}},
		{"empty URL", minimal, []string{"NATS_URL="}, []string{"NATS_URL: nats.url: is empty"}},
		{"port that only looks like a service's", minimal, []string{"RINGONCE_HTTP_PORT=80"}, []string{"RINGONCE_HTTP_PORT: unknown variable"}},
		{"broken file and environment", "a: [", []string{"RINGONCE_X=1", "SFVOPI_API_KEY=secr3t"}, []string{"the file is not valid YAML", "RINGONCE_X"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := loadErrors(t, test.file, test.environ...)
			wantErrors(t, got, test.want...)
			if strings.Contains(got.Error(), "secr3t") {
				t.Errorf("a secret is printed: %v", got)
			}
		})
	}
}

// The flag overrides the environment, in which the last of equal names wins.
func TestFilePath(t *testing.T) {
	for _, test := range []struct {
		flag    string
		environ []string
		want    string
	}{
		{"", nil, ""},
		{"", []string{"RINGONCE_CONFIG="}, ""},
		{"", []string{"RINGONCE_CONFIGURATION=b", "RINGONCE_CONFIG=a", "RINGONCE_CONFIG=b=c"}, "b=c"},
		{"a", []string{"RINGONCE_CONFIG=b"}, "a"},
	} {
		if got := FilePath(test.flag, test.environ); got != test.want {
			t.Errorf("%q, %q: got %q", test.flag, test.environ, got)
		}
	}
}

func TestEnvironmentCreatesAccountsIfTheFileHasNone(t *testing.T) {
	c := mustLoad(t, "http: {address: ':1'}\n", "RINGONCE_ACCOUNTS_ACME_WEST_API_KEY=k", "RINGONCE_ACCOUNTS_ACME_WEST_CONCURRENCY=3", "SFVOPI_API_KEY_FILE=/k")
	if names := strings.Join(c.AccountNames(), " "); names != "acme-west default" {
		t.Fatalf("got %s", names)
	}
	if a := c.Accounts["acme-west"]; a.Concurrency != 3 || a.CallsPerSecond != 10 {
		t.Errorf("got %+v", a)
	}
}

func TestEnvironmentClearsAndReplaces(t *testing.T) {
	file := "provider: {proxy_url: 'http://p:1'}\nnats: {user: u, password_file: /p}\naccounts:\n  default: {api_key: k}\n"
	c := mustLoad(t, file, "RINGONCE_PROVIDER_PROXY_URL=", "RINGONCE_NATS_PASSWORD=pw", "SFVOPI_API_KEY_FILE=/k")
	if c.Provider.ProxyURL != "" {
		t.Errorf("proxy: got %q", c.Provider.ProxyURL)
	}
	if c.NATS.Password.Reveal() != "pw" || c.NATS.PasswordFile != "" {
		t.Errorf("password: got file %q", c.NATS.PasswordFile)
	}
	if a := c.Accounts["default"]; !a.APIKey.IsZero() || a.APIKeyFile != "/k" {
		t.Errorf("key: got %+v", a)
	}
	// Clearing one of the two keys keeps the other one of the file.
	c = mustLoad(t, "accounts:\n  default: {api_key_file: /k}\n", "SFVOPI_API_KEY=")
	if a := c.Accounts["default"]; a.APIKeyFile != "/k" {
		t.Errorf("key: got %+v", a)
	}
}

// The variables that Kubernetes sets for a Service are ignored; RINGONCE_HTTP_PORT
// is rejected above.
func TestServiceLinksAreIgnored(t *testing.T) {
	c := mustLoad(
		t, minimal,
		"RINGONCE_SERVICE_HOST=10.0.0.1", "RINGONCE_SERVICE_PORT=8080", "RINGONCE_SERVICE_PORT_HTTP=8080",
		"RINGONCE_PORT=tcp://10.0.0.1:8080", "RINGONCE_PORT_8080_TCP=tcp://10.0.0.1:8080", "RINGONCE_PORT_8080_TCP_PROTO=tcp",
		"RINGONCE_METRICS_SERVICE_HOST=10.0.0.2", "RINGONCE_METRICS_PORT_9090_TCP_ADDR=10.0.0.2",
		"RINGONCE_LOG_LEVEL=warn",
	)
	if c.Log.Level != "warn" {
		t.Errorf("got %s", c.Log.Level)
	}
}
