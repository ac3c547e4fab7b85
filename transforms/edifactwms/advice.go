package edifactwms

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/transforms/x12wms"
)

// Discrepancies (4221): shipped in part, and considered complete; or the rest follows.
const (
	considered = "CP"
	inPart     = "BP"
)

// DespatchAdvice is the body of the DESADV that tells what c says has left of o,
// without UNH and UNT. CPS 1 is the shipment; each carton is a level below it
// with its SSCC; what is short of a line, or follows, stands with its last carton, and what
// of a line ships nowhere in a level of its own, with quantity 0. follows is by line, in smallest units.
func DespatchAdvice(p x12wms.Profile, o order.Order, c ship.Confirmed, follows map[int]int64) ([]edifact.Out, error) {
	const op = "edifactwms.DespatchAdvice"
	if o.Number != c.Order {
		return nil, fault.E(op, fault.Internal, fmt.Errorf("confirmation of order %q with order %q", c.Order, o.Number))
	}
	if len(c.Cartons) == 0 && len(c.Shorts) == 0 {
		return nil, fault.E(op, fault.Internal, errors.New("the confirmation names neither cartons nor shorts"))
	}
	w := advice{p: p, named: o.Parties.Named, short: map[int]int64{}, follows: maps.Clone(follows), last: map[int]int{}, whole: map[int]bool{}}
	if err := w.plan(o, c); err != nil {
		return nil, fault.At(op, fault.Internal, "lines", err)
	}
	w.add("BGM", "351", cut(x12wms.ShipmentNumber(c), 35), "9")
	w.add("DTM", edifact.C("137", stamp(c.At, p), "203"))
	w.add("DTM", edifact.C("11", stamp(c.At, p), "203"))
	if c.Weight > 0 {
		w.add("MEA", "AAX", "AAB", edifact.C("KGM", kilograms(int64(c.Weight))))
	}
	w.add("RFF", edifact.C("ON", cut(o.Told(), 35)))
	for _, r := range o.Refs {
		if q := ownRefs[r.Kind]; q != "" && q != "ON" {
			w.add("RFF", edifact.C(q, cut(r.Value, 35)))
		}
	}
	w.others("BY", "SU")
	w.party("DP", o.Parties.ShipTo)
	w.add("NAD", "SF", partyCode(p.Building(w.named, c.Facility, "WH", "SF")))
	w.add("NAD", "GO", partyCode(p.Depositor(w.named, c.Owner, "GO")))
	w.transport(o, c)
	w.add("CPS", "1")
	w.add("PAC", strconv.Itoa(len(c.Cartons)))
	level := 1
	for i, m := range c.Cartons {
		level++
		w.add("CPS", strconv.Itoa(level), "1")
		w.add("PAC", "1", "", "CT")
		w.add("PCI", "33E")
		if m.Tracking != "" {
			w.add("RFF", edifact.C("CN", cut(m.Tracking, 35)))
		}
		w.add("GIN", "BJ", m.Carton)
		for j, x := range m.Contents {
			l, _ := o.Line(x.Line)
			short, later := int64(0), int64(0)
			if w.last[x.Line] == i && lastOf(m.Contents, j) {
				short, later = w.short[x.Line], w.follows[x.Line]
				delete(w.short, x.Line)
				delete(w.follows, x.Line)
			}
			w.line(l, x, short, later)
		}
	}
	for _, l := range o.Lines {
		short, later := w.short[l.No], w.follows[l.No]
		if short+later == 0 {
			continue
		}
		level++
		w.add("CPS", strconv.Itoa(level), "1")
		w.line(l, pack.Content{Line: l.No}, short, later)
	}
	w.add("CNT", edifact.C("2", strconv.Itoa(w.lines)))
	return w.body, nil
}

// lastOf reports whether no content behind j is of the same line.
func lastOf(contents []pack.Content, j int) bool {
	for _, x := range contents[j+1:] {
		if x.Line == contents[j].Line {
			return false
		}
	}
	return true
}

// advice is a DESADV that is being written.
type advice struct {
	p       x12wms.Profile
	named   []party.Named // by the document that asked for it
	body    []edifact.Out
	lines   int
	short   map[int]int64 // what is short and not told yet
	follows map[int]int64 // what leaves later, the same
	last    map[int]int   // the last carton of each line
	whole   map[int]bool  // lines all of whose quantities are whole ordered units
}

func (w *advice) add(id string, elements ...string) {
	w.body = append(w.body, edifact.Seg(id, elements...))
}

// plan looks the lines up before anything is told of them.
func (w *advice) plan(o order.Order, c ship.Confirmed) error {
	see := func(no int, qty int64) error {
		l, ok := o.Line(no)
		if !ok {
			return fmt.Errorf("line %d is confirmed, which the order does not have", no)
		}
		was, seen := w.whole[no]
		f := factor(l.AcceptedLine)
		w.whole[no] = f > 0 && qty%f == 0 && (was || !seen)
		return nil
	}
	for i, m := range c.Cartons {
		for _, x := range m.Contents {
			if err := see(x.Line, x.Qty); err != nil {
				return err
			}
			w.last[x.Line] = i
		}
	}
	for _, s := range c.Shorts {
		if err := see(s.Line, s.Qty); err != nil {
			return err
		}
		w.short[s.Line] += s.Qty
	}
	for no, n := range w.follows {
		if err := see(no, n); err != nil {
			return err
		}
	}
	return nil
}

// factor is how many smallest units make one of the unit that was ordered, 0
// where they make none.
func factor(l order.AcceptedLine) int64 {
	if l.Qty < 1 || l.Ordered < l.Qty || l.Ordered%l.Qty != 0 {
		return 0
	}
	return l.Ordered / l.Qty
}

// line tells of one content of a carton, or of nothing but what is short or follows.
func (w *advice) line(l order.Line, x pack.Content, short, later int64) {
	f, unit := int64(1), "PCE"
	if w.whole[l.No] {
		f, unit = factor(l.AcceptedLine), unitOf(w.p, l.UOM)
	}
	w.lines++
	w.add("LIN", strconv.Itoa(w.lines), "", itemCode(l.AcceptedLine))
	if pia := otherCodes(l.AcceptedLine); len(pia) > 0 {
		w.body = append(w.body, edifact.Out{ID: "PIA", Elements: append([]string{"1"}, pia...)})
	}
	w.add("QTY", edifact.C("12", strconv.FormatInt(x.Qty/f, 10), unit))
	w.identified(x.Lot, x.Serials)
	if l.Ref != "" {
		w.add("RFF", edifact.C("LI", cut(l.Ref, 35)))
	}
	if short > 0 {
		w.add("QVR", edifact.C(strconv.FormatInt(-short/f, 10), "21"), considered)
	}
	if later > 0 {
		w.add("QVR", edifact.C(strconv.FormatInt(-later/f, 10), "21"), inPart)
	}
}

// itemCode is the first of the partner's own codes of the item, as C212.
func itemCode(l order.AcceptedLine) string {
	if all := itemCodes(l.Codes); len(all) > 0 {
		return all[0]
	}
	return edifact.C(cut(l.Item, 35), "SA")
}

// otherCodes gives the others back: at most five.
func otherCodes(l order.AcceptedLine) []string {
	all := itemCodes(l.Codes)
	return all[min(1, len(all)):min(6, len(all))]
}

// itemCodes are codes of an item that this syntax can say, in the order in which they came.
func itemCodes(codes []item.Code) (out []string) {
	for _, c := range codes {
		if q := ownItem(c.Kind); q != "" {
			out = append(out, edifact.C(cut(c.Value, 35), q))
		}
	}
	return out
}

// ownItem is the code of a kind of item code, "" where this syntax has none.
func ownItem(kind string) string {
	if code, ours := strings.CutPrefix(kind, foreignKind); ours && len(code) <= 3 {
		return code
	}
	return ownItems[kind]
}

// unitOf is the unit code that the partner reads for a unit of ours.
func unitOf(p x12wms.Profile, uom string) string {
	best := ""
	for code, u := range p.UOM {
		if u == uom && (best == "" || code < best) {
			best = code
		}
	}
	return cmp.Or(best, ownUnits[uom], "PCE")
}

func (w *advice) party(role string, a party.Address) {
	name := edifact.C(parts(5, cmp.Or(a.Name, a.Company, a.Code), second(a))...)
	streets := parts(4, a.Lines...)
	code := ""
	if a.Code != "" {
		code = partyCode(party.Named{Coded: party.Coded{Code: a.Code, List: x12wms.List(w.named, a.Code)}})
	}
	if a.Name+a.Company+a.City+a.PostalCode == "" && len(a.Lines) == 0 {
		w.add("NAD", role, code) // that of its country would be a guess
		return
	}
	w.add("NAD", role, code, "", name, edifact.C(streets...), cut(a.City, 35), cut(a.Region, 9), cut(a.PostalCode, 9), cut(a.Country, 3))
}

// parts are texts as components of 35 characters, at most so many: what is longer goes on in the next.
func parts(most int, texts ...string) (out []string) {
	for _, s := range texts {
		for s != "" {
			part := cut(s, 35)
			if at := strings.LastIndexByte(part, ' '); at > 0 && len(part) < len(s) {
				part = part[:at]
			}
			out, s = append(out, part), strings.TrimSpace(s[len(part):])
		}
	}
	return out[:min(len(out), most)]
}

// partyCode is C082: the code, and whose it is as the partner said.
func partyCode(n party.Named) string {
	return edifact.C(cut(n.Code, 35), "", agency(n.List, n.Code))
}

// others are NAD of parties that the document named in these roles, as it did.
func (w *advice) others(roles ...string) {
	for _, role := range roles {
		n, ok := x12wms.Named(w.named, role)
		switch {
		case !ok:
		case n.Code == "":
			w.add("NAD", role, "", "", cut(n.Name, 35))
		default:
			w.add("NAD", role, partyCode(n))
		}
	}
}

func second(a party.Address) string {
	if a.Name == "" {
		return ""
	}
	return a.Company
}

// A SCAC in C040: the list (1131) of carriers, and who keeps it (3055).
const (
	listCarriers = "172"
	agencySCAC   = "182"
)

// transport is the TDT: how it did travel, or was asked to, and by what number.
func (w *advice) transport(o order.Order, c ship.Confirmed) {
	carrier, service := x12wms.Travelled(o, c)
	tracking := ""
	if len(c.Cartons) > 0 {
		tracking = c.Cartons[0].Tracking
	}
	method := cmp.Or(ownMethods[o.Service.Method], "30")
	if len(tracking) > 17 { // as data element 8028 takes; each carton has its own
		tracking = ""
	}
	by := edifact.C(w.p.SCAC(carrier, service), listCarriers, agencySCAC)
	if strings.HasPrefix(by, edifact.ComponentMark) { // he has none: by his name
		by = edifact.C("", "", "", cut(carrier, 35))
	}
	if carrier != "" || tracking != "" {
		w.add("TDT", "20", tracking, method, "", by)
	}
}

func stamp(at time.Time, p x12wms.Profile) string {
	if p.Zone != nil {
		at = at.In(p.Zone)
	}
	return at.Format("200601021504")
}

// kilograms of milligrams, rounded up to the gram.
func kilograms(mg int64) string {
	grams := (mg + 999) / 1000
	return fmt.Sprintf("%d.%03d", grams/1000, grams%1000)
}

// cut shortens what is for people's eyes; it never cuts a rune.
func cut(s string, most int) string {
	for i := range s {
		if most--; most < 0 {
			return s[:i]
		}
	}
	return s
}
