package x12wms

import (
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/edi/x12"
)

// TransferAdvice is the body of the 943 that tells whoever runs the building what comes to him, without
// ST and SE. Quantities are in smallest units, lines numbered by N9*LI.
func (p Profile) TransferAdvice(r receiving.Receipt) []x12.Out {
	body := []x12.Out{x12.Seg("W06", fullDetail, cut(r.ID, 22), "", cut(r.ID, 30), "", cut(r.Reference, 22))}
	body = append(body, p.parties(r.Scope, nil)...)
	if r.Supplier != "" {
		body = append(body, x12.Seg("N1", "SF", cut(r.Supplier, 60)))
	}
	if !r.Due.IsZero() {
		body = append(body, x12.Seg("G62", "17", r.Due.In(p.zone()).Format("20060102")))
	}
	each, total := p.code(item.Each), int64(0)
	for _, l := range r.Lines {
		if l.Unannounced {
			continue
		}
		total += l.Qty
		q, code := p.itemCode(l.Item)
		body = append(body, x12.Seg("W04", strconv.FormatInt(l.Qty, 10), each, "", q, code), x12.Seg("N9", "LI", strconv.Itoa(l.No)))
		if l.Lot != "" {
			body = append(body, x12.Seg("N9", lotQualifier, cut(l.Lot, 30)))
		}
		for _, s := range l.Serials {
			body = append(body, x12.Seg("N9", "SE", cut(s, 30)))
		}
		if at, err := time.Parse(time.DateOnly, string(l.Expiry)); err == nil {
			body = append(body, x12.Seg("G62", "36", at.Format("20060102")))
		}
	}
	return append(body, x12.Seg("W03", strconv.FormatInt(total, 10)))
}

// Arrived is what a 944 says that somebody else received of goods that we announced to him.
type Arrived struct {
	Warehouse Text   // N1*WH: his code of the building
	Numbers   []Text // W17-05 and W17-04: one of them is the receipt's
	Lines     []ArrivedLine
}

// ArrivedLine is a W07 loop. Quantities are of its unit.
type ArrivedLine struct {
	Ref     Text   // N9*LI
	Codes   []Text // of the item
	At      Place
	Qty     int64 // that came, what is damaged included
	Damaged int64
	UOM     string // ours
	Lot     string
	Expiry  inventory.Date
	Serials []string
}

// code is the first code of the item, or "".
func (l ArrivedLine) code() string {
	if len(l.Codes) == 0 {
		return ""
	}
	return l.Codes[0].Value
}

// Said is what it says, without the places.
func (a Arrived) Said() any {
	type line struct {
		Ref, Code, UOM, Lot, Expiry string
		Qty, Damaged                int64
		Serials                     []string
	}
	var out []line
	for _, l := range a.Lines {
		out = append(out, line{l.Ref.Value, l.code(), l.UOM, l.Lot, string(l.Expiry), l.Qty, l.Damaged, l.Serials})
	}
	return out
}

// Arrived takes a 944 apart. Of what is damaged (W13-03 01) or refused (08) more than came of one lot is of those of the
// same item before it. The error is a fault of kind Invalid that carries an [Error].
func (p Profile) Arrived(part *x12.Part) (Arrived, error) {
	t := &translator{part: part, paper: OnX12(part)}
	a := Arrived{Numbers: []Text{t.due("W17-04")}}
	for _, s := range part.Segments.All() {
		n := len(a.Lines)
		switch string(s.Tag()) {
		case "W17":
			a.Numbers = []Text{t.text(s, 5), t.text(s, 4)}
		case "N1":
			if n == 0 && s.Value(1) == "WH" {
				a.Warehouse = t.text(s, 4)
			}
		case "W07":
			l := ArrivedLine{Qty: t.count(t.text(s, 1)), At: t.text(s, 1).At, UOM: p.uom(t.text(s, 2).Value)}
			if upc := t.text(s, 3); upc.Value != "" {
				l.Codes = append(l.Codes, upc)
			}
			for k := 4; k+1 <= 7; k += 2 {
				switch v := t.text(s, k+1); {
				case s.Value(k) == lotQualifier:
					l.Lot = v.Value
				case v.Value != "":
					l.Codes = append(l.Codes, v)
				}
			}
			a.Lines = append(a.Lines, l)
		case "N9":
			if n == 0 {
				continue
			}
			switch v := t.text(s, 2); s.Value(1) {
			case "LI":
				a.Lines[n-1].Ref = v
			case lotQualifier:
				a.Lines[n-1].Lot = v.Value
			case "SE":
				a.Lines[n-1].Serials = append(a.Lines[n-1].Serials, v.Value)
			}
		case "G62":
			if n > 0 && s.Value(1) == "36" {
				a.Lines[n-1].Expiry = t.expiry(t.text(s, 2))
			}
		case "W13":
			if n > 0 && (s.Value(3) == condDamaged || s.Value(3) == condRefused) {
				t.damaged(a.Lines, t.text(s, 1))
			}
		}
	}
	if a.Numbers[0].Value == "" && a.Numbers[len(a.Numbers)-1].Value == "" {
		t.fail(a.Numbers[len(a.Numbers)-1].At, CodeMissing, "", "the receipt's number, as the 943 gave it in W06-02", "send it", "it names no receipt")
	}
	return a, t.err("x12wms.Arrived")
}

func (t *translator) damaged(lines []ArrivedLine, q Text) {
	left := t.count(q)
	last := lines[len(lines)-1]
	for i := len(lines) - 1; i >= 0 && left > 0 && strings.EqualFold(lines[i].code(), last.code()); i-- {
		n := min(left, lines[i].Qty-lines[i].Damaged)
		lines[i].Damaged, left = lines[i].Damaged+n, left-n
	}
	if left > 0 {
		t.fail(q.At, CodeQuantity, q.Value, "at most what came", "correct W13 or W07", "more of it is damaged than came")
	}
}
