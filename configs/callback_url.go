package configs

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// CallbackURL is the address of a webhook. The provider does not sign its
// webhooks, so operators put a secret token into the query; printed, by
// whatever means, the query is replaced by "(hidden)". The zero value is none.
type CallbackURL struct {
	text string
}

// NewCallbackURL wraps text, which is not checked before Validate.
func NewCallbackURL(text string) CallbackURL { return CallbackURL{text} }

// Reveal is the whole address, for the provider alone.
func (u CallbackURL) Reveal() string { return u.text }

// IsZero says that there is no address.
func (u CallbackURL) IsZero() bool { return u.text == "" }

// String is the address without its query and fragment. An address that is not
// an acceptable URL is hidden altogether: nobody knows where its secret stands.
func (u CallbackURL) String() string {
	if u.IsZero() {
		return ""
	}
	if checkHTTPURL(u.text) != nil {
		return hidden
	}
	cut := strings.IndexAny(u.text, "?#")
	if cut < 0 {
		return u.text
	}
	return u.text[:cut+1] + hidden
}

// Format prints String for every verb.
func (u CallbackURL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// LogValue is what log/slog prints.
func (u CallbackURL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalYAML is what stands in a dump of the configuration.
func (u CallbackURL) MarshalYAML() (any, error) { return u.String(), nil }

// MarshalText is what JSON and other encodings print.
func (u CallbackURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }
