package edifactwms_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/edifact/grammar"
	"github.com/paklog/hub/transforms/edifactwms"
	"github.com/paklog/hub/transforms/x12wms"
)

var (
	noon  = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	where = scope.Scope{Tenant: "t1", Owner: "acme", Facility: "dc1"}
	agree = x12wms.Profile{Tenant: "t1", Partner: "ACME", Facility: "dc1", Owners: map[string]string{"D7": "acme"}, Facilities: map[string]string{"W1": "dc1"}}
)

const body = "BGM+220+ORD-1+9'\nDTM+137:20261123:102'\nDTM+10:20261125:102'\nDTM+2:202611271200:203'\nFTX+DEL+++LEAVE AT:THE DOCK'\nRFF+CO:PO-9'\nRFF+ZZX:77'\n" +
	"NAD+DP+S1::92++CORNER SHOP:ATTN JO+1 MAIN ST:REAR+RENO+NV+89501+US'\nCTA+OC+:JO'\nCOM+5551:TE'\nCOM+jo@example.org:EM'\nNAD+WH+W1::92'\nNAD+GO+D7::92'\nTDT+20++30++UPSN:::UPS GROUND'\nTOD+3+PP'\n" +
	"LIN+1++4012345000023:EN'\nPIA+5+SKU-1:SA'\nPIA+1+L7:NB'\nIMD+F++:::BERRY?'S'\nQTY+21:2:CT'\nRFF+LI:10'\nLIN+2++SKU-2:SA'\nQTY+21:30'\nUNS+S'\nCNT+2:2'\n"

// message reads a body as the ORDERS of an interchange.
func message(t *testing.T, body string) *edifact.Part {
	t.Helper()
	text := fmt.Sprintf("UNB+UNOC:3+ACME:14+PAKLOG:14+261123:0915+7'\nUNH+1+ORDERS:D:96A:UN'\n%sUNT+%d+1'\nUNZ+1+7'", body, strings.Count(body, "'\n")+2)
	d, err := edifact.Parse([]byte(text), edifact.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Messages() {
		if len(p.Findings) > 0 {
			t.Fatalf("the sample: %v", p.Findings)
		}
		return p
	}
	t.Fatal("no message")
	return nil
}

func TestORDERSBecomesAnOrder(t *testing.T) {
	t.Parallel()
	o, err := edifactwms.Order(agree, message(t, body))
	if err != nil {
		t.Fatal(err)
	}
	c := o.Command
	if c.Scope != where || c.Number != "ORD-1" || o.Cancel || c.Source.DocType != "ORDERS" || c.Source.Partner != "ACME" || c.Source.DocID != "14/ACME/14/PAKLOG/7//1" {
		t.Errorf("%+v", c)
	}
	if a := c.ShipTo; a.Name != "CORNER SHOP" || a.Company != "ATTN JO" || strings.Join(a.Lines, "/") != "1 MAIN ST/REAR" || a.City != "RENO" || a.Region != "NV" || a.PostalCode != "89501" || a.Country != "US" || a.Phone != "5551" || a.Email != "jo@example.org" || a.Code != "S1" {
		t.Errorf("ship to %+v", a)
	}
	if s := c.Service; s.Carrier != "UPSN" || s.Method != "motor" || s.Terms != "prepaid" {
		t.Errorf("service %+v", s)
	}
	if d := c.Dates; !d.ShipBy.Equal(time.Date(2026, 11, 25, 23, 59, 59, 0, time.UTC)) || !d.DeliverBy.Equal(time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)) || d.Ordered.Day() != 23 {
		t.Errorf("dates %+v", d)
	}
	if len(c.Lines) != 2 || len(c.Notes) != 1 || c.Notes[0] != "LEAVE AT THE DOCK" {
		t.Fatalf("%d lines, notes %q", len(c.Lines), c.Notes)
	}
	if l := c.Lines[0]; l.No != 1 || l.Item != "SKU-1" || l.Qty != 2 || l.UOM != item.Case || l.Lot != "L7" || len(l.Codes) != 2 {
		t.Errorf("line %+v", l)
	}
	if l := c.Lines[1]; l.Item != "SKU-2" || l.Qty != 30 || l.UOM != item.Each {
		t.Errorf("line %+v", l)
	}
	kinds := map[string]string{}
	for _, r := range c.Refs {
		kinds[r.Kind] = r.Value
	}
	if kinds["customer_order"] != "PO-9" || kinds["edifact:ZZX"] != "77" || kinds["routing"] != "UPS GROUND" {
		t.Errorf("references %v", kinds)
	}
}

func TestWhatCannotBeTranslatedIsNamedWithItsPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, new string
		want           string // element code, then the text at the offset
	}{
		{"no order number", "BGM+220+ORD-1", "BGM+220+", "BGM-02 value-missing +9'"},
		{"a confirmation", "ORD-1+9", "ORD-1+6", "BGM-03 document-unsupported 6'\n"},
		{"a blanket order", "BGM+220", "BGM+221", "BGM-01-1 document-unsupported BK?"},
		{"a quantity of nothing", "QTY+21:30", "QTY+21:0", "QTY-01-2 quantity 0'\n"},
		{"a fraction", "QTY+21:30", "QTY+21:1.5", "QTY-01-2 quantity 1.5"},
		{"no quantity", "QTY+21:30'\n", "", "QTY-01-2 quantity LIN"},
		{"no item", "LIN+2++SKU-2:SA", "LIN+2", "LIN-03-1 item-missing '\nQ"},
		{"no ship-to", "NAD+DP", "NAD+XX", "NAD ship-to-missing UNT"},
		{"somebody else's building", "NAD+WH+W1", "NAD+WH+W9", "NAD-02-1 party-unknown W9:"},
		{"no lines", body[strings.Index(body, "LIN+1"):strings.Index(body, "UNS")], "", "LIN lines-missing UNT"},
		{"no date", "DTM+10:20261125", "DTM+10:20261131", "DTM-01-2 date 202"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(body, c.old) {
				t.Fatalf("%q is not in the sample", c.old)
			}
			p := message(t, strings.Replace(body, c.old, c.new, 1))
			_, err := edifactwms.Order(agree, p)
			var x *x12wms.Error
			if !errors.As(err, &x) || fault.KindOf(err) != fault.Invalid {
				t.Fatalf("error %v", err)
			}
			f := x.Findings[0]
			at := string(p.Raw[f.Offset-p.Offset:])
			want, text, _ := strings.Cut(c.want, " ")
			code, text, _ := strings.Cut(text, " ")
			if f.Element != want || f.Code != code || !strings.HasPrefix(at, text) && text != "BK?" || f.Line < 3 || f.Segment < 1 || len(x.Findings) != 1 {
				t.Errorf("%+v at %.10q, want %s", x.Findings, at, c.want)
			}
			if len(p.Findings) != 1 {
				t.Errorf("the message has %d findings", len(p.Findings))
			}
		})
	}
	d, _ := edifact.Parse([]byte("UNB+UNOC:3+A+B+261123:0915+7'UNH+1+INVOIC:D:96A:UN'BGM+380'UNT+3+1'UNZ+1+7'"), edifact.Limits{})
	for p := range d.Messages() {
		if _, err := edifactwms.Order(agree, p); fault.KindOf(err) != fault.Invalid {
			t.Errorf("an INVOIC as an order: %v", err)
		}
	}
}

func TestACancellationSaysNothingElse(t *testing.T) {
	t.Parallel()
	o, err := edifactwms.Order(agree, message(t, "BGM+220+ORD-1+1'\nNAD+WH+W1::92'\nNAD+GO+D7::92'\nUNS+S'\n"))
	if err != nil || !o.Cancel || o.Command.Number != "ORD-1" || o.Command.Scope != where {
		t.Errorf("%+v %v", o, err)
	}
}

func TestGeneratedOrdersAreReadAsTheyWereMeant(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		var b bytes.Buffer
		orders, err := edifactgen.Write(&b, edifactgen.Config{Seed: seed, Messages: 3, Directory: []string{"D96A", "D01B"}[seed%2]})
		if err != nil {
			t.Fatal(err)
		}
		d, err := edifact.Parse(b.Bytes(), edifact.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for p := range d.Messages() {
			o, err := edifactwms.Order(x12wms.Profile{Tenant: "t1"}, p)
			if err != nil {
				t.Fatal(err)
			}
			want := orders[i]
			i++
			if o.Command.Number != want.Number || o.Command.ShipTo.Name != strings.TrimSpace(want.ShipTo) || len(o.Command.Lines) != len(want.Lines) {
				t.Fatalf("%+v, want %+v", o.Command, want)
			}
			for n, l := range o.Command.Lines {
				if l.Item != want.Lines[n].Item || l.Qty != int64(want.Lines[n].Qty) {
					t.Fatalf("line %+v, want %+v", l, want.Lines[n])
				}
			}
		}
	}
}

// sent writes a body out as its message and checks it: we are strict in what we
// send, in both directories.
func sent(t *testing.T, kind string, segments []edifact.Out) string {
	t.Helper()
	text := ""
	for _, release := range []string{"96A", "01B"} {
		var b bytes.Buffer
		w := edifact.NewWriter(&b, edifact.WriterOptions{})
		w.BeginInterchange(edifact.UNB{Syntax: "UNOC", Version: "3", Sender: edifact.Party{ID: "A"}, Recipient: edifact.Party{ID: "B"}, Date: "261125", Time: "1200", Control: "1"})
		w.WriteMessage(edifact.UNH{Reference: "1", Type: kind, Version: "D", Release: release, Agency: "UN"}, segments)
		w.EndInterchange()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		d, err := edifact.Parse(b.Bytes(), edifact.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for p := range d.Messages() {
			grammar.Builtin().Check(p)
		}
		for _, f := range d.Findings() {
			t.Errorf("what we send has a finding: %v", f)
		}
		text = b.String()
	}
	return text[strings.Index(text, "BGM+"):strings.Index(text, "UNT+")]
}

func someOrder() order.Order {
	line := func(no int, sku, uom string, qty, ordered int64) order.Line {
		return order.Line{SKU: sku, AcceptedLine: order.AcceptedLine{No: no, Ref: fmt.Sprint(no), Item: sku, Qty: qty, UOM: uom, Ordered: ordered,
			Codes: []item.Code{{Kind: "vendor", Value: sku}, {Kind: "ean", Value: "4012345000023"}, {Kind: "x12:ZZ", Value: "no code of this syntax"}}}}
	}
	return order.Order{Scope: where, Number: "ORD-1",
		Lines:   []order.Line{line(1, "SKU-1", item.Case, 4, 24), line(2, "SKU-2", item.Each, 10, 10), line(3, "SKU-3", item.Each, 5, 5)},
		Service: order.Service{Method: "parcel"},
		Refs:    []order.Ref{{Kind: "customer_order", Value: "PO-9"}, {Kind: "routing", Value: "UPS"}},
		Parties: order.Parties{ShipTo: party.Address{Name: "CORNER SHOP", Company: "ATTN JO", Code: "S1", Lines: []string{"1 MAIN ST", "REAR"}, City: "RENO", Region: "NV", PostalCode: "89501", Country: "US"}}}
}

func confirmed() ship.Confirmed {
	return ship.Confirmed{
		ConfirmHead: ship.ConfirmHead{Scope: where, Shipment: "S-1", Order: "ORD-1", At: noon},
		Cartons: []ship.Manifested{
			{Carton: "000000000000000017", Carrier: "UPSN", Tracking: "1Z1", Contents: []pack.Content{{Line: 1, Qty: 12}, {Line: 2, Qty: 5, Lot: "L1"}}},
			{Carton: "000000000000000024", Carrier: "UPSN", Tracking: "1Z2", Contents: []pack.Content{{Line: 1, Qty: 6}, {Line: 2, Qty: 5, Lot: "L2", Serials: []string{"A", "B", "C", "D", "E"}}}},
		},
		Shorts: []ship.ShortLine{{Line: 1, Qty: 6}, {Line: 3, Qty: 5}},
		Weight: 10 * measure.Kilogram,
	}
}

func TestDespatchAdvice(t *testing.T) {
	t.Parallel()
	segments, err := edifactwms.DespatchAdvice(agree, someOrder(), confirmed(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"BGM+351+S-1+9", "DTM+137:202611251200:203", "DTM+11:202611251200:203", "MEA+AAX+AAB+KGM:10.000", "RFF+ON:ORD-1", "RFF+CO:PO-9",
		"NAD+DP+S1::92++CORNER SHOP:ATTN JO+1 MAIN ST:REAR+RENO+NV+89501+US", "NAD+SF+W1::92", "NAD+GO+D7::92", "TDT+20+1Z1+50++UPSN:172:182",
		"CPS+1", "PAC+2",
		"CPS+2+1", "PAC+1++CT", "PCI+33E", "RFF+CN:1Z1", "GIN+BJ+000000000000000017",
		"LIN+1++SKU-1:SA", "PIA+1+4012345000023:EN", "QTY+12:2:CT", "RFF+LI:1",
		"LIN+2++SKU-2:SA", "PIA+1+4012345000023:EN", "QTY+12:5:PCE", "GIN+BX+L1", "RFF+LI:2",
		"CPS+3+1", "PAC+1++CT", "PCI+33E", "RFF+CN:1Z2", "GIN+BJ+000000000000000024",
		"LIN+3++SKU-1:SA", "PIA+1+4012345000023:EN", "QTY+12:1:CT", "RFF+LI:1", "QVR+-1:21+CP",
		"LIN+4++SKU-2:SA", "PIA+1+4012345000023:EN", "QTY+12:5:PCE", "GIN+BX+L2", "GIN+BN+A+B+C+D+E", "RFF+LI:2",
		"CPS+4+1", "LIN+5++SKU-3:SA", "PIA+1+4012345000023:EN", "QTY+12:0:PCE", "RFF+LI:3", "QVR+-5:21+CP",
		"CNT+2:5", "",
	}, "'")
	if got := sent(t, "DESADV", segments); got != want {
		t.Errorf("got\n%s\nwant\n%s", strings.ReplaceAll(got, "'", "\n"), strings.ReplaceAll(want, "'", "\n"))
	}
}

func TestPiecesThatAreNoWholeCaseAreToldInPieces(t *testing.T) {
	t.Parallel()
	c := confirmed()
	c.Supplement = 2
	c.Cartons[0].Contents[0].Qty, c.Cartons[1].Contents[0].Qty = 13, 5
	segments, err := edifactwms.DespatchAdvice(x12wms.Profile{}, someOrder(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := sent(t, "DESADV", segments)
	for _, want := range []string{"BGM+351+S-1-2+9'", "QTY+12:13:PCE'", "QTY+12:5:PCE'", "QVR+-6:21+CP'"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

func TestAnAdviceThatCannotBeIsNoAdvice(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*ship.Confirmed){
		"another order":                  func(c *ship.Confirmed) { c.Order = "ORD-2" },
		"a line that is not of it":       func(c *ship.Confirmed) { c.Cartons[0].Contents[0].Line = 9 },
		"a short line that is not of it": func(c *ship.Confirmed) { c.Shorts[0].Line = 9 },
		"nothing":                        func(c *ship.Confirmed) { c.Cartons, c.Shorts = nil, nil },
	} {
		c := confirmed()
		change(&c)
		if got, err := edifactwms.DespatchAdvice(agree, someOrder(), c, nil); fault.KindOf(err) != fault.Internal || got != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOrderResponse(t *testing.T) {
	t.Parallel()
	accepted := order.Accepted{Head: order.Head{Order: "ORD-1"}}
	for _, l := range someOrder().Lines {
		accepted.Lines = append(accepted.Lines, l.AcceptedLine)
	}
	for _, c := range []struct {
		name string
		a    x12wms.Answer
		want string
	}{
		{"accepted", x12wms.Answer{Accepted: accepted, At: noon}, "BGM+231+7+29'DTM+137:202611251200:203'RFF+ON:ORD-1'LIN+1+5+SKU-1:SA'PIA+1+4012345000023:EN'QTY+21:4:CT'QTY+12:4:CT'LIN+2+5+SKU-2:SA'PIA+1+4012345000023:EN'QTY+21:10:PCE'QTY+12:10:PCE'LIN+3+5+SKU-3:SA'PIA+1+4012345000023:EN'QTY+21:5:PCE'QTY+12:5:PCE'UNS+S'CNT+2:3'"},
		{"with changes", x12wms.Answer{Accepted: accepted, At: noon, Backordered: []order.LineQty{{Line: 1, Qty: 7}}, Held: []order.LineHeld{{Line: 3, Problem: order.Problem{Code: order.UnknownItem, Text: "nobody knows SKU-3"}}}},
			"BGM+231+7+4'DTM+137:202611251200:203'RFF+ON:ORD-1'LIN+1+3+SKU-1:SA'PIA+1+4012345000023:EN'QTY+21:4:CT'QTY+12:2:CT'QTY+83:2:CT'LIN+2+5+SKU-2:SA'PIA+1+4012345000023:EN'QTY+21:10:PCE'QTY+12:10:PCE'LIN+3+3+SKU-3:SA'PIA+1+4012345000023:EN'QTY+21:5:PCE'QTY+12:0:PCE'FTX+AAO+++nobody knows SKU-3'UNS+S'CNT+2:3'"},
		{"refused", x12wms.Answer{Rejected: &order.Rejected{Head: order.Head{Order: "ORD-1"}, Problems: []order.Problem{{Text: "no such item"}}}, At: noon}, "BGM+231+7+27'DTM+137:202611251200:203'FTX+AAO+++no such item'RFF+ON:ORD-1'UNS+S'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sent(t, "ORDRSP", edifactwms.OrderResponse(x12wms.Profile{}, "7", c.a)); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func FuzzORDERSNeverHarms(f *testing.F) {
	f.Add(body)
	f.Add("BGM'\nNAD+DP'\nLIN'\nQTY'\nPIA'\nCOM'\nDTM'\nFTX'\n")
	f.Fuzz(func(t *testing.T, body string) {
		d, err := edifact.Parse([]byte("UNB+UNOC:3+ACME+PAKLOG+261123:0915+7'UNH+1+ORDERS:D:96A:UN'"+body+"UNT+1+1'UNZ+1+7'"), edifact.Limits{Findings: 20})
		if err != nil {
			return
		}
		for p := range d.Messages() {
			o, err := edifactwms.Order(agree, p)
			if err == nil && o.Command.Number == "" {
				t.Fatalf("an order without a number out of %q", p.Raw)
			}
			var x *x12wms.Error
			if err != nil && (!errors.As(err, &x) || len(x.Findings) == 0) {
				t.Fatalf("an error without a place: %v", err)
			}
		}
	})
}
