package routes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
)

// How cartons are verified.
const (
	VerifyTrust = "trust" // a packer may tell what lies in a carton without scanning it
	VerifyAll   = "all"   // a carton is closed with what was scanned into it
)

// PackConfig is how people pack.
type PackConfig struct {
	Verify string // VerifyTrust (the default) or VerifyAll
	Scale  pack.Scale
}

// askPack takes what is about packings; done is false where the command is not.
func (d *decision) askPack(s scope.Scope, id string, cmd any) (got answered, done bool, err error) {
	now := d.m.Now
	var events []event.Event
	switch c := cmd.(type) {
	case pack.OpenCarton:
		d.openCarton(s, id, c)
		return answered{d.packing(s, id), true}, true, d.err
	case pack.Scan:
		d.scan(s, id, c)
		return answered{d.packing(s, id), true}, true, d.err
	case pack.Take:
		events, err = d.packing(s, id).Take(c, now)
	case pack.Move:
		events, err = d.packing(s, id).Move(c, now)
	case pack.Close:
		d.closeScanned(s, id, c)
		return answered{d.packing(s, id), true}, true, d.err
	case pack.Reopen:
		was := len(d.out.Records)
		d.reopen(s, id, c)
		return answered{d.packing(s, id), len(d.out.Records) > was}, true, d.err
	case pack.CloseCarton:
		if d.f.cfg.Pack.Verify == VerifyAll && !c.Scanned {
			return answered{}, true, missing("routes.Pack", "contents", "cartons are verified here: open one, scan each unit into it, and close it")
		}
		d.closeCarton(s, id, c)
		return answered{d.packing(s, id), true}, true, d.err
	case pack.Complete:
		before := d.packing(s, id).Status
		d.completePack(s, id)
		return answered{d.packing(s, id), before == pack.StatusOpen}, true, d.err
	default:
		return answered{}, false, nil
	}
	d.onPacking(s, id, events, err)
	return answered{d.packing(s, id), len(events) > 0}, true, d.err
}

// isBox refuses a box that there is none of. Where none are configured, any name is good.
func (d *decision) isBox(code string) bool {
	boxes := d.f.cfg.Boxes
	if code == "" || len(boxes) == 0 || slices.ContainsFunc(boxes, func(b pack.Box) bool { return b.Code == code }) {
		return d.err == nil
	}
	names := make([]string, len(boxes))
	for i, b := range boxes {
		names[i] = b.Code
	}
	d.fail(fault.At("routes.Pack", fault.Rejected, "box", fmt.Errorf("there is no box %.64q: there are %s; leave it out for goods in their own packaging", code, strings.Join(names, ", "))))
	return false
}

// boxed is what a carton measures and weighs by itself where nobody says so: as its box.
func (f *Flows) boxed(code string, dims measure.Dims, tare measure.Mass) (measure.Dims, measure.Mass) {
	i := slices.IndexFunc(f.cfg.Boxes, func(b pack.Box) bool { return b.Code == code })
	if i < 0 {
		return dims, tare
	}
	b := f.cfg.Boxes[i]
	if dims.Zero() {
		if dims = b.Outer; dims.Zero() {
			dims = b.Inner
		}
	}
	if tare == 0 {
		tare = b.Tare
	}
	return dims, tare
}

// openCarton begins a carton, unless nobody is to work for its order now.
func (d *decision) openCarton(s scope.Scope, id string, c pack.OpenCarton) {
	p := d.packing(s, id)
	if d.err != nil {
		return
	}
	if p.Status == pack.StatusOpen {
		if err := d.order(s, p.Order).Workable(); err != nil {
			d.fail(err)
			return
		}
	}
	if !d.isBox(c.Box) {
		return
	}
	c.Dims, c.Tare = d.f.boxed(c.Box, c.Dims, c.Tare)
	c.SSCC = d.nextSSCC()
	events, err := p.OpenCarton(c, d.m.Now)
	if d.onPacking(s, id, events, err) {
		d.number(s, events[0].(pack.CartonOpened).Carton, p.Order, id)
	}
}

// scan puts what a code means into a carton.
func (d *decision) scan(s scope.Scope, id string, c pack.Scan) {
	p := d.packing(s, id)
	if c.Code != "" && p.Status == pack.StatusOpen {
		d.read(&c)
	}
	if c.Qty == 0 {
		c.Qty = max(1, int64(len(c.Serials)))
	}
	if c.Code != "" && p.Status == pack.StatusOpen {
		d.resolve(p, &c)
	}
	if d.err != nil {
		return
	}
	events, err := p.Scan(c, d.m.Now)
	d.onPacking(s, id, events, err)
}

// read takes GTIN, lot, serial number and count out of a GS1 code; what is said beside it
// must not say otherwise. A code that GS1 knows nothing of stays as it is.
func (d *decision) read(c *pack.Scan) {
	g, err := gs1.Parse(c.Code)
	switch {
	case err != nil:
		d.fail(fault.At("routes.Pack", fault.Rejected, "code", fmt.Errorf("%s: scan it again", fault.Reason(err))))
		return
	case g.SSCC() != "":
		d.fail(fault.At("routes.Pack", fault.Rejected, "code", fmt.Errorf("%s is the number of a carton or pallet, not of goods", g.SSCC())))
		return
	case g.GTIN() == "":
		return
	}
	c.Code = g.GTIN()
	if lot := g.Lot(); lot != "" {
		if c.Lot != "" && c.Lot != lot {
			d.fail(fault.At("routes.Pack", fault.Rejected, "lot", fmt.Errorf("the code is of lot %s, not of %.64s", lot, c.Lot)))
		}
		c.Lot = lot
	}
	if serial := g.Serial(); serial != "" && len(c.Serials) == 0 {
		c.Serials = []string{serial}
	}
	if n := g.Count(); n > 0 && c.Qty == 0 {
		c.Qty = n
	}
}

// resolve finds which of the packing's items a code is printed on, and how much of it.
func (d *decision) resolve(p pack.Packing, c *pack.Scan) {
	var asked []string
	lists := [][]pack.Content{p.Left}
	for _, b := range p.Begun {
		lists = append(lists, b.Contents)
	}
	for _, b := range p.Cartons {
		lists = append(lists, b.Contents)
	}
	for _, list := range lists {
		for _, x := range list {
			if slices.Contains(asked, x.Item) || d.err != nil {
				continue
			}
			asked = append(asked, x.Item)
			u, ok := d.itemSeen(p.Scope, x.Item).ByCode(c.Code)
			switch {
			case !ok:
			case c.Item != "" && c.Item != x.Item:
				d.fail(fault.At("routes.Pack", fault.Rejected, "code", fmt.Errorf("code %.64q stands on item %s, not on %s", c.Code, x.Item, c.Item)))
				return
			default:
				c.Item = x.Item
				c.Qty *= u.Factor
				return
			}
		}
	}
	d.fail(fault.At("routes.Pack", fault.Rejected, "code", fmt.Errorf("code %.64q stands on none of the items of order %s: put this one aside", c.Code, p.Order)))
}

// expect is what a carton should weigh by what is known of its items.
func (d *decision) expect(s scope.Scope, contents []pack.Content, tare measure.Mass) pack.Check {
	units := make([]pack.Unit, len(contents))
	for i, c := range contents {
		u, _ := d.itemSeen(s, c.Item).Unit("")
		units[i] = pack.Unit{Content: c, Weight: u.Weight}
	}
	check, err := d.f.cfg.Pack.Scale.Expect(units, tare)
	if err != nil {
		d.fail(err)
	}
	return check
}

// closeScanned closes a carton with what was scanned into it.
func (d *decision) closeScanned(s scope.Scope, id string, c pack.Close) {
	p := d.packing(s, id)
	if d.err != nil {
		return
	}
	if p.Status == pack.StatusOpen {
		if err := d.order(s, p.Order).Workable(); err != nil {
			d.fail(err)
			return
		}
	}
	if c.Carton == "" && len(p.Begun) == 1 {
		c.Carton = p.Begun[0].Carton
	}
	if b, ok := p.InCarton(c.Carton); ok {
		c.Check = d.expect(s, b.Contents, b.Tare)
	}
	events, err := p.Close(c, d.m.Now)
	if err != nil {
		d.fail(err)
		return
	}
	d.closed(s, id, events, nil)
}

// reopen opens a closed carton that has no label yet; one that is being bought is given
// back.
func (d *decision) reopen(s scope.Scope, id string, c pack.Reopen) {
	const op = "routes.Reopen"
	p := d.packing(s, id)
	events, err := p.Reopen(c, d.m.Now)
	if err != nil || len(events) == 0 || d.err != nil {
		d.fail(err)
		return
	}
	o := d.order(s, p.Order)
	w := d.work(s, p.Order)
	held, here := w.carton(c.Carton)
	l := d.label(s, c.Carton)
	i := slices.IndexFunc(p.Cartons, func(x pack.Closed) bool { return x.Carton == c.Carton })
	switch {
	case d.err != nil:
		return
	case !here:
		d.fail(fault.At(op, fault.Rejected, "carton", fmt.Errorf("carton %s has left, or what lay in it was cancelled", c.Carton)))
	case l.Status == label.StatusBought:
		d.fail(fault.At(op, fault.Rejected, "carton", fmt.Errorf("carton %s has label %s of %s: a carton is opened before it is labelled", c.Carton, l.Tracking, l.Carrier)))
	case d.docked(s, c.Carton).Pallet != "" || d.docked(s, c.Carton).Load != "":
		d.fail(fault.At(op, fault.Rejected, "carton", fmt.Errorf("carton %s stands on a pallet or is planned for a load: take it off first", c.Carton)))
	case w.Pack != "" && w.Pack != id:
		d.fail(fault.At(op, fault.Rejected, "pack", fmt.Errorf("order %s is being packed in %s: finish that first", p.Order, w.Pack)))
	case !pack.Equal(held.Contents, p.Cartons[i].Contents):
		d.fail(fault.At(op, fault.Rejected, "carton", fmt.Errorf("a part of carton %s was cancelled and put back: it stays closed", c.Carton)))
	}
	if !d.onPacking(s, id, events, nil) {
		return
	}
	var lines []order.LineQty
	for _, x := range held.Contents {
		k := keyOf(s, x.Item)
		moved, posts, err := inventory.Unpack{
			BookKey: k, For: inventory.For{Order: p.Order, Line: x.Line}, Tote: x.Tote, Lot: x.Lot, Carton: c.Carton, Qty: x.Qty, Serials: x.Serials,
		}.Decide(d.m.Now)
		d.onStock(k, moved, posts, err)
		lines = addQty(lines, x.Line, x.Qty)
	}
	events, err = o.Unpack(order.Unpack{Carton: c.Carton, Lines: lines}, d.m.Now)
	d.onOrder(s, p.Order, events, err)
	w.Pack = id
	w.Cartons = slices.DeleteFunc(w.Cartons, func(x carton) bool { return x.SSCC == c.Carton })
	w.changed()
	d.dropLabel(s, p.Order, c.Carton)
}

// dropCarton takes a carton out of its shipment. Where it was the last one waited for, the
// others are confirmed.
func (d *decision) dropCarton(s scope.Scope, number, sscc, reason string) {
	sh := d.shipment(s, number)
	if !sh.Known() || d.err != nil {
		return
	}
	events, err := sh.Drop(ship.DropCarton{Carton: sscc, Reason: reason}, d.m.Now)
	if !d.onShipment(s, number, events, err) {
		return
	}
	for _, e := range events {
		if c, ok := e.(ship.Confirmed); ok {
			d.shipped(s, number, c, d.m.Now)
		}
	}
}
