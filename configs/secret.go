package configs

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what a secret shows, whoever asks.
const redacted = "<redacted>"

// A Secret is a password, key or token that cannot be printed by mistake: every
// way of formatting, encoding or logging it gives "<redacted>". The zero Secret
// is not set.
type Secret struct {
	// A pointer, because fmt calls no method on an unexported field of another
	// struct and would print the text itself; of a pointer it prints the address.
	value *string
}

// NewSecret holds text as a secret.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal gives the secret itself, "" where it is not set.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// String implements [fmt.Stringer].
func (s Secret) String() string { return redacted }

// Format implements [fmt.Formatter], for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) {
	// fmt gives no way to tell of a failed write.
	_, _ = io.WriteString(f, redacted)
}

// MarshalText implements [encoding.TextMarshaler], for JSON too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalYAML implements yaml.Marshaler.
func (s Secret) MarshalYAML() (any, error) { return redacted, nil }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
