package configs

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func readSample(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The reference shows every key, and the defaults. Its one account needs a key.
func TestReferenceEqualsDefaults(t *testing.T) {
	c := mustLoad(t, readSample(t, "reference.yaml"))
	want := Default()
	account := DefaultAccount()
	account.APIKeyFile = "/run/secrets/superfone_api_key"
	want.Accounts["default"] = account
	if !same(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestReferenceNamesEveryKey(t *testing.T) {
	var file map[string]any
	if err := yaml.Unmarshal([]byte(readSample(t, "reference.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	got := keysIn(file, "")
	want := allKeys("accounts.default.")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func keysIn(section map[string]any, prefix string) []string {
	var keys []string
	for name, value := range section {
		if inner, ok := value.(map[string]any); ok {
			keys = append(keys, keysIn(inner, prefix+name+".")...)
			continue
		}
		keys = append(keys, prefix+name)
	}
	return keys
}

var tableRow = regexp.MustCompile("(?m)^\\| `([a-z_.<>]+)` \\| (?:`([^`]*)` )?\\| (`RINGONCE_[^|]*) \\| .+ \\|$")

// The documentation's table has every key, once, in the reference's order, with
// its default and all of its names in the environment.
func TestDocumentationNamesEveryKey(t *testing.T) {
	type row struct{ key, value, variables string }
	var got, want []row
	for _, match := range tableRow.FindAllStringSubmatch(readSample(t, "../docs/configuration.md"), -1) {
		got = append(got, row{match[1], match[2], match[3]})
	}
	defaults, account := Default(), DefaultAccount()
	for _, key := range documentedOrder() {
		var value any
		systematic := variable(key)
		short := key
		if rest, ok := strings.CutPrefix(key, "accounts.<name>."); ok {
			value = leafValue(reflect.ValueOf(account), rest).Interface()
			systematic = "RINGONCE_ACCOUNTS_<NAME>_" + strings.TrimPrefix(variable(rest), "RINGONCE_")
			short = ""
		} else {
			value = leafValue(reflect.ValueOf(defaults), key).Interface()
		}
		variables := "`" + systematic + "`"
		for name, of := range shortNames {
			if of == short {
				variables += ", `" + name + "`"
			}
		}
		want = append(want, row{key, reveal(value), variables})
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// documentedOrder puts the account's keys where the struct has its accounts.
func documentedOrder() []string {
	keys := leafKeys(reflect.TypeFor[Config](), "")
	accounts := leafKeys(reflect.TypeFor[Account](), "accounts.<name>.")
	at := slices.Index(keys, "retry.initial_delay")
	return slices.Insert(keys, at, accounts...)
}

func TestDocumentationNamesEveryShortName(t *testing.T) {
	text := readSample(t, "../docs/configuration.md")
	for name, key := range shortNames {
		if row := "| `" + name + "` | `" + key + "` |"; !strings.Contains(text, row) {
			t.Errorf("no row %s", row)
		}
	}
}
