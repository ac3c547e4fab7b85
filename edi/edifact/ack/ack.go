// Package ack turns findings into the syntax and service report of an EDIFACT
// interchange: CONTRL, down to message, segment and element (ISO 9735-4).
//
// A CONTRL says that the syntax was understood, nothing more: what becomes of an
// order is said by an ORDRSP, an APERAK or a DESADV. A CONTRL is never answered
// by a CONTRL.
package ack

import (
	"slices"
	"strings"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/edi/grammar"
)

// Verdict is element 0083: on an interchange, a group or a message.
type Verdict string

// Verdicts.
const (
	Rejected     Verdict = "4" // this level and all below
	Acknowledged Verdict = "7" // this level, and below what is not rejected by itself
)

// Policy says how strict a partner's documents are taken. The zero value is
// strict: a message with an error is rejected, and it alone.
type Policy struct {
	// AcceptErrors accepts messages with errors in segments and elements. A message
	// without trailer, type or reference of its own is rejected all the same.
	AcceptErrors bool
	// Whole rejects an interchange as soon as one of its messages is, or its
	// trailer is wrong or missing.
	Whole bool
}

// Message is the verdict on one message or package. It can be stored and travels
// as JSON until all messages of its interchange have theirs.
type Message struct {
	UNH      edifact.UNH `json:"unh"`
	Verdict  Verdict     `json:"verdict"`
	Fault    Fault       `json:"fault,omitzero"`
	Segments []Segment   `json:"segments,omitempty"`
}

// Fault is what is wrong with a service segment: in UCI, UCF and UCM.
type Fault struct {
	Code      string `json:"code,omitempty"` // 0085
	Tag       string `json:"tag,omitempty"`  // 0013
	Position  int    `json:"position,omitempty"`
	Component int    `json:"component,omitempty"`
}

// Segment is one UCS.
type Segment struct {
	Position int       `json:"position"` // in the message, UNH is 1; of a missing one, that of the segment before it
	Code     string    `json:"code,omitempty"`
	Elements []Element `json:"elements,omitempty"`
}

// Element is one UCD. Positions count the tag as 1, as the standard has it.
type Element struct {
	Code      string `json:"code"`
	Position  int    `json:"position"`
	Component int    `json:"component,omitempty"`
}

// Accepted reports whether the message's content may be worked on.
func (m Message) Accepted() bool { return m.Verdict == Acknowledged }

// most UCS in a CONTRL: who gets a thousand has enough to do.
const mostSegments = 1000

// Judge gives the verdict on a message from its findings. Those of the business
// layer do not count: a CONTRL speaks of syntax.
func Judge(p *edifact.Part, policy Policy) Message {
	m := Message{UNH: p.UNH, Verdict: Acknowledged}
	failed, trusted := false, true
	for i := range p.Findings {
		f := &p.Findings[i]
		if f.Severity < finding.Error || f.Layer == finding.Business {
			continue
		}
		failed = true
		if f.Ack.UCI != "" {
			trusted = false // an envelope that is wrong: something may be missing
			if m.Fault.Code == "" {
				m.Fault = faultOf(f)
			}
		}
		if f.Ack.UCD != "" && len(m.Segments) < mostSegments {
			m.add(f)
		}
	}
	if !failed {
		return m
	}
	if policy.AcceptErrors && trusted {
		m.Segments = nil
		return m
	}
	m.Verdict = Rejected
	if m.Fault.Code == "" && len(m.Segments) == 0 {
		m.Fault.Code = "18" // unspecified
	}
	return m
}

// faultOf is a finding about a service segment.
func faultOf(f *finding.Finding) Fault {
	tag, n, c := finding.SplitRef(f.Element)
	// The tag of a segment that begins with no letters may be no text, and the verdict is stored.
	out := Fault{Code: f.Ack.UCI, Tag: strings.ToValidUTF8(tag, ""), Component: c}
	if n > 0 && n < most {
		out.Position = n + 1
	}
	if c > most {
		out.Component = 0
	}
	return out
}

// most is the last place that UCI, UCM and UCD can name: 0098 and 0104 have three digits.
const most = 999

func (m *Message) add(f *finding.Finding) {
	_, n, c := finding.SplitRef(f.Element)
	at := f.Segment
	if f.Code == grammar.CodeMissingSegment && at > 1 {
		at--
	}
	if n == 0 || n >= most || c > most {
		m.Segments = append(m.Segments, Segment{Position: at, Code: f.Ack.UCD})
		return
	}
	last := len(m.Segments) - 1
	if last < 0 || m.Segments[last].Position != at || m.Segments[last].Code != "" {
		m.Segments = append(m.Segments, Segment{Position: at})
		last++
	}
	s := &m.Segments[last]
	s.Elements = append(s.Elements, Element{Code: f.Ack.UCD, Position: n + 1, Component: c})
}

// Group is the verdict on a functional group.
type Group struct {
	UNG      edifact.UNG `json:"ung"`
	Fault    Fault       `json:"fault,omitzero"`
	Messages []Message   `json:"messages,omitempty"`
}

// Interchange is the verdict on one interchange.
type Interchange struct {
	UNB      edifact.UNB `json:"unb"`
	Fault    Fault       `json:"fault,omitzero"`
	Groups   []Group     `json:"groups,omitempty"`
	Messages []Message   `json:"messages,omitempty"` // outside groups
	Policy   Policy      `json:"policy,omitzero"`
	Contrls  int         `json:"contrls,omitempty"` // CONTRL that it held
}

func (v *Interchange) each(visit func(*Message)) {
	for i := range v.Groups {
		for j := range v.Groups[i].Messages {
			visit(&v.Groups[i].Messages[j])
		}
	}
	for i := range v.Messages {
		visit(&v.Messages[i])
	}
}

// Verdict is that on the whole interchange. What was recovered is worked on, so
// an interchange with a message that is accepted is not called rejected, unless
// the policy does not take it in parts.
func (v *Interchange) Verdict() Verdict {
	accepted, rejected := 0, 0
	v.each(func(m *Message) {
		if m.Accepted() {
			accepted++
		} else {
			rejected++
		}
	})
	faulty := v.Fault.Code != "" || slices.ContainsFunc(v.Groups, func(g Group) bool { return g.Fault.Code != "" })
	if v.Policy.Whole && (faulty || rejected > 0) || v.Fault.Code != "" && accepted == 0 && v.Contrls == 0 {
		return Rejected
	}
	return Acknowledged
}

// Rejects reports whether anything of the interchange is rejected.
func (v *Interchange) Rejects() bool {
	rejects := v.Verdict() == Rejected
	v.each(func(m *Message) { rejects = rejects || !m.Accepted() })
	return rejects
}

// Accepted reports whether a message of the interchange may be worked on: it
// itself is accepted, and what is around it is not rejected as a whole.
func (v *Interchange) Accepted(m Message) bool { return m.Accepted() && v.Verdict() == Acknowledged }

// Contrl is the CONTRL that reports on v: its header, without a reference, and
// its body. ok is false where none may be sent: for an interchange of nothing
// but CONTRL, and for messages that came without an interchange.
func Contrl(v *Interchange) (h edifact.UNH, body []edifact.Out, ok bool) {
	told := 0
	v.each(func(*Message) { told++ })
	if v.UNB.Absent || v.Contrls > 0 && told == 0 {
		return h, nil, false
	}
	h = edifact.UNH{Type: "CONTRL", Version: "D", Release: "3", Agency: "UN"}
	if v.UNB.Version == "4" {
		h.Version, h.Release = "4", "1"
	}
	verdict := v.Verdict()
	fault := v.Fault
	if verdict == Rejected && fault.Code == "" {
		fault.Code = "18"
	}
	if verdict == Acknowledged {
		fault = Fault{} // what is wrong with the envelope was mended, and nothing is refused for it
	}
	q := quoter(v.UNB.Answers())
	uci := []string{q.must(v.UNB.Control, 14), q.party(v.UNB.Sender), q.party(v.UNB.Recipient), string(verdict)}
	body = append(body, edifact.Out{ID: "UCI", Elements: append(uci, q.fault(fault)...)})
	// Where all is rejected, what has no fault of its own is not named: 0083 of 4 holds for
	// all lower levels, and 7 there would gainsay it.
	named := func(m *Message) bool { return verdict != Rejected || !m.Accepted() }
	for _, m := range v.Messages {
		if named(&m) {
			body = q.report(body, &m)
		}
	}
	for _, g := range v.Groups {
		if verdict == Rejected && g.Fault.Code == "" && !slices.ContainsFunc(g.Messages, func(m Message) bool { return named(&m) }) {
			continue
		}
		verdict := verdict
		if g.Fault.Code != "" && !slices.ContainsFunc(g.Messages, Message.Accepted) {
			verdict = Rejected
		}
		ucf := []string{q.must(g.UNG.Control, 14), q.party(g.UNG.Sender), q.party(g.UNG.Recipient), string(verdict)}
		if verdict == Rejected {
			ucf = append(ucf, q.fault(g.Fault)...)
		}
		body = append(body, edifact.Out{ID: "UCF", Elements: ucf})
		for _, m := range g.Messages {
			if named(&m) {
				body = q.report(body, &m)
			}
		}
	}
	return h, body, true
}

func (q quoter) report(body []edifact.Out, m *Message) []edifact.Out {
	kind := edifact.C(q.must(m.UNH.Type, 6), q.must(m.UNH.Version, 3), q.must(m.UNH.Release, 3), q.must(m.UNH.Agency, 3), q.may(m.UNH.Association, 6))
	ucm := []string{q.must(m.UNH.Reference, 14), kind, string(m.Verdict)}
	body = append(body, edifact.Out{ID: "UCM", Elements: append(ucm, q.fault(m.Fault)...)})
	for _, s := range m.Segments {
		body = append(body, edifact.Seg("UCS", number(s.Position), s.Code))
		for _, e := range s.Elements {
			body = append(body, edifact.Seg("UCD", e.Code, edifact.C(number(e.Position), number(e.Component))))
		}
	}
	return body
}

// quoter quotes from the interchange what an answer in its repertoire can hold.
type quoter edifact.Charset

// must is s cut to most bytes, or "0" where it is empty or cannot be sent: the
// element is mandatory.
func (q quoter) must(s string, most int) string {
	if s = q.may(s, most); s == "" {
		return "0"
	}
	return s
}

func (q quoter) may(s string, most int) string {
	if s = s[:min(len(s), most)]; !edifact.Charset(q).Holds(s) {
		return ""
	}
	return s
}

func (q quoter) party(p edifact.Party) string {
	return edifact.C(q.must(p.ID, 35), q.may(p.Qualifier, 4), q.may(p.Internal, 14))
}

func (q quoter) fault(f Fault) []string {
	if f.Code == "" {
		return nil
	}
	return []string{f.Code, q.may(f.Tag, 3), edifact.C(number(f.Position), number(f.Component))}
}
