package configs

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// minimal is the smallest valid file.
const minimal = "accounts:\n  default:\n    api_key: k3y\n"

// valid returns the configuration of minimal, built without Load.
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

// errorsOf requires err to be a ValidationErrors that is not empty.
func errorsOf(t *testing.T, err error) ValidationErrors {
	t.Helper()
	var errs ValidationErrors
	if !errors.As(err, &errs) || len(errs) == 0 {
		t.Fatalf("want ValidationErrors, got %T: %v", err, err)
	}
	for _, e := range errs {
		if e.Rule == "" || e.Fix == "" || strings.ContainsAny(e.String(), "\n\r") {
			t.Errorf("an error has a rule and a fix on one line, got %q", e)
		}
	}
	return errs
}

// loadErrors requires the file and the environment to be rejected.
func loadErrors(t *testing.T, data string, environ ...string) ValidationErrors {
	t.Helper()
	_, err := Load("ringonce.yaml", []byte(data), environ)
	return errorsOf(t, err)
}

// wantErrors requires exactly these errors, each given by a part of it.
func wantErrors(t *testing.T, got ValidationErrors, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("want %d errors %q, got %d:\n%v", len(want), want, len(got), got)
	}
	for _, part := range want {
		if !slices.ContainsFunc(got, func(e ValidationError) bool { return strings.Contains(e.String(), part) }) {
			t.Errorf("no error has %q in:\n%v", part, got)
		}
	}
}

// allKeys returns the keys outside of accounts, and those of one account with the
// given prefix.
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

// textOf returns the value of a key.
func textOf(t *testing.T, c Config, key string) string {
	t.Helper()
	for _, s := range c.allSettings() {
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
	for _, s := range c.allSettings() {
		environ = append(environ, variable(s.key)+"="+s.text())
	}
	return environ
}

// same compares the values of two configurations, not their sources.
func same(a, b Config) bool {
	a.sources, b.sources = nil, nil
	return reflect.DeepEqual(a, b)
}
