package x12wms

import (
	"strconv"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/x12"
)

// Levels of an 856: which HL stand in which.
const (
	LevelsPacked = "SOPI" // shipment, order, pack, item: what stands in which carton
	LevelsFlat   = "SOI"  // shipment, order, item
)

// structures are BSN-05 (data element 1005).
var structures = map[string]string{LevelsPacked: "0001", LevelsFlat: "0004"}

// lineStatuses are SN1-08 (data element 668) by the status of the line in a 945.
var lineStatuses = map[string]string{shippedWhole: "AC", shippedShort: "CP", shippedPart: "BP"}

// hierarchical writes the HL of a notice, and numbers them.
type hierarchical struct {
	body []x12.Out
	n    int
	sum  int64 // of SN1-02
}

// level begins an HL below another, 0 for none, and is its number.
func (h *hierarchical) level(parent int, code string, children bool) int {
	h.n++
	above, has := "", "0"
	if parent > 0 {
		above = strconv.Itoa(parent)
	}
	if children {
		has = "1"
	}
	h.body = append(h.body, x12.Seg("HL", strconv.Itoa(h.n), above, code, has))
	return h.n
}

func (h *hierarchical) add(s ...x12.Out) { h.body = append(h.body, s...) }

// ShipNotice is the body of the 856 that tells what c says has left of o, without ST and SE: each carton a
// pack with its SSCC and tracking number, or with [LevelsFlat] the items alone. SN1 says what of a line
// left here, how much was ordered of it in all, and whether the rest follows. A line of which nothing left
// is none of a ship notice. follows is as in [Profile.ShippingAdvice]. CTT counts the HL, and sums SN1-02 up.
func (p Profile) ShipNotice(o order.Order, c ship.Confirmed, follows map[int]int64) ([]x12.Out, error) {
	cartons, _, whole, err := told("x12wms.ShipNotice", o, c, follows)
	if err != nil {
		return nil, err
	}
	levels := p.Levels
	if levels == "" {
		levels = LevelsPacked
	}
	now := c.At.In(p.zone())
	day := now.Format("20060102")
	h := &hierarchical{}
	h.add(x12.Seg("BSN", "00", cut(ShipmentNumber(c), 30), day, now.Format("1504"), structures[levels]))
	top := h.level(0, "S", true)
	td1 := []string{"CTN25", strconv.Itoa(len(c.Cartons))}
	if c.Weight > 0 {
		unit, text := p.heavy(c.Weight)
		td1 = append(td1, "", "", "", "G", text, unit)
	}
	if len(c.Cartons) > 0 {
		h.add(x12.Out{ID: "TD1", Elements: td1})
	}
	if td5, ok := p.routed(o, c); ok {
		h.add(td5)
	}
	if levels == LevelsFlat {
		for _, m := range c.Cartons {
			if m.Tracking != "" {
				h.add(x12.Seg("REF", "2I", cut(m.Tracking, 30)))
			}
		}
	}
	h.add(x12.Seg("DTM", "011", day))
	h.add(n1("SF", p.Building(o.Parties.Named, c.Facility, "WH", "SF")))
	h.add(shipTo(o.Parties)...)
	h.order(p, o, top)
	at := h.n
	if levels == LevelsFlat {
		var all []piece
		for _, list := range cartons {
			for _, q := range list {
				all = together(all, q)
			}
		}
		h.items(p, at, all, whole)
	} else {
		for i, m := range c.Cartons {
			pack := h.level(at, "P", true)
			if m.Tracking != "" {
				h.add(x12.Seg("REF", "2I", cut(m.Tracking, 30)))
			}
			h.add(x12.Seg("MAN", "GM", "00"+m.Carton)) // the SSCC with its application identifier
			h.items(p, pack, cartons[i], whole)
		}
	}
	h.add(x12.Seg("CTT", strconv.Itoa(h.n), strconv.FormatInt(h.sum, 10)))
	return h.body, nil
}

// order is the level of the order that the goods were asked for by.
func (h *hierarchical) order(p Profile, o order.Order, top int) {
	h.level(top, "O", true)
	po, ordered := o.Told(), ""
	for _, r := range o.Refs {
		if r.Kind == "po" {
			po = r.Value
			break
		}
	}
	if !o.Dates.Ordered.IsZero() {
		ordered = o.Dates.Ordered.In(p.zone()).Format("20060102")
	}
	h.add(x12.Seg("PRF", cut(po, 22), "", "", ordered))
	if po != o.Told() {
		h.add(x12.Seg("REF", "CO", cut(o.Told(), 30))) // the depositor's order
	}
	for _, r := range o.Refs {
		if q := qualifierOf(refQualifiers, r.Kind); len(q) >= 2 && r.Kind != "po" {
			h.add(x12.Seg("REF", q, cut(r.Value, 30)))
		}
	}
	h.add(buyerAndSeller(o.Parties.Named)...)
}

// items are the levels of what left, below a carton or the order.
func (h *hierarchical) items(p Profile, above int, pieces []piece, whole map[int]bool) {
	for _, q := range pieces {
		shipped, ordered, unit := q.shipped, q.line.Ordered, "EA"
		if whole[q.line.No] {
			shipped, _ = inUnits(q.line.AcceptedLine, shipped)
			ordered, unit = q.line.Qty, p.code(q.line.UOM)
		}
		h.sum += shipped
		h.level(above, "I", false)
		h.add(x12.Out{ID: "LIN", Elements: append([]string{cut(q.line.Ref, 20)}, itemPairs(q.line.AcceptedLine, 10)...)})
		n := strconv.FormatInt
		h.add(x12.Seg("SN1", "", n(shipped, 10), unit, "", n(ordered, 10), unit, "", lineStatuses[q.status]))
		if q.lot != "" {
			h.add(x12.Seg("REF", lotQualifier, cut(q.lot, 30)))
		}
		for _, s := range q.serials {
			h.add(x12.Seg("REF", "SE", cut(s, 30)))
		}
	}
}

// together adds a piece to those of other cartons, of its line and lot.
func together(all []piece, q piece) []piece {
	for i := range all {
		if all[i].line.No == q.line.No && all[i].lot == q.lot {
			all[i].shipped += q.shipped
			all[i].serials = append(all[i].serials[:len(all[i].serials):len(all[i].serials)], q.serials...)
			return all
		}
	}
	return append(all, q)
}

// routed is the TD5: the carrier by his SCAC, or by his name where he has none.
func (p Profile) routed(o order.Order, c ship.Confirmed) (x12.Out, bool) {
	carrier, service := Travelled(o, c)
	method := ""
	for code, name := range methods {
		if name == o.Service.Method {
			method = code
		}
	}
	if scac := p.SCAC(carrier, service); scac != "" {
		return x12.Seg("TD5", "B", "2", scac, method, cut(service, 35)), true
	}
	name := join(carrier, service)
	return x12.Seg("TD5", "B", "", "", method, cut(name, 35)), name != ""
}
