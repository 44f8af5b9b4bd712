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

// leafKeys are the keys of a configuration struct, found by its YAML tags and
// so without the table that the package itself uses.
func leafKeys(t reflect.Type, prefix string) []string {
	var keys []string
	for i := range t.NumField() {
		field := t.Field(i)
		tag := field.Tag.Get("yaml")
		switch {
		case !field.IsExported() || field.Type.Kind() == reflect.Map:
		case isSection(field.Type):
			keys = append(keys, leafKeys(field.Type, prefix+tag+".")...)
		default:
			keys = append(keys, prefix+tag)
		}
	}
	return keys
}

func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[Secret]() && t != reflect.TypeFor[CallbackURL]()
}

// allKeys are the leaf keys outside of accounts, and those of one account with
// the prefix given.
func allKeys(accountPrefix string) []string {
	return append(leafKeys(reflect.TypeFor[Config](), ""), leafKeys(reflect.TypeFor[Account](), accountPrefix)...)
}

// leafValue is the field behind a key, found by YAML tags.
func leafValue(v reflect.Value, key string) reflect.Value {
	name, rest, nested := strings.Cut(key, ".")
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") != name {
			continue
		}
		if nested {
			return leafValue(v.Field(i), rest)
		}
		return v.Field(i)
	}
	return reflect.Value{}
}

// environOf writes a configuration as variables, every key of it.
func environOf(c Config) []string {
	var environ []string
	add := func(v reflect.Value, prefix string) {
		for _, key := range leafKeys(v.Type(), "") {
			environ = append(environ, variable(prefix+key)+"="+reveal(leafValue(v, key).Interface()))
		}
	}
	add(reflect.ValueOf(c), "")
	for name, account := range c.Accounts {
		add(reflect.ValueOf(account), "accounts."+name+".")
	}
	return environ
}

func reveal(value any) string {
	switch value := value.(type) {
	case Secret:
		return value.Reveal()
	case CallbackURL:
		return value.Reveal()
	default:
		pointer := reflect.New(reflect.TypeOf(value))
		pointer.Elem().Set(reflect.ValueOf(value))
		return show(pointer.Interface())
	}
}

// same compares what two configurations say, not where they got it from.
func same(a, b Config) bool {
	a.origins, b.origins = nil, nil
	return reflect.DeepEqual(a, b)
}
