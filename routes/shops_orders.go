package routes

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/routes/eip"
)

// shopWork is what is known of a shop's work: as it was decided on last.
type shopWork struct {
	Number  string     `json:"order,omitempty"` // of our order; "" is none
	Updated time.Time  `json:"updated"`
	State   shop.State `json:"state"`
	Asks    string     `json:"asks,omitempty"` // hash of what it asks for
	// Base is what was fulfilled elsewhere before the order came to us, Told what we told the shop.
	Base []shop.LineQty `json:"base,omitempty"`
	Told []shop.LineQty `json:"told,omitempty"`
	Said string         `json:"said,omitempty"` // the last answer that was given
	// Known is what of Told the shop has taken.
	Known []shop.LineQty `json:"known,omitempty"`
	Held  bool           `json:"held,omitempty"` // the shop was told that it waits here
}

func qtyOf(list []shop.LineQty, ref string) int64 {
	for _, l := range list {
		if l.Ref == ref {
			return l.Qty
		}
	}
	return 0
}

func addTo(list []shop.LineQty, ref string, qty int64) []shop.LineQty {
	list = slices.Clone(list)
	for i := range list {
		if list[i].Ref == ref {
			list[i].Qty += qty
			return list
		}
	}
	return append(list, shop.LineQty{Ref: ref, Qty: qty})
}

// shopHold is the reason for which an order waits for its shop.
const shopHold = "shop"

// deciding makes orders of what was read. One that a shop tells anew is changed as far as the shop
// changed its mind; what is refused is a letter of the order service, with the place.
func (s *shops) deciding(outs []string) Route {
	return Route{
		Name: "shop.orders", About: "places, changes, holds and cancels orders as shops want them, and answers their requests",
		Topics: []string{topicShopWork}, Writes: append([]string{onOrders, onInventory, commands}, outs...),
		Parking: Parking{Independent: true}, Patterns: []string{eip.NameTranslator},
		Handle: func(ctx context.Context, m *Message) (*Out, error) {
			var w readWork
			if err := m.Decode(&w); err != nil {
				return nil, err
			}
			if len(m.Personal) > 0 {
				var people order.Parties
				if err := json.Unmarshal(m.Personal, &people); err != nil {
					return nil, fault.E(m.route, fault.Invalid, fmt.Errorf("reading the parties of %s: %w", w.ID, err))
				}
				w.Order.ShipTo, w.Order.BillTo, w.Order.Notes = people.ShipTo, people.BillTo, people.Notes
			}
			c, err := s.shop(w.Shop)
			if err != nil {
				return nil, err
			}
			out, err := s.decide(ctx, m, c, w.Work, nil)
			if k := fault.KindOf(err); err != nil && (k == fault.Rejected || k == fault.Invalid) && !m.moved(ctx) {
				return s.decide(ctx, m, c, w.Work, err)
			}
			return out, err
		},
	}
}

// asked is what work asks of us: less what was fulfilled elsewhere.
func (c ShopConfig) asked(w shop.Work, base []shop.LineQty, cause string) order.Place {
	p := w.Order
	p.Scope = c.Scope
	if to, ok := c.Locations[w.Location]; ok {
		p.Facility = to
	}
	p.Policy = c.Policy
	p.Source = order.Source{Door: shopSource, Partner: c.Name, DocType: "fulfillment_order", DocID: w.ID, Cause: cause}
	if svc, ok := c.Services[p.Service.Method]; ok {
		svc.Method = cmp.Or(svc.Method, p.Service.Method)
		p.Service = svc
	}
	p.Lines = nil
	for _, l := range w.Order.Lines {
		if l.Qty -= qtyOf(base, l.Ref); l.Qty > 0 {
			p.Lines = append(p.Lines, l)
		}
	}
	return p
}

// asks is a hash of what a place asks for, by which a change of the shop's mind is seen.
func asks(p order.Place) (string, error) {
	p.Source = order.Source{}
	b, err := json.Marshal(p)
	if err != nil {
		return "", fault.E("routes.shops", fault.Internal, err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16]), nil
}

// decided reports whether a work is as it was decided on last. Its time alone does not tell: it counts
// in seconds.
func (c ShopConfig) decided(w shop.Work, was shopWork) bool {
	p := c.asked(w, was.Base, "")
	p.Number = cmp.Or(was.Number, p.Number)
	hash, err := asks(p)
	return err == nil && hash == was.Asks && was.Updated.Equal(w.Updated) && was.State == w.State
}

// decide does what the shop wants of one work. Where that was refused before, why says so: the shop is told
// where it asked, else the order service is left to refuse it, whose letter names the place.
func (s *shops) decide(ctx context.Context, m *Message, c ShopConfig, w shop.Work, why error) (*Out, error) {
	d := s.flows.decide(ctx, m)
	key := shopWorkKey(c.Name, w.ID)
	var st shopWork
	old, known := d.state(key, &st)
	if d.err != nil {
		return nil, d.err
	}
	if known && w.Updated.Before(st.Updated) {
		return m.Out(), nil // an older look that came late
	}
	building, ours := s.places(d, c)[w.Location]
	if !ours && len(c.Locations) > 0 {
		if !known {
			return m.Out(), nil
		}
		w.State = shop.Cancelled // it went to another place
	}
	if st.Number == "" {
		st.Base = w.Done
	}
	p := c.asked(w, st.Base, m.ID.String())
	if st.Number != "" {
		p.Number = st.Number // the shop may give an order another name
	}
	hash, err := asks(p)
	if err != nil {
		return nil, err
	}
	if ours {
		p.Facility = building // after the hash, which whoever reads goes by
	}
	d.out.Correlate(order.KeyOf(p.Scope, p.Number))
	o := d.order(p.Scope, p.Number)
	wanted := w.State == shop.Open || w.State == shop.Asked || w.State == shop.Held
	switch {
	case d.err != nil:
	case wanted && (st.Number == "" || o.Refused && st.Asks != hash):
		if len(p.Lines) > 0 && (why == nil || w.State != shop.Asked) {
			st.Number = p.Number
			d.wanted(p, why != nil)
		}
	case wanted && st.Asks != hash:
		d.wantedNow(o, p, why != nil)
	case !wanted && st.Number != "":
		s.cancel(d, o, w)
	}
	if st.Number != "" {
		d.heldBy(p, shopHold, cmp.Or(w.Hold, c.Name), w.State == shop.Held)
	}
	s.answer(d, c, p, w, why, &st)
	st.Updated, st.State, st.Asks = w.Updated, w.State, hash
	d.out.SetState(key, old, st)
	return d.done()
}

// cancel ends what is open of an order that the shop no longer wants from us.
func (s *shops) cancel(d *decision, o order.Order, w shop.Work) {
	if !o.Exists() || o.Closed() {
		return
	}
	events, err := o.Cancel(order.Cancel{Reason: "the shop says " + string(w.State), By: shopSource}, d.m.Now)
	d.onOrder(o.Scope, o.Number, events, err)
}

// answer tells a shop that asked. What is wholly stopped is; what has left in part is not.
func (s *shops) answer(d *decision, c ShopConfig, p order.Place, w shop.Work, why error, st *shopWork) {
	if d.err != nil || w.State != shop.Asked && w.State != shop.Withdrawn {
		st.Said = ""
		return
	}
	if _, ok := c.Port.(shop.Answerer); !ok {
		return
	}
	o := d.order(p.Scope, p.Number)
	a := shop.Answer{Work: w.ID, Do: shop.Accept}
	switch {
	case w.State == shop.Asked && st.Number == "" && why != nil:
		a.Do, a.Reason = shop.Reject, fault.Reason(why)
	case w.State == shop.Asked && st.Number == "":
		a.Do, a.Reason = shop.Reject, "nothing of it is to be shipped"
	case w.State == shop.Asked && o.Refused:
		a.Do, a.Reason = shop.Reject, o.Problems[0].Text
	case w.State == shop.Withdrawn && o.Totals().Shipped+o.Totals().Short > 0:
		a.Do, a.Reason = shop.RejectCancel, "it has left the warehouse"
	case w.State == shop.Withdrawn:
		a.Do = shop.AcceptCancel
	}
	if a.Do == st.Said {
		return
	}
	st.Said, a.Key = a.Do, d.m.ID.String()
	d.out.Publish(shopOut(c.Name), cmdShopAnswer, order.KeyOf(p.Scope, p.Number), a)
}
