package x12wms_test

import (
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/x12/grammar"
	"github.com/paklog/hub/transforms/x12wms"
)

func usd(micros int64) order.Price { return order.Price{Micros: micros, Currency: "USD"} }

// sold is an order of one line for each pair of ordered units and their pieces, at a price.
func sold(lines ...order.AcceptedLine) order.Order {
	o := order.Order{Scope: where, Number: "SO-1", Parties: order.Parties{ShipTo: party.Address{Name: "CORNER SHOP", City: "RENO", Region: "NV", PostalCode: "89501", Country: "US"}}}
	for i, l := range lines {
		l.No, l.Item = i+1, "SKU-1"
		o.Lines = append(o.Lines, order.Line{SKU: l.Item, AcceptedLine: l})
	}
	return o
}

func gone(qty ...int64) ship.Confirmed {
	c := ship.Confirmed{ConfirmHead: ship.ConfirmHead{Scope: where, Shipment: "SO-1", Order: "SO-1", At: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}}
	for i, n := range qty {
		if n > 0 {
			c.Lines = append(c.Lines, ship.ConfirmedLine{Line: i + 1, Item: "SKU-1", Qty: n})
		}
	}
	return c
}

func TestWhatLeftIsChargedAndTheTotalIsTheSumOfTheLines(t *testing.T) {
	each := order.AcceptedLine{Qty: 10, Ordered: 10, UOM: "each", Price: usd(1_250_000)}
	cases := order.AcceptedLine{Qty: 4, Ordered: 24, UOM: "case", Price: usd(10_000_000), Ref: "7"}
	for name, c := range map[string]struct {
		lines []order.AcceptedLine
		left  []int64
		it1   string
		tds   string
	}{
		"all of it":                            {[]order.AcceptedLine{each, cases}, []int64{10, 24}, "1*10*EA*1.25*PE*SK*SKU-1, 7*4*CA*10*PE*SK*SKU-1", "5250"},
		"a part":                               {[]order.AcceptedLine{each, cases}, []int64{3, 6}, "1*3*EA*1.25*PE*SK*SKU-1, 7*1*CA*10*PE*SK*SKU-1", "1375"},
		"pieces of a case":                     {[]order.AcceptedLine{cases}, []int64{13}, "7*13*EA*1.6666666667*PE*SK*SKU-1", "2167"},
		"a line that did not leave":            {[]order.AcceptedLine{{Qty: 1, Ordered: 1, UOM: "each"}, each}, []int64{0, 10}, "2*10*EA*1.25*PE*SK*SKU-1", "1250"},
		"fractions of a cent":                  {[]order.AcceptedLine{{Qty: 1, Ordered: 1, UOM: "each", Price: usd(5_000)}}, []int64{1}, "1*1*EA*0.005*PE*SK*SKU-1", "1"},
		"less than half a cent":                {[]order.AcceptedLine{{Qty: 1, Ordered: 1, UOM: "each", Price: usd(4_999)}}, []int64{1}, "1*1*EA*0.004999*PE*SK*SKU-1", "0"},
		"each line rounds by itself":           {[]order.AcceptedLine{{Qty: 1, Ordered: 1, UOM: "each", Price: usd(5_000)}, {Qty: 1, Ordered: 1, UOM: "each", Price: usd(5_000)}}, []int64{1, 1}, "1*1*EA*0.005*PE*SK*SKU-1, 2*1*EA*0.005*PE*SK*SKU-1", "2"},
		"what an int64 cannot hold in between": {[]order.AcceptedLine{{Qty: 900_000_000, Ordered: 900_000_000, UOM: "each", Price: usd(11_111_000_000)}}, []int64{900_000_000}, "1*900000000*EA*11111*PE*SK*SKU-1", "999990000000000"},
	} {
		o := sold(c.lines...)
		b, err := x12wms.Billed(o, gone(c.left...))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body, err := (x12wms.Profile{}).Invoice(o, b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, lines, tds := "", []string{}, ""
		for _, s := range body {
			all := strings.Join(s.Elements, "*")
			text += s.ID + "*" + all + "~\n"
			switch s.ID {
			case "IT1":
				lines = append(lines, all)
			case "TDS":
				tds = all
			}
		}
		if strings.Join(lines, ", ") != c.it1 || tds != c.tds {
			t.Errorf("%s: %s / %s, want %s / %s", name, strings.Join(lines, ", "), tds, c.it1, c.tds)
		}
		p := set(t, strings.Replace(in("810", text), "GS*AR", "GS*IN", 1))
		grammar.Builtin().Check(p)
		for _, f := range p.Findings {
			t.Errorf("%s: what we send has a finding: %v", name, f)
		}
	}
}

func TestWhatCannotBeChargedSaysWhichLine(t *testing.T) {
	each := order.AcceptedLine{Qty: 10, Ordered: 10, UOM: "each", Price: usd(1_250_000)}
	euro, free, much := each, each, each
	euro.Price.Currency, free.Price, much.Price.Micros = "EUR", order.Price{}, 9_000_000_000_000_000_000
	for name, c := range map[string]struct {
		lines []order.AcceptedLine
		left  []int64
		place string
		kind  fault.Kind
	}{
		"no price":       {[]order.AcceptedLine{each, free}, []int64{1, 1}, "line 2", fault.Rejected},
		"two currencies": {[]order.AcceptedLine{each, euro}, []int64{1, 1}, "line 2", fault.Rejected},
		"too much":       {[]order.AcceptedLine{much}, []int64{10}, "line 1", fault.Rejected},
		"no such line":   {[]order.AcceptedLine{each}, []int64{0, 1}, "", fault.Internal},
	} {
		if b, err := x12wms.Billed(sold(c.lines...), gone(c.left...)); fault.KindOf(err) != c.kind || fault.PlaceOf(err) != c.place {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
	if _, err := (x12wms.Profile{}).Invoice(sold(each), x12wms.Bill{Number: strings.Repeat("S", 23)}); fault.KindOf(err) != fault.Rejected {
		t.Errorf("a number that an 810 does not hold: %v", err)
	}
}

func TestThePriceOfALineIsReadExactlyOrNotAtAll(t *testing.T) {
	const head = "BEG*00*SA*PO-1**20261123~\nCUR*BY*%~\nN1*ST*JO~\nN1*WH**92*W1~\nPO1*1*2*EA*"
	for sent, c := range map[string]struct {
		currency string
		want     order.Price
	}{
		"1.25": {"USD", usd(1_250_000)}, "0.000001": {"EUR", order.Price{Micros: 1, Currency: "EUR"}}, "12.5000000000": {"USD", usd(12_500_000)}, ".5*NT": {"USD", usd(500_000)},
		"7": {"USD", usd(7_000_000)}, "": {"USD", order.Price{}}, "0": {"USD", order.Price{}}, "-1": {"USD", order.Price{}}, "1E5": {"USD", order.Price{}}, "0.0000001": {"USD", order.Price{}},
		"125*HP": {"USD", usd(1_250_000)}, "12.5*TC": {"USD", usd(125_000)}, "12.3456*TP": {"USD", order.Price{Micros: 12_345_600, Currency: "USD", Per: 1000}}, "0.5*TM": {"USD", usd(500)}, "3*PD": {"USD", usd(250_000)}, "1*TD": {"USD", order.Price{Micros: 1_000_000, Currency: "USD", Per: 12}},
		"0.0001*HT": {"USD", order.Price{Micros: 100, Currency: "USD", Per: 100_000}}, "1*PP": {"USD", order.Price{}}, "1*LE": {"USD", order.Price{}}, "7*PN": {"USD", usd(700_000)}, "100": {"JPY", order.Price{}}, "9999999999999": {"USD", order.Price{}},
	} {
		price, basis, _ := strings.Cut(sent, "*")
		o, err := profile.Order(set(t, in("850", strings.Replace(head, "%", c.currency, 1)+price+"*"+basis+"*VN*SKU-1~\n")))
		if err != nil || o.Command.Lines[0].Price != c.want {
			t.Errorf("%q: %+v, %v", sent, o.Command.Lines, err)
		}
	}
}

// A price of a document that names no currency is in the partner's; what it names goes before.
func TestAPriceWithoutACurrencyIsInThePartners(t *testing.T) {
	t.Parallel()
	const lines = "BEG*00*SA*PO-1**20261123~\n%N1*ST*JO~\nN1*WH**92*W1~\nPO1*1*2*EA*1.25**VN*SKU-1~\n"
	for _, c := range [][3]string{{"", "", "USD"}, {"CAD", "", "CAD"}, {"CAD", "CUR*BY*EUR~\n", "EUR"}, {"", "CUR*BY*EUR~\n", "EUR"}} {
		p := profile
		p.Currency = c[0]
		o, err := p.Order(set(t, in("850", strings.Replace(lines, "%", c[1], 1))))
		if err != nil || o.Command.Lines[0].Price.Currency != c[2] {
			t.Errorf("%q: %+v, %v", c, o.Command.Lines, err)
		}
	}
}
