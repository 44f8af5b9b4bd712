package configs

import (
	"fmt"
	"io"
	"strings"
)

const hidden = "(hidden)"

// Secret is a text that is never printed: not by fmt, whatever the verb, not by
// log/slog, not as YAML or JSON. Only Reveal returns it. The zero value is no
// secret.
type Secret struct{ text string }

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text, for the one place that sends it.
func (s Secret) Reveal() string { return s.text }

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.text == "" }

// String returns "(hidden)", or nothing if there is no secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return hidden
}

// Format prints String for every verb, %#v and %q included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns what log/slog and every encoding prints.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// CallbackURL is the address of a webhook. The provider does not sign its
// webhooks, so operators put a secret token into the query, which is always
// printed as "(hidden)". The zero value is no address.
type CallbackURL struct{ text string }

// Reveal returns the whole address, for the provider alone.
func (u CallbackURL) Reveal() string { return u.text }

// String returns the address without query and fragment. An address that is not
// a valid URL is hidden as a whole: its secret may be anywhere.
func (u CallbackURL) String() string {
	if u.text != "" && checkHTTPURL(u.text) != nil {
		return hidden
	}
	if cut := strings.IndexAny(u.text, "?#"); cut >= 0 {
		return u.text[:cut+1] + hidden
	}
	return u.text
}

// Format prints String for every verb.
func (u CallbackURL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// MarshalText returns what log/slog and every encoding prints.
func (u CallbackURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }
