package ack

import (
	"slices"

	"github.com/paklog/hub/edi/grammar"
	"github.com/paklog/hub/edi/x12"
)

// Interchange is the verdict on one interchange, group by group.
type Interchange struct {
	ISA     x12.ISA `json:"isa"`
	Verdict Verdict `json:"verdict"`
	Code    string  `json:"ta105"` // "000" without errors
	Groups  []Group `json:"groups,omitempty"`
	acks    bool    // holds TA1
}

// TA1 is the interchange acknowledgement. ok is false where none may be sent:
// for an interchange that carried a TA1 itself and nothing else.
func (v *Interchange) TA1() (ta1 x12.Out, ok bool) {
	if v.ISA.Absent || v.acks && len(v.Groups) == 0 {
		return x12.Out{}, false
	}
	control := digits(v.ISA.Control) // TA101 has nine, as ISA13 should
	control = "000000000"[len(control):] + control
	date, clock := v.ISA.Date, v.ISA.Time
	if len(date) == 8 { // with its century
		date = date[2:]
	}
	if len(date) != 6 || !grammar.IsDate([]byte(date)) {
		date = noDate
	}
	if len(clock) > 4 {
		clock = clock[:4]
	}
	if len(clock) != 4 || !grammar.IsTime([]byte(clock)) {
		clock = noTime
	}
	return x12.Seg("TA1", control, date, clock, string(v.Verdict), v.Code), true
}

// noDate and noTime stand in a TA1 for those of an interchange that has none: it may not
// be sent without them, and TA105 says what was wrong.
const noDate, noTime = "000101", "0000"

// Wanted reports whether the sender asked for a TA1, or must be told of errors.
func (v *Interchange) Wanted() bool { return v.ISA.AckRequested == "1" || v.Verdict != Accepted }

func (v *Interchange) note(p *x12.Part) {
	for _, f := range p.Findings {
		if f.Code == x12.CodeTooManyFindings && f.Severity >= x12.Error && p.Kind != x12.TransactionSet {
			f.Ack.TA1 = "024" // what was suppressed had a code of its own
		}
		if f.Ack.TA1 == "" {
			continue
		}
		verdict := WithErrors
		if f.Severity >= x12.Error {
			verdict = Rejected
		}
		if v.Verdict == Accepted || v.Verdict == WithErrors && verdict == Rejected {
			v.Verdict, v.Code = verdict, f.Ack.TA1
		}
	}
}

// Collector gathers the verdicts of a stream from its parts, in the reader's
// order and after they were checked. Its memory is that of the verdicts; a group of which
// everything is wrong names the first places and the verdicts of the rest.
type Collector struct {
	Policy       Policy
	Interchanges []Interchange
	open         bool
	told         int // AK3 and AK4 of the group that is open
}

// mostTold bounds the AK3 and AK4 of one group: who gets ten thousand begins with those.
const mostTold = 10_000

// Add takes in the next part and gives the verdict on it if it is a set.
func (c *Collector) Add(p *x12.Part) Set {
	if p.Kind == x12.InterchangeHeader {
		c.Interchanges = append(c.Interchanges, Interchange{ISA: *p.ISA, Verdict: Accepted, Code: "000"})
	}
	if p.ISA == nil {
		return Set{}
	}
	v := &c.Interchanges[len(c.Interchanges)-1]
	v.note(p)
	switch p.Kind {
	case x12.InterchangeAck:
		v.acks = true
	case x12.GroupHeader:
		v.Groups, c.open = append(v.Groups, NewGroup(p, c.Policy)), true
		c.told = 0
	case x12.GroupTrailer:
		v.Groups[len(v.Groups)-1].End(p)
		c.open = false
	case x12.InterchangeTrailer:
		if c.Policy.WholeInterchange && slices.ContainsFunc(v.Groups, func(g Group) bool { return g.Verdict() == Rejected || g.Verdict() == Partially }) {
			for i := range v.Groups {
				v.Groups[i].Refused = true
			}
		}
		// What was recovered is worked on, so it must not be called rejected.
		for i := range v.Groups {
			if v.Verdict == Rejected && v.Groups[i].AcceptedSets() > 0 {
				v.Verdict = WithErrors
			}
		}
	case x12.TransactionSet:
		s := Judge(p, c.Policy)
		if c.open {
			g := &v.Groups[len(v.Groups)-1]
			if c.told += s.told(); c.told > mostTold {
				s.Segments = nil
			}
			g.Sets = append(g.Sets, s)
		}
		return s
	case x12.Noise, x12.InterchangeHeader, x12.Stray: // say all in their findings
	}
	return Set{}
}
