package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// secretive returns a configuration with every secret set.
func secretive() Config {
	c := valid()
	c.NATS.Password, c.NATS.Token = NewSecret("s3cret"), NewSecret("s3cret")
	a := c.Accounts["default"]
	a.APIKey = NewSecret("s3cret")
	callback := CallbackURL{"https://host.example/path?token=s3cret#s3cret"}
	a.Defaults.AnswerURL, a.Defaults.RingURL, a.Defaults.HangupURL = callback, callback, callback
	c.Accounts["default"] = a
	return c
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	c := secretive()
	a := c.Accounts["default"]
	values := map[string]any{
		"secret": a.APIKey, "pointer": &a.APIKey, "url": a.Defaults.AnswerURL, "url pointer": &a.Defaults.AnswerURL,
		"account": a, "nats": c.NATS, "config": c, "config pointer": &c, "sorted": c.SortedAccounts(), "settings": c.Settings(),
		"map": map[Secret]CallbackURL{a.APIKey: a.Defaults.AnswerURL},
	}
	for name, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %[1]v"} {
			wantHidden(t, name+" "+verb, fmt.Sprintf(verb, value))
		}
		wantHidden(t, name+" Sprint", fmt.Sprint(value))
		wantHidden(t, name+" error", fmt.Errorf("with %v", value).Error())
		for form, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b bytes.Buffer
			slog.New(handler(&b)).Info("loaded", "value", value)
			wantHidden(t, name+" slog "+form, b.String())
		}
		if name == "map" {
			continue // goccy/go-yaml takes no struct as a key
		}
		dump, err := yaml.Marshal(value)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wantHidden(t, name+" yaml", string(dump))
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wantHidden(t, name+" json", string(text))
	}
}

func wantHidden(t *testing.T, how, printed string) {
	t.Helper()
	for _, form := range []string{"s3cret", fmt.Sprintf("%x", "s3cret"), fmt.Sprintf("%X", "s3cret"), "[115 51 99 114 101 116]"} {
		if strings.Contains(printed, form) {
			t.Errorf("%s: prints the secret: %s", how, printed)
		}
	}
	inHex := fmt.Sprintf("%x", hidden)
	if !strings.Contains(printed, hidden) && !strings.Contains(strings.ToLower(printed), inHex) {
		t.Errorf("%s: %q does not replace it: %s", how, hidden, printed)
	}
}

func TestRevealReturnsTheText(t *testing.T) {
	a := secretive().Accounts["default"]
	if a.APIKey.Reveal() != "s3cret" || a.Defaults.RingURL.Reveal() != "https://host.example/path?token=s3cret#s3cret" {
		t.Error("Reveal hides")
	}
}

func TestCallbackURLString(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"https://a/b":                    "https://a/b",
		"https://a/b?c=d":                "https://a/b?(hidden)",
		"https://a/b#c?d":                "https://a/b#(hidden)",
		"https://user:pass@a/b":          "(hidden)",
		"s3cret":                         "(hidden)",
		"https://a/%zz":                  "(hidden)",
		"https://a:99999/answer?token=x": "(hidden)",
	} {
		if got := (CallbackURL{text}).String(); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestUnsetSecretShowsNothing(t *testing.T) {
	if got := fmt.Sprintf("%v%+v%#v%s", Secret{}, CallbackURL{}, Secret{}, CallbackURL{}); got != "" {
		t.Errorf("got %q", got)
	}
}

// Syntax errors contain none of the text of the file.
func TestSyntaxErrorsContainNoSecret(t *testing.T) {
	for _, value := range []string{
		"|s3cret", ">s3cret\n", "@s3cret", "`s3cret", "!s3cret", "!<s3cret", "&s3cret", "*s3cret", "[s3cret", "{s3cret",
		"\"s3cret", "'s3cret", "a: s3cret", "\"\\s3cret\"", "s3cret: b: c", "- s3cret", "? s3cret", "\"\\xs3cret\"", "|9s3cret", "s3cret\n   x: y",
	} {
		data := "accounts:\n  default:\n    api_key: " + value + "\n"
		_, err := Load("ringonce.yaml", []byte(data), nil)
		if err == nil {
			t.Errorf("%q: is accepted", value)
			continue
		}
		if got := errorsOf(t, err); strings.Contains(got.Error(), "s3cret") {
			t.Errorf("%q: prints it: %v", value, got)
		}
	}
}
