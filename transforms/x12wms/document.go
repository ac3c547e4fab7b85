package x12wms

import (
	"cmp"
	"strconv"

	"github.com/paklog/hub/edi/x12"
)

// Document is a 940, 850 or 860 as it was sent, every value with its place.
type Document struct {
	Set      string // ST01
	Purpose  Text   // W05-01, BEG-01, BCH-01
	Kind     Text   // BEG-02
	Number   Text   // W05-02, BEG-03, BCH-03
	PO       Text   // W05-03
	Ordered  Text   // BEG-05
	LinkNo   Text   // W05-04, to be given back in the 945
	Master   Text   // W05-05, to be given back in the 945
	Parties  []Party
	Refs     []Reference
	Dates    []Date
	Notes    []Text
	Terms    Text // W66-01, FOB-01
	Method   Text // W66-02, TD5-04
	Routing  Text // W66-05, TD5-05
	SCAC     Text // W66-10, TD5-03 where TD5-02 is 2
	Lines    []DocumentLine
	Breakups []Text // SDQ-03: quantities by store
	Currency Text   // CUR-02
}

// noun is what the document is about.
func (d Document) noun() string {
	if d.Set == "943" || d.Set == "856" || d.Set == "DESADV" {
		return "shipment"
	}
	return "order"
}

// Party is an N1 loop.
type Party struct {
	Role, Name, CodeQualifier, Code Text
	As                              string // the role in the sender's own terms, where they are others
	Extra                           []Text // N2
	Streets                         []Text // N3
	City, Region, Postal, Country   Text
	Phone, Email                    Text
}

// Reference is an N9 or REF.
type Reference struct{ Qualifier, Value Text }

// Date is a G62 or DTM.
type Date struct {
	Qualifier, Day, Time Text
	Bound                Bound
}

// DocumentLine is a W01, PO1 or POC loop.
type DocumentLine struct {
	ID        Text // LX-01, PO1-01, POC-01
	Do        Text // POC-02: what becomes of the line, in a change
	Qty, UOM  Text
	UPC       Text   // W01-03
	Codes     []Code // pairs of qualifier and code
	FirstCode Place  // where the first pair is due
	Price     Text   // PO1-04
	Per       int64  // of how many of the unit the price is; 0 is one
	Text      []Text // G69, PID
	Refs      []Reference
}

// Code is one item code with its qualifier. Kind is what it is kept as, "" by its qualifier.
type Code struct {
	Qualifier, Value Text
	Kind             string
}

// Read takes a 940, 850 or 860 apart. p must hold the set whole; ok is false for any
// other set.
func Read(p *x12.Part) (d Document, ok bool) {
	t := &translator{part: p}
	switch p.ST.ID {
	case "940":
		return t.read940(), true
	case "850", "860":
		return t.readPurchase(), true
	}
	return Document{Set: p.ST.ID}, false
}

func (t *translator) read940() Document {
	d := Document{Set: "940", Purpose: t.due("W05-01"), Number: t.due("W05-02")}
	var lx Text
	party := -1
	for _, s := range t.part.Segments.All() {
		line := len(d.Lines) - 1
		switch string(s.Tag()) {
		case "W05":
			d.Purpose, d.Number, d.PO, d.LinkNo, d.Master = t.text(s, 1), t.text(s, 2), t.text(s, 3), t.text(s, 4), t.text(s, 5)
		case "N1":
			if party = -1; lx.At.Segment == 0 {
				d.Parties = append(d.Parties, t.party(s))
				party = len(d.Parties) - 1
			}
		case "N2", "N3", "N4", "PER":
			if party >= 0 {
				t.address(&d.Parties[party], s)
			}
		case "N9":
			switch ref := (Reference{t.text(s, 1), t.text(s, 2)}); {
			case line >= 0:
				d.Lines[line].Refs = append(d.Lines[line].Refs, ref)
			case lx.At.Segment == 0:
				d.Refs = append(d.Refs, ref)
			}
		case "G62":
			if party = -1; lx.At.Segment == 0 {
				d.Dates = append(d.Dates, Date{t.text(s, 1), t.text(s, 2), t.text(s, 4), g62Dates[s.Value(1)]})
			}
		case "NTE":
			d.Notes = append(d.Notes, t.text(s, 2))
		case "W66":
			d.Terms, d.Method, d.Routing, d.SCAC = t.text(s, 1), t.text(s, 2), t.text(s, 5), t.text(s, 10)
		case "LX":
			lx, party = t.text(s, 1), -1
		case "W01":
			l := DocumentLine{ID: lx, Qty: t.text(s, 1), UOM: t.text(s, 2), UPC: t.text(s, 3)}
			l.FirstCode = t.text(s, 5).At
			for n := 4; n+1 <= 7; n += 2 {
				l.addCode(t.text(s, n), t.text(s, n+1))
			}
			d.Lines = append(d.Lines, l)
		case "G69":
			if line >= 0 {
				d.Lines[line].Text = append(d.Lines[line].Text, t.text(s, 1))
			}
		}
	}
	return d
}

// purchaseHeads are the first segments of a purchase order and of its change.
var purchaseHeads = map[string]string{"850": "BEG", "860": "BCH"}

// bases are of how many of the unit ordered a price is, by its basis (data element 639). A price
// that is none to charge by, such as that in a catalog, has no place here, nor has one of a weight
// or a length.
var bases = map[string]int64{
	"": 1, "PE": 1, "NT": 1, "CP": 1, "UM": 1, "TE": 1, "QE": 1,
	"PN": 10, "PD": 12, "TD": 12, "HP": 100, "TC": 100, "QH": 100, "TP": 1000, "TM": 1000, "QS": 1000, "TT": 10_000, "HT": 100_000,
}

// charged are kinds of prices (CTP-02, data element 236) that a line is charged by, where PO1 says none.
var charged = map[string]bool{"UCP": true, "CON": true, "INV": true, "NET": true}

// readPurchase takes an 850 apart, or an 860, which is built the same.
func (t *translator) readPurchase() Document {
	set := t.part.ST.ID
	head := purchaseHeads[set]
	d := Document{Set: set, Purpose: t.due(head + "-01"), Number: t.due(head + "-03")}
	party := -1
	for _, s := range t.part.Segments.All() {
		line := len(d.Lines) - 1
		switch string(s.Tag()) {
		case "BEG":
			d.Purpose, d.Kind, d.Number, d.Ordered = t.text(s, 1), t.text(s, 2), t.text(s, 3), t.text(s, 5)
		case "BCH":
			d.Purpose, d.Kind, d.Number = changePurpose(t.text(s, 1)), t.text(s, 2), t.text(s, 3)
		case "N1":
			if party = -1; line < 0 {
				d.Parties = append(d.Parties, t.party(s))
				party = len(d.Parties) - 1
			}
		case "N2", "N3", "N4", "PER":
			if party >= 0 {
				t.address(&d.Parties[party], s)
			}
		case "REF":
			switch ref := (Reference{t.text(s, 1), t.text(s, 2)}); {
			case line >= 0:
				d.Lines[line].Refs = append(d.Lines[line].Refs, ref)
			case party < 0:
				d.Refs = append(d.Refs, ref)
			}
		case "DTM":
			if line < 0 {
				d.Dates = append(d.Dates, Date{t.text(s, 1), t.text(s, 2), t.text(s, 3), dtmDates[s.Value(1)]})
			}
		case "CUR":
			d.Currency = t.text(s, 2)
		case "MSG":
			d.Notes = append(d.Notes, t.text(s, 1))
		case "FOB":
			if line < 0 && d.Terms.Value == "" {
				d.Terms = t.text(s, 1)
			}
		case "TD5":
			if line < 0 && d.Method.At.Segment == 0 {
				d.Method, d.Routing = t.text(s, 4), t.text(s, 5)
				if s.Value(2) == "2" {
					d.SCAC = t.text(s, 3)
				}
			}
		case "PO1":
			party = -1
			l := DocumentLine{ID: t.text(s, 1), Qty: t.text(s, 2), UOM: t.text(s, 3)}
			if l.Per = bases[s.Value(5)]; l.Per > 0 {
				l.Price = t.text(s, 4)
			}
			l.FirstCode = t.text(s, 7).At
			for n := 6; n+1 <= s.Len(); n += 2 {
				l.addCode(t.text(s, n), t.text(s, n+1))
			}
			d.Lines = append(d.Lines, l)
		case "CTP":
			if line >= 0 && d.Lines[line].Price.Value == "" && charged[s.Value(2)] {
				l, per := &d.Lines[line], t.text(s, 4).Value
				n, err := strconv.ParseInt(cmp.Or(per, "1"), 10, 32)
				if unit := s.Component(5, 1); err == nil && n > 0 && (unit == "" || unit == l.UOM.Value) {
					l.Price, l.Per = t.text(s, 3), n
				}
			}
		case "POC":
			party = -1
			l := DocumentLine{ID: t.text(s, 1), Do: t.text(s, 2), Qty: t.text(s, 3), UOM: t.text(s, 5)}
			l.UOM.Value = ToUTF8(s.Component(5, 1)) // it is a composite unit
			l.FirstCode = t.text(s, 9).At
			for n := 8; n+1 <= s.Len(); n += 2 {
				l.addCode(t.text(s, n), t.text(s, n+1))
			}
			d.Lines = append(d.Lines, l)
		case "PID":
			if line >= 0 {
				d.Lines[line].Text = append(d.Lines[line].Text, t.text(s, 5))
			}
		case "SDQ":
			d.Breakups = append(d.Breakups, t.text(s, 3))
		}
	}
	return d
}

func (l *DocumentLine) addCode(qualifier, value Text) {
	if qualifier.Value != "" && value.Value != "" {
		l.Codes = append(l.Codes, Code{Qualifier: qualifier, Value: value})
	}
}

func (t *translator) party(s x12.Segment) Party {
	return Party{Role: t.text(s, 1), Name: t.text(s, 2), CodeQualifier: t.text(s, 3), Code: t.text(s, 4)}
}

func (t *translator) address(p *Party, s x12.Segment) {
	add := func(to *[]Text) {
		for n := 1; n <= 2; n++ {
			if v := t.text(s, n); v.Value != "" {
				*to = append(*to, v)
			}
		}
	}
	switch string(s.Tag()) {
	case "N2":
		add(&p.Extra)
	case "N3":
		add(&p.Streets)
	case "N4":
		p.City, p.Region, p.Postal, p.Country = t.text(s, 1), t.text(s, 2), t.text(s, 3), t.text(s, 4)
	case "PER":
		for n := 3; n <= 7; n += 2 {
			switch s.Value(n) {
			case "TE":
				p.Phone = t.text(s, n+1)
			case "EM":
				p.Email = t.text(s, n+1)
			}
		}
	}
}
