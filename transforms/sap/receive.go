package sap

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/receiving"
)

// ToArrival is an inbound delivery as a receipt is made of it: its lines are numbered as the items are. It
// refers to its purchase order where it is of one alone, else to the supplier's own number of the delivery. The
// day it is due is a bound by its last second, in UTC: SAP says no zone beside it.
func ToArrival(h Header) (erp.Arrival, error) {
	a := erp.Arrival{
		Listed:   erp.Listed{Number: h.Number, Version: h.ETag},
		Movement: h.Movement, Blocked: h.Block,
		Announcement: receiving.Announcement{Kind: receiving.KindASN, Supplier: h.Supplier, Due: lastSecond(h.DeliverBy)},
	}
	var orders []string
	for _, i := range h.Items {
		if i.Qty == 0 { // all of it stands in items by batch, or is not to come any more
			continue
		}
		at := "item " + i.No
		no, err := strconv.Atoi(i.No)
		if err != nil || no < 1 {
			return a, fault.At("sap.ToArrival", fault.Rejected, at, fmt.Errorf("%.20q is no number of an item", i.No))
		}
		l := receiving.Line{No: no, Item: bare(i.Material), Qty: i.Qty, Lot: i.Batch}
		if l.Item == "" {
			return a, fault.At("sap.ToArrival", fault.Rejected, at, fmt.Errorf("item %s of delivery %s is of no material: it cannot be received", i.No, h.Number))
		}
		if !i.Expiry.IsZero() {
			l.Expiry = inventory.Date(i.Expiry.UTC().Format("2006-01-02"))
		}
		a.Announcement.Lines = append(a.Announcement.Lines, l)
		if !slices.Contains(a.Plants, i.Plant) {
			a.Plants = append(a.Plants, i.Plant)
		}
		if i.Source != "" && !slices.Contains(orders, i.Source) {
			orders = append(orders, i.Source)
		}
	}
	a.Point = strings.Join(a.Plants, ", ")
	if a.Announcement.Reference = h.Reference; len(orders) == 1 {
		a.Announcement.Reference = orders[0]
	}
	return a, nil
}

// Putaways are what came of each item of d, or fault.Rejected with its place where d and g do not speak of
// the same goods. How much more than it says may come is for SAP to say.
func Putaways(d erp.Delivery, g erp.GoodsReceipt) ([]Pick, error) {
	const op = "sap.Putaways"
	lines := map[string]erp.Came{}
	for _, l := range g.Lines {
		no := strconv.Itoa(l.No)
		switch {
		case !l.Unannounced:
			lines[no] = l
		case l.Qty > 0:
			return nil, fault.At(op, fault.Rejected, "item "+l.SKU, fmt.Errorf("%d of %s came that delivery %s does not announce: SAP must be told by hand", l.Qty, l.SKU, d.Number))
		}
	}
	picks := make([]Pick, len(d.Items))
	for i, item := range d.Items {
		at := "item " + item.No
		l, ours := lines[item.No]
		delete(lines, item.No)
		picks[i] = Pick{item, l.Qty}
		switch {
		case !ours && item.Qty == 0:
		case !ours:
			return nil, fault.At(op, fault.Rejected, at, fmt.Errorf("receipt %s has no line of %s", g.Delivery, item.Material))
		case bare(item.Material) != bare(l.Item):
			return nil, fault.At(op, fault.Rejected, at, fmt.Errorf("it is of %s, and %s was announced by it", item.Material, l.Item))
		case l.Qty != item.Qty && l.Expected != item.Qty && l.Expected != item.Asked:
			return nil, fault.At(op, fault.Rejected, at, fmt.Errorf("of %s %d were announced, of which %d came, and delivery %s says %d %s now: was it changed?", item.Material, l.Expected, l.Qty, d.Number, item.Qty, item.Unit))
		case l.Other != "" && item.Batch != "":
			return nil, fault.At(op, fault.Rejected, at, fmt.Errorf("goods of lot %s came, and delivery %s says %s: set it there", l.Other, d.Number, item.Batch))
		}
	}
	for _, l := range lines {
		if l.Qty > 0 {
			return nil, fault.At(op, fault.Rejected, fmt.Sprintf("line %d", l.No), fmt.Errorf("delivery %s has no item %d any more, and %d of %s came", d.Number, l.No, l.Qty, cmp.Or(l.Item, l.SKU)))
		}
	}
	return picks, nil
}
