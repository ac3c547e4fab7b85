package edifactwms

import (
	"cmp"
	"strconv"
	"time"

	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/transforms/x12wms"
)

// Quantities (6063) of what is told of stock.
const (
	qtyAnnounced = "12"  // despatched
	qtyAccepted  = "194" // received and accepted
	qtyOnHand    = "145" // actual stock
	qtyAvailable = "33"  // available for sale
)

// parties are the NAD of building and owner.
func parties(p x12wms.Profile, s scope.Scope) []edifact.Out {
	return []edifact.Out{
		edifact.Seg("NAD", "WH", edifact.C(cut(p.Outside(p.Facilities, s.Facility), 35), "", "92")),
		edifact.Seg("NAD", "GO", edifact.C(cut(p.Outside(p.Owners, s.Owner), 35), "", "92")),
	}
}

// own is an item code of ours, qualified as the partner's documents qualify items.
func own(p x12wms.Profile, sku string) string {
	kind := "SA"
	for ours, theirs := range items {
		if len(p.Items) > 0 && theirs == p.Items[0] && (kind == "SA" || ours < kind) {
			kind = ours
		}
	}
	return edifact.C(cut(sku, 35), kind)
}

// pieces is a quantity in smallest units.
func pieces(qualifier string, n int64) edifact.Out {
	return edifact.Seg("QTY", edifact.C(qualifier, strconv.FormatInt(n, 10), "PCE"))
}

// ReceivingAdvice is the body of the RECADV that tells an owner what came of a receipt, without
// UNH and UNT: a LIN for each line and lot, with what was announced of the line at its last lot and
// the difference beside it. What came damaged is said in words. Quantities are in smallest units.
func ReceivingAdvice(p x12wms.Profile, r receiving.Receipt, c receiving.Closed) []edifact.Out {
	seg := edifact.Seg
	body := []edifact.Out{
		seg("BGM", "632", cut(r.ID, 35), "9"),
		seg("DTM", edifact.C("137", stamp(c.At, p), "203")), seg("DTM", edifact.C("50", stamp(c.At, p), "203")),
		seg("RFF", edifact.C("AAK", cut(r.ID, 35))),
	}
	if r.Reference != "" {
		body = append(body, seg("RFF", edifact.C("ON", cut(r.Reference, 35))))
	}
	body = append(body, parties(p, r.Scope)...)
	if r.Supplier != "" {
		body = append(body, seg("NAD", "SU", edifact.C(cut(r.Supplier, 35), "", "92")))
	}
	body = append(body, seg("CPS", "1"))
	n := 0
	for _, l := range r.Lines {
		lots := x12wms.Received(r, l)
		for i, x := range lots {
			n++
			body = append(body, seg("LIN", strconv.Itoa(n), "", own(p, l.Item)))
			if x.Lot != "" {
				body = append(body, seg("PIA", "1", edifact.C(cut(x.Lot, 35), "NB")))
			}
			if i < len(lots)-1 {
				body = append(body, pieces(qtyAccepted, x.Qty))
				continue
			}
			body = append(body, pieces(qtyAnnounced, l.Qty), pieces(qtyAccepted, x.Qty))
			if d := l.Got() - l.Qty; d != 0 {
				body = append(body, seg("QVR", edifact.C(strconv.FormatInt(d, 10), qtyAccepted)))
			}
			if bad := l.Damaged + l.Rejected; bad > 0 {
				body = append(body, seg("FTX", "AAO", "", "", strconv.FormatInt(bad, 10)+" damaged or rejected"))
			}
			body = append(body, seg("RFF", edifact.C("LI", strconv.Itoa(l.No))))
		}
	}
	return append(body, seg("CNT", edifact.C("2", strconv.Itoa(n))))
}

// InventoryReport is the body of an INVRPT, without UNH and UNT. A full one is an original (1225 9),
// one of changes alone is a change (4); each item is told whole: on hand (145) and available (33).
func InventoryReport(p x12wms.Profile, s scope.Scope, ref string, at time.Time, full bool, told []x12wms.Stocked) []edifact.Out {
	kind := "4"
	if full {
		kind = "9"
	}
	body := []edifact.Out{edifact.Seg("BGM", "35", cut(cmp.Or(ref, "1"), 35), kind), edifact.Seg("DTM", edifact.C("137", stamp(at, p), "203"))}
	body = append(body, parties(p, s)...)
	for i, x := range told {
		body = append(body, edifact.Seg("LIN", strconv.Itoa(i+1), "", own(p, x.Item)), pieces(qtyOnHand, x.OnHand), pieces(qtyAvailable, x.Available))
	}
	return body
}
