package routes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/ack"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/routes/eip"
)

// messageInfo travels beside the bytes of an EDIFACT message, so that it can be read again alone
// and still name its places in the document.
type messageInfo struct {
	Partner  string            `json:"partner"`
	Document string            `json:"document"` // file name
	Identity edifact.Identity  `json:"identity"`
	Message  string            `json:"message"` // type: ORDERS
	Origin   edifact.Origin    `json:"origin"`
	Findings []finding.Finding `json:"findings,omitempty"`
}

// contrlVerdict is what the sender of an EDIFACT interchange is told of it.
type contrlVerdict struct {
	Partner string          `json:"partner"`
	Ack     ack.Interchange `json:"ack"`
}

// judgedInterchange is an EDIFACT interchange that was read to its end.
type judgedInterchange struct {
	end int64 // of its bytes
	ack ack.Interchange
}

// policy is the partner's, as EDIFACT has it: groups are hardly used, and what is rejected whole
// is the interchange.
func (p Partner) policy() ack.Policy {
	return ack.Policy{AcceptErrors: p.Policy.AcceptErrors, Whole: p.Policy.WholeGroup || p.Policy.WholeInterchange}
}

// messages is what a run over a document does with EDIFACT in it. As with X12 it is read twice:
// first to judge, then to send the verdict of each interchange before its messages.
type messages struct {
	*splitting
	judged map[int64]*judgedInterchange // by their beginning
	at     *judgedInterchange
	lost   lost[*edifact.Part]
}

// judge reads EDIFACT to its end: the interchanges by their beginning, with what their sender is to
// be told.
func (s *messages) judge(r *edifact.Reader) error {
	collect := ack.Collector{Policy: s.p.policy()}
	var last *judgedInterchange
	for {
		part, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch part.Kind {
		case edifact.InterchangeHeader:
			last = &judgedInterchange{end: int64(len(s.data))}
			s.judged[part.Offset] = last
		case edifact.Message:
			s.edi.messageRules(s.p).Check(part)
			err = s.count()
		case edifact.Package:
			err = s.count()
		default: // lies within, or says all in its findings
		}
		if err != nil {
			return err
		}
		collect.Add(part)
		if part.Kind == edifact.InterchangeTrailer {
			last.end = part.Offset + int64(len(part.Raw))
			last.ack = collect.Interchanges[len(collect.Interchanges)-1]
		}
	}
}

// read yields the children of EDIFACT in the document.
func (s *messages) read(ctx context.Context, r *edifact.Reader) error {
	for {
		part, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fault.At(s.m.route, fault.Invalid, s.m.Headers["name"], err)
		}
		if err := s.take(ctx, part); err != nil {
			return err
		}
	}
}

func (s *messages) take(ctx context.Context, part *edifact.Part) error {
	switch part.Kind {
	case edifact.Noise, edifact.Stray:
		s.outside(part, finding.Warning)
	case edifact.InterchangeHeader:
		s.found, s.cut, s.at = true, false, s.judged[part.Offset]
		s.outside(part, finding.Error)
		if err := s.known(ctx, part); err != nil || s.repeat {
			return err
		}
		return s.add(ctx, "edifact.Judged", topicContrls, contrlVerdict{Partner: s.p.Name, Ack: s.at.ack}, nil)
	case edifact.Message:
		s.edi.messageRules(s.p).Check(part)
		s.cut = slices.ContainsFunc(part.Findings, func(f finding.Finding) bool { return f.Code == edifact.CodeMissingUNT })
		if s.repeat {
			return nil
		}
		if s.at.ack.Accepted(ack.Judge(part, s.p.policy())) {
			return s.send(ctx, part, "edifact.Message", topicMessages)
		}
		return s.refuse(ctx, part)
	case edifact.Package:
		if !s.repeat {
			return s.refuse(ctx, part) // nobody here takes objects: a person decides
		}
	default:
		s.outside(part, finding.Error)
	}
	return nil
}

// outside keeps what is wrong around the messages, from severity least on.
func (s *messages) outside(part *edifact.Part, least finding.Severity) {
	if part.UNB != nil && s.repeat || s.cut && len(part.Raw) == 0 {
		return
	}
	s.lost.add(part, part.Findings, least)
}

// known looks whether the interchange came before, as [splitting.known] does for X12.
func (s *messages) known(ctx context.Context, part *edifact.Part) error {
	if f, stranger := s.p.strangerTo(part); stranger {
		s.repeat = true // nothing of it is worked on, and nothing of it is acknowledged
		part.Add(f)
		return s.refuse(ctx, part)
	}
	first, reused, err := s.arrived(ctx, "edifact/"+s.p.Name, part.Identity().String(), s.data[part.Offset:s.at.end])
	if err != nil {
		return err
	}
	s.repeat = first != ""
	switch {
	case !s.repeat:
		return nil
	case !reused:
		return s.add(ctx, "edifact.Repeated", onExternal, map[string]any{"partner": s.p.Name, "interchange": part.UNB.Control, "first": first}, nil)
	}
	f := part.AtComponent(part.Segments.At(0), 5, 1, 1)
	f.Code, f.Severity = "control-number-reused", finding.Error
	f.Message = fmt.Sprintf("interchange control reference %s came before with other content", part.UNB.Control)
	f.Segment = 1
	f.Line, f.Column = part.Position(f.Offset)
	return s.reused(ctx, f, s.data[part.Offset:s.at.end])
}

// strangerTo finds an interchange that is not from this partner to us, or not meant for real where
// the partner's are: in his folder it is a mistake that somebody must look at. Messages without an
// interchange say neither, and nobody can be told what became of them.
func (p Partner) strangerTo(part *edifact.Part) (finding.Finding, bool) {
	h := part.UNB
	if h.Absent {
		return finding.Finding{Code: edifact.CodeNoEnvelope, Severity: finding.Error, Layer: finding.Partner, Offset: part.Offset,
			Message: "messages stand without an interchange around them: nobody knows who sent them", Hint: "let the partner send UNB and UNZ around them"}, true
	}
	test := ""
	if p.usage() == "T" {
		test = "1"
	}
	for _, c := range [...]struct {
		element    int
		got, want  string
		code, says string
		always     bool
	}{
		{2, h.Sender.ID, p.ID, "sender-unknown", "the interchange is from %q, and this is the folder of %q", false},
		{3, h.Recipient.ID, p.OurID, "receiver-unknown", "the interchange is for %q, and we are %q to this partner", false},
		{11, h.Test, test, "usage-differs", "the interchange has test indicator %q, and this partner's have %q", true},
	} {
		if c.want == "" && !c.always || c.got == c.want {
			continue
		}
		f := part.AtComponent(part.Segments.At(0), c.element, 1, 1)
		f.Code, f.Severity, f.Layer = c.code, finding.Error, finding.Partner
		f.Expected, f.Message = c.want, fmt.Sprintf(c.says, c.got, c.want)
		f.Hint = "ask the partner, or correct his ids and usage in the configuration; then let him send it anew"
		return f, true
	}
	return finding.Finding{}, false
}

func (s *messages) refuse(ctx context.Context, part *edifact.Part) error {
	s.wrong = true
	return s.send(ctx, part, "edifact.Refused", topicRefusedMessages)
}

func (s *messages) send(ctx context.Context, part *edifact.Part, typ, topic string) error {
	return s.add(ctx, typ, topic, messageInfo{
		Partner: s.p.Name, Document: s.m.Headers["name"], Identity: part.Identity(), Message: part.UNH.Type,
		Origin: part.Origin(), Findings: part.Findings,
	}, part.Raw)
}

// refusedMessages is the Invalid Message Channel of EDIFACT: what was rejected becomes a letter
// that names every place. Replayed, it is judged again, by the rules of that day.
func (e *edi) refusedMessages() Route {
	return Route{
		Name: "edifact.refused", About: "rejected messages, each a letter with its exact places", Edit: e.editMessage(nil),
		Topics: []string{topicRefusedMessages}, Writes: []string{topicMessages}, Parking: Parking{Independent: true},
		Patterns: []string{eip.NameInvalid, eip.NameHistory, eip.NameClaimCheck},
		Handle: eip.History(func(ctx context.Context, m *Message) (*Out, error) {
			var info messageInfo
			if err := m.Decode(&info); err != nil {
				return nil, err
			}
			if m.Attempt > 0 && info.Message != "" {
				raw, err := e.claim(ctx, m)
				if err != nil {
					return nil, err
				}
				if p, err := e.partner(info.Partner); err == nil {
					if part, err := edifact.ReadMessage(raw, info.Origin, edifact.Limits{}); err == nil {
						e.messageRules(p).Check(part)
						if acceptedMessage(p, part) {
							r := m.Record
							r.ID, r.Type, r.Topic, r.Pos = m.ID.Child("edifact.refused", "again", 0), "edifact.Message", topicMessages, 0
							return m.Out().Send(r), nil
						}
					}
				}
			}
			return nil, refusedMessage(info)
		}),
	}
}

// acceptedMessage reports whether a message that was checked is taken from a partner.
func acceptedMessage(p Partner, part *edifact.Part) bool {
	return ack.Judge(part, p.policy()).Accepted()
}

func refusedMessage(info messageInfo) error {
	worst := cmp.Or(finding.Worst(info.Findings), finding.Note)
	for _, f := range info.Findings {
		if f.Severity == worst && (worst > finding.Note || info.Message != "") {
			err := fault.At("edifact", fault.Invalid, placeOf(f), fmt.Errorf("%s of %s: %s%s", info.name(), info.Document, f.Message, hint(f)))
			if info.Message == "" {
				err = fault.Advise(err, notAgain(true))
			}
			return err
		}
	}
	if info.Message == "" {
		return fault.Advise(fault.At("edifact", fault.Invalid, info.name(), errors.New("nobody here takes objects")), notAgain(true))
	}
	return fault.At("edifact", fault.Invalid, info.name(), errors.New("rejected with its interchange"))
}

func (info messageInfo) name() string {
	switch {
	case info.Identity == edifact.Identity{}:
		return "what stands outside any interchange"
	case info.Message == "":
		return "interchange " + info.Identity.String()
	}
	return fmt.Sprintf("message %s %s", info.Message, info.Identity.String())
}
