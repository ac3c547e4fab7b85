package x12

import (
	"bytes"
	"slices"
)

// Kind says what a [Part] is.
type Kind uint8

const (
	// Noise is what belongs to no interchange: line ends between interchanges, a
	// byte order mark, mail headers, another format. Findings say which.
	Noise Kind = iota + 1
	// InterchangeHeader is an ISA. Each is followed by one InterchangeTrailer. Where
	// groups or sets come without an interchange, Raw is what stands before the first.
	InterchangeHeader
	// InterchangeAck is a TA1.
	InterchangeAck
	// GroupHeader is a GS. Each is followed by one GroupTrailer.
	GroupHeader
	// TransactionSet is ST to SE, whole.
	TransactionSet
	// GroupTrailer is a GE. Raw is empty where it is missing.
	GroupTrailer
	// InterchangeTrailer is an IEA. Raw is empty where it is missing.
	InterchangeTrailer
	// Stray is a segment where none of its kind may be.
	Stray
)

var kindNames = [...]string{"", "noise", "interchange", "ta1", "group", "set", "group end", "interchange end", "stray"}

func (k Kind) String() string { return kindNames[k] }

// ISA is an interchange header, padding taken off.
type ISA struct {
	AuthQualifier     string     `json:"auth_qualifier,omitempty"`     // ISA01
	Auth              string     `json:"auth,omitempty"`               // ISA02
	SecurityQualifier string     `json:"security_qualifier,omitempty"` // ISA03
	Security          string     `json:"security,omitempty"`           // ISA04
	SenderQualifier   string     `json:"sender_qualifier"`             // ISA05
	Sender            string     `json:"sender"`                       // ISA06
	ReceiverQualifier string     `json:"receiver_qualifier"`           // ISA07
	Receiver          string     `json:"receiver"`                     // ISA08
	Date              string     `json:"date"`                         // ISA09, YYMMDD
	Time              string     `json:"time"`                         // ISA10, HHMM
	Version           string     `json:"version"`                      // ISA12
	Control           string     `json:"control"`                      // ISA13
	AckRequested      string     `json:"ack_requested,omitempty"`      // ISA14: "1" asks for a TA1
	Usage             string     `json:"usage"`                        // ISA15: P production, T test, I information
	Delimiters        Delimiters `json:"delimiters"`
	Absent            bool       `json:"absent,omitempty"` // groups or sets came without an interchange
}

// GS is a functional group header.
type GS struct {
	FunctionalID string `json:"functional_id"` // GS01: OW, PO, SW, FA ...
	Sender       string `json:"sender"`        // GS02
	Receiver     string `json:"receiver"`      // GS03
	Date         string `json:"date"`          // GS04, CCYYMMDD
	Time         string `json:"time"`          // GS05
	Control      string `json:"control"`       // GS06
	Agency       string `json:"agency"`        // GS07
	Version      string `json:"version"`       // GS08: 004010, 004010VICS ...
}

// ST is a transaction set header.
type ST struct {
	ID         string `json:"id"`                   // ST01: 940, 850 ...
	Control    string `json:"control"`              // ST02
	Convention string `json:"convention,omitempty"` // ST03, from 005010 on
}

// Part is one named piece of a stream. It is valid until the reader's next
// call; [Part.Clone] makes it last.
type Part struct {
	Kind     Kind
	Raw      []byte // every byte of the part, blanks before its first tag included
	Offset   int64  // of Raw in the stream
	Segments Segments
	ISA      *ISA // the interchange around it, nil outside one
	GS       *GS  // the group around it, nil outside one
	ST       ST   // of a TransactionSet
	// Sets is how many sets a GroupTrailer's group held, Groups how many groups
	// an InterchangeTrailer's interchange held: counted, whatever was declared.
	Sets, Groups int
	Findings     []Finding

	line, column int // of Raw[0], from 1
	most         int // findings kept
}

// Clone is a copy that shares nothing with the reader.
func (p *Part) Clone() *Part {
	c := *p
	c.Findings = slices.Clone(p.Findings)
	c.Raw = bytes.Clone(p.Raw)
	c.keep(c.Raw)
	return &c
}

// Position is the line and column, both from 1 and in bytes, of a stream offset
// inside the part.
func (p *Part) Position(offset int64) (line, column int) {
	before := p.Raw[:max(0, min(int(offset-p.Offset), len(p.Raw)))]
	n := bytes.Count(before, []byte{'\n'})
	if n == 0 {
		return p.line, p.column + len(before)
	}
	return p.line + n, len(before) - bytes.LastIndexByte(before, '\n')
}

// Add completes f with line, column and control numbers and appends it. Beyond
// the limit of findings only a count of severity is kept: the last finding says
// so and carries the worst that was suppressed.
func (p *Part) Add(f Finding) {
	if p.most > 0 && len(p.Findings) >= p.most {
		last := &p.Findings[len(p.Findings)-1]
		if last.Code != CodeTooManyFindings {
			p.Findings = append(p.Findings, Finding{Code: CodeTooManyFindings, Layer: LayerSyntax, Severity: Note, Offset: f.Offset})
			last = &p.Findings[len(p.Findings)-1]
			last.Line, last.Column = p.Position(f.Offset)
			last.Message = "there are more findings here than are kept"
			last.Hint = "mend the first ones and check again"
		}
		last.Severity = max(last.Severity, f.Severity)
		return
	}
	f.Line, f.Column = p.Position(f.Offset)
	if p.ISA != nil {
		f.Interchange = p.ISA.Control
	}
	if p.GS != nil {
		f.Group = p.GS.Control
	}
	f.Set = p.ST.Control
	p.Findings = append(p.Findings, f)
}

// At is the start of a finding about the n-th element of a segment of p: place,
// reference and what was found are filled in. Element 0 is the segment's tag.
func (p *Part) At(s Segment, n int) Finding {
	f := Finding{Element: s.Ref(n), Layer: LayerEnvelope, Severity: Error}
	f.Offset, f.Length = s.Place(n)
	f.Found = clip(s.Element(n))
	if p.Kind == TransactionSet {
		f.Segment = s.Ordinal()
	}
	return f
}

// keep moves the segments' views onto raw and an index of their own.
func (p *Part) keep(raw []byte) {
	s := &p.Segments
	if s.Len() == 0 {
		*s = Segments{delims: s.delims}
		return
	}
	s.run.Keep(raw, p.Offset)
}

// Identity names the part across its interchange: see [Identity].
func (p *Part) Identity() Identity {
	var id Identity
	if p.ISA != nil {
		id.SenderQualifier, id.Sender = p.ISA.SenderQualifier, p.ISA.Sender
		id.ReceiverQualifier, id.Receiver = p.ISA.ReceiverQualifier, p.ISA.Receiver
		id.Interchange = p.ISA.Control
	}
	if p.GS != nil {
		id.Group = p.GS.Control
	}
	id.Set = p.ST.Control
	return id
}

// Reply is the header of an answer to h: the parties change places. Date, time
// and control number are the answerer's to fill in.
func (h ISA) Reply() ISA {
	return ISA{SenderQualifier: h.ReceiverQualifier, Sender: h.Receiver, ReceiverQualifier: h.SenderQualifier, Receiver: h.Sender,
		Version: h.Version, Usage: h.Usage, Delimiters: h.Delimiters}
}

// Reply is the group header of an answer of kind functionalID.
func (h GS) Reply(functionalID string) GS {
	return GS{FunctionalID: functionalID, Sender: h.Receiver, Receiver: h.Sender, Agency: h.Agency, Version: h.Version}
}
