package edifactwms_test

import (
	"strings"
	"testing"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/edifactwms"
	"github.com/paklog/hub/transforms/x12wms"
)

// holds reports each segment that a message does not have, and each of those in not that it has.
func holds(t *testing.T, got string, want, not []string) {
	t.Helper()
	for _, s := range want {
		if !strings.Contains("'"+got, "'"+s+"'") {
			t.Errorf("%s is not in\n%s", s, strings.ReplaceAll(got, "'", "\n"))
		}
	}
	for _, s := range not {
		if strings.Contains("'"+got, "'"+s) {
			t.Errorf("%s is in\n%s", s, strings.ReplaceAll(got, "'", "\n"))
		}
	}
}

func TestADESADVOfAPartShipmentSaysWhatFollows(t *testing.T) {
	t.Parallel()
	o, c := someOrder(), confirmed()
	c.Shorts = c.Shorts[:1]
	o.Lines[0].Short = 6
	body, err := edifactwms.DespatchAdvice(agree, o, c, x12wms.Follows(o, map[int]int64{1: 18, 2: 6}))
	if err != nil {
		t.Fatal(err)
	}
	holds(t, sent(t, "DESADV", body), []string{"BGM+351+S-1+9", "QVR+-1:21+CP", "QVR+-4:21+BP", "QVR+-5:21+BP"}, []string{"QVR+-5:21+CP"})
	c = ship.Confirmed{ConfirmHead: c.ConfirmHead, Supplement: 1, Cartons: []ship.Manifested{{Carton: "000000000000000031", Contents: []pack.Content{{Line: 2, Item: "SKU-2", Qty: 4}, {Line: 3, Item: "SKU-3", Qty: 5}}}}}
	if body, err = edifactwms.DespatchAdvice(agree, o, c, x12wms.Follows(o, map[int]int64{1: 18, 2: 10, 3: 5})); err != nil {
		t.Fatal(err)
	}
	holds(t, sent(t, "DESADV", body), []string{"BGM+351+S-1-1+9", "QTY+12:4:PCE", "QTY+12:5:PCE"}, []string{"QVR"})
	if body, err := edifactwms.DespatchAdvice(agree, o, c, map[int]int64{9: 1}); fault.KindOf(err) != fault.Internal {
		t.Errorf("a line that the order does not have: %v, %v", body, err)
	}
}

// placed is an order as it is once an ORDERS was read.
func placed(t *testing.T, p x12wms.Profile, text string) order.Order {
	t.Helper()
	read, err := edifactwms.Order(p, message(t, text))
	if err != nil {
		t.Fatal(err)
	}
	c := read.Command
	o := order.Order{Scope: c.Scope, Number: c.Number, Refs: c.Refs, Dates: c.Dates, Service: c.Service, Parties: order.Parties{ShipTo: c.ShipTo, BillTo: c.BillTo, Named: c.Named}}
	for i, l := range c.Lines {
		o.Lines = append(o.Lines, order.Line{SKU: l.Item, AcceptedLine: order.AcceptedLine{No: i + 1, Ref: l.Ref, Item: l.Item, Codes: l.Codes, Qty: l.Qty, UOM: l.UOM, Ordered: l.Qty, Price: l.Price}})
	}
	return o
}

func wholeOf(o order.Order) ship.Confirmed {
	c := ship.Confirmed{ConfirmHead: ship.ConfirmHead{Scope: o.Scope, Shipment: "S-1", Order: o.Number, At: noon}}
	m := ship.Manifested{Carton: "000000000000000017", Carrier: "fedex", Service: "FEDEX_GROUND"}
	for _, l := range o.Lines {
		m.Contents = append(m.Contents, pack.Content{Line: l.No, Item: l.SKU, Qty: l.Ordered})
		c.Lines = append(c.Lines, ship.ConfirmedLine{Line: l.No, Item: l.SKU, Qty: l.Ordered})
	}
	c.Cartons = []ship.Manifested{m}
	return c
}

// Whom an ORDERS names is named so in each answer: code, list and role, and items by the partner's kinds of codes.
func TestAnswersNamePartiesAndItemsAsTheORDERSDid(t *testing.T) {
	t.Parallel()
	p := agree
	p.Owners, p.Facilities = map[string]string{"4012345000009": "acme"}, map[string]string{"4098765000008": "dc1"}
	text := strings.NewReplacer("NAD+DP+S1::92", "NAD+BY+4311501000007::9'\nNAD+SU+4333301000005::9'\nNAD+IV+4311501000014::9'\nNAD+DP+4311501000021::9", "NAD+WH+W1::92", "NAD+WH+4098765000008::9", "NAD+GO+D7::92", "NAD+GO+4012345000009::9",
		"PIA+5+SKU-1:SA", "PIA+5+SKU-1:BP'\nPIA+1+V1:VN", "QTY+21:30'", "QTY+21:30'\nPRI+AAA:10:::12:PCE'", "QTY+21:2:CT'", "QTY+21:2:CT'\nPRI+AAA:3'").Replace(body)
	o := placed(t, p, text)
	c := wholeOf(o)
	parties := []string{"NAD+BY+4311501000007::9", "NAD+SU+4333301000005::9"}
	to := "NAD+DP+4311501000021::9++CORNER SHOP:ATTN JO+1 MAIN ST:REAR+RENO+NV+89501+US"
	despatch, err := edifactwms.DespatchAdvice(p, o, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, sent(t, "DESADV", despatch), append(parties, to, "NAD+SF+4098765000008::9", "NAD+GO+4012345000009::9", "TDT+20++30++FDEG:172:182",
		"LIN+1++4012345000023:EN", "PIA+1+SKU-1:BP+V1:VN"), []string{"LIN+1++SKU-1:IN"})
	holds(t, sent(t, "ORDRSP", edifactwms.OrderResponse(p, "9", x12wms.Standing(o, "", noon))), append(parties, to, "NAD+IV+4311501000014::9"), nil)
	b, err := x12wms.Billed(o, c)
	if err != nil {
		t.Fatal(err)
	}
	// 30 at ten a dozen are 25, and 2 at 3 are 6.
	holds(t, sent(t, "INVOIC", edifactwms.Invoice(p, o, b)), append(parties, to, "NAD+IV+4311501000014::9", "DTM+171:20261123:102", "PRI+AAA:10:::12:PCE", "MOA+203:25", "MOA+79:31"), nil)
}

// Goods go to who is named for it; the buyer is, where he has a place and nobody else is named. Who pays is
// never, unless that is agreed.
func TestWhoIsShippedTo(t *testing.T) {
	t.Parallel()
	const to = "NAD+DP+S1::92++CORNER SHOP:ATTN JO+1 MAIN ST:REAR+RENO+NV+89501+US"
	for name, c := range map[string]struct {
		parties string
		roles   []string
		want    string // code of the ship-to, "" where the order is refused
	}{
		"the delivery party":                {to, nil, "S1"},
		"the buyer with a code":             {"NAD+BY+4311501000007::9", nil, "4311501000007"},
		"the buyer with an address":         {"NAD+BY+++SHOP+1 MAIN ST+RENO++89501+US", nil, "-"},
		"the buyer with but a name":         {"NAD+BY+++SHOP", nil, ""},
		"the delivery party over the buyer": {"NAD+BY+B1::92'\n" + to, nil, "S1"},
		"who pays":                          {"NAD+IV+I1::92", nil, ""},
		"who pays, as agreed":               {"NAD+IV+I1::92", []string{"ST", "BT"}, "I1"},
		"the buyer, against what is agreed": {"NAD+BY+B1::92", []string{"ST"}, ""},
		"nobody":                            {"NAD+SU+M1::92", nil, ""},
	} {
		p := agree
		p.ShipsTo = c.roles
		o, err := edifactwms.Order(p, message(t, strings.Replace(body, to, c.parties, 1)))
		switch {
		case c.want == "" && (fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "not where to ship")):
			t.Errorf("%s: %v, %v", name, o.Command.ShipTo, err)
		case c.want == "-" && (err != nil || o.Command.ShipTo.City != "RENO"), c.want != "" && c.want != "-" && (err != nil || o.Command.ShipTo.Code != c.want):
			t.Errorf("%s: %+v, %v", name, o.Command.ShipTo, err)
		}
	}
}

// What is damaged, on hold or refused is told apart from what was accepted.
func TestARECADVTellsDamagedGoodsApart(t *testing.T) {
	t.Parallel()
	r := receiving.Receipt{
		Head: receiving.Head{Scope: where, ID: "TR-9"}, Reference: "PO-7",
		Parties: []party.Coded{{Role: "SU", List: "UL", Code: "4333301000005"}, {Role: "DP", List: "92", Code: "W1"}},
		Lines:   []receiving.Expected{{Line: receiving.Line{No: 1, Item: "A", Qty: 12, Codes: []item.Code{{Kind: "edifact:BP", Value: "A"}}}, Count: receiving.Count{Good: 5, Damaged: 3, Held: 2, Rejected: 1}}},
		Entries: []receiving.Entry{
			{Line: 1, Stage: inventory.Free, Qty: 5}, {Line: 1, Stage: inventory.Damaged, Qty: 4}, {Line: 1, Stage: inventory.Held, Qty: 2},
		},
	}
	got := sent(t, "RECADV", edifactwms.ReceivingAdvice(agree, r, receiving.Closed{Head: receiving.Head{Scope: where, ID: "TR-9", At: noon}}))
	holds(t, got, []string{"NAD+WH+W1::92", "NAD+SU+4333301000005::9", "LIN+1++A:BP", "QTY+12:12:PCE", "QTY+48:11:PCE", "QTY+194:5:PCE", "QTY+124:3:PCE", "QTY+27:2:PCE", "QTY+195:1:PCE",
		"QVR+-1:48", "QVR+-3:124", "QVR+-2:27", "QVR+-1:195"}, []string{"FTX"})
}

// A code that no document qualified is told as GS1's where it is a GLN, and as agreed on where it is none.
func TestACodeOfOurConfigurationIsQualifiedByWhatItIs(t *testing.T) {
	t.Parallel()
	p := agree
	p.Facilities = map[string]string{"4098765000003": "dc1"}
	got := sent(t, "INVRPT", edifactwms.InventoryReport(p, where, "1", noon, true, []x12wms.Stocked{{Item: "A", OnHand: 1}}))
	holds(t, got, []string{"NAD+WH+4098765000003::9", "NAD+GO+D7::92"}, nil)
	p.Facilities = map[string]string{"4098765000004": "dc1"} // its check digit is wrong
	got = sent(t, "INVRPT", edifactwms.InventoryReport(p, where, "1", noon, true, []x12wms.Stocked{{Item: "A", OnHand: 1}}))
	holds(t, got, []string{"NAD+WH+4098765000004::92"}, nil)
}
