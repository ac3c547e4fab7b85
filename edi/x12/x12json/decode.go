package x12json

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/paklog/hub/edi/x12"
)

// Error is a mistake in JSON that cannot become X12. Offset is where the value
// that holds it ends, in bytes of the stream.
type Error struct {
	Offset int64
	Err    error
}

func (e *Error) Error() string {
	return fmt.Sprintf("JSON up to byte %d: %v", e.Offset, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Build writes the X12 of a stream of canonical JSON. It reads set by set, so
// its memory is that of the largest set. What was written before an error is no
// whole interchange.
func Build(w io.Writer, in io.Reader) error {
	b := &builder{w: bufio.NewWriterSize(w, 64<<10), in: json.NewDecoder(in)}
	b.in.DisallowUnknownFields()
	for {
		err := b.object()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			var already *Error
			if errors.As(err, &already) {
				return err
			}
			return &Error{b.in.InputOffset(), err}
		}
	}
	if err := b.w.Flush(); err != nil {
		return fmt.Errorf("writing X12: %w", err)
	}
	return nil
}

type builder struct {
	w       *bufio.Writer
	in      *json.Decoder
	delims  x12.Delimiters
	term    string
	lineEnd string
	exact   bool
	isa     string
	groups  int
	buf     []byte
}

func (b *builder) delim(want json.Delim) error {
	t, err := b.in.Token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("%v stands where %v is due", t, want)
	}
	return nil
}

// within turns the end of the stream inside a value into an error of its own.
func within(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// object reads one interchange, or noise.
func (b *builder) object() error {
	if err := b.delim('{'); err != nil {
		return err
	}
	*b = builder{w: b.w, in: b.in, buf: b.buf}
	var head seg
	var iea *seg
	begun := false
	for b.in.More() {
		key, err := b.in.Token()
		if err != nil {
			return within(err)
		}
		switch key {
		case "noise":
			var raw []byte
			if err := b.in.Decode(&raw); err != nil {
				return within(err)
			}
			if _, err := b.w.Write(raw); err != nil {
				return err
			}
			begun = true
			b.exact = true // nothing follows
		case "isa":
			err = b.in.Decode(&head)
		case "delimiters":
			err = b.delimiters()
		case "line_end":
			if err = b.in.Decode(&b.lineEnd); err == nil && b.lineEnd != "\n" && b.lineEnd != "\r\n" && b.lineEnd != "" {
				err = fmt.Errorf("line end %q is none", b.lineEnd)
			}
		case "exact":
			err = b.in.Decode(&b.exact)
		case "groups":
			if err = b.header(head); err == nil {
				err = b.items(false)
			}
			begun = true
		case "iea":
			iea = &seg{}
			err = b.in.Decode(iea)
		default:
			err = fmt.Errorf("key %q is unknown: isa, delimiters, line_end, exact, groups, iea stand here", key)
		}
		if err != nil {
			return within(err)
		}
	}
	if err := within(b.delim('}')); err != nil {
		return err
	}
	if !begun {
		return errors.New("the interchange has no groups")
	}
	if b.isa == "" {
		return nil // noise
	}
	if err := b.trailer(iea, "IEA", b.groups, b.isa); err != nil {
		return err
	}
	if b.exact {
		return nil
	}
	_, err := b.w.WriteString(b.lineEnd)
	return err
}

func (b *builder) delimiters() error {
	var d struct{ Element, Component, Repetition, Terminator string }
	if err := b.in.Decode(&d); err != nil {
		return err
	}
	one := func(name, s string) (byte, error) {
		if len([]rune(s)) > 1 || len(s) > 0 && []rune(s)[0] > 0xFF {
			return 0, fmt.Errorf("%s %q is not one byte", name, s)
		}
		if s == "" {
			return 0, nil
		}
		return byte([]rune(s)[0]), nil
	}
	var errs [4]error
	b.term = d.Terminator
	if d.Terminator == "\r\n" {
		d.Terminator = "\n"
	}
	b.delims.Element, errs[0] = one("element", d.Element)
	b.delims.Component, errs[1] = one("component", d.Component)
	b.delims.Repetition, errs[2] = one("repetition", d.Repetition)
	b.delims.Terminator, errs[3] = one("terminator", d.Terminator)
	if b.term != "\r\n" {
		b.term = string([]byte{b.delims.Terminator})
	}
	return errors.Join(errs[:]...)
}

func (b *builder) header(s seg) error {
	if b.delims == (x12.Delimiters{}) {
		b.delims, b.term = x12.DefaultDelimiters, "~"
		if n := len(s.elements); n == 17 && len(s.elements[16]) > 0 {
			b.delims.Component = s.elements[16][0]
		}
	}
	if s.raw == nil {
		if err := b.delims.Validate(); err != nil {
			return err
		}
		if len(s.elements) != 17 || s.elements[0] != "ISA" {
			return fmt.Errorf("isa is %q, and ISA and 16 elements are due before groups", s.elements)
		}
	}
	if len(s.elements) > 13 {
		b.isa = strings.TrimRight(s.elements[13], " ")
	}
	if b.isa == "" {
		b.isa = "0"
	}
	if s.raw != nil {
		_, err := b.w.Write(s.raw)
		return err
	}
	b.buf = append(b.buf[:0], "ISA"...)
	for i, v := range s.elements[1:] {
		if len(v) > isaSizes[i] {
			return fmt.Errorf("ISA-%02d %q is longer than %d", i+1, v, isaSizes[i])
		}
		if i < 15 && i != 10 && strings.ContainsFunc(v, b.separates) {
			return fmt.Errorf("ISA-%02d %q holds a delimiter", i+1, v)
		}
		b.buf = append(b.buf, b.delims.Element)
		b.buf = append(b.buf, v...)
		for n := len(v); n < isaSizes[i]; n++ {
			b.buf = append(b.buf, ' ')
		}
	}
	b.buf = append(b.buf, b.term...)
	_, err := b.w.Write(b.buf)
	return err
}

func (b *builder) separates(r rune) bool {
	d := b.delims
	return r < 0x100 && r != 0 && (byte(r) == d.Element || byte(r) == d.Terminator || byte(r) == d.Component || byte(r) == d.Repetition)
}

// items reads the array of groups, or of the sets of one.
func (b *builder) items(inGroup bool) error {
	if err := b.delim('['); err != nil {
		return err
	}
	sets := 0
	for b.in.More() {
		n, err := b.item(inGroup)
		if err != nil {
			return within(err)
		}
		sets += n
	}
	if !inGroup {
		return b.delim(']')
	}
	b.groups = sets
	return b.delim(']')
}

// item reads a group, a set, a TA1 or a stray segment; n is 1 for what counts.
func (b *builder) item(inGroup bool) (n int, err error) {
	if err := b.delim('{'); err != nil {
		return 0, err
	}
	key, err := b.in.Token()
	if err != nil {
		return 0, err
	}
	var head seg
	if key != "gs" && key != "st" && key != "ta1" && key != "stray" {
		return 0, fmt.Errorf("key %q stands first where gs, st, ta1 or stray is due", key)
	}
	if err := b.in.Decode(&head); err != nil {
		return 0, err
	}
	if tag := strings.ToUpper(key.(string)); (key == "gs" || key == "st") && head.raw == nil && (len(head.elements) == 0 || head.elements[0] != tag) {
		return 0, fmt.Errorf("segment %q stands where %s is due", head.elements, tag)
	}
	if err := b.write(head); err != nil {
		return 0, err
	}
	switch key {
	case "gs":
		if inGroup {
			return 0, errors.New("a group stands in a group")
		}
		return 0, b.group(head)
	case "st":
		return 1, b.set(head)
	}
	return 0, b.delim('}')
}

func (b *builder) group(head seg) error {
	outer := b.groups
	b.groups = 0
	var ge *seg
	for b.in.More() {
		key, err := b.in.Token()
		if err != nil {
			return err
		}
		switch key {
		case "sets":
			err = b.items(true)
		case "ge":
			ge = &seg{}
			err = b.in.Decode(ge)
		default:
			err = fmt.Errorf("key %q is unknown in a group", key)
		}
		if err != nil {
			return err
		}
	}
	if err := b.delim('}'); err != nil {
		return err
	}
	sets := b.groups
	b.groups = outer + 1
	return b.trailer(ge, "GE", sets, head.element(6))
}

func (b *builder) set(head seg) error {
	n := 1
	var se *seg
	for b.in.More() {
		key, err := b.in.Token()
		if err != nil {
			return err
		}
		switch key {
		case "segments":
			if err := b.delim('['); err != nil {
				return err
			}
			for b.in.More() {
				var s seg
				if err := b.in.Decode(&s); err != nil {
					return err
				}
				if err := b.write(s); err != nil {
					return err
				}
				n++
			}
			err = b.delim(']')
		case "se":
			se = &seg{}
			err = b.in.Decode(se)
		default:
			err = fmt.Errorf("key %q is unknown in a set", key)
		}
		if err != nil {
			return err
		}
	}
	if err := b.delim('}'); err != nil {
		return err
	}
	return b.trailer(se, "SE", n+1, head.element(2))
}

// trailer writes what is counted, or what the JSON says instead.
func (b *builder) trailer(given *seg, tag string, n int, control string) error {
	if given == nil {
		return b.write(seg{elements: []string{tag, strconv.Itoa(n), control}})
	}
	if given.raw == nil && len(given.elements) == 0 {
		return nil
	}
	return b.write(*given)
}

func (b *builder) write(s seg) error {
	if s.raw != nil {
		_, err := b.w.Write(s.raw)
		return err
	}
	if len(s.elements) == 0 || !isTag(s.elements[0]) {
		return fmt.Errorf("segment %q has no tag of letters and digits", s.elements)
	}
	b.buf = append(b.buf[:0], b.lineEnd...)
	for i, v := range s.elements {
		if i > 0 {
			b.buf = append(b.buf, b.delims.Element)
		}
		for j := range len(v) {
			c := v[j]
			switch {
			case c == x12.ComponentMark[0] && b.delims.Component != 0:
				c = b.delims.Component
			case c == x12.RepetitionMark[0] && b.delims.Repetition != 0:
				c = b.delims.Repetition
			case c != 0 && (c == b.delims.Element || c == b.delims.Terminator || c == b.delims.Component || c == b.delims.Repetition):
				return fmt.Errorf("%s-%02d %q holds the delimiter %q", s.elements[0], i, v, c)
			}
			b.buf = append(b.buf, c)
		}
	}
	b.buf = append(b.buf, b.term...)
	_, err := b.w.Write(b.buf)
	return err
}

func isTag[T string | []byte](s T) bool {
	for i := range len(s) {
		if c := s[i]; c-'0' > 9 && c|0x20-'a' > 25 {
			return false
		}
	}
	return len(s) > 0
}

// seg is a segment as JSON has it: its tag and elements, marks between
// components and repetitions, or its bytes.
type seg struct {
	elements []string
	raw      []byte
}

// element is the n-th one, "" where there is none.
func (s *seg) element(n int) string {
	if len(s.elements) > 0 && n < len(s.elements) {
		return s.elements[n]
	}
	return ""
}

func (s *seg) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '{' {
		var o struct {
			Seg json.RawMessage `json:"seg"`
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
		if s.raw = raw; raw == nil {
			s.raw = []byte{}
		}
		if len(o.Seg) == 0 {
			return nil
		}
		var inner seg
		err = inner.UnmarshalJSON(o.Seg)
		s.elements = inner.elements
		return err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	s.elements = make([]string, 0, len(list))
	for _, e := range list {
		v, err := value(e, true)
		if err != nil {
			return err
		}
		s.elements = append(s.elements, v)
	}
	return nil
}

// value reads a string, an array of components, or repetitions of these.
func value(data json.RawMessage, repeats bool) (string, error) {
	switch {
	case len(data) > 0 && data[0] == '[':
		var parts []string
		if err := json.Unmarshal(data, &parts); err != nil {
			return "", err
		}
		return strings.Join(parts, x12.ComponentMark), nil
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
		return strings.Join(parts, x12.RepetitionMark), nil
	}
	var v string
	err := json.Unmarshal(data, &v)
	return v, err
}
