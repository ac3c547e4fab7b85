package x12wms

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/returns"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/edi/x12"
)

// Receiving condition codes (data element 412) of W13-03.
const (
	condDamaged = "01"
	condShort   = "02"
	condOver    = "03"
	condRefused = "08"
	condHeld    = "09"
)

// Adjustment reason codes (data element 181) of W19-01, where the partner's profile names none.
const (
	reasonCount    = "AA" // physical count
	reasonHold     = "05" // put on hold
	reasonRelease  = "55" // taken off hold
	reasonDamaged  = "AU" // damaged in the facility
	reasonChanged  = "AC" // its condition changed
	reasonLost     = "07" // dumped or destroyed
	reasonOther    = "AH"
	damageUnstated = "ZZ" // W13-05 beside condDamaged, which needs one
)

// fullDetail is W17-01, element 514: all of the receipt follows.
const fullDetail = "F"

// itemCode names an item as the partner's documents name it: by the first of his qualifiers.
func (p Profile) itemCode(sku string) (qualifier, code string) { return p.items()[0], cut(sku, 48) }

// ReceiptAdvice is the body of the 944 that tells the depositor what came of a receipt, without ST
// and SE: a W07 for each line and lot, with what of the line is damaged, held back, refused, short or too much in W13.
// Quantities are in smallest units. W14 is the sum of all W07, and of what of it is damaged or on hold.
func (p Profile) ReceiptAdvice(r receiving.Receipt, c receiving.Closed) []x12.Out {
	day := c.At.In(p.zone()).Format("20060102")
	body := []x12.Out{x12.Seg("W17", fullDetail, day, cut(r.ID, 12), cut(cmp.Or(r.Reference, r.ID), 22), cut(r.ID, 30))}
	all := Uncoded(r.Parties)
	body = append(body, p.parties(r.Scope, all)...)
	if from, ok := Named(all, "SF", "VN", "SU"); ok {
		body = append(body, n1("SF", from))
	} else if r.Supplier != "" {
		body = append(body, x12.Seg("N1", "SF", cut(r.Supplier, 60)))
	}
	if r.Reference != "" {
		body = append(body, x12.Seg("N9", "PO", cut(r.Reference, 30)))
	}
	body = append(body, x12.Seg("G62", "09", day)) // received on this day
	each, total, bad := p.code(item.Each), int64(0), int64(0)
	for _, l := range r.Lines {
		pairs := p.itemPairsOf(l, 4)
		bad += l.Damaged + l.Held + l.Rejected
		lots := Received(r, l)
		for i, x := range lots {
			total += x.Qty
			body = append(body, x12.Out{ID: "W07", Elements: append([]string{strconv.FormatInt(x.Qty, 10), each, ""}, pairs...)})
			if x.Lot != "" {
				body = append(body, x12.Seg("N9", lotQualifier, cut(x.Lot, 30)))
			}
			if i < len(lots)-1 {
				continue
			}
			body = append(body, x12.Seg("N9", "LI", strconv.Itoa(l.No)))
			note := func(condition string, qty int64) {
				if qty < 1 {
					return
				}
				w13 := x12.Seg("W13", strconv.FormatInt(qty, 10), each, condition)
				if condition == condDamaged {
					w13.Elements = append(w13.Elements, "", damageUnstated)
				}
				body = append(body, w13)
			}
			note(condDamaged, l.Damaged)
			note(condHeld, l.Held)
			note(condRefused, l.Rejected)
			note(condShort, l.Open())
			note(condOver, l.Got()-l.Qty)
		}
	}
	w14 := []string{strconv.FormatInt(total, 10)}
	if bad > 0 {
		w14 = append(w14, "", strconv.FormatInt(bad, 10)) // damaged, or on hold
	}
	return append(body, x12.Out{ID: "W14", Elements: w14})
}

// itemPairsOf names the item of a receipt's line as its notice did.
func (p Profile) itemPairsOf(l receiving.Expected, most int) []string {
	if len(l.Codes) > 0 {
		if pairs := codePairs(l.Codes, most); len(pairs) > 0 {
			return pairs
		}
	}
	q, code := p.itemCode(l.Item)
	return []string{q, code}
}

// LotQty is what came of one lot, "" for none.
type LotQty struct {
	Lot  string
	Qty  int64
	Good int64 // of it: neither damaged nor held back
}

// Received is what came of a line, by lot; a line of which nothing came has one of zero.
func Received(r receiving.Receipt, l receiving.Expected) []LotQty {
	var out []LotQty
	for _, x := range r.Entries {
		if x.Line != l.No {
			continue
		}
		i := slices.IndexFunc(out, func(o LotQty) bool { return o.Lot == x.Lot })
		if i < 0 {
			i = len(out)
			out = append(out, LotQty{Lot: x.Lot})
		}
		if out[i].Qty += x.Qty; !heldBack(x.Stage) {
			out[i].Good += x.Qty
		}
	}
	if len(out) == 0 {
		return []LotQty{{Lot: l.Lot}}
	}
	slices.SortFunc(out, func(a, b LotQty) int { return cmp.Compare(a.Lot, b.Lot) })
	return out
}

// change is what an adjustment changes: of what an owner has where goods were found, lost or
// destroyed, and of what he may sell where they were held back or let go.
type change struct {
	head   inventory.Head
	lot    string
	qty    int64
	reason string // ours
	code   string // where the partner has none for ours
}

// heldBack reports whether goods in a stage may not be sold. What a picker did not find is no
// such: a count decides about it.
func heldBack(stage string) bool { return stage == inventory.Held || stage == inventory.Damaged }

func changeOf(e event.Event) change {
	switch e := e.(type) {
	case inventory.StockAdjusted:
		c := change{e.Head, e.Lot, e.Delta, e.Reason, reasonOther}
		switch {
		case strings.HasPrefix(e.Reason, "count_"): // what a count found; stock.Counted says the same again
			c.code = reasonCount
		case e.Delta < 0 && (e.Reason == returns.Scrap || e.Reason == "destroyed"):
			c.code = reasonLost
		}
		return c
	case inventory.StockStatusChanged:
		c := change{head: e.Head, lot: e.Lot, reason: e.Reason, code: reasonChanged}
		switch was, is := heldBack(e.From), heldBack(e.To); {
		case is && !was:
			c.qty, c.code = -e.Qty, reasonHold
			if e.To == inventory.Damaged {
				c.code = reasonDamaged
			}
		case was && !is:
			c.qty, c.code = e.Qty, reasonRelease
			if e.From == inventory.Damaged {
				c.code = reasonChanged
			}
		}
		return c
	}
	return change{}
}

// Adjusts reports whether an event of stock changes what the owner has or may sell otherwise than
// by receipts and shipments: then it is told by a 947.
func Adjusts(e event.Event) bool { return changeOf(e).qty != 0 }

// Adjustment is the body of the 947 that tells an owner of one change of his stock, without ST and
// SE. Number names the adjustment; the quantity is signed, in smallest units, and its reason is
// that of the profile's Reasons, or one that says what happened.
func (p Profile) Adjustment(number string, e event.Event) ([]x12.Out, error) {
	c := changeOf(e)
	if c.qty == 0 {
		return nil, fault.E("x12wms.Adjustment", fault.Internal, fmt.Errorf("%s changes nothing that a 947 tells", e.EventType()))
	}
	body := []x12.Out{x12.Seg("W15", c.head.At.In(p.zone()).Format("20060102"), cut(number, 22))}
	body = append(body, p.parties(c.head.Scope, nil)...)
	q, code := p.itemCode(c.head.Item)
	body = append(body, x12.Seg("W19", cmp.Or(p.Reasons[c.reason], c.code), strconv.FormatInt(c.qty, 10), p.code(item.Each), "", q, code))
	if c.lot != "" {
		body = append(body, x12.Seg("N9", lotQualifier, cut(c.lot, 30)))
	}
	if c.reason != "" {
		body = append(body, x12.Seg("NTE", "GEN", cut(c.reason, 80)))
	}
	return body, nil
}

// Stocked is what a report says of one item, in smallest units.
type Stocked struct {
	Item                    string
	OnHand, Available, Held int64
}

// StockedOf is what there is of an item. Available is what may still be promised, and never below
// zero; what is held is on hand, too.
func StockedOf(st inventory.Stock) Stocked {
	out := Stocked{Item: st.Item, OnHand: st.OnHand(), Available: max(0, st.AvailableToPromise())}
	for _, sh := range st.Shelves {
		out.Held += sh.Held + sh.Damaged + sh.Suspect
	}
	return out
}

// InventoryReport is the body of an 846, without ST and SE. A full one is an original (BIA-01 00),
// one of changes alone is a change (04); each item is told whole: on hand (QTY 17), available (33)
// and held back (QH).
func (p Profile) InventoryReport(s scope.Scope, ref string, at time.Time, full bool, items []Stocked) []x12.Out {
	purpose := "04"
	if full {
		purpose = "00"
	}
	now := at.In(p.zone())
	body := []x12.Out{x12.Seg("BIA", purpose, "DD", cut(ref, 30), now.Format("20060102"), now.Format("1504"))}
	body = append(body, p.parties(s, nil)...)
	each := p.code(item.Each)
	for i, x := range items {
		q, code := p.itemCode(x.Item)
		body = append(body, x12.Seg("LIN", strconv.Itoa(i+1), q, code))
		for _, n := range []struct {
			qualifier string
			qty       int64
		}{{"17", x.OnHand}, {"33", x.Available}, {"QH", x.Held}} {
			body = append(body, x12.Seg("QTY", n.qualifier, strconv.FormatInt(n.qty, 10), each))
		}
	}
	return append(body, x12.Seg("CTT", strconv.Itoa(len(items))))
}
