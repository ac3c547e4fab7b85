package routes

import (
	"context"
	"fmt"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/tender"
	"github.com/paklog/hub/edi/x12"
)

// What becomes of loads that a partner tenders to us.
const (
	TendersAsked    = "ask" // a person answers
	TendersAccepted = "accept"
	TendersDeclined = "decline"
)

// byRule is who answers where no person does.
const byRule = "rule"

// tenderCame takes a 204: a tender waits to be answered, or is by the rule that is agreed; one that is
// taken back waits no more.
func (e *edi) tenderCame(ctx context.Context, m *Message, info setInfo, part *x12.Part, p Partner) (*Out, error) {
	x, err := p.Profile.TenderCame(part)
	if err != nil {
		return nil, untranslated(m.route, setName(info), info.Document, fault.KindOf(err), err)
	}
	d := e.flows.decide(ctx, m)
	s, id := x.Receive.Scope, x.Load.Value
	stream := tender.StreamOf(s, id)
	var events []event.Event
	if x.Cancel {
		events, err = d.tender(s, id).Withdraw(tender.Withdraw{Reason: "taken back by 204", By: p.Name}, m.Now)
	} else {
		x.Receive.Partner = p.Name
		events, err = d.tender(s, id).Receive(x.Receive, m.Now)
	}
	if add(d, d.f.tenders, stream, events, err) && !x.Cancel && len(events) > 0 {
		switch p.Tenders {
		case TendersAccepted:
			events, err = d.tender(s, id).Accept(tender.Accept{By: byRule}, m.Now)
		case TendersDeclined:
			events, err = d.tender(s, id).Decline(tender.Decline{By: byRule}, m.Now)
		default:
			return d.done()
		}
		add(d, d.f.tenders, stream, events, err)
	}
	out, err := d.done()
	if k := fault.KindOf(err); err != nil && (k == fault.Rejected || k == fault.Invalid) {
		err = fault.At(m.route, k, x.Load.At.String(), fmt.Errorf("%s of %s: %s", setName(info), info.Document, fault.Reason(err)))
	}
	return out, err
}

// answerTender writes the 990 for a load that was tendered to us.
func (e *edi) answerTender(ctx context.Context, m *Message) (*Out, error) {
	stream := m.Event.(event.Streamed).Stream()
	t, err := Peek(ctx, m, e.flows.tenders, stream)
	if err != nil || !t.Inbound {
		return m.Out(), err
	}
	p, err := e.partner(t.Partner)
	if err != nil {
		return nil, err
	}
	switch ev := m.Event.(type) { // as it was answered, whatever came after
	case tender.Accepted:
		t.Status, t.Reference, t.Reason = tender.StatusAccepted, ev.Reference, ""
	case tender.Declined:
		t.Status, t.Reference, t.Reason = tender.StatusDeclined, "", ev.Reason
	}
	out := m.Out()
	rec, err := e.envelope(ctx, m, out, p, "990", p.Profile.TenderAnswer(t, m.Now))
	if err != nil {
		return nil, err
	}
	return out.Send(rec), nil
}
