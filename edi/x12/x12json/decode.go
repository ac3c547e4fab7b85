package x12json

import (
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
	return canon.Build(w, in, "X12", Object)
}

// Object writes what one object of canonical JSON says, behind its brace.
func Object(to *canon.Builder) error {
	b := &builder{Builder: to}
	b.Write = b.write
	return b.object()
}

type builder struct {
	*canon.Builder
	delims x12.Delimiters
	term   string
	isa    string
	groups int // or sets, of the group at hand
}

// object reads one interchange, or noise.
func (b *builder) object() error {
	var head canon.Segment
	var iea *canon.Segment
	begun, noise := false, false
	err := b.Keys(func(key string) (err error) {
		switch key {
		case "noise":
			begun, noise, b.Exact = true, true, true // nothing follows
			return b.Bytes()
		case "isa":
			return b.In.Decode(&head)
		case "delimiters":
			return b.delimiters()
		case "line_end":
			return b.ReadLineEnd()
		case "exact":
			return b.In.Decode(&b.Exact)
		case "groups":
			begun = true
			if err := b.header(head); err != nil {
				return err
			}
			b.groups, err = b.items(false)
			return err
		case "iea":
			iea = &canon.Segment{}
			return b.In.Decode(iea)
		}
		return fmt.Errorf("key %q is unknown: isa, delimiters, line_end, exact, groups, iea stand here", key)
	})
	if err != nil {
		return err
	}
	if !begun {
		return errors.New("the interchange has no groups")
	}
	if noise {
		return nil
	}
	if b.isa != "" || iea != nil {
		if err := b.Trailer(iea, "IEA", b.groups, b.isa); err != nil {
			return err
		}
	}
	if b.Exact {
		return nil
	}
	_, err = b.W.WriteString(b.LineEnd)
	return err
}

func (b *builder) delimiters() error {
	var d struct{ Element, Component, Repetition, Terminator string }
	if err := b.In.Decode(&d); err != nil {
		return err
	}
	var errs [4]error
	b.term = d.Terminator
	if d.Terminator == "\r\n" {
		d.Terminator = "\n"
	}
	b.delims.Element, errs[0] = canon.Byte("element", d.Element)
	b.delims.Component, errs[1] = canon.Byte("component", d.Component)
	b.delims.Repetition, errs[2] = canon.Byte("repetition", d.Repetition)
	b.delims.Terminator, errs[3] = canon.Byte("terminator", d.Terminator)
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
		if len(s.Elements) == 0 {
			return nil // no interchange stands around what follows
		}
		if len(s.Elements) != 17 || s.Elements[0] != "ISA" {
			return fmt.Errorf("isa is %q, and ISA and 16 elements, or [], are due before groups", s.Elements)
		}
	}
	if s.Raw != nil && len(s.Elements) == 0 {
		_, err := b.W.Write(s.Raw)
		return err
	}
	if len(s.Elements) > 13 {
		b.isa = strings.TrimRight(s.Elements[13], " ")
	}
	if s.Raw == nil {
		b.isa = string(filled(12, []byte(b.isa)))
	}
	if b.isa == "" {
		b.isa = "0"
	}
	if s.Raw != nil {
		_, err := b.W.Write(s.Raw)
		return err
	}
	b.Buf = append(b.Buf[:0], "ISA"...)
	for i, v := range s.Elements[1:] {
		if len(v) > isaSizes[i] {
			return fmt.Errorf("ISA-%02d %q is longer than %d", i+1, v, isaSizes[i])
		}
		if i < 15 && i != 10 && strings.ContainsFunc(v, b.separates) {
			return fmt.Errorf("ISA-%02d %q holds a delimiter", i+1, v)
		}
		v = string(filled(i, []byte(v)))
		b.Buf = append(b.Buf, b.delims.Element)
		b.Buf = append(b.Buf, v...)
		for n := len(v); n < isaSizes[i]; n++ {
			b.Buf = append(b.Buf, ' ')
		}
	}
	b.Buf = append(b.Buf, b.term...)
	_, err := b.W.Write(b.Buf)
	return err
}

func (b *builder) separates(r rune) bool {
	d := b.delims
	return r < 0x100 && r != 0 && (byte(r) == d.Element || byte(r) == d.Terminator || byte(r) == d.Component || byte(r) == d.Repetition)
}

// items reads the array of groups, or of the sets of one, and counts them.
func (b *builder) items(inGroup bool) (n int, err error) {
	err = b.Array(func() error {
		counts, err := b.item(inGroup)
		n += counts
		return err
	})
	return n, err
}

// item reads a group, a set, a TA1 or a stray segment; n is 1 for what its trailer
// counts: groups, or the sets of one.
func (b *builder) item(inGroup bool) (n int, err error) {
	if err := canon.Delim(b.In, '{'); err != nil {
		return 0, err
	}
	key, err := b.In.Token()
	if err != nil {
		return 0, err
	}
	var head canon.Segment
	if key != "gs" && key != "st" && key != "ta1" && key != "stray" {
		return 0, fmt.Errorf("key %q stands first where gs, st, ta1 or stray is due", key)
	}
	if err := b.In.Decode(&head); err != nil {
		return 0, err
	}
	if tag := strings.ToUpper(key.(string)); (key == "gs" || key == "st") && head.Raw == nil && head.Element(0) != tag {
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
		return 1, b.group(head)
	case "st":
		se, n, err := b.Body("set", "se")
		if err == nil {
			err = b.Trailer(se, "SE", n, head.Element(2))
		}
		if !inGroup {
			return 0, err
		}
		return 1, err
	}
	return 0, canon.Delim(b.In, '}')
}

func (b *builder) group(head canon.Segment) error {
	var ge *canon.Segment
	sets := 0
	err := b.Keys(func(key string) (err error) {
		switch key {
		case "sets":
			sets, err = b.items(true)
			return err
		case "ge":
			ge = &canon.Segment{}
			return b.In.Decode(ge)
		}
		return fmt.Errorf("key %q is unknown in a group", key)
	})
	if err != nil {
		return err
	}
	return b.Trailer(ge, "GE", sets, head.Element(6))
}

func (b *builder) write(s canon.Segment) error {
	if s.Raw != nil {
		_, err := b.W.Write(s.Raw)
		return err
	}
	if len(s.Elements) == 0 || !canon.IsTag(s.Elements[0]) {
		return fmt.Errorf("segment %q has no tag of letters and digits", s.Elements)
	}
	b.Buf = append(b.Buf[:0], b.LineEnd...)
	framed := framed(s.Elements)
	for i, v := range s.Elements {
		if i > 0 {
			b.Buf = append(b.Buf, b.delims.Element)
		}
		if s.Single {
			v = single(v)
		}
		if i == len(s.Elements)-1 && framed != "" {
			b.Buf = append(b.Buf, framed...)
			continue
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
			b.Buf = append(b.Buf, c)
		}
	}
	b.Buf = append(b.Buf, b.term...)
	_, err := b.W.Write(b.Buf)
	return err
}

// framed is the data of a BIN or BDS, whose length stands before it, so that it
// may hold any byte; "" where the length is not its own.
func framed(elements []string) string {
	n := len(elements)
	if !isBinary(elements[0]) || elements[0] == "BIN" && n != 3 || elements[0] == "BDS" && n != 4 {
		return ""
	}
	size, err := strconv.Atoi(strings.TrimSpace(elements[n-2]))
	for _, v := range []string{elements[n-1], single(elements[n-1])} {
		if err == nil && len(v) == size {
			return v
		}
	}
	return ""
}

// single writes a value in ISO 8859-1, as bytes that are no UTF-8 were read, where
// that has all of its characters.
func single(v string) string {
	out := make([]byte, 0, len(v))
	for _, r := range v {
		if r > 0xFF {
			return v
		}
		out = append(out, byte(r))
	}
	return string(out)
}
