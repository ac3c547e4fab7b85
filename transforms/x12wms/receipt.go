package x12wms

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/edi/x12"
)

// Expected is what a 943, 856 or DESADV says is on its way, and where in the document each part of it
// stands: the key is a place as package receiving names it ("lines[2].item"). With Cancel, the
// document takes an earlier one back: scope and ID are all that it says.
type Expected struct {
	Scope        scope.Scope
	ID           string
	Announcement receiving.Announcement
	Units        []string
	Cancel       bool
	Places       map[string]Place
}

// At is [Order.At] for a receipt.
func (e Expected) At(place string) (Place, bool) { return placeAt(e.Places, place) }

// Notice is a document that announces goods, as it was sent. Its purpose is [CancelsNotice] where it
// takes an earlier one back.
type Notice struct {
	Document                // parties, references, dates and lines
	Details  []NoticeDetail // of the lines, in their order
}

// NoticeDetail is what a notice says of a line beside what an order's would say.
type NoticeDetail struct {
	LPN     Text   // the SSCC that the goods come on
	Expiry  Text   // CCYYMMDD
	Serials []Text // of the units
}

// asn is an 856 that is being read.
type asn struct {
	Notice
	level map[string]hierarchy // by HL-01
	at    string               // the HL that follows
}

// hierarchy is one HL of an 856.
type hierarchy struct {
	parent, code string
	mark         Text // MAN-02
	po           Text // PRF-01
}

// CancelsNotice is BSN-01 of an 856 that takes an earlier one back: a cancellation.
const CancelsNotice = "01"

// Other codes of BSN-01 (data element 353): a deletion takes the notice back, too; what only adds
// to one or changes it does not say what will arrive.
const (
	addsToNotice  = "02"
	deletesNotice = "03"
	changesNotice = "04"
)

// Dates that say when goods arrive: G62-01 and DTM-01.
var arrivals = map[string]bool{"17": true, "02": true, "017": true, "002": true, "067": true}

// Expected translates a 943 or 856 into the announcement of a receipt. The error is a fault of kind
// Invalid that carries an [Error]; its findings are added to p as well.
func (p Profile) Expected(part *x12.Part) (Expected, error) {
	const op = "x12wms.Expected"
	t := &translator{part: part, paper: OnX12(part)}
	st := t.text(part.Segments.At(0), 1)
	if n := part.Segments.Len(); n > MaxSegments {
		t.fail(st.At, CodeCommand, strconv.Itoa(n), fmt.Sprintf("at most %d segments", MaxSegments), "split the shipment", "the set has %d segments, more than a notice may", n)
		return Expected{}, t.err(op)
	}
	var n Notice
	switch part.ST.ID {
	case "943":
		n = t.read943()
	case "856":
		n = t.read856()
	default:
		t.fail(st.At, CodeUnsupported, st.Value, "943 or 856", "route this set elsewhere", "transaction set %s announces no goods", st.Value)
		return Expected{}, t.err(op)
	}
	t.paper.Line = map[string]string{"943": "W04", "856": "LIN"}[n.Set]
	return p.expected(t, n)
}

// Announce translates a notice of any syntax that was read into this form, as [Profile.Expected] does
// an 856: with the same error, findings and places.
func (p Profile) Announce(n Notice, on Paper) (Expected, error) {
	return p.expected(&translator{paper: on}, n)
}

func (p Profile) expected(t *translator, n Notice) (Expected, error) {
	const op = "x12wms.Expected"
	e := Expected{Places: map[string]Place{"receipt": n.Number.At, "lines": t.paper.End(t.paper.Line)}}
	e.Scope = p.receiver(t, n.Document, e.Places)
	if e.ID = n.Number.Value; e.ID == "" {
		t.fail(n.Number.At, CodeMissing, "", "a number", "send the number that the receipt is to be confirmed under", "the shipment has no number")
	}
	if e.Cancel = n.Set != "943" && n.Purpose.Value == CancelsNotice; e.Cancel {
		return e, t.err(op)
	}
	if v := n.Purpose.Value; n.Set == "856" && (v == addsToNotice || v == changesNotice) {
		t.fail(n.Purpose.At, CodeUnsupported, v, "00, 05, 01 or 03", "send all of the notice again as a replacement, 05", "the set neither announces a shipment whole nor takes it back")
		return e, t.err(op)
	}
	a := &e.Announcement
	a.Kind, a.Reference = receiving.KindASN, cmp.Or(n.PO.Value, n.LinkNo.Value)
	e.Places["reference"] = n.PO.At
	for _, party := range n.Parties {
		if role := party.Role.Value; role == "SF" || role == "VN" && a.Supplier == "" {
			a.Supplier = cmp.Or(party.Code.Value, party.Name.Value)
			e.Places["supplier"] = party.Role.At
		}
	}
	a.Parties = AsCoded(n.Parties)
	a.Due = p.arrival(t, n.Document, e.Places)
	for i, l := range p.lines(t, n.Document, e.Places) {
		more := n.Details[i]
		line := receiving.Line{No: l.No, Item: l.Item, Qty: l.Qty, Lot: l.Lot, LPN: more.LPN.Value, Codes: l.Codes}
		e.Places[fmt.Sprintf("lines[%d].lpn", i)] = more.LPN.At
		for _, s := range more.Serials {
			if len(line.Serials) == 0 {
				e.Places[fmt.Sprintf("lines[%d].serials", i)] = s.At
			}
			line.Serials = append(line.Serials, s.Value)
		}
		line.Expiry = t.expiry(more.Expiry)
		a.Lines, e.Units = append(a.Lines, line), append(e.Units, l.UOM)
	}
	return e, t.err(op)
}

// Core turns what the core finds wrong with the announcement into an error with the place in the
// document that it came from.
func (e Expected) Core(on Paper, err error) error {
	t := &translator{paper: on}
	at, ok := e.At(fault.PlaceOf(err))
	if !ok {
		at = on.End(on.Set)
	}
	t.fail(at, CodeCommand, "", "", "correct the value and send the notice again", "%v", err)
	return t.err("x12wms.Expected")
}

// receiver is whose goods come where: the roles of a notice are those of an order turned round, so
// the building is the ship-to.
func (p Profile) receiver(t *translator, d Document, places map[string]Place) scope.Scope {
	turned := d
	turned.Parties = slices.Clone(d.Parties)
	warehouse := slices.ContainsFunc(d.Parties, func(n Party) bool { return n.Role.Value == "WH" })
	for i := range turned.Parties {
		switch n := &turned.Parties[i]; {
		case n.Role.Value == "SF":
			n.Role.Value = "" // where it comes from is no building of ours
		case n.Role.Value == "ST" && !warehouse:
			n.Role.Value = "WH"
		}
	}
	return p.scope(t, turned, places)
}

func (p Profile) arrival(t *translator, d Document, places map[string]Place) (due time.Time) {
	for _, x := range d.Dates {
		if !arrivals[x.Qualifier.Value] || x.Day.Value == "" {
			continue
		}
		at, err := p.moment(x)
		if err != nil {
			t.fail(x.Day.At, CodeBadDate, x.Day.Value, "CCYYMMDD", "", "%q is not a date", x.Day.Value)
			continue
		}
		due, places["due"] = at, x.Day.At
	}
	return due
}

func (t *translator) expiry(x Text) inventory.Date {
	if x.Value == "" {
		return ""
	}
	at, err := time.Parse("20060102", x.Value)
	if err != nil {
		t.fail(x.At, CodeBadDate, x.Value, "CCYYMMDD", "", "%q is not a date", x.Value)
		return ""
	}
	return inventory.Date(at.Format(time.DateOnly))
}

// Line begins an item of a notice, which comes on an LPN.
func (n *Notice) Line(l DocumentLine, lpn Text) {
	n.Lines, n.Details = append(n.Lines, l), append(n.Details, NoticeDetail{LPN: lpn})
}

// Detail takes what a reference says of the last line.
func (n *Notice) Detail(r Reference) {
	i := len(n.Lines) - 1
	switch r.Qualifier.Value {
	case "SE":
		n.Details[i].Serials = append(n.Details[i].Serials, r.Value)
	case "LI":
		if n.Lines[i].ID.Value == "" {
			n.Lines[i].ID = r.Value
		}
	default:
		n.Lines[i].Refs = append(n.Lines[i].Refs, r)
	}
}

func (t *translator) read943() Notice {
	n := Notice{Document: Document{Set: "943", Number: t.due("W06-02")}}
	party := -1
	for _, s := range t.part.Segments.All() {
		line := len(n.Lines) - 1
		switch string(s.Tag()) {
		case "W06":
			n.Purpose, n.Number, n.PO, n.LinkNo = t.text(s, 1), t.text(s, 2), t.text(s, 6), t.text(s, 4)
		case "N1":
			n.Parties = append(n.Parties, t.party(s))
			party = len(n.Parties) - 1
		case "N2", "N3", "N4":
			if party >= 0 {
				t.address(&n.Parties[party], s)
			}
		case "N9":
			if ref := (Reference{t.text(s, 1), t.text(s, 2)}); line >= 0 {
				n.Detail(ref)
			} else {
				n.Refs = append(n.Refs, ref)
			}
		case "G62":
			switch d := (Date{t.text(s, 1), t.text(s, 2), t.text(s, 4), NoDate}); {
			case line < 0:
				n.Dates = append(n.Dates, d)
			case d.Qualifier.Value == "36": // expires
				n.Details[line].Expiry = d.Day
			}
		case "W04":
			party = -1
			l := DocumentLine{Qty: t.text(s, 1), UOM: t.text(s, 2), UPC: t.text(s, 3)}
			l.FirstCode = t.text(s, 5).At
			for k := 4; k+1 <= 7; k += 2 {
				l.addCode(t.text(s, k), t.text(s, k+1))
			}
			n.Line(l, Text{})
		}
	}
	return n
}

func (t *translator) read856() Notice {
	n := asn{Notice: Notice{Document: Document{Set: "856", Number: t.due("BSN-02")}}, level: map[string]hierarchy{}}
	party := -1
	var own DocumentLine // the item whose SN1 has not come yet
	for _, s := range t.part.Segments.All() {
		here := n.level[n.at]
		item := here.code == "I"
		switch string(s.Tag()) {
		case "BSN":
			if n.Purpose, n.Number = t.text(s, 1), t.text(s, 2); n.Purpose.Value == deletesNotice {
				n.Purpose.Value = CancelsNotice
			}
		case "HL":
			n.at, party, own = s.Value(1), -1, DocumentLine{}
			n.level[n.at] = hierarchy{parent: s.Value(2), code: s.Value(3)}
		case "N1":
			if !item {
				n.Parties = append(n.Parties, t.party(s))
				party = len(n.Parties) - 1
			}
		case "N2", "N3", "N4":
			if party >= 0 {
				t.address(&n.Parties[party], s)
			}
		case "PRF":
			if here.po = t.text(s, 1); n.PO.Value == "" {
				n.PO = here.po
			}
			n.level[n.at] = here
		case "MAN":
			if q := s.Value(1); (q == "GM" || q == "AA") && here.mark.Value == "" {
				here.mark = t.text(s, 2)
				n.level[n.at] = here
			}
		case "DTM":
			switch d := (Date{t.text(s, 1), t.text(s, 2), t.text(s, 3), NoDate}); {
			case !item:
				n.Dates = append(n.Dates, d)
			case d.Qualifier.Value == "036" && len(n.Lines) > 0:
				n.Details[len(n.Lines)-1].Expiry = d.Day
			}
		case "REF":
			if ref := (Reference{t.text(s, 1), t.text(s, 2)}); item && len(n.Lines) > 0 {
				n.Detail(ref)
			} else if !item {
				n.Refs = append(n.Refs, ref)
			}
		case "LIN":
			own = DocumentLine{ID: t.text(s, 1), FirstCode: t.text(s, 3).At}
			for k := 2; k+1 <= s.Len(); k += 2 {
				own.addCode(t.text(s, k), t.text(s, k+1))
			}
		case "SN1":
			if !item {
				continue // what a pack holds in all
			}
			l := own
			l.Qty, l.UOM = t.text(s, 2), t.text(s, 3)
			if l.FirstCode == (Place{}) {
				l.FirstCode = t.text(s, 1).At
			}
			n.Line(l, n.container())
		}
	}
	return n.Notice
}

// container is the mark of the nearest pack or pallet that the item stands in.
func (n *asn) container() Text {
	seen := 0
	for at := n.at; at != "" && seen <= len(n.level); seen++ {
		h := n.level[at]
		if h.mark.Value != "" {
			return SSCC(h.mark)
		}
		at = h.parent
	}
	return Text{}
}

// SSCC is a mark without the application identifier that its bar code begins with.
func SSCC(mark Text) Text {
	if len(mark.Value) == 20 {
		mark.Value = strings.TrimPrefix(mark.Value, "00")
	}
	return mark
}
