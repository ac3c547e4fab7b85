package routes

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/ack"
	"github.com/paklog/hub/edi/finding"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/mapping"
	"github.com/paklog/hub/transforms/x12wms"
)

// onErrors holds what became of letters.
const onErrors = "error-events"

// refusedDocument is a document of a partner that became a letter though its syntax is right.
type refusedDocument struct {
	x12wms.Refused
	partner Partner
	edifact bool
	cancel  bool // it was to cancel an order
}

// acknowledges are the documents that nothing is answered to.
var acknowledges = []string{"TA1", "997", "999", "824", "CONTRL", "APERAK"}

// refusals tells a partner, where that is agreed, of each document of his that nobody can work on:
// an order that is not there, a change that comes too late, an item without a code. It is told by
// an 824, or an APERAK where he wrote EDIFACT, and once, however often its letter is replayed.
func (e *edi) refusals() Route {
	return e.onRefusal(Route{Name: "edi.refused", About: "an 824 or APERAK for each document that nobody can work on, to each partner who wants to know"},
		func(d refusedDocument) bool { return d.partner.Advise },
		func(ctx context.Context, m *Message, out *Out, d refusedDocument) (journal.Record, error) {
			if !d.edifact {
				return e.envelope(ctx, m, out, d.partner, "824", d.partner.Profile.ApplicationAdvice(d.Refused))
			}
			p := d.partner
			return e.interchange(ctx, m, out, p, p.unb(), p.unh("APERAK"), func(int) ([]edifact.Out, error) {
				body, _ := ack.Aperak(d.Name, cmp.Or(d.Number, d.Control), d.Findings, d.At)
				return body, nil
			})
		})
}

// refusedChanges answers each change of an order that could not be done by an 855 or ORDRSP that
// says so.
func (e *edi) refusedChanges() Route {
	return e.onRefusal(Route{Name: "edi.change-refused", About: "an 855 for each 860, an ORDRSP for each ORDCHG that was refused"},
		func(d refusedDocument) bool {
			return d.partner.SendAnswers && (d.Set == "860" || d.Set == "ORDCHG") && d.Number != ""
		},
		func(ctx context.Context, m *Message, out *Out, d refusedDocument) (journal.Record, error) {
			a := x12wms.Answer{Purpose: x12wms.AnswersChange, At: m.Now, Rejected: &order.Rejected{Head: order.Head{Order: d.Number, At: m.Now}}}
			if d.cancel {
				a.Purpose = x12wms.AnswersCancel
			}
			for _, f := range d.Findings {
				a.Rejected.Problems = append(a.Rejected.Problems, order.Problem{Place: f.Element, Text: f.Message})
			}
			return e.answer(ctx, m, out, order.Source{Partner: d.partner.Name, DocType: d.Set}, a)
		})
}

// onRefusal is a route that writes something of each document that became a letter, once.
func (e *edi) onRefusal(r Route, wanted func(refusedDocument) bool, write func(context.Context, *Message, *Out, refusedDocument) (journal.Record, error)) Route {
	r.Topics, r.Types, r.Start, r.Writes = []string{onErrors}, []string{"letter.Opened"}, bus.Now, e.leaving()
	r.Patterns = []string{eip.NameClaimCheck}
	r.Parking = Parking{Independent: true}
	r.Handle = func(ctx context.Context, m *Message) (*Out, error) {
		d, ok, err := e.refusedDocument(ctx, m)
		if err != nil || !ok || !wanted(d) {
			return m.Out(), err
		}
		if _, told, err := m.Claimed(ctx, r.Name, d.Name); told || err != nil {
			return m.Out(), err
		}
		out := m.Out().Claim(r.Name, d.Name, sha256.Sum256([]byte(d.Name)), nil)
		rec, err := write(ctx, m, out, d)
		if err != nil {
			return nil, err
		}
		return out.Send(rec), nil
	}
	return r
}

// refusedDocument is the document whose letter was opened; false where it is none, or where the
// letter is done with already.
func (e *edi) refusedDocument(ctx context.Context, m *Message) (d refusedDocument, ok bool, err error) {
	var n dlq.Notice
	if err := m.Decode(&n); err != nil {
		return d, false, err
	}
	read := e.readers()[n.Route]
	kind, _ := fault.ParseKind(n.Kind)
	if read == nil || kind != fault.Invalid && kind != fault.Rejected {
		return d, false, nil
	}
	s, l, err := m.hub.readLetter(ctx, n.Letter)
	if err != nil || l.ID == "" || s.State == journal.LetterResolved {
		return d, false, err
	}
	was := *m
	if was.Record, err = m.Recall(ctx, s.Pos); err != nil {
		return d, false, err
	}
	d.Name, d.At, d.cancel = l.ID, m.Now, l.Type == cmdCancel
	ok, err = read(ctx, &was, &d)
	if err != nil && fault.KindOf(err) == fault.Invalid {
		ok, err = false, nil // of nobody that we know, or nothing that names a document
	}
	if err != nil || !ok || slices.Contains(acknowledges, d.Set) {
		return d, false, err
	}
	if len(d.Findings) == 0 {
		d.Findings = []finding.Finding{foundIn(l)}
	}
	d.Findings = plainFindings(d.Findings)
	return d, true, nil
}

// foundIn is what a letter says. Its place begins with the element as the sender knows it, and what
// follows in brackets is for us.
func foundIn(l dlq.Letter) finding.Finding {
	f := finding.Finding{Layer: finding.Business, Severity: finding.Error, Message: l.Cause}
	place, _, _ := strings.Cut(l.Place, " (")
	element, where, _ := strings.Cut(place, " ")
	if element != "" && strings.ToUpper(element) == element {
		if f.Element = element; where != "" {
			f.Message = place + ": " + l.Cause
		}
	}
	return f
}

// readers take what a document is out of the messages of the routes that may refuse it.
func (e *edi) readers() map[string]func(context.Context, *Message, *refusedDocument) (bool, error) {
	return map[string]func(context.Context, *Message, *refusedDocument) (bool, error){
		"x12.inbound": e.refusedSet, "x12.orders": e.refusedSet, "x12.receipts": e.refusedSet, "x12.freight": e.refusedSet,
		"edifact.inbound": e.refusedMessage, "edifact.orders": e.refusedMessage, "edifact.receipts": e.refusedMessage,
		"order.place": e.refusedCommand,
	}
}

// numberAt is where the sets that are worked on have the number of what they are about.
var numberAt = map[string]struct {
	segment string
	element int
}{"940": {"W05", 2}, "850": {"BEG", 3}, "860": {"BCH", 3}, "943": {"W06", 2}, "856": {"BSN", 2}, "990": {"B1", 2}, "204": {"B2", 4}, "214": {"B10", 2}, "210": {"B3", 3}}

func (e *edi) refusedSet(ctx context.Context, m *Message, d *refusedDocument) (bool, error) {
	info, part, p, err := e.set(ctx, m)
	if err != nil {
		return false, err
	}
	d.partner, d.Set, d.Group, d.Control = p, info.Set, info.Identity.Group, info.Identity.Set
	at := numberAt[info.Set]
	for _, s := range part.Segments.All() {
		if s.Is(at.segment) {
			d.Number = strings.TrimSpace(s.Value(at.element))
			break
		}
	}
	switch own := p.Maps[info.Set]; {
	case own != nil && own.Makes == mapping.MakesReceipt, own == nil && (info.Set == "943" || info.Set == "856"):
		_, err = p.expected(part)
	case own != nil, info.Set == "940", info.Set == "850", info.Set == "860":
		_, err = p.order(part)
	}
	d.why(err)
	return true, nil
}

func (e *edi) refusedMessage(ctx context.Context, m *Message, d *refusedDocument) (bool, error) {
	info, part, p, err := e.message(ctx, m)
	if err != nil {
		return false, err
	}
	d.partner, d.edifact, d.Set, d.Group, d.Control = p, true, info.Message, info.Identity.Group, info.Identity.Message
	for _, s := range part.Segments.All() {
		if s.Is("BGM") {
			d.Number = strings.TrimSpace(s.Value(2, 1))
			break
		}
	}
	switch own := p.Maps[info.Message]; {
	case own != nil && own.Makes == mapping.MakesReceipt, own == nil && info.Message == "DESADV":
		_, err = p.messageExpected(part)
	case own != nil, info.Message == "ORDERS", info.Message == "ORDCHG":
		_, err = p.messageOrder(part)
	}
	d.why(err)
	return true, nil
}

// why takes over all that a translation finds.
func (d *refusedDocument) why(err error) {
	var x *x12wms.Error
	if errors.As(err, &x) {
		d.Findings = x.Findings
	}
}

// refusedCommand is the document behind a command for the order service.
func (e *edi) refusedCommand(_ context.Context, m *Message, d *refusedDocument) (bool, error) {
	var c struct {
		Number string
		Source order.Source
	}
	if err := json.Unmarshal(m.Data, &c); err != nil || c.Source.Door != "edi" {
		return false, nil //nolint:nilerr // what cannot be read is no document's command, and has its letter
	}
	p, err := e.partner(c.Source.Partner)
	if err != nil {
		return false, err
	}
	d.partner, d.Set, d.Number = p, c.Source.DocType, c.Number
	d.edifact = d.Set == "ORDERS" || d.Set == "ORDCHG"
	if id := strings.Split(c.Source.DocID, "/"); len(id) == 7 {
		d.Group, d.Control = id[5], id[6]
	}
	return true, nil
}
