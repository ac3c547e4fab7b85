package routes

import (
	"reflect"
	"slices"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/routes/eip"
)

func (f *Flows) addPrintDoor() error {
	return f.hub.Add(Route{
		Name: door.Prints, About: "says what logistic labels and packing slips say, and sends them to printers",
		Handle: f.ask(door.Prints, f.askPrint), Writes: append([]string{onAudit}, f.printTopics()...),
		Patterns: []string{eip.NameIdempotent, eip.NameRequestReply},
	})
}

func (f *Flows) askPrint(d *decision, a *door.Ask) (answered, error) {
	switch cmd := a.Cmd.(type) {
	case ship.PrintOn:
		return d.askPrintOn(a.Scope, a.ID, cmd)
	case ship.PrintCarrier:
		_, own, ok := d.carton(a.Scope, a.ID)
		if !ok {
			return answered{}, d.err
		}
		image, err := d.carrierLabel(own, a.ID)
		return answered{image, false}, err
	case ship.PrintCarton:
		return answered{d.cartonPaper(a.Scope, a.ID), false}, d.err
	case ship.PrintOrder:
		return answered{d.orderPaper(a.Scope, a.ID), false}, d.err
	}
	return answered{}, wrongCommand(door.Prints, a.Cmd)
}

// cartonsOf are all cartons of an order as far as they are closed, those that left first.
func (d *decision) cartonsOf(s scope.Scope, number string) []carton {
	var out []carton
	sh := d.shipment(s, number)
	for _, m := range sh.Gone {
		out = append(out, carton{m.Carton, m.Contents, m.Dims, m.Weight})
	}
	return append(out, d.work(s, number).Cartons...)
}

// cartonPaper is what a carton's label says: of a closed one, or of one that is being filled
// as far as it is. A pallet's number is taken too.
func (d *decision) cartonPaper(s scope.Scope, sscc string) ship.CartonPaper {
	if at := d.docked(s, sscc); at.Owner == scope.Shared {
		return d.palletPaper(s, sscc)
	}
	at, s, ok := d.carton(s, sscc)
	if !ok {
		return ship.CartonPaper{}
	}
	o := d.order(s, at.Order)
	all := d.cartonsOf(s, at.Order)
	i := slices.IndexFunc(all, func(c carton) bool { return c.SSCC == sscc })
	var p ship.CartonPaper
	if i >= 0 {
		p = d.paper(s, all[i])
		p.No, p.Of = i+1, len(all)
	} else if b, open := d.packing(s, at.Pack).InCarton(sscc); open {
		p = d.paper(s, carton{sscc, b.Contents, b.Dims, 0})
	} else {
		d.fail(missing("routes.Print", "carton", "carton "+sscc+" was emptied: nothing is to be printed for it"))
	}
	p.Order, p.PO, p.From, p.To = o.Told(), poOf(o), d.f.cfg.ShipFrom, o.Parties.ShipTo
	return p
}

// palletPaper is what a pallet's label says: what stands on it together, and where it goes
// where all of it goes to one address.
func (d *decision) palletPaper(s scope.Scope, sscc string) ship.CartonPaper {
	p := d.pallet(s.Building(), sscc)
	out := ship.CartonPaper{SSCC: sscc, From: d.f.cfg.ShipFrom, Weight: max(p.Weight, p.Gross()), Contents: []ship.PaperLine{}}
	for i, c := range p.Cartons {
		own := scope.Scope{Tenant: s.Tenant, Owner: c.Owner, Facility: s.Facility}
		o := d.order(own, c.Order)
		switch {
		case i == 0:
			out.To, out.Order = o.Parties.ShipTo, o.Told()
		case !reflect.DeepEqual(out.To, o.Parties.ShipTo):
			out.To = party.Address{}
			fallthrough
		case out.Order != o.Told():
			out.Order = ""
		}
		x, _ := d.closedCarton(own, c.Order, c.SSCC)
		for _, k := range x.Contents {
			l := d.paperLine(own, pack.Content{Item: k.Item, Lot: k.Lot, Qty: k.Qty})
			at := slices.IndexFunc(out.Contents, func(h ship.PaperLine) bool { return h.Item == l.Item && h.Lot == l.Lot && h.GTIN == l.GTIN })
			if at < 0 {
				out.Contents = append(out.Contents, l)
				continue
			}
			out.Contents[at].Qty += l.Qty
		}
	}
	return out
}

// paper is a carton as it is printed, without addresses.
func (d *decision) paper(s scope.Scope, c carton) ship.CartonPaper {
	p := ship.CartonPaper{SSCC: c.SSCC, Dims: c.Dims, Weight: c.Weight, Contents: []ship.PaperLine{}}
	if l := d.label(s, c.SSCC); l.Status == label.StatusBought {
		p.Carrier, p.Service, p.Tracking = l.Carrier, l.Service, l.Tracking
	}
	for _, x := range c.Contents {
		p.Contents = append(p.Contents, d.paperLine(s, x))
	}
	return p
}

func (d *decision) paperLine(s scope.Scope, x pack.Content) ship.PaperLine {
	it := d.itemSeen(s, x.Item)
	l := ship.PaperLine{Line: x.Line, Item: x.Item, Description: it.Spec.Description, UOM: it.Smallest(), Lot: x.Lot, Qty: x.Qty, Serials: x.Serials}
	l.GTIN, _ = it.GTIN(l.UOM)
	return l
}

// poOf is the customer's number of the order, "" where the order names none.
func poOf(o order.Order) string {
	for _, r := range o.Refs {
		if r.Kind == "po" {
			return r.Value
		}
	}
	return ""
}

// orderPaper is what an order's packing slip says.
func (d *decision) orderPaper(s scope.Scope, number string) ship.OrderPaper {
	o := d.order(s, number)
	if d.err == nil && !o.Exists() {
		d.fail(missing("routes.Print", "order", "there is no order "+number))
	}
	s = o.Scope
	p := ship.OrderPaper{Order: o.Told(), PO: poOf(o), From: d.f.cfg.ShipFrom, To: o.Parties.ShipTo, Notes: o.Parties.Notes, Lines: []ship.OrderedLine{}, Cartons: []ship.CartonPaper{}}
	for _, l := range o.Lines {
		p.Lines = append(p.Lines, ship.OrderedLine{
			PaperLine: d.paperLine(s, pack.Content{Line: l.No, Item: l.SKU}),
			Ordered:   l.Ordered, Packed: l.Packed + l.Shipped, Waits: l.Open() - l.Packed, Gone: l.Cancelled + l.Short,
		})
	}
	all := d.cartonsOf(s, number)
	for i, c := range all {
		x := d.paper(s, c)
		x.No, x.Of = i+1, len(all)
		p.Cartons = append(p.Cartons, x)
	}
	return p
}
