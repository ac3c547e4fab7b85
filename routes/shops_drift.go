package routes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/shop"
)

// ShopDrift says when a shop's books are held against ours, and what is no difference.
type ShopDrift struct {
	Every time.Duration // between two looks; 0 is none but those that are asked for
	Back  time.Duration // how far back orders are looked at: 7 days
	Late  time.Duration // what changed at the shop less long ago is on its way: 15 min
	Stock int64         // units by which stock may differ
}

// cmdShopDrift is a page of a look through the books; shop.DriftFound tells what a look found.
const (
	cmdShopDrift = "shop.Drift"
	shopDrifted  = "shop.DriftFound"
)

// mostDrift bounds what a report lists.
const mostDrift = 500

// driftPage is where a look stands: among the orders, or in the stock of a place.
type driftPage struct {
	Begun  time.Time `json:"begun"` // by which pages of an older look are known
	Stock  bool      `json:"stock,omitempty"`
	Place  int       `json:"place,omitempty"` // of the shop's places, in order
	Repair bool      `json:"repair,omitempty"`
	pages
}

func driftKey(name string) string { return "shop-drift/" + name }

// Drift is the last look through a shop's books, as far as it is.
func (h *Hub) Drift(ctx context.Context, name string) (shop.DriftReport, error) {
	return reportOf[shop.DriftReport](ctx, h, "routes.Drift", "shop", driftKey(name), fmt.Errorf("the books of shop %q were never looked through", name))
}

// reportOf is a report that is kept as state; none is Rejected for a reason.
func reportOf[T any](ctx context.Context, h *Hub, op, place, key string, none error) (r T, err error) {
	b, err := h.bus.Row(ctx, journal.TableState, key)
	if err != nil {
		return r, err
	}
	if b == nil {
		return r, fault.At(op, fault.Rejected, place, none)
	}
	st, err := journal.DecodeState(b)
	if err == nil {
		err = json.Unmarshal(st.Data, &r)
	}
	if err != nil {
		return r, fault.E(op, fault.Internal, err)
	}
	return r, nil
}

// beginDrift starts a look, in place of one that is under way.
func (s *shops) beginDrift(d *decision, c ShopConfig, repair bool) {
	old, _ := d.stored(driftKey(c.Name))
	d.out.SetState(driftKey(c.Name), old, shop.DriftReport{
		Shop: c.Name, Begun: d.m.Now, Since: d.m.Now.Add(-c.Drift.Back), Repair: repair, Found: []shop.Drift{},
	})
	d.out.Publish(shopHints(c.Name), cmdShopDrift, c.Name, driftPage{Begun: d.m.Now, Repair: repair})
}

// driftDue reports whether it is time for a look.
func (s *shops) driftDue(d *decision, c ShopConfig) bool {
	var r shop.DriftReport
	_, found := d.state(driftKey(c.Name), &r)
	return d.err == nil && c.Drift.Every > 0 && (!found || !d.m.Now.Before(r.Begun.Add(c.Drift.Every)))
}

// drift looks at one page, and asks for the next. The report is kept with each, so that a process that
// dies in between goes on where it was.
func (s *shops) drift(ctx context.Context, m *Message, c ShopConfig) (*Out, error) {
	var p driftPage
	if err := m.Decode(&p); err != nil {
		return nil, err
	}
	d := s.flows.decide(ctx, m)
	var r shop.DriftReport
	old, found := d.state(driftKey(c.Name), &r)
	if d.err != nil || !found || !r.Begun.Equal(p.Begun) {
		return d.done() // another look began
	}
	look := s.driftOrders
	if p.Stock {
		look = s.driftStock
	}
	next, err := look(d, c, p, &r)
	if err != nil {
		return nil, err
	}
	if next.Begun.IsZero() {
		r.Done = m.Now
		kinds := map[string]int{}
		for _, f := range r.Found {
			kinds[f.About+" "+f.Kind]++
		}
		d.out.Publish(onExternal, shopDrifted, c.Name, map[string]any{"shop": c.Name, "orders": r.Orders, "items": r.Items, "found": kinds, "more": r.More, "repair": r.Repair})
	} else {
		d.out.Publish(shopHints(c.Name), cmdShopDrift, c.Name, next)
	}
	d.out.SetState(driftKey(c.Name), old, r)
	return d.done()
}

func noteDrift(r *shop.DriftReport, f shop.Drift) {
	if len(r.Found) == mostDrift {
		r.More++
		return
	}
	r.Found = append(r.Found, f)
}

// driftOrders holds a page of the shop's orders against ours.
func (s *shops) driftOrders(d *decision, c ShopConfig, p driftPage, r *shop.DriftReport) (driftPage, error) {
	page, err := Guard(d.m.hub, shopConn(c.Name), func() (shop.Page, error) {
		return guarded(func() (shop.Page, error) { return c.Port.Changed(d.ctx, r.Since, p.After) })
	})
	if err != nil {
		return p, err
	}
	for _, u := range page.Unread {
		r.Orders++
		noteDrift(r, shop.Drift{About: shop.OfOrders, Kind: shop.Missing, Work: u.ID, Text: "it cannot be read: see its letter"})
	}
	for _, w := range page.Work {
		if _, ours := c.Locations[w.Location]; !ours && len(c.Locations) > 0 {
			continue
		}
		r.Orders++
		s.driftWork(d, c, w, r)
	}
	if err := p.turn(page.Next); err != nil {
		return p, err
	}
	if p.After != "" {
		return p, d.err
	}
	if _, ok := c.Port.(shop.Stockist); !ok || len(c.Locations) == 0 || !c.Stock.told() {
		return driftPage{}, d.err
	}
	return driftPage{Begun: p.Begun, Stock: true, Repair: p.Repair}, d.err
}

// driftWork holds one work against our order of it.
func (s *shops) driftWork(d *decision, c ShopConfig, w shop.Work, r *shop.DriftReport) {
	key := shopWorkKey(c.Name, w.ID)
	var st shopWork
	old, _ := d.state(key, &st)
	fresh := d.m.Now.Sub(w.Updated) < c.Drift.Late
	var asked []order.PlaceLine
	for _, l := range c.asked(w, st.Base, "").Lines {
		if l.Item != "" {
			asked = append(asked, l)
		}
	}
	wanted := w.State == shop.Open || w.State == shop.Asked || w.State == shop.Held
	var o order.Order
	if st.Number != "" {
		o = peek(d, s.flows.orders, order.StreamOf(c.Scope, st.Number))
	}
	if d.err != nil {
		return
	}
	again := false
	add := func(f shop.Drift) {
		f.Work, f.Order, f.Repaired = w.ID, st.Number, r.Repair && (f.Kind != shop.Late)
		again = again || f.Repaired
		noteDrift(r, f)
	}
	switch {
	case fresh:
	case wanted && len(asked) > 0 && (st.Number == "" || !o.Exists()):
		add(shop.Drift{About: shop.OfOrders, Kind: shop.Missing, Text: "the shop wants it shipped, and there is no order here"})
	case !wanted && w.State != shop.Withdrawn && o.Exists() && !o.Closed() && o.Totals().Shipped == 0:
		add(shop.Drift{About: shop.OfOrders, Kind: shop.Status, Text: "the shop says " + string(w.State) + ", and here it is open"})
	case wanted && o.Exists() && len(o.Parts) == 0 && o.MergedInto == "":
		for _, l := range asked {
			ours := int64(0)
			for _, x := range o.Lines {
				if x.Ref == l.Ref {
					ours += x.Ordered - x.Cancelled
				}
			}
			if ours != l.Qty && (l.UOM == "" || ours == 0) {
				add(shop.Drift{About: shop.OfOrders, Kind: shop.Quantity, Item: l.Item, Ours: ours, Theirs: l.Qty, Text: "line " + l.Ref + " is of another quantity"})
			}
		}
	}
	repaired := st
	var missing []shop.LineQty
	for _, ref := range slices.Sorted(maps.Keys(refsOf(st.Base, st.Told, w.Done))) {
		base, told, known, theirs := qtyOf(st.Base, ref), qtyOf(st.Told, ref), qtyOf(st.Known, ref), qtyOf(w.Done, ref)
		f := shop.Drift{About: shop.OfShipments, Ours: base + told, Theirs: theirs}
		switch {
		case st.Number == "" || fresh || theirs == base+told:
			continue
		case theirs < base+told && known < told:
			f.Kind, f.Text = shop.Late, "line "+ref+": the shop was told, and has not taken it: paklog dlq list --route out.shop."+c.Name
		case theirs < base+told:
			f.Kind, f.Text = shop.Missing, "line "+ref+": the shop took the shipment, and counts it no more"
			missing = append(missing, shop.LineQty{Ref: ref, Qty: base + told - theirs})
		default:
			f.Kind, f.Text = shop.Extra, "line "+ref+": somebody shipped it at the shop, not from here"
			repaired.Base = addTo(repaired.Base, ref, theirs-base-told)
		}
		add(f)
	}
	if !again || d.err != nil {
		return
	}
	// Read again, as if it was never decided on.
	repaired.Asks = ""
	if st.Number != "" {
		d.out.SetState(key, old, repaired)
	}
	if len(missing) > 0 {
		sh := shop.Shipment{Key: d.m.ID.String(), Work: w.ID, Lines: missing, Left: repaired.Told}
		for _, l := range repaired.Base {
			sh.Left = addTo(sh.Left, l.Ref, l.Qty)
		}
		for _, l := range missing {
			sh.After = append(sh.After, shop.LineQty{Ref: l.Ref, Qty: qtyOf(sh.Left, l.Ref)})
		}
		d.out.Publish(shopOut(c.Name), cmdShopShip, order.KeyOf(c.Scope, st.Number), sh)
	}
	d.out.Publish(shopHints(c.Name), cmdShopRead, w.ID, toRead{ID: w.ID})
}

func refsOf(lists ...[]shop.LineQty) map[string]bool {
	out := map[string]bool{}
	for _, list := range lists {
		for _, l := range list {
			out[l.Ref] = true
		}
	}
	return out
}

// driftStock holds what the shop says of a page of items against what it is to say.
func (s *shops) driftStock(d *decision, c ShopConfig, p driftPage, r *shop.DriftReport) (driftPage, error) {
	buildings := s.places(d, c)
	places := slices.Sorted(maps.Keys(buildings))
	if p.Place >= len(places) {
		return driftPage{}, nil
	}
	place := places[p.Place]
	of := c.Scope
	of.Facility = buildings[place]
	items, more := d.itemsOf(of, p.After, shopItems)
	var wanted []shop.Level
	var names []string
	for _, sku := range items {
		for _, name := range s.listings(d, c, sku) {
			names = append(names, name)
			wanted = append(wanted, shop.Level{Item: name, Location: place, OnHand: s.onHand(d, c, of, sku)})
		}
	}
	if len(names) > 0 && d.err == nil {
		have, err := Guard(d.m.hub, shopConn(c.Name), func() ([]shop.Level, error) {
			return guarded(func() ([]shop.Level, error) { return c.Port.(shop.Stockist).Levels(d.ctx, place, names) })
		})
		if err != nil {
			return p, err
		}
		var set []shop.Level
		for _, want := range wanted {
			r.Items++
			i := slices.IndexFunc(have, func(l shop.Level) bool { return l.Item == want.Item })
			f := shop.Drift{About: shop.OfStock, Kind: shop.Quantity, Place: place, Item: want.Item, Ours: want.OnHand, Text: "the shop says another quantity"}
			if i < 0 {
				f.Kind, f.Text = shop.Missing, "the shop does not stock it there"
			} else if f.Theirs = have[i].OnHand; max(f.Ours, f.Theirs)-min(f.Ours, f.Theirs) <= c.Drift.Stock {
				continue
			} else if r.Repair {
				f.Repaired, set = true, append(set, want)
			}
			if i >= 0 || want.OnHand > 0 {
				noteDrift(r, f)
			}
		}
		if len(set) > 0 {
			d.out.Publish(shopStock(c.Name), cmdShopStock, scope.Join(c.Name, of.Facility), set)
		}
	}
	if p.After = ""; more {
		p.After = items[len(items)-1]
	} else {
		p.Place++
	}
	return p, d.err
}
