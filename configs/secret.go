package configs

import (
	"fmt"
	"io"
	"log/slog"
)

const hidden = "(hidden)"

// Secret is a text that is never printed: not by fmt, whatever the verb, not by
// log/slog, not as YAML or JSON. Only Reveal gives it away. The zero value is
// no secret.
type Secret struct {
	text string
}

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

// LogValue is what log/slog prints.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalYAML is what stands in a dump of the configuration.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// MarshalText is what JSON and other encodings print.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
