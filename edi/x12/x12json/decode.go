package x12json

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/paklog/hub/edi/internal/canon"
	"github.com/paklog/hub/edi/x12"
)

// Error is a mistake in JSON that cannot become X12.
type Error = canon.Error

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
			return &Error{Offset: b.in.InputOffset(), Err: err}
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

// object reads one interchange, or noise.
func (b *builder) object() error {
	if err := canon.Delim(b.in, '{'); err != nil {
		return err
	}
	*b = builder{w: b.w, in: b.in, buf: b.buf}
	var head canon.Segment
	var iea *canon.Segment
	begun := false
	for b.in.More() {
		key, err := b.in.Token()
		if err != nil {
			return canon.Within(err)
		}
		switch key {
		case "noise":
			var raw []byte
			if err := b.in.Decode(&raw); err != nil {
				return canon.Within(err)
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
			iea = &canon.Segment{}
			err = b.in.Decode(iea)
		default:
			err = fmt.Errorf("key %q is unknown: isa, delimiters, line_end, exact, groups, iea stand here", key)
		}
		if err != nil {
			return canon.Within(err)
		}
	}
	if err := canon.Within(canon.Delim(b.in, '}')); err != nil {
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

func (b *builder) header(s canon.Segment) error {
	if b.delims == (x12.Delimiters{}) {
		b.delims, b.term = x12.DefaultDelimiters, "~"
		if n := len(s.Elements); n == 17 && len(s.Elements[16]) > 0 {
			b.delims.Component = s.Elements[16][0]
		}
	}
	if s.Raw == nil {
		if err := b.delims.Validate(); err != nil {
			return err
		}
		if len(s.Elements) != 17 || s.Elements[0] != "ISA" {
			return fmt.Errorf("isa is %q, and ISA and 16 elements are due before groups", s.Elements)
		}
	}
	if len(s.Elements) > 13 {
		b.isa = strings.TrimRight(s.Elements[13], " ")
	}
	if b.isa == "" {
		b.isa = "0"
	}
	if s.Raw != nil {
		_, err := b.w.Write(s.Raw)
		return err
	}
	b.buf = append(b.buf[:0], "ISA"...)
	for i, v := range s.Elements[1:] {
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
	if err := canon.Delim(b.in, '['); err != nil {
		return err
	}
	sets := 0
	for b.in.More() {
		n, err := b.item(inGroup)
		if err != nil {
			return canon.Within(err)
		}
		sets += n
	}
	if !inGroup {
		return canon.Delim(b.in, ']')
	}
	b.groups = sets
	return canon.Delim(b.in, ']')
}

// item reads a group, a set, a TA1 or a stray segment; n is 1 for what counts.
func (b *builder) item(inGroup bool) (n int, err error) {
	if err := canon.Delim(b.in, '{'); err != nil {
		return 0, err
	}
	key, err := b.in.Token()
	if err != nil {
		return 0, err
	}
	var head canon.Segment
	if key != "gs" && key != "st" && key != "ta1" && key != "stray" {
		return 0, fmt.Errorf("key %q stands first where gs, st, ta1 or stray is due", key)
	}
	if err := b.in.Decode(&head); err != nil {
		return 0, err
	}
	if tag := strings.ToUpper(key.(string)); (key == "gs" || key == "st") && head.Raw == nil && (len(head.Elements) == 0 || head.Elements[0] != tag) {
		return 0, fmt.Errorf("segment %q stands where %s is due", head.Elements, tag)
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
	return 0, canon.Delim(b.in, '}')
}

func (b *builder) group(head canon.Segment) error {
	outer := b.groups
	b.groups = 0
	var ge *canon.Segment
	for b.in.More() {
		key, err := b.in.Token()
		if err != nil {
			return err
		}
		switch key {
		case "sets":
			err = b.items(true)
		case "ge":
			ge = &canon.Segment{}
			err = b.in.Decode(ge)
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
	sets := b.groups
	b.groups = outer + 1
	return b.trailer(ge, "GE", sets, head.Element(6))
}

func (b *builder) set(head canon.Segment) error {
	n := 1
	var se *canon.Segment
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
		case "se":
			se = &canon.Segment{}
			err = b.in.Decode(se)
		default:
			err = fmt.Errorf("key %q is unknown in a set", key)
		}
		if err != nil {
			return err
		}
	}
	if err := canon.Delim(b.in, '}'); err != nil {
		return err
	}
	return b.trailer(se, "SE", n+1, head.Element(2))
}

// trailer writes what is counted, or what the JSON says instead.
func (b *builder) trailer(given *canon.Segment, tag string, n int, control string) error {
	if given == nil {
		return b.write(canon.Segment{Elements: []string{tag, strconv.Itoa(n), control}})
	}
	if given.Raw == nil && len(given.Elements) == 0 {
		return nil
	}
	return b.write(*given)
}

func (b *builder) write(s canon.Segment) error {
	if s.Raw != nil {
		_, err := b.w.Write(s.Raw)
		return err
	}
	if len(s.Elements) == 0 || !canon.IsTag(s.Elements[0]) {
		return fmt.Errorf("segment %q has no tag of letters and digits", s.Elements)
	}
	b.buf = append(b.buf[:0], b.lineEnd...)
	for i, v := range s.Elements {
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
				return fmt.Errorf("%s-%02d %q holds the delimiter %q", s.Elements[0], i, v, c)
			}
			b.buf = append(b.buf, c)
		}
	}
	b.buf = append(b.buf, b.term...)
	_, err := b.w.Write(b.buf)
	return err
}
