package configs

import (
	"fmt"
	"io"
	"strings"
)

const hidden = "(hidden)"

// Secret is a text that is never printed: not by fmt, whatever the verb, not by
// log/slog, not as YAML or JSON. Only Reveal gives it away. The zero value is
// no secret.
type Secret struct{ text string }

// NewSecret wraps text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal is the text itself, for the one place that sends it.
func (s Secret) Reveal() string { return s.text }

// IsZero says that there is no secret.
func (s Secret) IsZero() bool { return s.text == "" }

// String is "(hidden)", or nothing if there is no secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return hidden
}

// Format prints String for every verb; %#v and %q are no way round it.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText is what log/slog and every encoding prints.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// CallbackURL is the address of a webhook. The provider does not sign its
// webhooks, so operators put a secret token into the query; printed, by
// whatever means, the query is replaced by "(hidden)". The zero value is none.
type CallbackURL struct{ text string }

// Reveal is the whole address, for the provider alone.
func (u CallbackURL) Reveal() string { return u.text }

// String is the address without its query and fragment. An address that is not
// an acceptable URL is hidden altogether: its secret may stand anywhere.
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

// MarshalText is what log/slog and every encoding prints.
func (u CallbackURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }
