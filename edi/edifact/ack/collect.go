package ack

import (
	"strconv"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/finding"
)

// Collector gathers the verdicts of a stream from its parts, in the reader's
// order and after they were checked. Its memory is that of the verdicts; an
// interchange of which everything is wrong names the first places and the
// verdicts of the rest.
type Collector struct {
	Policy       Policy
	Interchanges []Interchange
	told         int // UCS and UCD of the interchange that is open
}

// mostTold bounds the UCS and UCD of one interchange: who gets ten thousand
// begins with those.
const mostTold = 10_000

// Add takes in the next part and gives the verdict on it if it is a message or
// package.
func (c *Collector) Add(p *edifact.Part) Message {
	if p.Kind == edifact.InterchangeHeader {
		c.Interchanges = append(c.Interchanges, Interchange{UNB: *p.UNB, Policy: c.Policy})
		c.told = 0
	}
	if p.UNB == nil {
		return Message{}
	}
	v := &c.Interchanges[len(c.Interchanges)-1]
	switch p.Kind {
	case edifact.InterchangeHeader, edifact.InterchangeTrailer, edifact.Stray:
		note(&v.Fault, p.Findings)
	case edifact.GroupHeader:
		v.Groups = append(v.Groups, Group{UNG: *p.UNG})
		note(&v.Groups[len(v.Groups)-1].Fault, p.Findings)
	case edifact.GroupTrailer:
		note(&v.Groups[len(v.Groups)-1].Fault, p.Findings)
	case edifact.Message, edifact.Package:
		m := Judge(p, c.Policy)
		if p.UNH.Type == "CONTRL" {
			v.Contrls++
			return m
		}
		kept := m
		for _, s := range m.Segments {
			c.told += 1 + len(s.Elements)
		}
		if c.told > mostTold {
			kept.Segments = nil
			if kept.Verdict == Rejected && kept.Fault.Code == "" {
				kept.Fault.Code = "18"
			}
		}
		if p.UNG != nil {
			g := &v.Groups[len(v.Groups)-1]
			g.Messages = append(g.Messages, kept)
		} else {
			v.Messages = append(v.Messages, kept)
		}
		return m
	case edifact.Noise, edifact.Security: // say all in their findings
	}
	return Message{}
}

// note keeps the first error of an envelope.
func note(into *Fault, findings []finding.Finding) {
	for i := range findings {
		if f := &findings[i]; f.Ack.UCI != "" && f.Severity >= finding.Error && into.Code == "" {
			*into = faultOf(f)
		}
	}
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
