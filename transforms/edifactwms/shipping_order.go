package edifactwms

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/transforms/x12wms"
)

// Document names (1001) of an order, of its change and of a despatch advice.
const (
	docOrder    = "220"
	docChange   = "230"
	docDespatch = "351"
)

// Message functions (1225) of what we send.
const (
	Original  = "9"
	Replaces  = "5"
	TakesBack = "1"
)

// noteParts are the components of C108, of 70 characters each.
const noteParts = 5

// ownTerms are the terms of payment of transport (4215).
var ownTerms = map[string]string{"prepaid": "PP", "collect": "CC", "third_party": "TP"}

// ShippingOrder is the body of the message that asks whoever runs the building to ship an order, without
// UNH and UNT: with purpose [x12wms.Orders] an ORDERS of what has not left yet; with [x12wms.Replaces] an
// ORDCHG that replaces what was asked before, what has left included; with [x12wms.Cancels] one that takes
// back what has not left. BGM and the date of the document are the first two segments. Lines are numbered
// as in the order. The number of who bought is RFF UC: ON is what the order is called in its BGM.
func ShippingOrder(p x12wms.Profile, o order.Order, purpose string, at time.Time) []edifact.Out {
	w := advice{p: p, named: o.Parties.Named}
	name, function := docOrder, Original
	switch purpose {
	case x12wms.Replaces:
		name, function = docChange, Replaces
	case x12wms.Cancels:
		name, function = docChange, TakesBack
	}
	w.add("BGM", name, cut(o.Number, 35), function)
	w.add("DTM", edifact.C("137", stamp(at, p), "203"))
	if purpose == x12wms.Cancels {
		w.body = append(w.body, parties(p, o.Scope, nil)...)
		w.add("UNS", "S")
		return w.body
	}
	for _, d := range [...]struct {
		qualifier string
		at        time.Time
	}{{"4", o.Dates.Ordered}, {"37", o.Dates.NotBefore}, {"38", o.Dates.ShipBy}, {"63", o.Dates.DeliverBy}, {"61", o.Dates.CancelAfter}} {
		if !d.at.IsZero() {
			w.add("DTM", edifact.C(d.qualifier, stamp(d.at, p), "203"))
		}
	}
	for _, n := range o.Parties.Notes {
		w.note(n)
	}
	level := o.Service.Level
	for _, r := range o.Refs {
		switch q := ownRefs[r.Kind]; {
		case r.Kind == "po":
			w.add("RFF", edifact.C("UC", cut(r.Value, 35)))
		case r.Kind == "routing":
			level = cmp.Or(level, r.Value)
		case q != "":
			w.add("RFF", edifact.C(q, cut(r.Value, 35)))
		default:
			if q, ours := strings.CutPrefix(r.Kind, foreignKind); ours && len(q) <= 3 {
				w.add("RFF", edifact.C(q, cut(r.Value, 35)))
			}
		}
	}
	w.party("DP", o.Parties.ShipTo)
	w.reached(o.Parties.ShipTo.Phone, o.Parties.ShipTo.Email)
	w.body = append(w.body, parties(p, o.Scope, nil)...)
	w.carriage(o.Service, level)
	for _, l := range o.Lines {
		if qty := x12wms.Wanted(l, purpose); qty != 0 {
			w.wanted(l, qty)
		}
	}
	w.add("UNS", "S")
	w.add("CNT", edifact.C("2", strconv.Itoa(w.lines)))
	return w.body
}

// note is a text for whoever reads, in as many FTX as it takes.
func (w *advice) note(text string) {
	var all []string
	for _, line := range strings.Split(text, "\n") {
		for line = strings.TrimSpace(line); line != ""; {
			part := cut(line, 70)
			all, line = append(all, part), line[len(part):]
		}
	}
	for ; len(all) > 0; all = all[min(noteParts, len(all)):] {
		w.add("FTX", "AAI", "", "", edifact.C(all[:min(noteParts, len(all))]...))
	}
}

// reached is how the party before is reached.
func (w *advice) reached(phone, email string) {
	if phone+email == "" {
		return
	}
	w.add("CTA", "DL")
	for _, c := range [...]struct{ number, kind string }{{phone, "TE"}, {email, "EM"}} {
		if c.number != "" {
			w.add("COM", edifact.C(cut(c.number, 512), c.kind))
		}
	}
}

// carriage is how it is to travel, and who pays.
func (w *advice) carriage(s order.Service, level string) {
	by := edifact.C(w.p.SCAC(s.Carrier, level), listCarriers, agencySCAC, cut(level, 35))
	if strings.HasPrefix(by, edifact.ComponentMark) { // he has none: by his name
		by = edifact.C("", "", "", cut(strings.TrimSpace(s.Carrier+" "+level), 35))
	}
	if method := ownMethods[s.Method]; method+s.Carrier+level != "" {
		w.add("TDT", "20", "", cmp.Or(method, ownMethods["motor"]), "", by)
	}
	if code := ownTerms[s.Terms]; code != "" {
		w.add("TOD", "6", code)
	}
}

// wanted is a line of which so much is to leave, in smallest units.
func (w *advice) wanted(l order.Line, qty int64) {
	unit := "PCE"
	if f := factor(l.AcceptedLine); f > 0 && qty%f == 0 {
		qty, unit = qty/f, unitOf(w.p, l.UOM)
	}
	w.lines++
	w.add("LIN", strconv.Itoa(l.No), "", itemCode(l.AcceptedLine))
	if pia := otherCodes(l.AcceptedLine); len(pia) > 0 {
		w.body = append(w.body, edifact.Out{ID: "PIA", Elements: append([]string{"1"}, pia...)})
	}
	if l.Lot != "" {
		w.add("PIA", "1", edifact.C(cut(l.Lot, 35), "NB"))
	}
	w.add("QTY", edifact.C("21", strconv.FormatInt(qty, 10), unit))
}

// Announcement is the body of the DESADV that tells whoever runs the building what comes to him, without
// UNH and UNT: function is [Original], [Replaces] or [TakesBack]. What comes on an SSCC stands in a level of
// its own. Quantities are in smallest units, lines numbered by RFF LI.
func Announcement(p x12wms.Profile, r receiving.Receipt, function string, at time.Time) []edifact.Out {
	w := advice{p: p}
	w.add("BGM", docDespatch, cut(r.ID, 35), function)
	w.add("DTM", edifact.C("137", stamp(at, p), "203"))
	if !r.Due.IsZero() {
		w.add("DTM", edifact.C("17", stamp(r.Due, p), "203"))
	}
	if r.Reference != "" {
		w.add("RFF", edifact.C("ON", cut(r.Reference, 35)))
	}
	if r.Supplier != "" {
		w.add("NAD", "SU", edifact.C(cut(r.Supplier, 35), "", "92"))
	}
	w.add("NAD", "DP", partyCode(p.Building(nil, r.Scope.Facility, "WH")))
	w.add("NAD", "GO", partyCode(p.Depositor(nil, r.Scope.Owner, "GO")))
	w.add("CPS", "1")
	var marks []string
	on := map[string][]receiving.Expected{}
	for _, l := range r.Lines {
		if l.Unannounced || function == TakesBack {
			continue
		}
		mark := l.LPN
		if gs1.CheckSSCC(mark) != nil { // a number that nobody else reads
			mark = ""
		}
		if on[mark] == nil && mark != "" {
			marks = append(marks, mark)
		}
		on[mark] = append(on[mark], l)
	}
	for _, l := range on[""] {
		w.comes(l)
	}
	for i, mark := range marks {
		w.add("CPS", strconv.Itoa(i+2), "1")
		w.add("PAC", "1")
		w.add("PCI", "33E")
		w.add("GIN", idSSCC, mark)
		for _, l := range on[mark] {
			w.comes(l)
		}
	}
	w.add("CNT", edifact.C("2", strconv.Itoa(w.lines)))
	return w.body
}

// comes is a line of goods that are announced.
func (w *advice) comes(l receiving.Expected) {
	w.lines++
	w.add("LIN", strconv.Itoa(w.lines), "", own(w.p, l.Item))
	w.body = append(w.body, pieces(qtyAnnounced, l.Qty))
	w.identified(l.Lot, l.Serials)
	if at, err := time.Parse(time.DateOnly, string(l.Expiry)); err == nil {
		w.add("DTM", edifact.C(dtmExpires, at.Format("20060102"), "102"))
	}
	w.add("RFF", edifact.C("LI", strconv.Itoa(l.No)))
}

// identified are the lot and the serial numbers of goods.
func (w *advice) identified(lot string, serials []string) {
	if lot != "" {
		w.add("GIN", idLot, cut(lot, 35))
	}
	for i := 0; i < len(serials); i += 5 {
		gin := []string{idSerial}
		for _, s := range serials[i:min(len(serials), i+5)] {
			gin = append(gin, cut(s, 35))
		}
		w.body = append(w.body, edifact.Out{ID: "GIN", Elements: gin})
	}
}
