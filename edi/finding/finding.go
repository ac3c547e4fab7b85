// Package finding says what is wrong with an electronic document, where, and
// what to do about it. Both syntaxes, X12 and EDIFACT, fill the same [Finding],
// so that one list renders as text, JSON lines, SARIF and HTML (see [New]) and
// policies are keyed by the same codes.
//
// A reader fills place and code; a checker adds loop, element, layer and what
// was expected; the acknowledgement of either syntax is made from [Ack] alone:
// X12 fills TA1, AK3, AK4, AK5, AK9 and CTX, EDIFACT fills UCI and UCD. The
// control numbers are those of the three envelope levels, ISA13/GS06/ST02 or
// UNB 0020, UNG 0048 and UNH 0062.
package finding

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Severity says what a finding does to the unit it lies in.
type Severity uint8

const (
	// Note is for the reader's eye: nothing is wrong by the standard, or the
	// checker does not know better.
	Note Severity = iota + 1
	// Warning was recovered from; the unit can be trusted.
	Warning
	// Error makes the unit (set, group or interchange) one to reject, unless the
	// partner's policy accepts it with errors.
	Error
)

var severityNames = [...]string{Note: "note", Warning: "warning", Error: "error"}

func (s Severity) String() string {
	if int(s) < len(severityNames) && s != 0 {
		return severityNames[s]
	}
	return fmt.Sprintf("severity(%d)", s)
}

// MarshalText writes the lower-case name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what [Severity.MarshalText] writes.
func (s *Severity) UnmarshalText(b []byte) error {
	for i, n := range severityNames {
		if i > 0 && n == string(b) {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("severity %q is none of note, warning, error", b)
}

// Layer names whose rule was broken.
type Layer string

// Layers from the ground up.
const (
	Syntax   Layer = "syntax"   // bytes, delimiters, segments
	Envelope Layer = "envelope" // counts and control numbers
	Standard Layer = "standard" // the grammar of the document
	Industry Layer = "industry" // an overlay of many partners: VICS, UCS, EANCOM
	Partner  Layer = "partner"  // what one partner asks beyond that
	Business Layer = "business" // the document cannot be mapped
)

// Ack are what a finding becomes in an acknowledgement. Empty means that the
// finding has no counterpart there.
type Ack struct {
	TA1 string `json:"ta1,omitempty"` // TA105
	AK3 string `json:"ak3,omitempty"` // AK304, IK304
	AK4 string `json:"ak4,omitempty"` // AK403, IK403
	AK5 string `json:"ak5,omitempty"` // AK502, IK502
	AK9 string `json:"ak9,omitempty"` // AK905
	Ref string `json:"ref,omitempty"` // AK402, the data element reference number
	CTX string `json:"ctx,omitempty"` // what made a conditional rule apply: "W01-04"
	UCI string `json:"uci,omitempty"` // 0085 in UCI, UCF or UCM
	UCD string `json:"ucd,omitempty"` // 0085 in UCS or UCD
}

// Finding is one thing that a reader or checker noticed, with its exact place.
// What is missing stands where it was due, with Length 0.
type Finding struct {
	Code        string   `json:"code"`
	Severity    Severity `json:"severity"`
	File        string   `json:"file,omitempty"` // set by who knows it
	Interchange string   `json:"isa13,omitempty"`
	Group       string   `json:"gs06,omitempty"`
	Set         string   `json:"st02,omitempty"`
	Offset      int64    `json:"offset"`                    // from 0, in bytes of the stream
	Length      int      `json:"length"`                    // bytes concerned
	Line        int      `json:"line"`                      // from 1
	Column      int      `json:"column"`                    // from 1, in bytes
	Segment     int      `json:"segment_ordinal,omitempty"` // ST or UNH is 1; 0 outside a set
	Loop        string   `json:"loop,omitempty"`            // "LX[2]/W01[1]"
	Element     string   `json:"element,omitempty"`         // "W01-05", "SVC-01-2", or a bare tag
	Found       string   `json:"found,omitempty"`
	Expected    string   `json:"expected,omitempty"`
	Layer       Layer    `json:"layer"`
	Message     string   `json:"message"`
	Hint        string   `json:"hint,omitempty"`
	Ack         Ack      `json:"ack,omitzero"`
}

// String is one line for a log or a terminal, place first.
func (f Finding) String() string {
	s := fmt.Sprintf("%d:%d (byte %d", f.Line, f.Column, f.Offset)
	if f.Segment > 0 {
		s += fmt.Sprintf(", segment %d", f.Segment)
	}
	s += ") " + f.Severity.String()
	if f.Element != "" {
		s += " " + f.Element
	}
	s += ": " + f.Message
	if f.Hint != "" {
		s += "; " + f.Hint
	}
	return Printable(s)
}

// Printable replaces what must not reach a terminal: what is quoted from a
// document must not steer the screen it is shown on.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '.'
		}
		return r
	}, s)
}

// Error lets a finding be returned as the typed place of an error.
func (f *Finding) Error() string { return f.String() }

// Sort puts findings into the order of their places. One that says that there are
// more stays the last.
func Sort(findings []Finding, more string) {
	if n := len(findings); n > 0 && findings[n-1].Code == more {
		findings = findings[:n-1]
	}
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(a.Offset, b.Offset) })
}

// Worst is the highest severity among findings, 0 without any.
func Worst(findings []Finding) Severity {
	var w Severity
	for i := range findings {
		w = max(w, findings[i].Severity)
	}
	return w
}

// Clip bounds what is quoted from a document: a finding must not carry a
// megabyte of somebody's data.
func Clip(b []byte) string {
	const most = 80
	if len(b) > most {
		return string(b[:most]) + "..."
	}
	return string(b)
}

// Ref names the n-th element of a segment the way analysts write it, "W01-05",
// and with c > 0 the c-th component of it, "SVC-01-2".
func Ref(id string, n, c int) string {
	if c > 0 {
		return fmt.Sprintf("%s-%02d-%d", id, n, c)
	}
	return fmt.Sprintf("%s-%02d", id, n)
}

// SplitRef takes an element reference as findings carry it apart: "W01-05" is
// W01, 5, 0 and "SVC-01-2" is SVC, 1, 2. A bare tag has element 0.
func SplitRef(ref string) (id string, element, component int) {
	f := strings.SplitN(ref, "-", 3)
	if len(f) > 1 {
		element, _ = strconv.Atoi(f[1])
	}
	if len(f) > 2 {
		component, _ = strconv.Atoi(f[2])
	}
	return f[0], element, component
}
