package edifact

import (
	"bytes"
	"slices"

	"github.com/paklog/hub/edi/finding"
)

// Kind says what a [Part] is.
type Kind uint8

const (
	// Noise is what belongs to no interchange: line ends between interchanges, a
	// byte order mark, mail headers, another format. Findings say which.
	Noise Kind = iota + 1
	// InterchangeHeader is a UNB with the UNA before it. Each is followed by one
	// InterchangeTrailer. Where messages come without an interchange, Raw is what
	// stands before the first of them: nothing, or a UNA.
	InterchangeHeader
	// GroupHeader is a UNG. Each is followed by one GroupTrailer.
	GroupHeader
	// Message is UNH to UNT, whole.
	Message
	// Package is UNO, the object behind it, and UNP.
	Package
	// Security is a segment of the security header or trailer groups between
	// envelope and messages (USH, UST and their like).
	Security
	// GroupTrailer is a UNE. Raw is empty where it is missing.
	GroupTrailer
	// InterchangeTrailer is a UNZ. Raw is empty where it is missing.
	InterchangeTrailer
	// Stray is a segment where none of its kind may be.
	Stray
)

var kindNames = [...]string{"", "noise", "interchange", "group", "message", "package", "security", "group end", "interchange end", "stray"}

func (k Kind) String() string { return kindNames[k] }

// Party is a sender or recipient in UNB or UNG.
type Party struct {
	ID        string `json:"id"`                  // 0004, 0010, 0040, 0044
	Qualifier string `json:"qualifier,omitempty"` // 0007: 14 is a GLN
	Internal  string `json:"internal,omitempty"`  // 0008, 0014
	Sub       string `json:"sub,omitempty"`       // 0042, 0046
}

// UNB is an interchange header.
type UNB struct {
	Syntax       Charset    `json:"syntax"`                  // 0001: UNOC
	Version      string     `json:"version"`                 // 0002: 1 to 4
	Sender       Party      `json:"sender"`                  // S002
	Recipient    Party      `json:"recipient"`               // S003
	Date         string     `json:"date"`                    // 0017: YYMMDD, in version 4 CCYYMMDD
	Time         string     `json:"time"`                    // 0019: HHMM
	Control      string     `json:"control"`                 // 0020
	Password     string     `json:"password,omitempty"`      // 0022
	Application  string     `json:"application,omitempty"`   // 0026
	Priority     string     `json:"priority,omitempty"`      // 0029
	AckRequested string     `json:"ack_requested,omitempty"` // 0031: "1" asks for a CONTRL
	Agreement    string     `json:"agreement,omitempty"`     // 0032
	Test         string     `json:"test,omitempty"`          // 0035: "1" is a test
	Delimiters   Delimiters `json:"delimiters"`
	UNA          bool       `json:"una,omitempty"`    // the interchange has a UNA
	Absent       bool       `json:"absent,omitempty"` // the messages came without an interchange
}

// UNG is a functional group header.
type UNG struct {
	Type        string `json:"type"`                  // 0038: ORDERS
	Sender      Party  `json:"sender"`                // S006
	Recipient   Party  `json:"recipient"`             // S007
	Date        string `json:"date"`                  // 0017
	Time        string `json:"time"`                  // 0019
	Control     string `json:"control"`               // 0048
	Agency      string `json:"agency"`                // 0051: UN
	Version     string `json:"version"`               // 0052: D
	Release     string `json:"release"`               // 0054: 96A
	Association string `json:"association,omitempty"` // 0057
}

// UNH is a message header; of a package, Reference alone is set.
type UNH struct {
	Reference   string `json:"reference"`             // 0062
	Type        string `json:"type"`                  // 0065: ORDERS
	Version     string `json:"version"`               // 0052: D
	Release     string `json:"release"`               // 0054: 96A
	Agency      string `json:"agency"`                // 0051: UN
	Association string `json:"association,omitempty"` // 0057: EAN008
	Access      string `json:"access,omitempty"`      // 0068
}

// Directory is version and release together, as directories are named: "D96A".
func (h UNH) Directory() string { return h.Version + h.Release }

// Part is one named piece of a stream. It is valid until the reader's next
// call; [Part.Clone] makes it last.
type Part struct {
	Kind     Kind
	Raw      []byte // every byte of the part, blanks before its first tag included
	Offset   int64  // of Raw in the stream
	Segments Segments
	UNB      *UNB   // the interchange around it, nil outside one
	UNG      *UNG   // the group around it, nil outside one
	UNH      UNH    // of a Message or Package
	Object   []byte // of a Package: the object between UNO and UNP
	// Messages is how many messages and packages a GroupTrailer's group or an
	// InterchangeTrailer's interchange held, Groups how many groups: counted,
	// whatever was declared.
	Messages, Groups int
	Findings         []Finding

	line, column int // of Raw[0], from 1
	most         int // findings kept
	objectAt     int // of Object in Raw
}

// Clone is a copy that shares nothing with the reader.
func (p *Part) Clone() *Part {
	c := *p
	c.Findings = slices.Clone(p.Findings)
	c.Raw = bytes.Clone(p.Raw)
	if p.Kind == Package {
		c.Object = c.Raw[p.objectAt : p.objectAt+len(p.Object)]
	}
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

// Add completes f with line, column and references and appends it. Beyond the
// limit of findings only a count of severity is kept: the last finding says so
// and carries the worst that was suppressed.
func (p *Part) Add(f Finding) {
	if p.most > 0 && len(p.Findings) >= p.most {
		last := &p.Findings[len(p.Findings)-1]
		if last.Code != CodeTooManyFindings {
			p.Findings = append(p.Findings, Finding{Code: CodeTooManyFindings, Layer: LayerSyntax, Severity: Note, Offset: f.Offset,
				Message: "there are more findings here than are kept", Hint: "mend the first ones and check again"})
			last = &p.Findings[len(p.Findings)-1]
			last.Line, last.Column = p.Position(f.Offset)
		}
		last.Severity = max(last.Severity, f.Severity)
		return
	}
	f.Line, f.Column = p.Position(f.Offset)
	if p.UNB != nil {
		f.Interchange = p.UNB.Control
	}
	if p.UNG != nil {
		f.Group = p.UNG.Control
	}
	f.Set = p.UNH.Reference
	p.Findings = append(p.Findings, f)
}

// At is the start of a finding about the n-th element of a segment of p: place,
// reference and what was found are filled in. Element 0 is the segment's tag.
func (p *Part) At(s Segment, n int) Finding {
	f := Finding{Element: s.Ref(n, 0), Layer: LayerEnvelope, Severity: Error}
	f.Offset, f.Length = s.Place(n)
	f.Found = finding.Clip(s.Element(n))
	if p.Kind == Message || p.Kind == Package {
		f.Segment = s.Ordinal()
	}
	return f
}

// AtComponent is [Part.At] for one component of the r-th repetition.
func (p *Part) AtComponent(s Segment, n, r, c int) Finding {
	f := p.At(s, n)
	raw, offset := s.Component(n, r, c)
	f.Element, f.Offset, f.Length, f.Found = s.Ref(n, c), offset, len(raw), finding.Clip(raw)
	return f
}

// keep moves the segments' views onto raw and an index of their own.
func (p *Part) keep(raw []byte) {
	s := &p.Segments
	if s.Len() == 0 {
		*s = Segments{delims: s.delims, charset: s.charset}
		return
	}
	s.run.Keep(raw, p.Offset)
}

// Identity names the part across its interchange: see [Identity].
func (p *Part) Identity() Identity {
	var id Identity
	if p.UNB != nil {
		id.SenderQualifier, id.Sender = p.UNB.Sender.Qualifier, p.UNB.Sender.ID
		id.RecipientQualifier, id.Recipient = p.UNB.Recipient.Qualifier, p.UNB.Recipient.ID
		id.Interchange = p.UNB.Control
	}
	if p.UNG != nil {
		id.Group = p.UNG.Control
	}
	id.Message = p.UNH.Reference
	return id
}

// Answers is the repertoire that an answer to h is written in: its own, or
// Latin-1 where that is none of ISO 9735 or cannot hold how the parties are
// called: small letters under UNOA are common.
func (h UNB) Answers() Charset {
	for _, s := range []string{h.Sender.ID, h.Sender.Internal, h.Recipient.ID, h.Recipient.Internal} {
		if !h.Syntax.Holds(s) {
			return "UNOC"
		}
	}
	if !h.Syntax.Known() {
		return "UNOC"
	}
	return h.Syntax
}

// Reply is the header of an answer to h: the parties change places. Date, time
// and control reference are the answerer's to fill in.
func (h UNB) Reply() UNB {
	version := h.Version
	if len(version) != 1 || version < "1" || version > "4" {
		version = "3"
	}
	test := h.Test // 0035 is a digit: what else stands there says nothing that could be sent back
	if len(test) != 1 || test[0] < '0' || test[0] > '9' {
		test = ""
	}
	known := func(p Party) Party {
		if p.ID == "" { // it must be named, as CONTRL names it
			p.ID = "0"
		}
		return p
	}
	return UNB{Syntax: h.Answers(), Version: version, Sender: known(h.Recipient), Recipient: known(h.Sender), Test: test, Delimiters: h.Delimiters, UNA: h.UNA}
}
