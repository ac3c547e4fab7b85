package x12

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Marks stand in outgoing element values for the separators of the interchange,
// which the value's author need not know.
const (
	ComponentMark  = "\x1f" // between the components of a composite
	RepetitionMark = "\x1e" // between repetitions
)

// Out is a segment to be written: its tag and its elements from 01 on. Trailing
// empty elements are left out.
type Out struct {
	ID       string
	Elements []string
}

// Seg is a segment to be written.
func Seg(id string, elements ...string) Out { return Out{ID: id, Elements: elements} }

// WriterOptions say how an interchange is laid out.
type WriterOptions struct {
	// Delimiters of the interchange; zero means [DefaultDelimiters].
	Delimiters Delimiters
	// LineEnd is written behind each terminator: "", "\n" or "\r\n". It should be
	// empty where the terminator is a line end itself.
	LineEnd string
	// Replace stands in for characters of data that are delimiters, or control
	// characters, which X12 has no escape for. 0 refuses such data with a
	// [DataError].
	Replace byte
}

// DataError is a value that cannot be written.
type DataError struct {
	Element string // "N1-02"
	Value   string
	Reason  string
}

func (e *DataError) Error() string {
	return fmt.Sprintf("x12: %s: %s in %q: change the value, or choose other delimiters or a replacement for this partner", e.Element, e.Reason, clip([]byte(e.Value)))
}

// Writer writes one or more interchanges. It counts; control numbers are the
// caller's, because only he can allot them so that none is used twice. The
// first error sticks, and nothing is written behind it.
type Writer struct {
	w    io.Writer
	opts WriterOptions
	buf  []byte
	err  error

	open                []string // tags of the open envelopes: ISA, GS, ST
	isa, gs, st         string   // their control numbers
	groups, sets, inSet int
}

// NewWriter writes to w.
func NewWriter(w io.Writer, opts WriterOptions) *Writer {
	if opts.Delimiters == (Delimiters{}) {
		opts.Delimiters = DefaultDelimiters
	}
	x := &Writer{w: w, opts: opts}
	x.err = opts.Delimiters.Validate()
	if t := opts.Delimiters.table(); opts.Replace != 0 && (t[opts.Replace] != 0 || opts.Replace == opts.Delimiters.Component || opts.Replace == opts.Delimiters.Repetition) {
		x.err = fmt.Errorf("x12: the replacement %q is a delimiter itself", opts.Replace)
	}
	return x
}

// BeginInterchange writes an ISA, padded to 106 bytes. Empty qualifiers of
// authorization and security become "00"; the repetition separator stands in
// ISA11 from version 00402 on, "U" before. h.Delimiters is not looked at: the
// writer's options decide.
func (x *Writer) BeginInterchange(h ISA) error {
	if !x.state("ISA") {
		return x.err
	}
	d := x.opts.Delimiters
	if d.Component == 0 {
		return x.fail(fmt.Errorf("x12: an interchange needs a component separator for ISA16"))
	}
	control, ok := number([]byte(h.Control))
	if !ok || control == 0 || control > 999_999_999 {
		return x.fail(&DataError{"ISA-13", h.Control, "no number of 1 to 9 digits"})
	}
	h.Control = fmt.Sprintf("%09d", control)
	or := func(s, def string) string {
		if s == "" {
			return def
		}
		return s
	}
	eleven := "U"
	if h.Version >= "00402" && d.Repetition != 0 {
		eleven = string([]byte{d.Repetition})
	}
	x.buf = append(x.buf[:0], "ISA"...)
	for i, f := range []struct {
		v    string
		size int
	}{{or(h.AuthQualifier, "00"), 2}, {h.Auth, 10}, {or(h.SecurityQualifier, "00"), 2}, {h.Security, 10}, {h.SenderQualifier, 2}, {h.Sender, 15},
		{h.ReceiverQualifier, 2}, {h.Receiver, 15}, {h.Date, 6}, {h.Time, 4}, {eleven, 1}, {h.Version, 5}, {h.Control, 9}, {or(h.AckRequested, "0"), 1}, {h.Usage, 1}} {
		fixed := i >= 8 || i%2 == 0
		if len(f.v) > f.size || fixed && len(f.v) != f.size {
			return x.fail(&DataError{ref("ISA", i+1), f.v, fmt.Sprintf("no value of length %d", f.size)})
		}
		x.buf = append(x.buf, d.Element)
		if i == 10 {
			x.buf = append(x.buf, f.v...)
			continue
		}
		if err := x.value("ISA", i+1, f.v+strings.Repeat(" ", f.size-len(f.v))); err != nil {
			return x.fail(err)
		}
	}
	x.buf = append(x.buf, d.Element, d.Component, d.Terminator)
	x.buf = append(x.buf, x.opts.LineEnd...)
	x.open, x.isa, x.groups = append(x.open, "ISA"), h.Control, 0
	return x.flush()
}

// BeginGroup writes a GS.
func (x *Writer) BeginGroup(h GS) error {
	if !x.state("GS") {
		return x.err
	}
	if n, ok := number([]byte(h.Control)); !ok || n == 0 || len(h.Control) > 9 {
		return x.fail(&DataError{"GS-06", h.Control, "no number of 1 to 9 digits"})
	}
	x.gs, x.sets = h.Control, 0
	x.open = append(x.open, "GS")
	return x.segment(Seg("GS", h.FunctionalID, h.Sender, h.Receiver, h.Date, h.Time, h.Control, h.Agency, h.Version))
}

// BeginSet writes an ST. Control has 4 to 9 characters.
func (x *Writer) BeginSet(h ST) error {
	if !x.state("ST") {
		return x.err
	}
	if len(h.Control) < 4 || len(h.Control) > 9 {
		return x.fail(&DataError{"ST-02", h.Control, "no control number of 4 to 9 characters"})
	}
	x.st, x.inSet = h.Control, 0
	x.open = append(x.open, "ST")
	return x.segment(Seg("ST", h.ID, h.Control, h.Convention))
}

// Segment writes one segment: within a set, or a TA1 between ISA and GS.
func (x *Writer) Segment(s Out) error {
	if x.err != nil {
		return x.err
	}
	if top := x.top(); top != "ST" && !(top == "ISA" && s.ID == "TA1" && x.groups == 0) {
		return x.fail(fmt.Errorf("x12: segment %s outside a transaction set", s.ID))
	}
	return x.segment(s)
}

// EndSet writes the SE with its count.
func (x *Writer) EndSet() error {
	if !x.closing("ST") {
		return x.err
	}
	x.sets++
	return x.segment(Seg("SE", strconv.Itoa(x.inSet+1), x.st))
}

// EndGroup writes the GE with its count.
func (x *Writer) EndGroup() error {
	if !x.closing("GS") {
		return x.err
	}
	x.groups++
	return x.segment(Seg("GE", strconv.Itoa(x.sets), x.gs))
}

// EndInterchange writes the IEA with its count.
func (x *Writer) EndInterchange() error {
	if !x.closing("ISA") {
		return x.err
	}
	return x.segment(Seg("IEA", strconv.Itoa(x.groups), x.isa))
}

// WriteSet writes a whole transaction set: ST, the segments, SE.
func (x *Writer) WriteSet(h ST, body []Out) error {
	if err := x.BeginSet(h); err != nil {
		return err
	}
	for _, s := range body {
		if err := x.Segment(s); err != nil {
			return err
		}
	}
	return x.EndSet()
}

// Close reports an envelope left open, or the first error.
func (x *Writer) Close() error {
	if x.err == nil && len(x.open) > 0 {
		x.err = fmt.Errorf("x12: %s has no trailer yet", x.top())
	}
	return x.err
}

func (x *Writer) top() string {
	if len(x.open) == 0 {
		return ""
	}
	return x.open[len(x.open)-1]
}

// state checks that an envelope of kind tag may open here.
func (x *Writer) state(tag string) bool {
	around := map[string]string{"ISA": "", "GS": "ISA", "ST": "GS"}[tag]
	if x.err == nil && x.top() != around {
		x.err = fmt.Errorf("x12: %s inside %q", tag, x.top())
	}
	return x.err == nil
}

func (x *Writer) closing(tag string) bool {
	if x.err == nil && x.top() != tag {
		x.err = fmt.Errorf("x12: closing %s inside %q", tag, x.top())
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

func (x *Writer) segment(s Out) error {
	if len(s.ID) < 2 || len(s.ID) > 3 {
		return x.fail(&DataError{s.ID, s.ID, "no segment tag of 2 or 3 characters"})
	}
	x.buf = append(x.buf[:0], s.ID...)
	last := len(s.Elements)
	for last > 0 && s.Elements[last-1] == "" {
		last--
	}
	for i, v := range s.Elements[:last] {
		x.buf = append(x.buf, x.opts.Delimiters.Element)
		if err := x.value(s.ID, i+1, v); err != nil {
			return x.fail(err)
		}
	}
	x.buf = append(x.buf, x.opts.Delimiters.Terminator)
	x.buf = append(x.buf, x.opts.LineEnd...)
	x.inSet++
	return x.flush()
}

// value appends v. A byte that is a delimiter would be read as one: X12 cannot
// escape it.
func (x *Writer) value(id string, n int, v string) error {
	d := x.opts.Delimiters
	for i := range len(v) {
		c := v[i]
		switch {
		case c == ComponentMark[0] && d.Component != 0:
			c = d.Component
		case c == RepetitionMark[0] && d.Repetition != 0:
			c = d.Repetition
		case c == d.Element || c == d.Terminator || c == d.Component && c != 0 || c == d.Repetition && c != 0 || c < ' ' || c == 0x7F:
			if x.opts.Replace == 0 {
				return &DataError{ref(id, n), v, fmt.Sprintf("the character %q cannot be sent", c)}
			}
			c = x.opts.Replace
		}
		x.buf = append(x.buf, c)
	}
	return nil
}

func (x *Writer) flush() error {
	if _, err := x.w.Write(x.buf); err != nil {
		return x.fail(fmt.Errorf("writing X12: %w", err))
	}
	return nil
}
