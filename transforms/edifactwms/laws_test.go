package edifactwms_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/edifactwms"
)

// word draws text as a component carries it, separators and the release character among it.
func word(least, most int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		n := rapid.IntRange(least, most).Draw(t, "length")
		out := make([]rune, n)
		for i := range out {
			if i == 0 || i == n-1 {
				out[i] = rapid.SampledFrom([]rune("ABCXYZ019äé")).Draw(t, "end")
			} else {
				out[i] = rapid.SampledFrom([]rune("ABC12 -/:+?'.ü")).Draw(t, "inner")
			}
		}
		return string(out)
	})
}

// ordered draws an order that a DESADV can carry whole.
func ordered(t *rapid.T) order.Order {
	maybe := func(g *rapid.Generator[string]) string {
		if rapid.Bool().Draw(t, "there") {
			return g.Draw(t, "value")
		}
		return ""
	}
	a := party.Address{Name: word(1, 35).Draw(t, "name"), Company: maybe(word(1, 35)), Code: maybe(rapid.StringMatching("[A-Z0-9]{1,17}")), City: maybe(word(1, 35)),
		Region: maybe(rapid.StringMatching("[A-Z]{1,9}")), PostalCode: maybe(rapid.StringMatching("[0-9A-Z]{1,9}")), Country: rapid.SampledFrom([]string{"US", "DE", "FR"}).Draw(t, "country")}
	for range rapid.IntRange(0, 3).Draw(t, "streets") {
		a.Lines = append(a.Lines, word(1, 35).Draw(t, "street"))
	}
	o := order.Order{Scope: where, Number: word(1, 35).Draw(t, "number"), Parties: order.Parties{ShipTo: a}}
	if v := maybe(word(1, 35)); v != "" {
		o.Refs = append(o.Refs, order.Ref{Kind: "customer_order", Value: v})
	}
	for no := range rapid.IntRange(1, 5).Draw(t, "lines") {
		sku := rapid.StringMatching("[A-Z0-9]{1,35}").Draw(t, "item")
		qty := rapid.Int64Range(1, 99_999).Draw(t, "qty")
		o.Lines = append(o.Lines, order.Line{SKU: sku, AcceptedLine: order.AcceptedLine{No: no + 1, Ref: fmt.Sprint(no + 1), Item: sku, Qty: qty, UOM: item.Each, Ordered: qty,
			Codes: []item.Code{{Kind: "vendor", Value: sku}}}})
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

// asked is the ORDERS that says what a DESADV gives back. Segments are told apart by their terminator,
// one behind a release character is none.
func asked(advice string) string {
	var head, lines []string
	number := ""
	for _, s := range segments(advice) {
		switch {
		case strings.HasPrefix(s, "RFF+ON:"):
			number = strings.TrimPrefix(s, "RFF+ON:")
		case strings.HasPrefix(s, "NAD+SF+"):
			head = append(head, "NAD+WH+"+strings.TrimPrefix(s, "NAD+SF+"))
		case strings.HasPrefix(s, "NAD+"), strings.HasPrefix(s, "RFF+") && len(lines) == 0:
			head = append(head, s)
		case strings.HasPrefix(s, "LIN+"), strings.HasPrefix(s, "PIA+"):
			lines = append(lines, s)
		case strings.HasPrefix(s, "QTY+12:"):
			lines = append(lines, "QTY+21:"+strings.TrimPrefix(s, "QTY+12:"))
		}
	}
	return strings.Join(slices.Concat([]string{"BGM+220+" + number + "+9"}, head, lines, []string{"UNS+S"}), "'\n") + "'\n"
}

func segments(text string) (out []string) {
	begun := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '?':
			i++
		case '\'':
			out = append(out, strings.TrimSpace(text[begun:i]))
			begun = i + 1
		}
	}
	return out
}

// TestWhatAnORDERSSaysADESADVGivesBack holds the two directions to their laws on what both messages
// say: reading what was written gives what it was written of (put-get), and writing what was read gives
// what it was read from (get-put).
func TestWhatAnORDERSSaysADESADVGivesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		o := ordered(r)
		body, err := edifactwms.DespatchAdvice(agree, o, wholly(o), nil)
		if err != nil {
			r.Fatal(err)
		}
		written := sent(t, "DESADV", body)
		read, err := edifactwms.Order(agree, message(t, asked(written)))
		if err != nil {
			r.Fatalf("%v\n%s", err, asked(written))
		}
		c := read.Command
		a, b := c.ShipTo, o.Parties.ShipTo
		same := slices.Equal(a.Lines, b.Lines) && a.Name == b.Name && a.Company == b.Company && a.City == b.City && a.Region == b.Region && a.PostalCode == b.PostalCode && a.Country == b.Country && a.Code == b.Code
		if c.Scope != o.Scope || c.Number != o.Number || !same || !slices.Equal(c.Refs, o.Refs) || len(c.Lines) != len(o.Lines) {
			r.Fatalf("put-get: wrote\n%+v\nread\n%+v\n%s", o, c, written)
		}
		again := order.Order{Scope: c.Scope, Number: c.Number, Refs: c.Refs, Parties: order.Parties{ShipTo: c.ShipTo}}
		for i, l := range c.Lines {
			if want := o.Lines[i]; l.Item != want.Item || l.Qty != want.Qty || l.UOM != want.UOM || l.No != want.No {
				r.Fatalf("put-get: wrote line %+v, read %+v", want, l)
			}
			again.Lines = append(again.Lines, order.Line{SKU: l.Item, AcceptedLine: order.AcceptedLine{No: l.No, Ref: l.Ref, Item: l.Item, Qty: l.Qty, UOM: l.UOM, Ordered: l.Qty, Codes: l.Codes}})
		}
		if body, err = edifactwms.DespatchAdvice(agree, again, wholly(again), nil); err != nil {
			r.Fatal(err)
		}
		if got := sent(t, "DESADV", body); got != written {
			r.Fatalf("get-put: read from\n%s\nwrote\n%s", written, got)
		}
	})
}
