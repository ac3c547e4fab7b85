package edifactwms

import (
	"cmp"
	"strconv"
	"time"

	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/transforms/x12wms"
)

// Quantities (6063) of what is told of stock.
const (
	qtyAnnounced = "12" // despatched
	qtyReceived  = "48"
	qtyAccepted  = "194" // received and accepted
	qtyDamaged   = "124" // damaged goods
	qtyHeld      = "27"  // received, and cannot be shipped as it is
	qtyRefused   = "195" // received, not accepted, to be returned
	qtyOnHand    = "145" // actual stock
	qtyAvailable = "33"  // available for sale
)

// parties are the NAD of building and owner.
func parties(p x12wms.Profile, s scope.Scope, all []party.Named) []edifact.Out {
	return []edifact.Out{
		edifact.Seg("NAD", "WH", partyCode(p.Building(all, s.Facility, "WH", "DP", "ST"))),
		edifact.Seg("NAD", "GO", partyCode(p.Depositor(all, s.Owner, "GO"))),
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
// UNH and UNT: a LIN for each line and lot, with what of the lot came (48) and is good (194). With the last
// lot of a line stands what was announced of it and how the whole differs, and what of it is damaged, on
// hold or refused. Quantities are in smallest units.
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
	all := x12wms.Uncoded(r.Parties)
	body = append(body, parties(p, r.Scope, all)...)
	if from, ok := x12wms.Named(all, "SU", "SF", "VN"); ok {
		body = append(body, seg("NAD", "SU", partyCode(from)))
	} else if r.Supplier != "" {
		body = append(body, seg("NAD", "SU", edifact.C(cut(r.Supplier, 35), "", "92")))
	}
	body = append(body, seg("CPS", "1"))
	n := 0
	for _, l := range r.Lines {
		lots := x12wms.Received(r, l)
		for i, x := range lots {
			n++
			codes := itemCodes(l.Codes)
			if len(codes) == 0 {
				codes = []string{own(p, l.Item)}
			}
			body = append(body, seg("LIN", strconv.Itoa(n), "", codes[0]))
			if more := codes[1:min(len(codes), 6)]; len(more) > 0 {
				body = append(body, edifact.Out{ID: "PIA", Elements: append([]string{"1"}, more...)})
			}
			if x.Lot != "" {
				body = append(body, seg("PIA", "1", edifact.C(cut(x.Lot, 35), "NB")))
			}
			if last := i == len(lots)-1; !last {
				body = append(body, pieces(qtyReceived, x.Qty), pieces(qtyAccepted, x.Good))
				continue
			}
			body = append(body, pieces(qtyAnnounced, l.Qty), pieces(qtyReceived, x.Qty), pieces(qtyAccepted, x.Good))
			bad := [...]struct {
				qualifier string
				qty       int64
			}{{qtyDamaged, l.Damaged}, {qtyHeld, l.Held}, {qtyRefused, l.Rejected}}
			for _, b := range bad {
				if b.qty > 0 {
					body = append(body, pieces(b.qualifier, b.qty))
				}
			}
			if d := l.Got() - l.Qty; d != 0 {
				body = append(body, seg("QVR", edifact.C(strconv.FormatInt(d, 10), qtyReceived)))
			}
			for _, b := range bad {
				if b.qty > 0 {
					body = append(body, seg("QVR", edifact.C(strconv.FormatInt(-b.qty, 10), b.qualifier)))
				}
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
	body = append(body, parties(p, s, nil)...)
	for i, x := range told {
		body = append(body, edifact.Seg("LIN", strconv.Itoa(i+1), "", own(p, x.Item)), pieces(qtyOnHand, x.OnHand), pieces(qtyAvailable, x.Available))
	}
	return body
}
