package routes

import (
	"context"
	"errors"
	"fmt"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
)

func (f *Flows) addPacks() error {
	return f.hub.Add(Route{
		Name: "pack", About: "opens a packing once nothing more is on its way to it, and proposes cartons",
		Topics: []string{onPicks}, Handle: f.openPacks,
		Types:  takes(pick.Completed{}, pick.Cancelled{}, pick.Consolidated{}),
		Writes: []string{onPacks},
	})
}

func (f *Flows) addPackFollowing() error {
	return f.hub.Add(Route{
		Name: "pack.follow", About: "opens the packing of an order that waits for no more, whatever became of the rest",
		Topics: []string{onOrders, onPacks}, Handle: f.openPacks,
		Types: takes(pack.Completed{}, pack.Cancelled{},
			order.Backordered{}, order.Shorted{}, order.Released{}, order.Cancelled{}, order.Changed{}, order.SplitInto{}),
		Writes: []string{onPacks},
	})
}

func (f *Flows) openPacks(ctx context.Context, m *Message) (*Out, error) {
	var s scope.Scope
	var number string
	switch e := m.Event.(type) {
	case pick.Completed:
		s, number = e.Scope, e.Order
	case pick.Cancelled:
		s, number = e.Scope, e.Order
	case pick.Consolidated:
		s, number = e.Scope, e.Order
		s.Owner = e.GoodsOwner
	case pack.Completed:
		s, number = e.Scope, e.Order
	case pack.Cancelled:
		s, number = e.Scope, e.Order
	case order.Backordered:
		s, number = e.Scope, e.Order
	case order.Shorted:
		s, number = e.Scope, e.Order
	case order.Released:
		s, number = e.Scope, e.Order
	case order.Cancelled:
		s, number = e.Scope, e.Order
	case order.Changed:
		s, number = e.Scope, e.Order
	case order.SplitInto:
		s, number = e.Scope, e.Order
	}
	if number == "" {
		return m.Out(), nil
	}
	d := f.decide(ctx, m)
	d.openPack(s, number)
	return d.done()
}

// openPack begins to pack what lies in an order's totes, when nothing more is coming.
func (d *decision) openPack(s scope.Scope, number string) {
	o := d.order(s, number)
	w := d.work(s, number)
	t := o.Totals()
	if d.err != nil || !o.Exists() || o.OnHold() || len(w.Totes) == 0 || w.Pack != "" || len(w.Tasks) > 0 ||
		t.Unassigned+t.Reserved+t.Allocated > 0 || o.Policy == order.AllOrNothing && t.Backordered > 0 || !w.together() {
		return
	}
	s = o.Scope
	w.PackNo++
	id := nameOf("P", number, w.PackNo)
	events, err := d.packing(s, id).Open(pack.Open{Scope: s, Pack: id, Order: number, Wave: o.InWave, Contents: w.Totes}, d.m.Now)
	if !d.onPacking(s, id, events, err) {
		return
	}
	w.Pack, w.Totes = id, nil
	w.changed()
	plan, err := d.cartonize(s, d.packing(s, id).Left)
	if err != nil {
		// People pack it as they see fit.
		d.out.m.hub.log.Warn("no cartons proposed", "route", d.m.route, "msg_id", d.m.ID.String(), "err", err)
		return
	}
	events, err = d.packing(s, id).Propose(pack.Propose{Plan: plan}, d.m.Now)
	d.onPacking(s, id, events, err)
}

// cartonize asks the solver with what the items are known to measure and to bear. Goods that are
// picked by whole units stay in them: a case is packed closed, and the rest by the piece.
func (d *decision) cartonize(s scope.Scope, contents []pack.Content) (pack.Plan, error) {
	var units []pack.Unit
	for _, c := range contents {
		known := d.item(s, c.Item)
		add := func(u item.Unit, n, pieces int64) {
			one := pack.Unit{Content: c, Dims: u.Dims, Weight: u.Weight, Packing: known.Spec.Packing}
			one.Qty = n
			if pieces > 1 {
				one.UOM, one.Pieces = u.UOM, pieces
			}
			units = append(units, one)
			c.Qty -= n * pieces
		}
		if d.rotation(inventory.BookKey{Scope: s, Item: c.Item}) == inventory.ByUnit {
			for _, u := range known.Spec.Largest() {
				if n := c.Qty / u.Factor; u.Factor > 1 && n > 0 && !u.Dims.Zero() && u.Weight > 0 {
					add(u, n, u.Factor)
				}
			}
		}
		if c.Qty > 0 {
			u, _ := known.Unit("")
			add(u, c.Qty, 1)
		}
	}
	return pack.Cartonize(units, d.f.cfg.Boxes)
}

func (f *Flows) addPacker() error {
	if !f.cfg.Auto.Pack {
		return nil
	}
	return f.hub.Add(Route{
		Name: "auto.pack", About: "a packer who closes the cartons that were proposed, for demonstrations and tests",
		// One at a time: carton numbers come from one counter.
		Topics: []string{onPacks, onOrders}, Handle: f.autoPack,
		Types: takes(pack.Proposed{}, order.Released{}), Parallel: 1, Parking: Parking{Independent: true},
		Writes: []string{onPacks, onOrders, onInventory},
	})
}

func (f *Flows) autoPack(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	switch e := m.Event.(type) {
	case pack.Proposed:
		d.packAll(e.Scope, e.Pack, e.Plan)
	case order.Released:
		o := d.order(e.Scope, e.Order)
		w := d.work(o.Scope, o.Number)
		if d.err != nil || w.Pack == "" {
			return d.done()
		}
		plan, err := d.cartonize(o.Scope, d.packing(o.Scope, w.Pack).Left)
		if err != nil {
			return nil, err
		}
		d.packAll(o.Scope, w.Pack, plan)
	case nil:
		var more morePacking
		if err := m.Decode(&more); err != nil {
			return nil, err
		}
		p := d.packing(more.Scope, more.Pack)
		if d.err != nil || p.Status != pack.StatusOpen {
			return d.done()
		}
		plan, err := d.cartonize(more.Scope, p.Left)
		if err != nil {
			return nil, err
		}
		d.packOn(more.Scope, more.Pack, plan)
	}
	return d.done()
}

// morePacking is what the packer's timer carries: a packing of more cartons than one unit
// closes.
type morePacking struct {
	Scope scope.Scope `json:"scope"`
	Pack  string      `json:"pack"`
}

// cartonsAtOnce is how many cartons one unit closes.
const cartonsAtOnce = 500

// packAll closes the cartons of a plan. What is on hold, or cancelled and not put back
// yet, is not packed: the release, or another proposal, follows.
func (d *decision) packAll(s scope.Scope, id string, plan pack.Plan) {
	if p := d.packing(s, id); len(p.Cartons) == 0 {
		d.packOn(s, id, plan)
	}
}

// packOn closes as many of a plan's cartons as one unit takes.
func (d *decision) packOn(s scope.Scope, id string, plan pack.Plan) {
	p := d.packing(s, id)
	o := d.order(s, p.Order)
	if d.err != nil || p.Status != pack.StatusOpen || o.OnHold() ||
		!covers(o, func(l order.Line) int64 { return l.Picked }, p.Left) {
		return
	}
	for i, c := range plan.Cartons {
		if i == cartonsAtOnce {
			d.out.Timer("more/"+pack.StreamOf(s, id), p.Key(), "pack.Continue", d.m.Now, morePacking{s, id})
			return
		}
		d.closeCarton(s, id, pack.CloseCarton{Box: c.Box, Contents: c.Contents, Dims: c.Dims, Weight: c.Weight, Packer: worker})
	}
}

// closeCarton fills and closes a carton at once, under the next SSCC. One whose weight is
// refused stays open.
func (d *decision) closeCarton(s scope.Scope, id string, c pack.CloseCarton) {
	p := d.packing(s, id)
	o := d.order(s, p.Order) // before its work: they move together
	if d.err == nil && c.Packer != worker && p.Status == pack.StatusOpen {
		if err := o.Workable(); err != nil {
			d.fail(err)
			return
		}
	}
	// What the packer by itself packs in was proposed, and may be gone since.
	if d.err != nil || c.Packer != worker && !d.isBox(c.Box) {
		return
	}
	c.Dims, c.Tare = d.f.boxed(c.Box, c.Dims, c.Tare)
	c.SSCC = d.nextSSCC()
	if c.Contents = d.serialsOf(p, c); d.err != nil {
		return
	}
	c.Check = d.expect(s, c.Contents, c.Tare)
	events, err := p.CloseCarton(c, d.m.Now)
	d.closed(s, id, events, err)
}

// closed takes what closing a carton led to: the packing, the stock and the order move in
// one unit, and its label is asked for.
func (d *decision) closed(s scope.Scope, id string, events []event.Event, err error) {
	if !d.onPacking(s, id, events, err) {
		return
	}
	for _, e := range events {
		if e, ok := e.(pack.CartonOpened); ok {
			d.number(s, e.Carton, e.Order, id)
		}
	}
	closed, ok := events[len(events)-1].(pack.CartonClosed)
	if !ok {
		return // its weight was refused
	}
	number := closed.Order
	if d.docked(s, closed.Carton).Order == "" {
		d.number(s, closed.Carton, number, id)
	}
	var lines []order.LineQty
	for _, x := range closed.Contents {
		k := keyOf(s, x.Item)
		moved, posts, err := inventory.Pack{
			BookKey: k, For: inventory.For{Order: number, Line: x.Line}, Tote: x.Tote, Lot: x.Lot, Carton: closed.Carton, Qty: x.Qty, Serials: x.Serials,
		}.Decide(d.m.Now)
		d.onStock(k, moved, posts, err)
		lines = addQty(lines, x.Line, x.Qty)
	}
	o := d.order(s, number)
	events, err = o.Pack(order.Pack{Carton: closed.Carton, Lines: lines}, d.m.Now)
	d.onOrder(s, number, events, err)
	w := d.work(s, number)
	w.Cartons = append(w.Cartons, carton{closed.Carton, closed.Contents, closed.Dims, closed.Weight})
	w.changed()
	events, err = d.label(s, closed.Carton).Request(label.Request{
		Scope: s, Carton: closed.Carton, Order: number, Carrier: o.Service.Carrier, Service: o.Service.Level,
	}, d.m.Now)
	d.onLabel(s, closed.Carton, events, err)
	if p := d.packing(s, id); d.err == nil && len(p.Loose()) == 0 {
		d.completePack(s, id)
	}
}

func addQty(lines []order.LineQty, line int, qty int64) []order.LineQty {
	for i := range lines {
		if lines[i].Line == line {
			lines[i].Qty += qty
			return lines
		}
	}
	return append(lines, order.LineQty{Line: line, Qty: qty})
}

// counter is the state of a carton number range.
type counter struct {
	Next int64 `json:"next"`
}

type heldCounter struct {
	counter
	at int // of its StateOp in the unit
}

// nextSSCC takes a number in the unit that uses it, so none is used twice and a unit that
// is refused burns none.
func (d *decision) nextSSCC() pack.Numbering {
	n := d.f.cfg.SSCC
	key := fmt.Sprintf("sscc/%s/%d", n.Prefix, n.Extension)
	c, ok := d.held[key].(*heldCounter)
	if !ok {
		c = &heldCounter{counter{n.Serial}, len(d.out.States)}
		old, _ := d.state(key, &c.counter)
		d.out.SetState(key, old, c.counter)
		d.held[key] = c
	}
	n.Serial = c.Next
	c.Next++
	if d.err == nil {
		old := d.out.States[c.at]
		d.out.States[c.at].Data = fmt.Appendf(nil, `{"next":%d}`, c.Next)
		d.out.States[c.at].Tag = old.Tag
	}
	return n
}

// completePack ends a packing and says which cartons its shipment waits for.
func (d *decision) completePack(s scope.Scope, id string) {
	p := d.packing(s, id)
	events, err := p.Complete(pack.Complete{}, d.m.Now)
	if !d.onPacking(s, id, events, err) || len(events) == 0 {
		return
	}
	o := d.order(s, p.Order)
	w := d.work(s, p.Order)
	w.Pack = ""
	w.changed()
	d.freeSlot(s, p.Order)
	cartons := events[0].(pack.Completed).Cartons
	if len(cartons) == 0 {
		d.fail(fault.E(d.m.route, fault.Rejected, errors.New("nothing was packed")))
		return
	}
	events, err = d.shipment(s, p.Order).Plan(ship.PlanShipment{
		Scope: s, Shipment: p.Order, Order: p.Order, Wave: p.Wave, Cartons: cartons, Shorts: w.tellShorts(o),
	}, d.m.Now)
	d.onShipment(s, p.Order, events, err)
	for _, sscc := range d.shipment(s, p.Order).Waiting {
		if _, here := w.carton(sscc); !here {
			d.dropCarton(s, p.Order, sscc, "repacked") // opened again, and emptied
		}
	}
}

// tellShorts are the shortages that no shipment was planned with yet.
func (w *heldWork) tellShorts(o order.Order) []ship.ShortLine {
	var out []ship.ShortLine
	for _, l := range o.Lines {
		told := toldShort{Line: l.No}
		at := -1
		for i, t := range w.Told {
			if t.Line == l.No {
				told, at = t, i
			}
		}
		if n := l.Short - told.Qty; n > 0 {
			out = append(out, ship.ShortLine{Line: l.No, Item: l.SKU, Qty: n, Reason: "not_found"})
			told.Qty = l.Short
			if at < 0 {
				w.Told = append(w.Told, told)
			} else {
				w.Told[at] = told
			}
		}
	}
	return out
}
