package carrierdoc

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/paklog/hub/core/fault"
)

// Invalid is a document that says something else than it must at place.
func Invalid(op, place, format string, args ...any) error {
	return fault.At(op, fault.Invalid, place, fmt.Errorf(format, args...))
}

// Decode reads a carrier's answer; its errors are Invalid, with the place.
func Decode(op string, body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return Invalid(op, t.Field, "the carrier sent a %s there", t.Value)
	}
	if err != nil {
		return Invalid(op, "", "reading the carrier's answer: %w", err)
	}
	return nil
}

// Image is the printable bytes of a label that came as base64.
func Image(encoded Text) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(string(encoded))
	if err != nil {
		return nil, fmt.Errorf("label image is not base64: %w", err)
	}
	if len(b) == 0 {
		return nil, errors.New("label image is empty")
	}
	return b, nil
}

// Place is the named parts of an address in one line.
func Place(parts ...Text) string {
	var named []string
	for _, p := range parts {
		if p != "" {
			named = append(named, string(p))
		}
	}
	return strings.Join(named, ", ")
}
