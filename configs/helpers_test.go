package configs

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// minimal is the smallest file that loads.
const minimal = "accounts:\n  default:\n    api_key: k3y\n"

// valid is the configuration of minimal, built without Load.
func valid() Config {
	c := Default()
	account := DefaultAccount()
	account.APIKey = NewSecret("k3y")
	c.Accounts["default"] = account
	return c
}

func mustLoad(t *testing.T, data string, environ ...string) Config {
	t.Helper()
	c, err := Load("ringonce.yaml", []byte(data), environ)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

// mistakesOf demands that err is a Mistakes with something in it.
func mistakesOf(t *testing.T, err error) Mistakes {
	t.Helper()
	var mistakes Mistakes
	if !errors.As(err, &mistakes) || len(mistakes) == 0 {
		t.Fatalf("want Mistakes, got %T: %v", err, err)
	}
	for _, m := range mistakes {
		if m.Rule == "" || m.Fix == "" || strings.ContainsAny(m.String(), "\n\r") {
			t.Errorf("a mistake names a rule and a fix on one line, got %q", m)
		}
	}
	return mistakes
}

// loadMistakes demands that the file and the environment are refused.
func loadMistakes(t *testing.T, data string, environ ...string) Mistakes {
	t.Helper()
	_, err := Load("ringonce.yaml", []byte(data), environ)
	return mistakesOf(t, err)
}

// wantMistakes demands exactly these mistakes, each given by a part of it.
func wantMistakes(t *testing.T, got Mistakes, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("want %d mistakes %q, got %d:\n%v", len(want), want, len(got), got)
	}
	for _, part := range want {
		if !slices.ContainsFunc(got, func(m Mistake) bool { return strings.Contains(m.String(), part) }) {
			t.Errorf("no mistake has %q in:\n%v", part, got)
		}
	}
}

// allKeys are the keys outside of accounts, and those of one account with the
// prefix given.
func allKeys(accountPrefix string) []string {
	var keys []string
	for _, s := range new(Config).settings() {
		keys = append(keys, s.key)
	}
	for _, s := range new(Account).settings() {
		keys = append(keys, accountPrefix+s.key)
	}
	return keys
}

// textOf is the value of a key.
func textOf(t *testing.T, c Config, key string) string {
	t.Helper()
	for _, s := range c.all() {
		if s.key == key {
			return s.text()
		}
	}
	t.Fatalf("there is no key %s", key)
	return ""
}

// environOf writes a configuration as variables, every key of it.
func environOf(c Config) []string {
	var environ []string
	for _, s := range c.all() {
		environ = append(environ, variable(s.key)+"="+s.text())
	}
	return environ
}

// same compares what two configurations say, not where they got it from.
func same(a, b Config) bool {
	a.origins, b.origins = nil, nil
	return reflect.DeepEqual(a, b)
}
