package edifactjson

import (
	"errors"
	"fmt"
	"io"
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
	return canon.Build(w, in, "EDIFACT", Object)
}

// Object writes what one object of canonical JSON says, behind its brace.
func Object(to *canon.Builder) error {
	b := &builder{Builder: to}
	b.Write = b.write
	return b.object()
}

type builder struct {
	*canon.Builder
	delims  edifact.Delimiters
	charset edifact.Charset
	una     bool
	control string // of UNB
	begun   bool   // an interchange's header is written
	groups  int
	loose   int // messages outside groups, or of the group at hand
}

// object reads one interchange, or noise.
func (b *builder) object() error {
	var head canon.Segment
	var unz *canon.Segment
	noise := false
	err := b.Keys(func(key string) error {
		switch key {
		case "noise":
			noise = true
			return b.Bytes()
		case "unb":
			return b.In.Decode(&head)
		case "delimiters":
			return b.delimiters()
		case "una":
			return b.In.Decode(&b.una)
		case "line_end":
			return b.ReadLineEnd()
		case "exact":
			return b.In.Decode(&b.Exact)
		case "messages":
			if err := b.header(head); err != nil {
				return err
			}
			return b.items(false)
		case "unz":
			unz = &canon.Segment{}
			return b.In.Decode(unz)
		}
		return fmt.Errorf("key %q is unknown: unb, delimiters, una, line_end, exact, messages, unz stand here", key)
	})
	if err != nil || noise {
		return err
	}
	if !b.begun {
		return errors.New("the interchange has no messages")
	}
	n := b.loose
	if b.groups > 0 {
		n = b.groups
	}
	if err := b.Trailer(unz, "UNZ", n, b.control); err != nil || b.Exact {
		return err
	}
	_, err = b.W.WriteString(b.LineEnd)
	return err
}

func (b *builder) delimiters() error {
	var d struct{ Component, Element, Decimal, Release, Repetition, Terminator string }
	if err := b.In.Decode(&d); err != nil {
		return err
	}
	var errs [6]error
	b.delims.Component, errs[0] = canon.Byte("component", d.Component)
	b.delims.Element, errs[1] = canon.Byte("element", d.Element)
	b.delims.Decimal, errs[2] = canon.Byte("decimal", d.Decimal)
	b.delims.Release, errs[3] = canon.Byte("release", d.Release)
	b.delims.Repetition, errs[4] = canon.Byte("repetition", d.Repetition)
	b.delims.Terminator, errs[5] = canon.Byte("terminator", d.Terminator)
	return errors.Join(errs[:]...)
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
		_, err := b.W.Write(s.Raw)
		return err
	}
	if err := b.delims.Validate(); err != nil {
		return err
	}
	if len(s.Elements) > 0 && s.Elements[0] != "UNB" {
		return fmt.Errorf("unb is %q, and UNB or [] is due before messages", s.Elements)
	}
	end := b.LineEnd
	if b.una {
		or := func(c, blank byte) byte {
			if c == 0 {
				return blank
			}
			return c
		}
		d := b.delims
		advice := append([]byte("UNA"), d.Component, d.Element, or(d.Decimal, '.'), or(d.Release, ' '), or(d.Repetition, ' '), d.Terminator)
		if _, err := b.W.Write(advice); err != nil {
			return err
		}
	} else {
		b.LineEnd = "" // the file begins with UNB
	}
	defer func() { b.LineEnd = end }()
	if len(s.Elements) == 0 {
		return nil
	}
	return b.write(s)
}

// items reads the array of messages and groups, or of the messages of one.
func (b *builder) items(inGroup bool) error {
	return b.Array(func() error { return b.item(inGroup) })
}

func (b *builder) item(inGroup bool) error {
	if err := canon.Delim(b.In, '{'); err != nil {
		return err
	}
	key, err := b.In.Token()
	if err != nil {
		return err
	}
	if key == "package" {
		b.loose++
		if err := b.Bytes(); err != nil {
			return err
		}
		return canon.Delim(b.In, '}')
	}
	if key != "ung" && key != "unh" && key != "security" && key != "stray" {
		return fmt.Errorf("key %q stands first where unh, ung, package, security or stray is due", key)
	}
	var head canon.Segment
	if err := b.In.Decode(&head); err != nil {
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
		unt, n, err := b.Body("message", "unt")
		if err != nil {
			return err
		}
		return b.Trailer(unt, "UNT", n, first(head.Element(1)))
	}
	return canon.Delim(b.In, '}')
}

func (b *builder) group(head canon.Segment) error {
	outer := b.loose
	b.loose = 0
	var une *canon.Segment
	err := b.Keys(func(key string) error {
		switch key {
		case "messages":
			return b.items(true)
		case "une":
			une = &canon.Segment{}
			return b.In.Decode(une)
		}
		return fmt.Errorf("key %q is unknown in a group", key)
	})
	if err != nil {
		return err
	}
	n := b.loose
	b.loose = outer
	b.groups++
	return b.Trailer(une, "UNE", n, first(head.Element(5)))
}

// first is the first component of a value, as readers take a reference.
func first(v string) string {
	if i := strings.IndexAny(v, canon.ComponentMark+canon.RepetitionMark); i >= 0 {
		return v[:i]
	}
	return v
}

func (b *builder) write(s canon.Segment) error {
	if s.Raw != nil {
		_, err := b.W.Write(s.Raw)
		return err
	}
	if !canon.IsTag(s.Element(0)) {
		return fmt.Errorf("segment %q has no tag of letters and digits", s.Elements)
	}
	b.Buf = append(append(b.Buf[:0], b.LineEnd...), s.Elements[0]...)
	for i, v := range s.Elements[1:] {
		b.Buf = append(b.Buf, b.delims.Element)
		var err error
		if b.Buf, err = b.delims.AppendValue(b.Buf, v, b.charset); err != nil {
			return fmt.Errorf("%s-%02d: %w", s.Elements[0], i+1, err)
		}
	}
	b.Buf = append(b.Buf, b.delims.Terminator)
	_, err := b.W.Write(b.Buf)
	return err
}
