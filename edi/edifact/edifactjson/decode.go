package edifactjson

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/internal/canon"
)

// Error is a mistake in JSON that cannot become EDIFACT.
type Error = canon.Error

// Build writes the EDIFACT of a stream of canonical JSON. It reads message by
// message, so its memory is that of the largest one. What was written before an error
// is no whole interchange.
func Build(w io.Writer, in io.Reader) error {
	b := &builder{w: bufio.NewWriterSize(w, 64<<10), in: json.NewDecoder(in)}
	b.in.DisallowUnknownFields()
	for {
		err := b.object()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return &Error{Offset: b.in.InputOffset(), Err: err}
		}
	}
	if err := b.w.Flush(); err != nil {
		return fmt.Errorf("writing EDIFACT: %w", err)
	}
	return nil
}

type builder struct {
	w       *bufio.Writer
	in      *json.Decoder
	delims  edifact.Delimiters
	charset edifact.Charset
	una     bool
	lineEnd string
	exact   bool
	control string // of UNB
	begun   bool   // an interchange's header is written
	groups  int
	loose   int // messages outside groups, or of the group at hand
	buf     []byte
}

// object reads one interchange, or noise.
func (b *builder) object() error {
	if err := canon.Delim(b.in, '{'); err != nil {
		return err
	}
	*b = builder{w: b.w, in: b.in, buf: b.buf}
	var head canon.Segment
	var unz *canon.Segment
	noise := false
	for b.in.More() {
		key, err := b.in.Token()
		if err != nil {
			return canon.Within(err)
		}
		switch key {
		case "noise":
			noise = true
			err = b.bytes()
		case "unb":
			err = b.in.Decode(&head)
		case "delimiters":
			err = b.delimiters()
		case "una":
			err = b.in.Decode(&b.una)
		case "line_end":
			if err = b.in.Decode(&b.lineEnd); err == nil && b.lineEnd != "\n" && b.lineEnd != "\r\n" && b.lineEnd != "" {
				err = fmt.Errorf("line end %q is none", b.lineEnd)
			}
		case "exact":
			err = b.in.Decode(&b.exact)
		case "messages":
			if err = b.header(head); err == nil {
				err = b.items(false)
			}
		case "unz":
			unz = &canon.Segment{}
			err = b.in.Decode(unz)
		default:
			err = fmt.Errorf("key %q is unknown: unb, delimiters, una, line_end, exact, messages, unz stand here", key)
		}
		if err != nil {
			return canon.Within(err)
		}
	}
	if err := canon.Within(canon.Delim(b.in, '}')); err != nil || noise {
		return err
	}
	if !b.begun {
		return errors.New("the interchange has no messages")
	}
	n := b.loose
	if b.groups > 0 {
		n = b.groups
	}
	if err := b.trailer(unz, "UNZ", n, b.control); err != nil || b.exact {
		return err
	}
	_, err := b.w.WriteString(b.lineEnd)
	return err
}

// bytes writes a string of base64 as what it means.
func (b *builder) bytes() error {
	var raw []byte
	if err := b.in.Decode(&raw); err != nil {
		return err
	}
	_, err := b.w.Write(raw)
	return err
}

func (b *builder) delimiters() error {
	var d struct{ Component, Element, Decimal, Release, Repetition, Terminator string }
	if err := b.in.Decode(&d); err != nil {
		return err
	}
	for _, m := range []struct {
		name, s string
		into    *byte
	}{{"component", d.Component, &b.delims.Component}, {"element", d.Element, &b.delims.Element}, {"decimal", d.Decimal, &b.delims.Decimal},
		{"release", d.Release, &b.delims.Release}, {"repetition", d.Repetition, &b.delims.Repetition}, {"terminator", d.Terminator, &b.delims.Terminator}} {
		r := []rune(m.s)
		if len(r) > 1 || len(r) == 1 && r[0] > 0xFF {
			return fmt.Errorf("%s %q is not one byte", m.name, m.s)
		}
		if len(r) == 1 {
			*m.into = byte(r[0])
		}
	}
	return nil
}

// header writes UNA and UNB.
func (b *builder) header(s canon.Segment) error {
	b.begun = true
	one, _, _ := strings.Cut(s.Element(1), canon.RepetitionMark)
	syntax, version, _ := strings.Cut(one, canon.ComponentMark)
	b.charset = written(edifact.Charset(syntax))
	b.control = first(s.Element(5))
	if b.delims == (edifact.Delimiters{}) {
		b.delims = edifact.DefaultDelimiters
		if version == "4" {
			b.delims = edifact.DefaultDelimiters4
		}
	}
	if s.Raw != nil {
		_, err := b.w.Write(s.Raw)
		return err
	}
	if err := b.delims.Validate(); err != nil {
		return err
	}
	if len(s.Elements) > 0 && s.Elements[0] != "UNB" {
		return fmt.Errorf("unb is %q, and UNB or [] is due before messages", s.Elements)
	}
	end := b.lineEnd
	if b.una {
		or := func(c, blank byte) byte {
			if c == 0 {
				return blank
			}
			return c
		}
		d := b.delims
		advice := append([]byte("UNA"), d.Component, d.Element, or(d.Decimal, '.'), or(d.Release, ' '), or(d.Repetition, ' '), d.Terminator)
		if _, err := b.w.Write(advice); err != nil {
			return err
		}
	} else {
		b.lineEnd = "" // the file begins with UNB
	}
	defer func() { b.lineEnd = end }()
	if len(s.Elements) == 0 {
		return nil
	}
	return b.write(s)
}

// items reads the array of messages and groups, or of the messages of one.
func (b *builder) items(inGroup bool) error {
	if err := canon.Delim(b.in, '['); err != nil {
		return err
	}
	for b.in.More() {
		if err := b.item(inGroup); err != nil {
			return err
		}
	}
	return canon.Delim(b.in, ']')
}

func (b *builder) item(inGroup bool) error {
	if err := canon.Delim(b.in, '{'); err != nil {
		return err
	}
	key, err := b.in.Token()
	if err != nil {
		return err
	}
	if key == "package" {
		b.loose++
		if err := b.bytes(); err != nil {
			return err
		}
		return canon.Delim(b.in, '}')
	}
	if key != "ung" && key != "unh" && key != "security" && key != "stray" {
		return fmt.Errorf("key %q stands first where unh, ung, package, security or stray is due", key)
	}
	var head canon.Segment
	if err := b.in.Decode(&head); err != nil {
		return err
	}
	if tag := strings.ToUpper(key.(string)); len(tag) == 3 && head.Raw == nil && head.Element(0) != tag {
		return fmt.Errorf("segment %q stands where %s is due", head.Elements, tag)
	}
	if err := b.write(head); err != nil {
		return err
	}
	switch key {
	case "ung":
		if inGroup {
			return errors.New("a group stands in a group")
		}
		return b.group(head)
	case "unh":
		b.loose++
		return b.message(head)
	}
	return canon.Delim(b.in, '}')
}

func (b *builder) group(head canon.Segment) error {
	outer := b.loose
	b.loose = 0
	var une *canon.Segment
	for b.in.More() {
		key, err := b.in.Token()
		if err != nil {
			return err
		}
		switch key {
		case "messages":
			err = b.items(true)
		case "une":
			une = &canon.Segment{}
			err = b.in.Decode(une)
		default:
			err = fmt.Errorf("key %q is unknown in a group", key)
		}
		if err != nil {
			return err
		}
	}
	if err := canon.Delim(b.in, '}'); err != nil {
		return err
	}
	n := b.loose
	b.loose = outer
	b.groups++
	return b.trailer(une, "UNE", n, first(head.Element(5)))
}

// first is the first component of a value, as readers take a reference.
func first(v string) string {
	if i := strings.IndexAny(v, canon.ComponentMark+canon.RepetitionMark); i >= 0 {
		return v[:i]
	}
	return v
}

func (b *builder) message(head canon.Segment) error {
	n := 1
	var unt *canon.Segment
	for b.in.More() {
		key, err := b.in.Token()
		if err != nil {
			return err
		}
		switch key {
		case "segments":
			if err := canon.Delim(b.in, '['); err != nil {
				return err
			}
			for b.in.More() {
				var s canon.Segment
				if err := b.in.Decode(&s); err != nil {
					return err
				}
				if err := b.write(s); err != nil {
					return err
				}
				n++
			}
			err = canon.Delim(b.in, ']')
		case "unt":
			unt = &canon.Segment{}
			err = b.in.Decode(unt)
		default:
			err = fmt.Errorf("key %q is unknown in a message", key)
		}
		if err != nil {
			return err
		}
	}
	if err := canon.Delim(b.in, '}'); err != nil {
		return err
	}
	return b.trailer(unt, "UNT", n+1, first(head.Element(1)))
}

// trailer writes what is counted, or what the JSON says instead.
func (b *builder) trailer(given *canon.Segment, tag string, n int, control string) error {
	switch {
	case given == nil:
		return b.write(canon.Segment{Elements: []string{tag, strconv.Itoa(n), control}})
	case given.Raw == nil && len(given.Elements) == 0:
		return nil
	}
	return b.write(*given)
}

func (b *builder) write(s canon.Segment) error {
	if s.Raw != nil {
		_, err := b.w.Write(s.Raw)
		return err
	}
	if !canon.IsTag(s.Element(0)) {
		return fmt.Errorf("segment %q has no tag of letters and digits", s.Elements)
	}
	b.buf = append(append(b.buf[:0], b.lineEnd...), s.Elements[0]...)
	for i, v := range s.Elements[1:] {
		b.buf = append(b.buf, b.delims.Element)
		var err error
		if b.buf, err = b.delims.AppendValue(b.buf, v, b.charset); err != nil {
			return fmt.Errorf("%s-%02d: %w", s.Elements[0], i+1, err)
		}
	}
	b.buf = append(b.buf, b.delims.Terminator)
	_, err := b.w.Write(b.buf)
	return err
}
