package x12wms_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/grammar"
	"github.com/paklog/hub/transforms/x12wms"
)

var (
	noon  = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	where = scope.Scope{Tenant: "t1", Owner: "acme", Facility: "dc1"}
)

// sent writes a body out as its set and checks it against the grammar: we are
// strict in what we send.
func sent(t *testing.T, set, group string, body []x12.Out) string {
	t.Helper()
	var b bytes.Buffer
	w := x12.NewWriter(&b, x12.WriterOptions{})
	w.BeginInterchange(x12.ISA{SenderQualifier: "ZZ", Sender: "PAKLOG", ReceiverQualifier: "ZZ", Receiver: "ACME", Date: "261125", Time: "1200", Version: "00401", Control: "1", Usage: "P"})
	w.BeginGroup(x12.GS{FunctionalID: group, Sender: "PAKLOG", Receiver: "ACME", Date: "20261125", Time: "1200", Control: "1", Agency: "X", Version: "004010"})
	w.WriteSet(x12.ST{ID: set, Control: "0001"}, body)
	w.EndGroup()
	w.EndInterchange()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := x12.Parse(b.Bytes(), x12.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Sets() {
		grammar.Builtin().Check(p)
	}
	for _, f := range d.Findings() {
		t.Errorf("what we send has a finding: %v", f)
	}
	s := b.String()
	return s[strings.Index(s, "~ST*")+1+len("ST*945*0001~") : strings.LastIndex(s, "~SE*")+1]
}

func someOrder() order.Order {
	line := func(no int, sku, uom string, qty, ordered int64) order.Line {
		return order.Line{SKU: sku, AcceptedLine: order.AcceptedLine{No: no, Ref: itoa(no), Item: sku, Qty: qty, UOM: uom, Ordered: ordered,
			Codes: []item.Code{{Kind: "vendor", Value: sku}, {Kind: "upc", Value: "012345678905"}}}}
	}
	return order.Order{Scope: where, Number: "ORD-1",
		Lines:   []order.Line{line(1, "SKU-1", item.Case, 4, 24), line(2, "SKU-2", item.Each, 10, 10), line(3, "SKU-3", item.Each, 5, 5)},
		Service: order.Service{Method: "parcel", Terms: "prepaid"},
		Refs:    []order.Ref{{Kind: "po", Value: "PO-9"}, {Kind: "department", Value: "042"}, {Kind: "link_sequence", Value: "000123"}, {Kind: "master_reference", Value: "MASTER"}, {Kind: "routing", Value: "UPS GROUND"}},
		Parties: order.Parties{ShipTo: party.Address{Name: "CORNER SHOP", Company: "ATTN JO", Code: "S1", Lines: []string{"1 MAIN ST", "REAR", "DOCK 2"}, City: "RENO", Region: "NV", PostalCode: "89501", Country: "US"}}}
}

func confirmed() ship.Confirmed {
	return ship.Confirmed{
		ConfirmHead: ship.ConfirmHead{Scope: where, Shipment: "S-1", Order: "ORD-1", At: noon},
		Cartons: []ship.Manifested{
			{Carton: "000000000000000017", Carrier: "UPSN", Service: "GROUND", Tracking: "1Z1", Contents: []pack.Content{{Line: 1, Item: "SKU-1", Qty: 12}, {Line: 2, Item: "SKU-2", Qty: 3, Lot: "L1"}, {Line: 2, Item: "SKU-2", Qty: 2, Lot: "L1"}}},
			{Carton: "000000000000000024", Carrier: "UPSN", Tracking: "1Z2", Contents: []pack.Content{{Line: 1, Item: "SKU-1", Qty: 6}, {Line: 2, Item: "SKU-2", Qty: 5, Lot: "L2", Serials: []string{"A", "B"}}}},
		},
		Shorts: []ship.ShortLine{{Line: 1, Qty: 6}, {Line: 3, Qty: 5}},
		Weight: 10 * measure.Kilogram,
	}
}

func TestShippingAdvice(t *testing.T) {
	t.Parallel()
	p := x12wms.Profile{Tenant: "t1", Owners: map[string]string{"D7": "acme"}, Facilities: map[string]string{"W1": "dc1"}}
	body, err := p.ShippingAdvice(someOrder(), confirmed(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"W06*F*ORD-1*20261125*S-1**PO-9*MASTER*000123",
		"N1*ST*CORNER SHOP*92*S1", "N2*ATTN JO", "N3*1 MAIN ST*REAR", "N3*DOCK 2", "N4*RENO*NV*89501*US",
		"N1*SF**92*W1", "N1*DE**92*D7", "N9*DP*042", "G62*11*20261125", "W27*U*UPSN*GROUND*PP",
		"LX*1", "MAN*GM*00000000000000000017", "N9*2I*1Z1",
		"W12*CP*2*2**CA**VN*SKU-1", "N9*LI*1", "W12*CC*5*5**EA**VN*SKU-2", "N9*LI*2", "N9*LT*L1",
		"LX*2", "MAN*GM*00000000000000000024", "N9*2I*1Z2",
		"W12*CP*2*1*1*CA**VN*SKU-1", "N9*LI*1", "W12*CC*5*5**EA**VN*SKU-2", "N9*LI*2", "N9*LT*L2", "N9*SE*A", "N9*SE*B",
		"LX*3", "W12*CP*5*0*5*EA**VN*SKU-3", "N9*LI*3",
		"W03*13*22.05*LB", "",
	}, "~")
	if got := sent(t, "945", "SW", body); got != want {
		t.Errorf("got\n%s\nwant\n%s", strings.ReplaceAll(got, "~", "\n"), strings.ReplaceAll(want, "~", "\n"))
	}
}

func TestPiecesThatAreNoWholeCaseAreToldInEaches(t *testing.T) {
	t.Parallel()
	c := confirmed()
	c.Cartons[0].Contents[0].Qty, c.Cartons[1].Contents[0].Qty = 13, 5
	body, err := x12wms.Profile{}.ShippingAdvice(someOrder(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := sent(t, "945", "SW", body)
	for _, want := range []string{"W12*CP*13*13**EA**VN*SKU-1", "W12*CP*11*5*6*EA**VN*SKU-1", "W03*28*"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, strings.ReplaceAll(got, "~", "\n"))
		}
	}
}

func TestManySerialsAreSplitOverLoops(t *testing.T) {
	t.Parallel()
	c := confirmed()
	var serials []string
	for range 400 {
		serials = append(serials, "SERIAL")
	}
	c.Cartons = c.Cartons[:1]
	c.Cartons[0].Contents = []pack.Content{{Line: 2, Item: "SKU-2", Qty: 400, Serials: serials}}
	c.Shorts = nil
	body, err := x12wms.Profile{}.ShippingAdvice(someOrder(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := sent(t, "945", "SW", body)
	if n := strings.Count(got, "N9*SE*"); n != 400 || strings.Count(got, "W12*CC*190*190") != 2 || !strings.Contains(got, "W12*CC*20*20") || !strings.Contains(got, "W03*400*") {
		t.Errorf("%d serials in\n%s", n, got[:400])
	}
}

func TestAdviceThatDoesNotFitItsOrderIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*ship.Confirmed){
		"another order":   func(c *ship.Confirmed) { c.Order = "ORD-2" },
		"unknown line":    func(c *ship.Confirmed) { c.Cartons[0].Contents[0].Line = 9 },
		"unknown short":   func(c *ship.Confirmed) { c.Shorts[0].Line = 9 },
		"nothing shipped": func(c *ship.Confirmed) { c.Cartons, c.Shorts = nil, nil },
	} {
		c := confirmed()
		change(&c)
		if body, err := (x12wms.Profile{}).ShippingAdvice(someOrder(), c, nil); err == nil {
			t.Errorf("%s gave %v", name, body)
		}
	}
}

func TestPurchaseOrderAcknowledgement(t *testing.T) {
	t.Parallel()
	o := someOrder()
	a := x12wms.Answer{At: noon, Accepted: order.Accepted{Head: order.Head{Scope: where, Order: "ORD-1"}, Refs: o.Refs}}
	for _, l := range o.Lines {
		a.Accepted.Lines = append(a.Accepted.Lines, l.AcceptedLine)
	}
	for _, c := range []struct {
		name   string
		change func(*x12wms.Answer)
		want   string
	}{
		{"all accepted", func(*x12wms.Answer) {},
			"BAK*00*AD*ORD-1*20261125*****20261125~REF*DP*042~PO1*1*4*CA***VN*SKU-1*UP*012345678905~ACK*IA*4*CA~PO1*2*10*EA***VN*SKU-2*UP*012345678905~ACK*IA*10*EA~PO1*3*5*EA***VN*SKU-3*UP*012345678905~ACK*IA*5*EA~CTT*3~"},
		{"unknown item, held line, backorder in part", func(a *x12wms.Answer) {
			a.Accepted.Refs = nil
			a.Held = []order.LineHeld{{Line: 2, Problem: order.Problem{Code: order.UnknownItem}}, {Line: 3, Problem: order.Problem{Code: order.UnknownUOM}}}
			a.Backordered = []order.LineQty{{Line: 1, Qty: 18}}
		}, "BAK*00*AC*ORD-1*20261125*****20261125~PO1*1*4*CA***VN*SKU-1*UP*012345678905~ACK*IA*1*CA~ACK*IB*3*CA~PO1*2*10*EA***VN*SKU-2*UP*012345678905~ACK*IH*10*EA~PO1*3*5*EA***VN*SKU-3*UP*012345678905~ACK*IH*5*EA~CTT*3~"},
		{"cancelled in part, and waiting", func(a *x12wms.Answer) {
			a.Accepted.Refs, a.Accepted.Lines = nil, a.Accepted.Lines[:2]
			a.Backordered = []order.LineQty{{Line: 1, Qty: 6}, {Line: 2, Qty: 4}}
			a.Cancelled = []order.LineQty{{Line: 1, Qty: 12}, {Line: 2, Qty: 6}}
		}, "BAK*00*AC*ORD-1*20261125*****20261125~PO1*1*4*CA***VN*SKU-1*UP*012345678905~ACK*IA*1*CA~ACK*IB*1*CA~ACK*ID*2*CA~PO1*2*10*EA***VN*SKU-2*UP*012345678905~ACK*IB*4*EA~ACK*ID*6*EA~CTT*2~"},
		{"rejected whole", func(a *x12wms.Answer) {
			a.Rejected = &order.Rejected{Head: order.Head{Scope: where, Order: "ORD-1"}, Problems: []order.Problem{{Text: "item SKU-9 is not known"}}}
		}, "BAK*00*RD*ORD-1*20261125~N9*L1*REJECTED~MSG*item SKU-9 is not known~"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := a
			c.change(&b)
			if got := sent(t, "855", "PR", x12wms.Profile{}.PurchaseOrderAck(b)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// A confirmation of late cartons says so before it tells them; the first one does not.
func TestASupplementIsMarked(t *testing.T) {
	o := order.Order{Number: "SO-1", Lines: []order.Line{{AcceptedLine: order.AcceptedLine{No: 1, Item: "MUG", Qty: 2, Ordered: 2}, SKU: "MUG"}}}
	for supplement, want := range []string{"", "SUPPLEMENT 1", "SUPPLEMENT 2"} {
		c := ship.Confirmed{
			ConfirmHead: ship.ConfirmHead{Shipment: "SO-1", Order: "SO-1"}, Supplement: supplement,
			Cartons: []ship.Manifested{{Carton: "106141412345678908", Contents: []pack.Content{{Line: 1, Item: "MUG", Qty: 1}}}},
		}
		body, err := x12wms.Profile{}.ShippingAdvice(o, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, reporting := "", ""
		for _, s := range body {
			switch {
			case s.ID == "N9" && s.Elements[0] == "ZZ":
				got = s.Elements[1]
			case s.ID == "W06":
				reporting = s.Elements[0]
			}
		}
		if got != want || reporting != "F" {
			t.Errorf("supplement %d: %q, W06-01 %q", supplement, got, reporting)
		}
	}
}

// What follows is told as such, on each piece of its line, and lines of which nothing left stand there too:
// who reads the advice alone knows what is still to come.
func TestAPartShipmentSaysWhatFollows(t *testing.T) {
	t.Parallel()
	o, c := someOrder(), confirmed()
	c.Shorts = c.Shorts[:1]
	o.Lines[0].Short = 6
	left := map[int]int64{1: 18, 2: 6}
	body, err := x12wms.Profile{}.ShippingAdvice(o, c, x12wms.Follows(o, left))
	if err != nil {
		t.Fatal(err)
	}
	first := sent(t, "945", "SW", body)
	for _, want := range []string{"W06*F*ORD-1*20261125*S-1*", "W12*CP*2*1*1*CA", "W12*BP*5*5**EA**VN*SKU-2~N9*LI*2~N9*LT*L1", "W12*BP*9*5*4*EA**VN*SKU-2~N9*LI*2~N9*LT*L2", "LX*3~W12*BO*5*0*5*EA**VN*SKU-3~"} {
		if !strings.Contains(first, want) {
			t.Errorf("%s is not in\n%s", want, strings.ReplaceAll(first, "~", "\n"))
		}
	}
	c = ship.Confirmed{ConfirmHead: c.ConfirmHead, Supplement: 1, Cartons: []ship.Manifested{{Carton: "000000000000000031", Contents: []pack.Content{{Line: 2, Item: "SKU-2", Qty: 4}, {Line: 3, Item: "SKU-3", Qty: 5}}}}}
	body, err = x12wms.Profile{}.ShippingAdvice(o, c, x12wms.Follows(o, map[int]int64{1: 18, 2: 10, 3: 5}))
	if err != nil {
		t.Fatal(err)
	}
	second := sent(t, "945", "SW", body)
	for _, want := range []string{"W06*F*ORD-1*20261125*S-1-1*", "W12*CC*4*4**EA**VN*SKU-2", "W12*CC*5*5**EA**VN*SKU-3", "W03*9~"} {
		if !strings.Contains(second, want) {
			t.Errorf("%s is not in\n%s", want, strings.ReplaceAll(second, "~", "\n"))
		}
	}
	// Who reads it takes nothing for lost that follows.
	for _, text := range []string{first, second} {
		a, err := x12wms.Profile{}.Shipped(set(t, in945(text)))
		if err != nil {
			t.Fatal(err)
		}
		short := map[string]int64{}
		for _, carton := range a.Cartons {
			for _, l := range carton.Lines {
				short[l.Ref.Value] += l.Short
			}
		}
		if text == first && short["1"] != 1 || short["2"] != 0 || short["3"] != 0 {
			t.Errorf("read as short: %v", short)
		}
	}
}

// Codes and their lists go back as they came, whatever we call the building, the owner and the item.
func TestCodesGoBackUnderTheQualifiersTheyCameWith(t *testing.T) {
	t.Parallel()
	p := x12wms.Profile{Tenant: "t1", Owners: map[string]string{"123456789": "acme", "A7": "acme"}, Facilities: map[string]string{"0012345000003": "dc1", "AA": "dc1"}}
	read, err := p.Order(set(t, in940(strings.Join([]string{"W05*N*ORD-1*PO-9", "N1*ST*CORNER SHOP*UL*4012345000009", "N3*1 MAIN ST", "N4*RENO*NV*89501*US", "N1*WH*OUR DC*9*0012345000003", "N1*DE**1*123456789",
		"LX*1", "W01*5*EA**VP*SKU-1*UA*00012345678905", "W76*5", ""}, "~\n"))))
	if err != nil {
		t.Fatal(err)
	}
	c := read.Command
	o := order.Order{Scope: c.Scope, Number: c.Number, Refs: c.Refs, Parties: order.Parties{ShipTo: c.ShipTo, Named: c.Named}}
	l := c.Lines[0]
	o.Lines = []order.Line{{SKU: "OURS-1", AcceptedLine: order.AcceptedLine{No: 1, Item: "OURS-1", Codes: l.Codes, Qty: l.Qty, UOM: l.UOM, Ordered: l.Qty}}}
	body, err := p.ShippingAdvice(o, wholly(o), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := sent(t, "945", "SW", body)
	for _, want := range []string{"N1*ST*CORNER SHOP*UL*4012345000009~", "N1*SF*OUR DC*9*0012345000003~", "N1*DE**1*123456789~", "W12*CC*5*5**EA**VP*SKU-1~"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, strings.ReplaceAll(got, "~", "\n"))
		}
	}
	o.Scope.Facility = "dc2" // it went to another building, which his code does not mean
	c2 := wholly(o)
	c2.Facility = "dc2"
	if body, err = p.ShippingAdvice(o, c2, nil); err != nil {
		t.Fatal(err)
	}
	if got := sent(t, "945", "SW", body); !strings.Contains(got, "N1*SF**92*dc2~") {
		t.Errorf("got\n%s", strings.ReplaceAll(got, "~", "\n"))
	}
	answer := sent(t, "855", "PR", p.PurchaseOrderAck(x12wms.Standing(o, "", noon)))
	if !strings.Contains(answer, "PO1*1*5*EA***VP*SKU-1*UA*00012345678905~") || !strings.Contains(answer, "N1*ST*CORNER SHOP*UL*4012345000009~") {
		t.Errorf("got\n%s", strings.ReplaceAll(answer, "~", "\n"))
	}
}

// A carrier is told by his SCAC, and by his name where he has none.
func TestCarriersAreToldBySCAC(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scacs                  map[string]string
		carrier, service, want string
	}{
		{nil, "ups", "03", "W27*U*UPSN*03*PP"},
		{nil, "fedex", "FEDEX_GROUND", "W27*U*FDEG*FEDEX_GROUND*PP"},
		{nil, "fedex", "PRIORITY_OVERNIGHT", "W27*U*FDE*PRIORITY_OVERNIGHT*PP"},
		{nil, "usps", "", "W27*U*USPS**PP"},
		{nil, "ROAD", "", "W27*U*ROAD**PP"},
		{nil, "own truck", "", "W27*U**own truck*PP"},
		{nil, "dhl", "X", "W27*U**dhl X*PP"},
		{map[string]string{"DHL": "DHLC", "ups 03": "UPSG"}, "dhl", "X", "W27*U*DHLC*X*PP"},
		{map[string]string{"DHL": "DHLC", "ups 03": "UPSG"}, "ups", "03", "W27*U*UPSG*03*PP"},
		{map[string]string{"ups 03": "UPSG"}, "ups", "02", "W27*U*UPSN*02*PP"},
	} {
		x := confirmed()
		x.Cartons[0].Carrier, x.Cartons[0].Service = c.carrier, c.service
		body, err := x12wms.Profile{SCACs: c.scacs}.ShippingAdvice(someOrder(), x, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := sent(t, "945", "SW", body); !strings.Contains(got, "~"+c.want+"~") {
			t.Errorf("%s %s: no %s in\n%s", c.carrier, c.service, c.want, strings.ReplaceAll(got, "~", "\n"))
		}
	}
}

// in945 is the interchange that a body of a 945 stands in.
func in945(body string) string {
	return "ISA*00*          *00*          *ZZ*A              *ZZ*B              *000101*0000*U*00401*000000001*0*P*>~GS*SW*A*B*20000101*0000*1*X*004010~ST*945*0001~" +
		body + "SE*" + itoa(strings.Count(body, "~")+2) + "*0001~GE*1*1~IEA*1*000000001~"
}
