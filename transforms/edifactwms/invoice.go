package edifactwms

import (
	"strconv"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/transforms/x12wms"
)

// Amounts (5025) of an invoice.
const (
	moaLine  = "203" // of a line
	moaLines = "79"  // of all lines
	moaDue   = "77"  // of the invoice
)

// Invoice is the body of the INVOIC for a bill, without UNH and UNT. MOA 79 and 77 are the sum of all
// lines: there are neither taxes nor charges.
func Invoice(p x12wms.Profile, o order.Order, b x12wms.Bill) []edifact.Out {
	w := advice{p: p, named: o.Parties.Named}
	money := func(kind string, minor int64) edifact.Out {
		return edifact.Seg("MOA", edifact.C(kind, x12wms.Decimal(minor, 2)))
	}
	w.add("BGM", "380", cut(b.Number, 35), "9")
	w.add("DTM", edifact.C("137", stamp(b.At, p), "203"))
	w.add("DTM", edifact.C("11", stamp(b.At, p), "203"))
	w.add("RFF", edifact.C("ON", cut(o.Told(), 35)))
	if !o.Dates.Ordered.IsZero() {
		w.add("DTM", edifact.C("171", stamp(o.Dates.Ordered, p)[:8], "102")) // of the order
	}
	w.add("RFF", edifact.C("AAK", cut(b.Number, 35))) // the DESADV of the same goods
	w.others("BY")
	w.party("DP", o.Parties.ShipTo)
	if a := o.Parties.BillTo; a.Name != "" || a.Company != "" || a.Code != "" {
		w.party("IV", a)
	}
	if _, ok := x12wms.Named(w.named, "SU"); ok {
		w.others("SU")
	} else {
		w.add("NAD", "SU", partyCode(p.Depositor(w.named, o.Scope.Owner, "GO")))
	}
	w.add("CUX", edifact.C("2", b.Currency, "4"))
	for i, l := range b.Lines {
		unit := "PCE"
		if l.Whole {
			unit = unitOf(p, l.Line.UOM)
		}
		w.add("LIN", strconv.Itoa(i+1), "", itemCode(l.Line.AcceptedLine))
		w.add("QTY", edifact.C("47", strconv.FormatInt(l.Qty, 10), unit))
		w.body = append(w.body, money(moaLine, l.Amount))
		price := edifact.C("AAA", x12wms.Decimal(l.Price, 6))
		if l.Per > 1 {
			price = edifact.C("AAA", x12wms.Decimal(l.Price, 6), "", "", strconv.FormatInt(l.Per, 10), unit)
		}
		w.add("PRI", price)
		if l.Line.Ref != "" {
			w.add("RFF", edifact.C("LI", cut(l.Line.Ref, 35)))
		}
	}
	w.add("UNS", "S")
	w.add("CNT", edifact.C("2", strconv.Itoa(len(b.Lines))))
	return append(w.body, money(moaLines, b.Total), money(moaDue, b.Total))
}
