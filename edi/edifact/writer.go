package edifact

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/paklog/hub/edi/finding"
)

// Marks stand in outgoing element values for the separators of the interchange,
// which the value's author need not know.
const (
	ComponentMark  = "\x1f" // between the components of a composite
	RepetitionMark = "\x1e" // between repetitions
)

// Out is a segment to be written: its tag and its elements from 01 on. Trailing
// empty elements and components are left out.
type Out struct {
	ID       string
	Elements []string
}

// Seg is a segment to be written.
func Seg(id string, elements ...string) Out { return Out{ID: id, Elements: elements} }

// C is a composite of components. Trailing empty ones are left out.
func C(components ...string) string {
	for len(components) > 0 && components[len(components)-1] == "" {
		components = components[:len(components)-1]
	}
	return strings.Join(components, ComponentMark)
}

// WriterOptions say how an interchange is laid out.
type WriterOptions struct {
	// Delimiters of the interchange; zero means [DefaultDelimiters], in syntax
	// version 4 [DefaultDelimiters4]. Others than these need a UNA, which is then
	// written.
	Delimiters Delimiters
	// UNA writes the service string advice even where it says nothing new.
	UNA bool
	// LineEnd is written behind each terminator: "", "\n" or "\r\n". It should be
	// empty where the terminator is a line end itself.
	LineEnd string
	// Replace stands in for characters that the interchange's repertoire has not.
	// 0 refuses such data with a [DataError].
	Replace byte
}

// DataError is a value that cannot be written.
type DataError struct {
	Element string // "NAD-04"
	Value   string
	Reason  string
}

func (e *DataError) Error() string {
	return fmt.Sprintf("edifact: %s: %s in %q: change the value, or choose another repertoire or a replacement for this partner", e.Element, e.Reason, finding.Clip([]byte(e.Value)))
}

// Writer writes one or more interchanges. It counts and releases; references
// are the caller's, because only he can allot them so that none is used twice.
// The first error sticks, and nothing is written behind it.
type Writer struct {
	w    io.Writer
	opts WriterOptions
	d    Delimiters
	cs   Charset
	buf  []byte
	err  error

	open                         []string // tags of the open envelopes: UNB, UNG, UNH
	unb, ung, unh                string   // their references
	groups, loose, inGroup, inUN int
}

// NewWriter writes to w.
func NewWriter(w io.Writer, opts WriterOptions) *Writer {
	x := &Writer{w: w, opts: opts}
	if d := opts.Delimiters; d != (Delimiters{}) {
		x.err = d.Validate()
		if max(d.Component, d.Element, d.Release, d.Repetition, d.Terminator) >= utf8.RuneSelf {
			x.err = errors.New("edifact: a service character is not ASCII and would be found inside others")
		}
	}
	return x
}

// BeginInterchange writes a UNB, and the UNA before it where one is needed.
// h.Delimiters is not looked at: the writer's options decide.
func (x *Writer) BeginInterchange(h UNB) error {
	if !x.state("UNB") {
		return x.err
	}
	if !h.Syntax.Known() {
		return x.fail(&DataError{"UNB-01-1", string(h.Syntax), "no syntax identifier of ISO 9735"})
	}
	if len(h.Version) != 1 || h.Version < "1" || h.Version > "4" {
		return x.fail(&DataError{"UNB-01-2", h.Version, "no syntax version"})
	}
	usual := DefaultDelimiters
	if h.Version == "4" {
		usual = DefaultDelimiters4
	}
	x.d, x.cs = x.opts.Delimiters, h.Syntax
	if x.d == (Delimiters{}) {
		x.d = usual
	}
	for _, ref := range []struct{ at, v string }{{"UNB-02-1", h.Sender.ID}, {"UNB-03-1", h.Recipient.ID}, {"UNB-04-1", h.Date}, {"UNB-04-2", h.Time}} {
		if ref.v == "" {
			return x.fail(&DataError{ref.at, "", "nothing"})
		}
	}
	if err := x.reference("UNB-05", h.Control); err != nil {
		return err
	}
	x.open, x.unb, x.groups, x.loose = append(x.open, "UNB"), h.Control, 0, 0
	if x.opts.UNA || x.d != usual {
		or := func(c, blank byte) byte {
			if c == 0 {
				return blank
			}
			return c
		}
		advice := append([]byte("UNA"), x.d.Component, x.d.Element, or(x.d.Decimal, '.'), or(x.d.Release, ' '), or(x.d.Repetition, ' '), x.d.Terminator)
		if _, err := x.w.Write(append(advice, x.opts.LineEnd...)); err != nil {
			return x.fail(fmt.Errorf("writing EDIFACT: %w", err))
		}
	}
	return x.segment(Seg("UNB", C(string(h.Syntax), h.Version), h.Sender.element(), h.Recipient.element(), C(h.Date, h.Time), h.Control,
		h.Password, h.Application, h.Priority, h.AckRequested, h.Agreement, h.Test))
}

func (p Party) element() string { return C(p.ID, p.Qualifier, p.Internal, p.Sub) }

// BeginGroup writes a UNG.
func (x *Writer) BeginGroup(h UNG) error {
	if !x.state("UNG") {
		return x.err
	}
	if err := x.reference("UNG-05", h.Control); err != nil {
		return err
	}
	x.open, x.ung, x.inGroup = append(x.open, "UNG"), h.Control, 0
	return x.segment(Seg("UNG", h.Type, h.Sender.element(), h.Recipient.element(), C(h.Date, h.Time), h.Control, h.Agency, C(h.Version, h.Release, h.Association)))
}

// BeginMessage writes a UNH.
func (x *Writer) BeginMessage(h UNH) error {
	if !x.state("UNH") {
		return x.err
	}
	if err := x.reference("UNH-01", h.Reference); err != nil {
		return err
	}
	if h.Type == "" {
		return x.fail(&DataError{"UNH-02-1", "", "no message type"})
	}
	x.open, x.unh, x.inUN = append(x.open, "UNH"), h.Reference, 0
	return x.segment(Seg("UNH", h.Reference, C(h.Type, h.Version, h.Release, h.Agency, h.Association), h.Access))
}

// Segment writes one segment of a message.
func (x *Writer) Segment(s Out) error {
	if x.err == nil && x.top() != "UNH" {
		x.err = fmt.Errorf("edifact: segment %s outside a message", s.ID)
	}
	if x.err != nil {
		return x.err
	}
	return x.segment(s)
}

// Package writes an object between UNO and UNP. The elements of UNO from 02 on
// are the caller's; the length in the fourth is the writer's.
func (x *Writer) Package(reference, identification, kind string, object []byte) error {
	top := x.top()
	if x.err == nil && top != "UNB" && top != "UNG" {
		x.err = fmt.Errorf("edifact: a package inside %q", top)
	}
	if x.err != nil {
		return x.err
	}
	if err := x.reference("UNO-01", reference); err != nil {
		return err
	}
	length := strconv.Itoa(len(object))
	end := x.opts.LineEnd
	x.opts.LineEnd = "" // the object begins right behind the terminator
	err := x.segment(Seg("UNO", reference, identification, kind, length))
	if x.opts.LineEnd = end; err != nil {
		return err
	}
	if _, err := x.w.Write(object); err != nil {
		return x.fail(fmt.Errorf("writing EDIFACT: %w", err))
	}
	x.count()
	return x.segment(Seg("UNP", length, reference))
}

func (x *Writer) count() {
	if x.top() == "UNG" {
		x.inGroup++
	} else {
		x.loose++
	}
}

// EndMessage writes the UNT with its count.
func (x *Writer) EndMessage() error {
	if !x.closing("UNH") {
		return x.err
	}
	x.count()
	return x.segment(Seg("UNT", strconv.Itoa(x.inUN+1), x.unh))
}

// EndGroup writes the UNE with its count.
func (x *Writer) EndGroup() error {
	if !x.closing("UNG") {
		return x.err
	}
	x.groups++
	return x.segment(Seg("UNE", strconv.Itoa(x.inGroup), x.ung))
}

// EndInterchange writes the UNZ with its count.
func (x *Writer) EndInterchange() error {
	if !x.closing("UNB") {
		return x.err
	}
	n := x.loose
	if x.groups > 0 {
		n = x.groups
	}
	return x.segment(Seg("UNZ", strconv.Itoa(n), x.unb))
}

// WriteMessage writes a whole message: UNH, the segments, UNT.
func (x *Writer) WriteMessage(h UNH, body []Out) error {
	if err := x.BeginMessage(h); err != nil {
		return err
	}
	for _, s := range body {
		if err := x.Segment(s); err != nil {
			return err
		}
	}
	return x.EndMessage()
}

// Close reports an envelope left open, or the first error.
func (x *Writer) Close() error {
	if x.err == nil && len(x.open) > 0 {
		x.err = fmt.Errorf("edifact: %s has no trailer yet", x.top())
	}
	return x.err
}

func (x *Writer) top() string {
	if len(x.open) == 0 {
		return ""
	}
	return x.open[len(x.open)-1]
}

// state checks that an envelope of kind tag may open here. Groups and messages
// beside them are not written: an interchange has the one or the other.
func (x *Writer) state(tag string) bool {
	top := x.top()
	ok := false
	switch tag {
	case "UNB":
		ok = top == ""
	case "UNG":
		ok = top == "UNB" && x.loose == 0
	case "UNH":
		ok = top == "UNG" || top == "UNB" && x.groups == 0
	}
	if x.err == nil && !ok {
		x.err = fmt.Errorf("edifact: %s inside %q", tag, top)
	}
	return x.err == nil
}

func (x *Writer) closing(tag string) bool {
	if x.err == nil && x.top() != tag {
		x.err = fmt.Errorf("edifact: closing %s inside %q", tag, x.top())
	}
	if x.err == nil {
		x.open = x.open[:len(x.open)-1]
	}
	return x.err == nil
}

func (x *Writer) fail(err error) error {
	if x.err == nil {
		x.err = err
	}
	return x.err
}

func (x *Writer) reference(at, v string) error {
	most := 14
	if strings.HasPrefix(at, "UNO") {
		most = 35
	}
	if v == "" || len(v) > most {
		return x.fail(&DataError{at, v, fmt.Sprintf("no reference of 1 to %d characters", most)})
	}
	return nil
}

func (x *Writer) segment(s Out) error {
	if !isTag([]byte(s.ID)) {
		return x.fail(&DataError{s.ID, s.ID, "no segment tag of three capitals or digits"})
	}
	x.buf = append(x.buf[:0], s.ID...)
	last := len(s.Elements)
	for last > 0 && s.Elements[last-1] == "" {
		last--
	}
	for i, v := range s.Elements[:last] {
		x.buf = append(x.buf, x.d.Element)
		var err *DataError
		if x.buf, err = x.d.append(x.buf, v, x.cs, x.opts.Replace); err != nil {
			err.Element = finding.Ref(s.ID, i+1, 0)
			return x.fail(err)
		}
	}
	x.buf = append(x.buf, x.d.Terminator)
	x.buf = append(x.buf, x.opts.LineEnd...)
	x.inUN++
	if _, err := x.w.Write(x.buf); err != nil {
		return x.fail(fmt.Errorf("writing EDIFACT: %w", err))
	}
	return nil
}

// AppendValue appends v, an element with marks between its components and
// repetitions, in cs and released. What cs cannot hold is a [DataError].
func (d Delimiters) AppendValue(dst []byte, v string, cs Charset) ([]byte, error) {
	out, err := d.append(dst, v, cs, 0)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// append adds v to dst in cs, with release characters before what would be read
// as service characters.
func (d Delimiters) append(dst []byte, v string, cs Charset, replace byte) ([]byte, *DataError) {
	for _, r := range v {
		switch {
		case r == rune(ComponentMark[0]):
			dst = append(dst, d.Component)
			continue
		case r == rune(RepetitionMark[0]) && d.Repetition != 0:
			dst = append(dst, d.Repetition)
			continue
		}
		at := len(dst)
		out, ok := cs.encode(dst, r)
		if !ok {
			if replace == 0 {
				return dst, &DataError{Value: v, Reason: fmt.Sprintf("the character %q is not in %s", r, cs)}
			}
			out = append(dst[:at], replace)
		}
		dst = out
		if d.isService(dst[at]) {
			if d.Release == 0 {
				return dst, &DataError{Value: v, Reason: fmt.Sprintf("the service character %q", r)}
			}
			dst = append(dst[:at], append([]byte{d.Release}, dst[at:]...)...)
		}
	}
	return dst, nil
}

func (d Delimiters) isService(c byte) bool {
	return c == d.Component || c == d.Element || c == d.Terminator || c == d.Release && c != 0 || c == d.Repetition && c != 0
}
