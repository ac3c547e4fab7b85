// Package canon is what the canonical JSON of EDI formats shares: how a segment
// and its values stand in it.
package canon

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"unicode/utf8"
)

// Marks between components and repetitions in a [Segment]'s values.
const (
	ComponentMark  = "\x1f"
	RepetitionMark = "\x1e"
)

// Error is a mistake in JSON that cannot become EDI. Offset is where the value
// that holds it ends, in bytes of the stream.
type Error struct {
	Offset int64
	Err    error
}

func (e *Error) Error() string {
	return fmt.Sprintf("JSON up to byte %d: %v", e.Offset, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Delim reads the delimiter want.
func Delim(in *json.Decoder, want json.Delim) error {
	t, err := in.Token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("%v stands where %v is due", t, want)
	}
	return nil
}

// Within turns the end of the stream inside a value into an error of its own.
func Within(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// AppendBase64 appends b as a JSON string of base64.
func AppendBase64(dst, b []byte) []byte {
	dst = base64.StdEncoding.AppendEncode(append(dst, '"'), b)
	return append(dst, '"')
}

const hex = "0123456789abcdef"

// AppendText appends v as a JSON string. Bytes that are not UTF-8 are taken for
// ISO 8859-1.
func AppendText(dst, v []byte) []byte {
	b := append(dst, '"')
	plain := true
	for _, c := range v {
		plain = plain && c >= ' ' && c < 0x7F && c != '"' && c != '\\'
	}
	if plain {
		b = append(b, v...)
		return append(b, '"')
	}
	valid := utf8.Valid(v)
	for _, c := range v {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c == 0x7F:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < 0x80 || valid:
			b = append(b, c)
		default:
			b = utf8.AppendRune(b, rune(c))
		}
	}
	return append(b, '"')
}

// IsTag reports whether s can be a segment's tag: letters and digits.
func IsTag[T string | []byte](s T) bool {
	for i := range len(s) {
		if c := s[i]; c-'0' > 9 && c|0x20-'a' > 25 {
			return false
		}
	}
	return len(s) > 0
}

// Segment is a segment as JSON has it: its tag and elements, marks between
// components and repetitions, or its bytes.
type Segment struct {
	Elements []string
	Raw      []byte // nil where the values count
	// Single says that the bytes that changed values stood for were no UTF-8.
	Single bool
}

// sum tells whether values are still those that a segment's bytes stood for.
func (s *Segment) sum() string {
	return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(strings.Join(s.Elements, "\x1d"))))
}

// AppendRaw makes of the array at dst[at:] an object that has the segment's bytes
// beside it, and the sum of its values: who changes these has them written.
func AppendRaw(dst []byte, at int, raw []byte) []byte {
	var s Segment
	_ = s.UnmarshalJSON(dst[at:]) // an encoder wrote it
	dst = append(dst, `{"seg":`...)
	copy(dst[at+len(`{"seg":`):], dst[at:])
	copy(dst[at:], `{"seg":`)
	dst = append(append(dst, `,"sum":"`...), s.sum()...)
	return append(AppendBase64(append(dst, `","raw":`...), raw), '}')
}

// Element is the n-th one, "" where there is none; the tag is the 0th.
func (s *Segment) Element(n int) string {
	if len(s.Elements) > 0 && n < len(s.Elements) {
		return s.Elements[n]
	}
	return ""
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *Segment) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '{' {
		var o struct {
			Seg json.RawMessage `json:"seg"`
			Sum string          `json:"sum"`
			Raw *string         `json:"raw"`
		}
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		if err := d.Decode(&o); err != nil {
			return err
		}
		if o.Raw == nil {
			return errors.New("a segment of this form has raw")
		}
		raw, err := base64.StdEncoding.DecodeString(*o.Raw)
		if err != nil {
			return err
		}
		if s.Raw = raw; raw == nil {
			s.Raw = []byte{}
		}
		if len(o.Seg) == 0 {
			return nil
		}
		var inner Segment
		if err := inner.UnmarshalJSON(o.Seg); err != nil {
			return err
		}
		s.Elements = inner.Elements
		switch {
		case o.Sum == "":
			return errors.New("a segment has seg and raw without sum: take raw away to have the values of seg written, or seg to have the bytes of raw")
		case o.Sum != s.sum(): // the values were changed
			s.Raw, s.Single = nil, !utf8.Valid(raw)
		}
		return nil
	}
	if s.Elements = plain(data); s.Elements != nil {
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	s.Elements = make([]string, 0, len(list))
	for _, e := range list {
		v, err := value(e, true)
		if err != nil {
			return err
		}
		s.Elements = append(s.Elements, v)
	}
	return nil
}

// plain are the elements of an array of strings without escapes, as nearly all segments
// are, in one copy; nil is anything else, which is left to the standard library.
func plain(data []byte) []string {
	if len(data) < 2 || data[0] != '[' {
		return nil
	}
	n := 0
	for i, c := range data {
		switch {
		case c == '"':
			n++
		case c < ' ' || c >= utf8.RuneSelf || c == '\\' || c == '[' && i > 0:
			return nil
		}
	}
	text := string(data[1:])
	values := make([]string, 0, n/2)
	for {
		if text[0] != '"' {
			return nil
		}
		end := strings.IndexByte(text[1:], '"')
		if end < 0 || end+2 == len(text) {
			return nil
		}
		values = append(values, text[1:end+1])
		text = text[end+2:]
		switch {
		case text == "]":
			return values
		case text[0] != ',' || len(text) < 2:
			return nil
		}
		text = text[1:]
	}
}

// value reads a string, an array of components, or repetitions of these.
func value(data json.RawMessage, repeats bool) (string, error) {
	switch {
	case len(data) > 0 && data[0] == '[':
		var parts []string
		if err := json.Unmarshal(data, &parts); err != nil {
			return "", err
		}
		return strings.Join(parts, ComponentMark), nil
	case len(data) > 0 && data[0] == '{' && repeats:
		var r struct {
			Repeat []json.RawMessage `json:"repeat"`
		}
		if err := json.Unmarshal(data, &r); err != nil {
			return "", err
		}
		var parts []string
		for _, e := range r.Repeat {
			v, err := value(e, false)
			if err != nil {
				return "", err
			}
			parts = append(parts, v)
		}
		return strings.Join(parts, RepetitionMark), nil
	}
	var v string
	err := json.Unmarshal(data, &v)
	return v, err
}
