package simhttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Strict decodes one JSON document and refuses members that the contract does not have.
func Strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one document")
	}
	return nil
}
