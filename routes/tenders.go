package routes

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	truckload "github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/tender"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/x12wms"
)

// topicFreight holds 990, 214 and 210 that came.
const topicFreight = "x12-freight"

// Messages about tenders that the routes send themselves.
const (
	tenderOverdue = "tender.Overdue"
	tenderWrong   = "tender.Wrong" // somebody must look at it
)

// tenderedAs is where a carrier's tenders are found by the number of the load, as claims.
func tenderedAs(partner string) string { return "tender/" + partner }

func (d *decision) tender(s scope.Scope, id string) tender.Tender {
	return load(d, d.f.tenders, tender.StreamOf(s, id))
}

// tenders are the door and the routes of loads that are offered to carriers.
func (e *edi) tenders() []Route {
	return []Route{{
		Name: door.Tenders, About: "offers loads to carriers who are trading partners, and takes what they answer by telephone",
		Handle: e.flows.ask(door.Tenders, e.askTender), Writes: []string{onExternal, onAudit},
		Patterns: []string{eip.NameIdempotent, eip.NameRequestReply},
	}, {
		Name: "x12.tenders", About: "a 204 for each load that is tendered or not any more; an alarm where the carrier does not answer",
		Topics: []string{onExternal}, Types: takes(tender.Offered{}, tender.Withdrawn{}), Start: bus.Now, Writes: e.leaving(),
		Parking: Parking{Independent: true}, Handle: e.tendered,
	}, {
		Name: "x12.tender-answers", About: "a 990 for each load that a partner tendered to us, once it is accepted or declined",
		Topics: []string{onExternal}, Types: takes(tender.Accepted{}, tender.Declined{}), Start: bus.Now, Writes: e.leaving(),
		Parking: Parking{Independent: true}, Handle: e.answerTender,
	}, {
		Name: "x12.freight", About: "carriers' 990, 214 and 210 to the tender that they are of; 204 of those who tender loads to us",
		Topics: []string{topicFreight}, Writes: []string{topicFreight, onExternal}, Parking: Parking{Independent: true},
		Patterns: []string{eip.NameClaimCheck}, Handle: e.freight,
	}}
}

func (e *edi) askTender(d *decision, a *door.Ask) (answered, error) {
	s, id := a.Scope.Building(), a.ID
	t := d.tender(s, id)
	if d.err != nil {
		return answered{}, d.err
	}
	var events []event.Event
	var err error
	switch c := a.Cmd.(type) {
	case tender.Offer:
		c.Scope, c.Load = s, id
		e.offered(d, s, id, &c)
		events, err = t.Offer(c, d.m.Now)
	case tender.Withdraw:
		events, err = t.Withdraw(c, d.m.Now)
	case tender.Accept:
		events, err = t.Accept(c, d.m.Now)
	case tender.Decline:
		events, err = t.Decline(c, d.m.Now)
	default:
		return answered{}, wrongCommand(door.Tenders, a.Cmd)
	}
	add(d, d.f.tenders, tender.StreamOf(s, id), events, err)
	for _, ev := range events {
		if o, ok := ev.(tender.Offered); ok && d.err == nil {
			d.out.Claims = append(d.out.Claims, journal.ClaimOp{Scope: tenderedAs(o.Partner), ID: id, Forget: true})
			d.out.Claim(tenderedAs(o.Partner), id, sha256.Sum256([]byte(o.Stream())), []byte(o.Stream()))
		}
	}
	return answered{d.tender(s, id), len(events) > 0}, d.err
}

// offered completes an offer by what is known of the load and of the carrier.
func (e *edi) offered(d *decision, s scope.Scope, id string, c *tender.Offer) {
	p, ok := e.Partners[c.Partner]
	if !ok || p.SCAC == "" {
		d.fail(fault.At(door.Tenders, fault.Invalid, "partner", fmt.Errorf("no carrier is named %.40q: add him to edi.partners, with a scac", c.Partner)))
		return
	}
	c.SCAC = p.SCAC
	if c.Rate.Minor > 0 && !x12wms.Hundredths(c.Rate.Currency) {
		d.fail(fault.At(door.Tenders, fault.Invalid, "rate", fmt.Errorf("%.8q is no currency of hundredths, and a 204 tells amounts so: tender it without a rate, or in another", c.Rate.Currency)))
		return
	}
	l := d.truck(s, id)
	switch l.Status {
	case truckload.StatusPlanned, truckload.StatusSealed:
	case truckload.StatusNone:
		d.fail(fault.At(door.Tenders, fault.Rejected, "load", fmt.Errorf("there is no load %.40s: plan it first", id)))
	case truckload.StatusDeparted, truckload.StatusCancelled:
		d.fail(fault.At(door.Tenders, fault.Rejected, "load", fmt.Errorf("load %s is %s", id, l.Status)))
	}
	for _, stop := range l.Stops {
		c.Stops = append(c.Stops, tender.Stop{No: stop.No, Code: stop.Code})
	}
	for _, u := range l.Units {
		for _, x := range d.cartonsIn(s, u) {
			if d.err != nil || x.Stop < 1 || x.Stop > len(c.Stops) {
				continue
			}
			own := scope.Scope{Tenant: s.Tenant, Owner: x.Owner, Facility: s.Facility}
			packed, _ := d.closedCarton(own, x.Order, x.Carton)
			c.Stops[x.Stop-1].Orders = freightOf(c.Stops[x.Stop-1].Orders, x, packed.Weight)
		}
	}
}

// freightOf counts a carton with its order.
func freightOf(all []tender.Orders, x truckload.Carton, weight measure.Mass) []tender.Orders {
	for i := range all {
		if all[i].Owner == x.Owner && all[i].Order == x.Order {
			all[i].Cartons++
			all[i].Weight += weight
			return all
		}
	}
	return append(all, tender.Orders{Owner: x.Owner, Order: x.Order, Cartons: 1, Weight: weight})
}

// tendered writes the 204, and raises what the carrier does not answer.
func (e *edi) tendered(ctx context.Context, m *Message) (*Out, error) {
	d := e.flows.decide(ctx, m)
	switch ev := m.Event.(type) {
	case tender.Offered:
		p, err := e.partner(ev.Partner)
		if err != nil {
			return nil, err
		}
		due := p.opens(m.Now).Add(e.AckWithin)
		if ev.Inbound {
			d.out.Timer(ev.Stream()+"/"+m.ID.String(), ev.Key(), tenderOverdue, reminds(ev, m.Now, e.AckWithin), ev)
			return d.done()
		}
		rec, err := e.envelope(ctx, m, d.out, p, "204", p.Profile.LoadTender(ev, due))
		if err != nil {
			return nil, err
		}
		d.out.Send(rec).Timer(ev.Stream()+"/"+m.ID.String(), ev.Key(), tenderOverdue, due, ev)
	case tender.Withdrawn:
		if t := d.tender(ev.Scope, ev.Load); d.err != nil || t.Inbound {
			return d.done() // he knows: he took it back
		}
		p, err := e.partner(ev.Partner)
		if err != nil {
			return nil, err
		}
		rec, err := e.envelope(ctx, m, d.out, p, "204", p.Profile.LoadWithdrawn(ev))
		if err != nil {
			return nil, err
		}
		d.out.Send(rec)
	default: // overdue
		var was tender.Offered
		if err := m.Decode(&was); err != nil {
			return nil, err
		}
		if t := d.tender(was.Scope, was.Load); d.err == nil && t.Status == tender.StatusOffered && t.At.Equal(was.At) {
			if t.Inbound {
				by := ""
				if !t.AnswerBy.IsZero() {
					by = ", and he wants to know by " + t.AnswerBy.Format(time.RFC3339)
				}
				return nil, fault.At(m.route, fault.Rejected, was.Load, fmt.Errorf("load %s that %s tendered to us is not answered%s: do so by paklog tenders accept %[1]s, or decline", was.Load, was.Partner, by))
			}
			return nil, fault.At(m.route, fault.Rejected, was.Load, fmt.Errorf("carrier %s has not answered the tender of load %s in time: ask him, or withdraw it by paklog tenders withdraw %[2]s", was.Partner, was.Load))
		}
	}
	return d.done()
}

// reminds is when somebody is told that a tender to us is not answered: after what all answers have, and
// while there is time where the partner wants it earlier, the last hour of it or half of what is left.
func reminds(t tender.Offered, now time.Time, within time.Duration) time.Time {
	at := now.Add(within)
	if left := t.AnswerBy.Sub(now); !t.AnswerBy.IsZero() {
		if by := t.AnswerBy.Add(-min(time.Hour, left/2)); left > 0 && by.Before(at) {
			return by
		}
		if left <= 0 {
			return now
		}
	}
	return at
}

// freight takes what a carrier says of a load. What nobody expected of him, and what must be looked at,
// is a letter.
func (e *edi) freight(ctx context.Context, m *Message) (*Out, error) {
	if m.Type == tenderWrong {
		return e.wrongFreight(ctx, m)
	}
	info, part, p, err := e.set(ctx, m)
	if err != nil {
		return nil, err
	}
	if info.Set == "204" {
		return e.tenderCame(ctx, m, info, part, p)
	}
	f, err := p.Profile.Freight(part)
	if err != nil {
		return nil, untranslated(m.route, setName(info), info.Document, fault.KindOf(err), err)
	}
	at := f.Load.At.String()
	c, ok, err := m.Claimed(ctx, tenderedAs(p.Name), f.Load.Value)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.At(m.route, fault.Rejected, at, fmt.Errorf("%s of %s speaks of shipment %.40q, and no load of that number was tendered to %s", setName(info), info.Document, f.Load.Value, p.Name))
	}
	d := e.flows.decide(ctx, m)
	stream, err := scope.ParseStream(string(c.Answer))
	if err != nil {
		return nil, fault.E(m.route, fault.Internal, err)
	}
	s := scope.Scope{Tenant: stream.Tenant, Owner: scope.Shared, Facility: stream.Facility}
	for _, c := range f.Commands {
		e.freightCommand(d, s, f, p, c)
	}
	out, err := d.done()
	if k := fault.KindOf(err); err != nil && (k == fault.Rejected || k == fault.Invalid) {
		err = fault.At(m.route, k, at, fmt.Errorf("%s of %s: %s", setName(info), info.Document, fault.Reason(err)))
	}
	return out, err
}

func (e *edi) freightCommand(d *decision, s scope.Scope, f x12wms.Freight, p Partner, cmd any) {
	id := f.Load.Value
	t := d.tender(s, id)
	if d.err != nil {
		return
	}
	var events []event.Event
	var err error
	switch c := cmd.(type) {
	case tender.Accept:
		c.Partner, c.By = p.Name, p.Name
		events, err = t.Accept(c, d.m.Now)
	case tender.Decline:
		c.Partner, c.By = p.Name, p.Name
		events, err = t.Decline(c, d.m.Now)
	case tender.Track:
		c.Partner = p.Name
		events, err = t.Track(c, d.m.Now)
	case tender.Invoice:
		c.Partner = p.Name
		events, err = t.Invoice(c, d.m.Now)
	}
	if !add(d, d.f.tenders, tender.StreamOf(s, id), events, err) {
		return
	}
	for i, ev := range events {
		why := ""
		switch ev := ev.(type) {
		case tender.Declined:
			why = fmt.Sprintf("carrier %s declines load %s%s: tender it to another, by paklog tenders offer", p.Name, id, because(ev.Reason))
		case tender.Invoiced:
			if len(ev.Differences) > 0 {
				why = fmt.Sprintf("invoice %s of carrier %s over %v for load %s: %s", ev.Number, p.Name, ev.Amount, id, strings.Join(ev.Differences, "; "))
			}
		}
		if why != "" {
			d.out.Send(journal.Record{ID: d.m.ID.Child("x12.freight", "wrong", i), Type: tenderWrong, Topic: topicFreight, Key: p.Name,
				Headers: map[string]string{"partner": p.Name, "load": id, "stream": tender.StreamOf(s, id), "type": ev.EventType(), "why": why}})
		}
	}
}

// wrongFreight is a letter, of a load that was declined until it is tendered anew.
func (e *edi) wrongFreight(ctx context.Context, m *Message) (*Out, error) {
	if m.Headers["type"] == (tender.Declined{}).EventType() {
		t, err := Peek(ctx, m, e.flows.tenders, m.Headers["stream"])
		if err != nil || t.Status != tender.StatusDeclined {
			return m.Out(), err
		}
	}
	return nil, fault.At(m.route, fault.Rejected, m.Headers["load"], errors.New(m.Headers["why"]))
}
