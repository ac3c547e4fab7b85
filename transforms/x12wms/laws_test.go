package x12wms_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/x12wms"
)

// word draws text as an element carries it: no blank at either end.
func word(least, most int) *rapid.Generator[string] {
	letters := rapid.SampledFrom([]rune("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
	return rapid.Custom(func(t *rapid.T) string {
		inner := rapid.SampledFrom([]rune("ABC123 -/.&'"))
		n := rapid.IntRange(least, most).Draw(t, "length")
		out := make([]rune, n)
		for i := range out {
			if i == 0 || i == n-1 {
				out[i] = letters.Draw(t, "end")
			} else {
				out[i] = inner.Draw(t, "inner")
			}
		}
		return string(out)
	})
}

// ordered draws an order that a 945 can carry whole: what it says of the order is what the 940 said.
func ordered(t *rapid.T) order.Order {
	maybe := func(g *rapid.Generator[string]) string {
		if rapid.Bool().Draw(t, "there") {
			return g.Draw(t, "value")
		}
		return ""
	}
	a := party.Address{Name: word(1, 60).Draw(t, "name"), Code: maybe(word(2, 80)), City: word(2, 30).Draw(t, "city"), Country: rapid.SampledFrom([]string{"US", "CA", "DE"}).Draw(t, "country"),
		Region: maybe(rapid.StringMatching("[A-Z]{2}")), PostalCode: maybe(rapid.StringMatching("[0-9]{3,15}"))}
	if company := maybe(word(1, 60)); company != a.Name {
		a.Company = company
	}
	for range rapid.IntRange(0, 3).Draw(t, "streets") {
		a.Lines = append(a.Lines, word(1, 55).Draw(t, "street"))
	}
	o := order.Order{Scope: where, Number: word(1, 22).Draw(t, "number"), Parties: order.Parties{ShipTo: a}}
	for _, r := range []struct {
		kind  string
		value *rapid.Generator[string]
	}{
		{"po", word(1, 22)},
		{"department", word(1, 30)}, {"vendor_number", word(1, 30)}, {"x12:QQ", word(1, 30)},
	} {
		if v := maybe(r.value); v != "" {
			o.Refs = append(o.Refs, order.Ref{Kind: r.kind, Value: v})
		}
	}
	if rapid.Bool().Draw(t, "linked") { // one of both says nothing (P0405, P0708)
		at := 0
		if len(o.Refs) > 0 && o.Refs[0].Kind == "po" {
			at = 1
		}
		o.Refs = slices.Insert(o.Refs, at, order.Ref{Kind: "link_sequence", Value: rapid.StringMatching("[0-9]{6}").Draw(t, "link")}, order.Ref{Kind: "master_reference", Value: word(1, 22).Draw(t, "master")})
	}
	for no := range rapid.IntRange(1, 5).Draw(t, "lines") {
		qty := rapid.Int64Range(1, 99_999).Draw(t, "qty")
		o.Lines = append(o.Lines, order.Line{AcceptedLine: order.AcceptedLine{No: no + 1, Ref: itoa(no + 1), Item: word(1, 48).Draw(t, "item"), Qty: qty, UOM: item.Each, Ordered: qty,
			Codes: nil}})
		l := &o.Lines[no]
		l.SKU, l.Codes = l.Item, []item.Code{{Kind: "vendor", Value: l.Item}}
	}
	return o
}

// wholly confirms all that was ordered, in one carton.
func wholly(o order.Order) ship.Confirmed {
	m := ship.Manifested{Carton: "000000000000000017"}
	for _, l := range o.Lines {
		m.Contents = append(m.Contents, pack.Content{Line: l.No, Item: l.SKU, Qty: l.Ordered})
	}
	return ship.Confirmed{ConfirmHead: ship.ConfirmHead{Scope: where, Shipment: "S-1", Order: o.Number, At: noon}, Cartons: []ship.Manifested{m}}
}

// asked is the 940 that says what a 945 gives back.
func asked(advice string) string {
	var head, lines []string
	w05, no := "", ""
	for s := range strings.SplitSeq(strings.TrimSuffix(advice, "~"), "~") {
		e := strings.Split(s, "*")
		at := func(n int) string {
			if n < len(e) {
				return e[n]
			}
			return ""
		}
		switch {
		case e[0] == "W06":
			w05 = strings.TrimRight(strings.Join([]string{"W05", "N", at(2), at(6), at(8), at(7)}, "*"), "*")
		case e[0] == "N1" && e[1] == "SF":
			head = append(head, "N1*WH**92*"+at(4))
		case e[0] == "N1", e[0] == "N2", e[0] == "N3", e[0] == "N4", e[0] == "N9" && no == "":
			head = append(head, s)
		case e[0] == "LX":
			no = at(1)
		case e[0] == "W12":
			lines = append(lines, "LX*"+itoa(len(lines)+1)+"~\nW01*"+at(3)+"*"+at(5)+"**"+at(7)+"*"+at(8))
		}
	}
	return in940(strings.Join(slices.Concat([]string{w05}, head, lines), "~\n") + "~\n")
}

// TestWhatA940SaysA945GivesBack holds the two directions to their laws on what both documents say:
// reading what was written gives what it was written of (put-get), and writing what was read gives
// what it was read from (get-put).
func TestWhatA940SaysA945GivesBack(t *testing.T) {
	t.Parallel()
	p := x12wms.Profile{Tenant: "t1", Owners: map[string]string{"D7": "acme"}, Facilities: map[string]string{"W1": "dc1"}}
	rapid.Check(t, func(r *rapid.T) {
		o := ordered(r)
		body, err := p.ShippingAdvice(o, wholly(o), nil)
		if err != nil {
			r.Fatal(err)
		}
		written := sent(t, "945", "SW", body)
		read, err := p.Order(set(t, asked(written)))
		if err != nil {
			r.Fatalf("%v\n%s", err, asked(written))
		}
		c := read.Command
		if c.Scope != o.Scope || c.Number != o.Number || !sameAddress(c.ShipTo, o.Parties.ShipTo) || !slices.Equal(c.Refs, o.Refs) || len(c.Lines) != len(o.Lines) {
			r.Fatalf("put-get: wrote\n%+v\nread\n%+v\n%s", o, c, written)
		}
		again := order.Order{Scope: c.Scope, Number: c.Number, Refs: c.Refs, Parties: order.Parties{ShipTo: c.ShipTo}}
		for i, l := range c.Lines {
			if want := o.Lines[i]; l.Item != want.Item || l.Qty != want.Qty || l.UOM != want.UOM || l.No != want.No {
				r.Fatalf("put-get: wrote line %+v, read %+v", want, l)
			}
			again.Lines = append(again.Lines, order.Line{SKU: l.Item, AcceptedLine: order.AcceptedLine{No: l.No, Ref: l.Ref, Item: l.Item, Qty: l.Qty, UOM: l.UOM, Ordered: l.Qty, Codes: l.Codes}})
		}
		body, err = p.ShippingAdvice(again, wholly(again), nil)
		if err != nil {
			r.Fatal(err)
		}
		if got := sent(t, "945", "SW", body); got != written {
			r.Fatalf("get-put: read from\n%s\nwrote\n%s", written, got)
		}
	})
}

func sameAddress(a, b party.Address) bool {
	return slices.Equal(a.Lines, b.Lines) && a.Name == b.Name && a.Company == b.Company && a.City == b.City && a.Region == b.Region &&
		a.PostalCode == b.PostalCode && a.Country == b.Country && a.Code == b.Code
}
