package ups

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/ship"
)

func invalid(op, place, format string, args ...any) error {
	return fault.At(op, fault.Invalid, place, fmt.Errorf(format, args...))
}

func decode(op string, body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return invalid(op, t.Field, "UPS sent a %s there", t.Value)
	}
	if err != nil {
		return invalid(op, "", "reading UPS's answer: %w", err)
	}
	return nil
}

// ReadError finds the code and the words of a UPS error document. All of
// several errors are told; the code is the first one's.
func ReadError(body []byte) (string, string) {
	var doc struct {
		Response struct {
			Errors list[struct{ Code, Message text }]
		}
	}
	if json.Unmarshal(body, &doc) != nil || len(doc.Response.Errors) == 0 {
		return "", ""
	}
	errs := doc.Response.Errors
	words := make([]string, 0, len(errs))
	for _, e := range errs[:min(len(errs), 10)] {
		words = append(words, strings.TrimSpace(string(e.Message)))
	}
	return string(errs[0].Code), strings.Join(words, "; ")
}

// image is the printable bytes of a label.
func image(format, graphic text) (ship.Format, []byte, error) {
	f := ship.Format(strings.ToUpper(string(format)))
	switch f {
	case ship.ZPL, ship.PDF, ship.PNG, ship.GIF:
	default:
		return "", nil, fmt.Errorf("label format is %q", format)
	}
	b, err := base64.StdEncoding.DecodeString(string(graphic))
	if err != nil {
		return "", nil, fmt.Errorf("label image is not base64: %w", err)
	}
	if len(b) == 0 {
		return "", nil, errors.New("label image is empty")
	}
	return f, b, nil
}
