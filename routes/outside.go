package routes

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/routes/bus"
	"github.com/paklog/hub/routes/eip"
	"github.com/paklog/hub/transforms/edifactwms"
	"github.com/paklog/hub/transforms/x12wms"
)

// What a 3PL shipped and received for us, by what came: 945s and 944s; DESADVs and RECADVs.
const (
	topicOutside         = "x12-outside"
	topicMessagesOutside = "edifact-outside"
)

// askedOf is where the orders that a 3PL was asked to ship are found by their number, and toldBy what he
// said of his shipments: as claims, which end by themselves.
func askedOf(partner string) string { return "outside/" + partner }
func toldBy(partner string) string  { return "outside-told/" + partner }

// outside reports whether somebody else runs a building: nothing in it is promised, placed or picked by us.
func (f *Flows) outside(facility string) bool { return slices.Contains(f.cfg.Outside, facility) }

// runs is the partner who runs a building.
func (e *edi) runs(facility string) (Partner, bool) {
	for _, p := range e.Partners {
		if slices.Contains(p.Runs, facility) {
			return p, true
		}
	}
	return Partner{}, false
}

// shippedBefore is where the cartons that 3PLs shipped are found by their SSCC: as claims, which end by
// themselves after the year in which no other carton may have the number (GS1 General Specifications,
// section on the SSCC).
func shippedBefore(tenant string) string { return "outside-sscc/" + tenant }

// elsewhere reports whether a partner's code means another building than the one that is spoken of.
func (p Partner) elsewhere(code, facility string) bool {
	if f, ok := p.Profile.Facilities[code]; ok {
		return f != facility
	}
	return code != "" && code != facility && (len(p.Profile.Facilities) > 0 || slices.Contains(p.Runs, code))
}

// asked940 is what a 3PL was asked of an order the last time.
type asked940 struct {
	Body      [32]byte `json:"body"` // of the 940 or ORDERS, by whatever purpose
	Withdrawn bool     `json:"withdrawn,omitempty"`
}

// outsiders are the routes of orders and receipts that 3PLs have, by the syntax that they read; what they
// say is taken in either. Where nobody runs a building there is none.
func (e *edi) outsiders() []Route {
	var x12, messages bool
	for _, p := range e.Partners {
		x12 = x12 || len(p.Runs) > 0 && !p.EDIFACT.Runs
		messages = messages || len(p.Runs) > 0 && p.EDIFACT.Runs
	}
	if !x12 && !messages {
		return nil
	}
	says := func(name, about, topic string, handle func(context.Context, *Message) (*Out, error)) Route {
		return Route{Name: name, About: about, Topics: []string{topic}, Writes: []string{onOrders, onPacks, onInventory},
			Parking: Parking{Independent: true}, Patterns: []string{eip.NameClaimCheck}, Handle: handle}
	}
	out := []Route{
		says("x12.outside", "what a 3PL says by 945 that he shipped, to the order that he was asked to ship; by 944 what he received", topicOutside, e.saidOutside),
		says("edifact.outside", "what a 3PL says by DESADV that he shipped, to the order that he was asked to ship; by RECADV what he received", topicMessagesOutside, e.messageOutside),
	}
	if x12 {
		out = append(out, e.asks("x12.shipping-orders", "a 940 to the 3PL who runs the building for each order in it, and for what becomes of it", false),
			e.tells("x12.transfer-advices", "a 943 to the 3PL who runs the building for each receipt that is announced for it", false))
	}
	if messages {
		out = append(out, e.asks("edifact.shipping-orders", "an ORDERS to the 3PL who runs the building for each order in it, an ORDCHG for what becomes of it", true),
			e.tells("edifact.announcements", "a DESADV to the 3PL who runs the building for each receipt that is announced for it", true))
	}
	return out
}

// asks is a route of orders to the 3PLs who read EDIFACT, or to the others.
func (e *edi) asks(name, about string, byMessage bool) Route {
	return Route{
		Name: name, About: about, Topics: []string{onOrders}, Start: bus.Now, Writes: e.leaving(), Parking: Parking{Independent: true},
		Types:  takes(order.Accepted{}, order.LineReleased{}, order.Held{}, order.Released{}, order.Changed{}, order.Cancelled{}, order.SplitInto{}, order.SplitFrom{}, order.MergedFrom{}, order.MergedInto{}),
		Handle: func(ctx context.Context, m *Message) (*Out, error) { return e.askOutside(ctx, m, byMessage) },
	}
}

// tells is the same for receipts.
func (e *edi) tells(name, about string, byMessage bool) Route {
	return Route{
		Name: name, About: about, Topics: []string{onInventory}, Start: bus.Now, Writes: e.leaving(), Parking: Parking{Independent: true},
		Types:  takes(receiving.Announced{}, receiving.Changed{}, receiving.Cancelled{}),
		Handle: func(ctx context.Context, m *Message) (*Out, error) { return e.announceOutside(ctx, m, byMessage) },
	}
}

// askOutside says to the 3PLs who read a syntax what is wanted of an order now. It goes by the order's
// state: what one was asked already he is not asked again.
func (e *edi) askOutside(ctx context.Context, m *Message, byMessage bool) (*Out, error) {
	if m.Type == outsideLate {
		return e.lateOrder(ctx, m)
	}
	stream := m.Event.(event.Streamed).Stream()
	o, err := Peek(ctx, m, e.flows.orders, stream)
	if err != nil {
		return nil, err
	}
	p, ok := e.runs(o.Scope.Facility)
	if !ok || p.EDIFACT.Runs != byMessage {
		return m.Out(), nil
	}
	key := "outside/" + stream
	st, err := m.State(ctx, key)
	if err != nil {
		return nil, err
	}
	var was asked940
	if st.Tag != 0 {
		if err := json.Unmarshal(st.Data, &was); err != nil {
			return nil, fault.E(m.route, fault.Internal, err)
		}
	}
	now := asked940{}
	purpose := x12wms.Orders
	if st.Tag != 0 && !was.Withdrawn {
		purpose = x12wms.Replaces
	}
	if _, held := m.Event.(order.Held); o.OnHold() && !o.Closed() {
		if held && purpose == x12wms.Replaces {
			return nil, fault.At(m.route, fault.Rejected, o.Number, fmt.Errorf("order %s is on hold, and %s was asked to ship it, which no document takes back for a while: ask him to wait, or cancel it", o.Number, p.Name))
		}
		return m.Out(), nil
	}
	t := o.Totals()
	switch c, cancelled := m.Event.(order.Cancelled); {
	case cancelled && c.By == p.Name: // he said so himself
		return m.Out(), nil
	case t.Open == 0:
		if purpose != x12wms.Replaces || t.Shipped+t.Short == t.Ordered {
			return m.Out(), nil // he never heard of it, or it is done
		}
		now.Withdrawn, purpose = true, x12wms.Cancels
	case t.Unassigned == 0:
		return m.Out(), nil
	}
	wish := p.wish(o, purpose, m.Now)
	about, err := json.Marshal(wish.about)
	if err != nil {
		return nil, fault.E(m.route, fault.Internal, err)
	}
	if now.Body = sha256.Sum256(about); purpose == x12wms.Replaces && now == was {
		return m.Out(), nil
	}
	out := m.Out()
	rec, err := wish.send(ctx, e, m, out)
	if err != nil {
		return nil, err
	}
	out.Send(rec).SetState(key, st, now)
	if !now.Withdrawn {
		e.expect(out, p, stream, o.Dates.ShipBy)
	}
	out.Claims = append(out.Claims, journal.ClaimOp{Scope: askedOf(p.Name), ID: o.Number, Forget: true})
	return out.Claim(askedOf(p.Name), o.Number, sha256.Sum256([]byte(stream)), []byte(stream)), nil
}

// wish is a document that says to a 3PL what is wanted.
type wish struct {
	about any // what it says, beside its purpose and its date
	send  func(ctx context.Context, e *edi, m *Message, out *Out) (journal.Record, error)
}

// wish is what he is to read of an order.
func (p Partner) wish(o order.Order, purpose string, now time.Time) wish {
	if p.EDIFACT.Runs {
		kind := "ORDCHG"
		if purpose == x12wms.Orders {
			kind = "ORDERS"
		}
		body := edifactwms.ShippingOrder(p.Profile, o, purpose, now)
		return wish{body[2:], func(ctx context.Context, e *edi, m *Message, out *Out) (journal.Record, error) {
			return e.interchange(ctx, m, out, p, p.unb(), p.unh(kind), func(int) ([]edifact.Out, error) { return body, nil })
		}}
	}
	body := p.Profile.ShippingOrder(o, purpose)
	if purpose == x12wms.Cancels {
		body = p.Profile.ShippingOrderWithdrawn(o)
	}
	return wish{body[1:], func(ctx context.Context, e *edi, m *Message, out *Out) (journal.Record, error) {
		return e.envelope(ctx, m, out, p, "940", body)
	}}
}

// report is a document of a 3PL: a set or message by its name, and the file.
type report struct{ kind, name, document string }

// saidOutside takes a 945 or 944.
func (e *edi) saidOutside(ctx context.Context, m *Message) (*Out, error) {
	info, part, p, err := e.set(ctx, m)
	if err != nil {
		return nil, err
	}
	c := report{info.Set, setName(info), info.Document}
	if info.Set == "944" {
		a, err := p.Profile.Arrived(part)
		return e.receivedOutside(ctx, m, c, p, a, err)
	}
	a, err := p.Profile.Shipped(part)
	return e.shippedOutside(ctx, m, c, p, a, err)
}

// messageOutside takes a DESADV or RECADV.
func (e *edi) messageOutside(ctx context.Context, m *Message) (*Out, error) {
	info, part, p, err := e.message(ctx, m)
	if err != nil {
		return nil, err
	}
	c := report{info.Message, info.name(), info.Document}
	if info.Message == "RECADV" {
		a, err := edifactwms.Arrived(p.Profile, part)
		return e.receivedOutside(ctx, m, c, p, a, err)
	}
	a, err := edifactwms.Shipped(p.Profile, part)
	return e.shippedOutside(ctx, m, c, p, a, err)
}

// shippedOutside ships of an order what its 3PL says, which wrong says was not to be read. What does not fit is a letter.
func (e *edi) shippedOutside(ctx context.Context, m *Message, c report, p Partner, a x12wms.Shipped, wrong error) (*Out, error) {
	if wrong != nil {
		return nil, untranslated(m.route, c.name, c.document, fault.KindOf(wrong), wrong)
	}
	refuse := refusing(m, c)
	known, ok, err := m.Claimed(ctx, askedOf(p.Name), a.Order.Value)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, refuse(a.Order.At, "it speaks of order %.40q, and no order of that number was sent to %s", a.Order.Value, p.Name)
	}
	said, err := json.Marshal(a.Said())
	if err != nil {
		return nil, fault.E(m.route, fault.Internal, err)
	}
	hash := sha256.Sum256(said)
	id := scope.Join(a.Order.Value, cmp.Or(a.Shipment.Value, fmt.Sprintf("%x", hash[:8])))
	before, ok, err := m.Claimed(ctx, toldBy(p.Name), id)
	switch {
	case err != nil:
		return nil, err
	case ok && before.Hash == hash:
		return m.Out(), nil
	case ok:
		return nil, refuse(a.Shipment.At, "shipment %s of order %s came before, and said something else: ask %s which holds", a.Shipment.Value, a.Order.Value, p.Name)
	}
	d := e.flows.decide(ctx, m)
	stream, err := scope.ParseStream(string(known.Answer))
	if err != nil {
		return nil, fault.E(m.route, fault.Internal, err)
	}
	o := d.order(scope.Scope{Tenant: stream.Tenant, Owner: stream.Owner}, stream.ID)
	if d.err != nil {
		return nil, d.err
	}
	if p.elsewhere(a.Warehouse.Value, o.Scope.Facility) {
		return nil, refuse(a.Warehouse.At, "it is of building %.40q, and order %s was to leave from %s", a.Warehouse.Value, o.Number, p.Profile.Outside(p.Profile.Facilities, o.Scope.Facility))
	}
	left, at, err := e.fits(d, o, a)
	if err != nil {
		return nil, refuse(at, "%s", fault.Reason(err))
	}
	for _, c := range a.Cartons {
		if c.SSCC.Value == "" {
			continue
		}
		before, ok, err := m.Claimed(ctx, shippedBefore(o.Scope.Tenant), c.SSCC.Value)
		if err != nil {
			return nil, err
		}
		if ok {
			return nil, refuse(c.SSCC.At, "carton %s left before, with order %s: ask %s which holds", c.SSCC.Value, before.Answer, p.Name)
		}
	}
	for _, c := range left.Cartons {
		if c.Carton != "" {
			d.out.Claim(shippedBefore(o.Scope.Tenant), c.Carton, sha256.Sum256([]byte(o.Number)), []byte(o.Number))
		}
	}
	d.leftOutside(o, p, a, left)
	d.out.Claim(toldBy(p.Name), id, hash, nil)
	out, err := d.done()
	if k := fault.KindOf(err); err != nil && (k == fault.Rejected || k == fault.Invalid) {
		err = refuse(a.Order.At, "%s", fault.Reason(err))
	}
	return out, err
}

// refusing makes the errors of a document that came, at a place of it.
func refusing(m *Message, c report) func(at x12wms.Place, format string, args ...any) error {
	return func(at x12wms.Place, format string, args ...any) error {
		return fault.At(m.route, fault.Rejected, at.String(), fmt.Errorf("%s of %s: %s", c.name, c.document, fmt.Sprintf(format, args...)))
	}
}

// gone is what a 945 or DESADV means for an order.
type gone struct {
	Cartons []ship.Manifested
	Lines   []order.LineQty
	Short   []order.LineQty
}

// fits finds the lines of an order that a 945 or DESADV speaks of, in smallest units. The error is of the place.
func (e *edi) fits(d *decision, o order.Order, a x12wms.Shipped) (left gone, at x12wms.Place, err error) {
	open := map[int]int64{}
	for _, l := range o.Lines {
		open[l.No] = l.Unassigned()
	}
	for _, c := range a.Cartons {
		m := ship.Manifested{Carton: c.SSCC.Value, Carrier: a.Carrier, Service: a.Service, Tracking: c.Tracking}
		for _, x := range c.Lines {
			l, ok := d.lineOf(o, x, open)
			if !ok {
				return left, x.At, fmt.Errorf("order %s has no such line", o.Number)
			}
			factor := func(n int64) (int64, error) {
				if n == 0 {
					return 0, nil
				}
				return d.item(o.Scope, l.SKU).ToSmallest(n, x.UOM)
			}
			qty, err := factor(x.Qty)
			short, err2 := factor(x.Short)
			if err := errors.Join(err, err2, d.err); err != nil {
				return left, x.At, err
			}
			switch {
			case qty > open[l.No] && o.Closed():
				return left, x.At, fmt.Errorf("order %s is %s", o.Number, o.Status())
			case qty > open[l.No]:
				return left, x.At, fmt.Errorf("%d of line %d left, and %d of it are open", qty, l.No, open[l.No])
			}
			if open[l.No] -= qty; qty > 0 {
				left.Lines = addQty(left.Lines, l.No, qty)
				m.Contents = append(m.Contents, pack.Content{Line: l.No, Item: l.SKU, Lot: x.Lot, Qty: qty, Serials: x.Serials})
			}
			if short = min(short, open[l.No]); short > 0 {
				open[l.No] -= short
				left.Short = addQty(left.Short, l.No, short)
			}
		}
		// What stands in one carton may be said an item at a time.
		same := slices.IndexFunc(left.Cartons, func(c ship.Manifested) bool { return c.Carton != "" && c.Carton == m.Carton })
		switch {
		case len(m.Contents) == 0:
		case same >= 0:
			c := &left.Cartons[same]
			c.Contents, c.Tracking = append(c.Contents, m.Contents...), cmp.Or(c.Tracking, m.Tracking)
		default:
			left.Cartons = append(left.Cartons, m)
		}
	}
	return left, at, nil
}

// lineOf is the line that is meant: by the number that we gave it, else by the item, as it was ordered or
// by any code that it has: then the line with the least open that holds what he says, else the most.
func (d *decision) lineOf(o order.Order, x x12wms.ShippedLine, open map[int]int64) (best order.Line, ok bool) {
	for _, l := range o.Lines {
		if x.Ref.Value != "" && x.Ref.Value != fmt.Sprint(l.No) {
			continue
		}
		named := slices.ContainsFunc(x.Codes, func(c x12wms.Code) bool {
			v := c.Value.Value
			return v == l.SKU || v == l.Item || slices.ContainsFunc(l.Codes, func(own item.Code) bool { return own.Value == v }) || d.isCode(o.Scope, l.SKU, v)
		})
		if !named && (len(x.Codes) > 0 || x.Ref.Value == "") {
			continue
		}
		if !ok {
			best, ok = l, true
			continue
		}
		said, err := d.item(o.Scope, l.SKU).ToSmallest(max(1, x.Qty+x.Short), x.UOM)
		is, was := open[l.No], open[best.No]
		if err == nil && (is >= said && (was < said || is < was) || was < said && is > was) {
			best = l
		}
	}
	return best, ok
}

// isCode reports whether an item has a code.
func (d *decision) isCode(s scope.Scope, sku, code string) bool {
	_, ok := d.item(s, sku).ByCode(code)
	return ok
}

// leftOutside ships what left of an order, and closes what will not: cartons that were given no number
// get one of ours.
func (d *decision) leftOutside(o order.Order, p Partner, a x12wms.Shipped, left gone) {
	s, number, at := o.Scope, o.Number, d.m.Now
	var shorts []ship.ShortLine
	for _, q := range left.Short {
		l, _ := o.Line(q.Line)
		shorts = append(shorts, ship.ShortLine{Line: q.Line, Item: l.SKU, Qty: q.Qty, Reason: "outside"})
	}
	if len(left.Cartons) > 0 {
		var names []string
		for i := range left.Cartons {
			c := &left.Cartons[i]
			if c.Carton == "" {
				next := d.nextSSCC()
				sscc, err := next.SSCC()
				if err != nil {
					d.fail(err)
					return
				}
				c.Carton = sscc
			}
			names = append(names, c.Carton)
		}
		sh := d.shipment(s, number)
		events, err := sh.Plan(ship.PlanShipment{Scope: s, Shipment: number, Order: number, Cartons: names, Shorts: shorts}, at)
		d.onShipment(s, number, events, err)
		events, err = d.shipment(s, number).Leave(ship.LeaveCartons{Cartons: left.Cartons}, at)
		if !d.onShipment(s, number, events, err) {
			return
		}
		events, err = d.order(s, number).Ship(order.Ship{Shipment: number, Supplement: sh.Confirmations, Outside: true, Lines: left.Lines}, at)
		d.onOrder(s, number, events, err)
	}
	for _, q := range left.Short {
		if o.Policy == order.AllOrNothing { // which is never closed short
			events, err := d.order(s, number).Cancel(order.Cancel{Reason: "short", By: p.Name, Lines: []int{q.Line}}, at)
			d.onOrder(s, number, events, err)
			continue
		}
		events, err := d.order(s, number).Short(order.Short{Line: q.Line, Qty: q.Qty, From: order.FromOpen, Then: order.Close}, at)
		d.onOrder(s, number, events, err)
	}
}
