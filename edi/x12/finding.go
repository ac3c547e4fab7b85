package x12

import (
	"fmt"
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
	return fmt.Errorf("x12: severity %q is none of note, warning, error", b)
}

// Layer names whose rule was broken.
type Layer string

// Layers from the ground up. An overlay may only be named by a partner's profile.
const (
	LayerSyntax   Layer = "syntax"   // bytes, delimiters, segments
	LayerEnvelope Layer = "envelope" // counts and control numbers
	LayerStandard Layer = "standard" // the transaction set's grammar
	LayerPartner  Layer = "partner"  // what one partner asks beyond that
	LayerBusiness Layer = "business" // the document cannot be mapped
)

// Codes of findings are stable: alarms and partner policies are keyed by them.
const (
	CodeNotX12             = "not-x12"
	CodeEDIFACT            = "edifact-not-x12"
	CodeTRADACOMS          = "tradacoms-not-x12"
	CodeNoEnvelope         = "no-envelope"
	CodeNoise              = "noise"
	CodeBOM                = "byte-order-mark"
	CodeISALength          = "isa-length"
	CodeISAMalformed       = "isa-malformed"
	CodeISAElement         = "isa-element"
	CodeNoComponent        = "no-component-separator"
	CodeDelimiterClash     = "delimiter-clash"
	CodeUnterminated       = "segment-unterminated"
	CodeEmptySegment       = "segment-empty"
	CodeInnerBreak         = "line-break-in-data"
	CodeBinary             = "binary-length"
	CodeStray              = "segment-outside-set"
	CodeSetOutsideGroup    = "set-outside-group"
	CodeMissingSE          = "se-missing"
	CodeMissingGE          = "ge-missing"
	CodeMissingIEA         = "iea-missing"
	CodeSegmentCount       = "se01-count"
	CodeSetControl         = "se02-control"
	CodeSetControlMissing  = "st02-missing"
	CodeSetControlRepeated = "st02-repeated"
	CodeSetIDMissing       = "st01-missing"
	CodeSetCount           = "ge01-count"
	CodeGroupControl       = "ge02-control"
	CodeGroupControlBad    = "gs06-value"
	CodeGroupCount         = "iea01-count"
	CodeInterchangeControl = "iea02-control"
	CodeTooManyFindings    = "findings-suppressed"
)

// AckCodes are what a finding becomes in an acknowledgement. Empty means that
// the finding has no counterpart there.
type AckCodes struct {
	TA1 string `json:"ta1,omitempty"` // TA105
	AK3 string `json:"ak3,omitempty"` // AK304, IK304
	AK4 string `json:"ak4,omitempty"` // AK403, IK403
	AK5 string `json:"ak5,omitempty"` // AK502, IK502
	AK9 string `json:"ak9,omitempty"` // AK905
	Ref string `json:"ref,omitempty"` // AK402, the data element reference number
}

// Finding is one thing that a reader or checker noticed, with its exact place.
// What is missing stands where it was due, with Length 0.
type Finding struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	File     string   `json:"file,omitempty"` // set by who knows it
	ISA13    string   `json:"isa13,omitempty"`
	GS06     string   `json:"gs06,omitempty"`
	ST02     string   `json:"st02,omitempty"`
	Offset   int64    `json:"offset"`                    // from 0, in bytes of the stream
	Length   int      `json:"length"`                    // bytes concerned
	Line     int      `json:"line"`                      // from 1
	Column   int      `json:"column"`                    // from 1, in bytes
	Segment  int      `json:"segment_ordinal,omitempty"` // ST is 1; 0 outside a set
	Loop     string   `json:"loop,omitempty"`            // "LX[2]/W01[1]"
	Element  string   `json:"element,omitempty"`         // "W01-05", "SVC-01-2", or a bare tag
	Found    string   `json:"found,omitempty"`
	Expected string   `json:"expected,omitempty"`
	Layer    Layer    `json:"layer"`
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"`
	Ack      AckCodes `json:"ack,omitzero"`
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
	// What is quoted from a document must not steer the terminal it is shown on.
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '.'
		}
		return r
	}, s)
}

// Error lets a finding be returned as the typed place of an error.
func (f *Finding) Error() string { return f.String() }

// Worst is the highest severity among findings, 0 without any.
func Worst(findings []Finding) Severity {
	var w Severity
	for i := range findings {
		w = max(w, findings[i].Severity)
	}
	return w
}

// clip bounds what is quoted from a document: a finding must not carry a
// megabyte of somebody's data.
func clip(b []byte) string {
	const most = 80
	if len(b) > most {
		return string(b[:most]) + "..."
	}
	return string(b)
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
