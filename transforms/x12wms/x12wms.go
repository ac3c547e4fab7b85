// Package x12wms translates between X12 warehouse documents and the core's
// commands and events: 940 and 850 become an order, an order's acceptance an
// 855, a ship confirmation a 945. It is pure: times, control numbers and
// partner settings are passed in.
//
// Whatever cannot be translated is an error with its exact place: element,
// segment ordinal, byte offset, line and column.
package x12wms

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/edi/x12"
)

// Place is where in a document a value stands.
type Place struct {
	Element string `json:"element"` // "W01-05"
	Segment int    `json:"segment"` // ordinal, ST is 1
	Offset  int64  `json:"offset"`
	Length  int    `json:"length"`
}

func (p Place) String() string {
	return fmt.Sprintf("%s (segment %d, byte %d)", p.Element, p.Segment, p.Offset)
}

// Text is a value and where it stands.
type Text struct {
	Value string
	At    Place
}

// Codes of findings in the business layer.
const (
	CodeUnsupported  = "document-unsupported"
	CodeMissing      = "value-missing"
	CodeQuantity     = "quantity"
	CodeUnknownParty = "party-unknown"
	CodeNoShipTo     = "ship-to-missing"
	CodeNoItem       = "item-missing"
	CodeBadDate      = "date"
	CodeNoLines      = "lines-missing"
	CodeCommand      = "order-invalid"
)

// Error says why a document cannot be translated. Every finding has its place.
type Error struct {
	Findings []x12.Finding
}

func (e *Error) Error() string {
	s := e.Findings[0].String()
	if n := len(e.Findings) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

// Paper is what a translation has to know of the set or message that a
// [Document] was read from. Transforms of other syntaxes bring their own.
type Paper struct {
	Set    string // ST01, or the message type
	Sender string // of the interchange; "" outside one
	ID     string // its identity, "" outside an interchange
	Line   string // the tag of its lines: W01, PO1, LIN
	// Changes are the codes by which a change says what becomes of a line.
	Changes string
	// Party is how a party of a role is sent: "N1*", "NAD+".
	Party string
	End   func(element string) Place
	// Add keeps a finding and gives it back with line and column.
	Add func(f x12.Finding) x12.Finding
}

// translator gathers what is wrong with one set.
type translator struct {
	part     *x12.Part // nil for documents of other syntaxes
	paper    Paper
	findings []x12.Finding
}

// OnX12 is the paper of a transaction set.
func OnX12(part *x12.Part) Paper {
	p := Paper{Set: part.ST.ID, Line: "W01", Party: "N1*"}
	switch part.ST.ID {
	case "850":
		p.Line = "PO1"
	case "860":
		p.Line, p.Changes = "POC", "AI, CA, DI, QD, QI or NC"
	}
	if part.ISA != nil {
		p.Sender, p.ID = part.ISA.Sender, part.Identity().String()
	}
	// The place behind the last segment is where what is missing was due.
	p.End = func(element string) Place {
		n := part.Segments.Len()
		if n == 0 {
			return Place{Element: element, Offset: part.Offset}
		}
		s := part.Segments.At(n - 1)
		return Place{Element: element, Segment: s.Ordinal(), Offset: s.Offset()}
	}
	p.Add = func(f x12.Finding) x12.Finding {
		part.Add(f)
		// A part full of findings keeps no more, and still the order must fail.
		if last := part.Findings[len(part.Findings)-1]; last.Code == f.Code {
			return last
		}
		f.Line, f.Column = part.Position(f.Offset)
		return f
	}
	return p
}

func (t *translator) text(s x12.Segment, n int) Text { return TextOf(s, n) }

// TextOf is an element, blanks around it taken off, and where it stands.
func TextOf(s x12.Segment, n int) Text {
	v := Text{Value: ToUTF8(s.Value(n)), At: Place{Element: s.Ref(n), Segment: s.Ordinal()}}
	v.Value = strings.TrimSpace(v.Value)
	v.At.Offset, v.At.Length = s.Place(n)
	return v
}

// ToUTF8 takes bytes that are not UTF-8 for Latin-1, which partners send when
// they leave the basic character set.
func ToUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

const mostFindings = 100

func (t *translator) fail(at Place, code, found, expected, hint, format string, args ...any) {
	if len(t.findings) >= mostFindings {
		return
	}
	f := x12.Finding{Code: code, Severity: x12.Error, Layer: x12.LayerBusiness, Offset: at.Offset, Length: at.Length,
		Segment: at.Segment, Element: at.Element, Found: found, Expected: expected, Message: fmt.Sprintf(format, args...), Hint: hint}
	t.findings = append(t.findings, t.paper.Add(f))
}

// err is nil, or an Invalid fault that names the first place.
func (t *translator) err(op string) error {
	if len(t.findings) == 0 {
		return nil
	}
	return fault.At(op, fault.Invalid, t.findings[0].Element, &Error{t.findings})
}

// due is the absent value of an element of the set's first segment: where that is
// missing, its place is behind ST.
func (t *translator) due(element string) Text {
	s := t.part.Segments.At(min(1, t.part.Segments.Len()-1))
	return Text{At: Place{Element: element, Segment: s.Ordinal(), Offset: s.Offset()}}
}
