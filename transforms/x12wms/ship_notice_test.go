package x12wms_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/x12wms"
)

func TestAShipNoticeSaysWhatStandsInWhichCarton(t *testing.T) {
	t.Parallel()
	p := x12wms.Profile{Tenant: "t1", Owners: map[string]string{"D7": "acme"}, Facilities: map[string]string{"W1": "dc1"}}
	o, c := someOrder(), confirmed()
	c.Shorts = c.Shorts[:1]
	o.Parties.Named = []party.Named{{Coded: party.Coded{Role: "BY", List: "UL", Code: "4311501000007"}, Name: "BUYER"}}
	o.Dates.Ordered = noon
	follows := map[int]int64{2: 5, 3: 5}
	body, err := p.ShipNotice(o, c, follows)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"BSN*00*S-1*20261125*1200*0001",
		"HL*1**S*1", "TD1*CTN25*2****G*22.05*LB", "TD5*B*2*UPSN*U*GROUND", "DTM*011*20261125", "N1*SF**92*W1", "N1*ST*CORNER SHOP*92*S1", "N2*ATTN JO", "N3*1 MAIN ST*REAR", "N3*DOCK 2", "N4*RENO*NV*89501*US",
		"HL*2*1*O*1", "PRF*PO-9***20261125", "REF*CO*ORD-1", "REF*DP*042", "N1*BY*BUYER*UL*4311501000007",
		"HL*3*2*P*1", "REF*2I*1Z1", "MAN*GM*00000000000000000017",
		"HL*4*3*I*0", "LIN*1*VN*SKU-1*UP*012345678905", "SN1**2*CA**4*CA**CP",
		"HL*5*3*I*0", "LIN*2*VN*SKU-2*UP*012345678905", "SN1**5*EA**10*EA**BP", "REF*LT*L1",
		"HL*6*2*P*1", "REF*2I*1Z2", "MAN*GM*00000000000000000024",
		"HL*7*6*I*0", "LIN*1*VN*SKU-1*UP*012345678905", "SN1**1*CA**4*CA**CP",
		"HL*8*6*I*0", "LIN*2*VN*SKU-2*UP*012345678905", "SN1**5*EA**10*EA**BP", "REF*LT*L2", "REF*SE*A", "REF*SE*B",
		"CTT*8*13", "",
	}, "~")
	if got := sent(t, "856", "SH", body); got != want {
		t.Errorf("got\n%s\nwant\n%s", strings.ReplaceAll(got, "~", "\n"), strings.ReplaceAll(want, "~", "\n"))
	}
	p.Levels = x12wms.LevelsFlat
	if body, err = p.ShipNotice(o, c, follows); err != nil {
		t.Fatal(err)
	}
	got := sent(t, "856", "SH", body)
	for _, want := range []string{"BSN*00*S-1*20261125*1200*0004~HL*1**S*1~", "REF*2I*1Z1~REF*2I*1Z2~", "HL*3*2*I*0~LIN*1*VN*SKU-1*UP*012345678905~SN1**3*CA**4*CA**CP~HL*4*2*I*0~", "CTT*5*13~"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, strings.ReplaceAll(got, "~", "\n"))
		}
	}
}

func TestANoticeThatDoesNotFitItsOrderIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*ship.Confirmed){
		"another order":   func(c *ship.Confirmed) { c.Order = "ORD-2" },
		"unknown line":    func(c *ship.Confirmed) { c.Cartons[0].Contents[0].Line = 9 },
		"nothing shipped": func(c *ship.Confirmed) { c.Cartons, c.Shorts = nil, nil },
	} {
		c := confirmed()
		change(&c)
		if body, err := (x12wms.Profile{}).ShipNotice(someOrder(), c, nil); fault.KindOf(err) != fault.Internal {
			t.Errorf("%s gave %v, %v", name, body, err)
		}
	}
	if err := (x12wms.Profile{Tenant: "t", Levels: "SOTPI"}).Validate(); err == nil || !strings.Contains(err.Error(), "ship_notice_levels") {
		t.Error(err)
	}
}

// TestWhatAnOutbound856SaysAnInboundOneAnnounces: who receives the goods by the notice expects what left,
// each piece on its carton, under the codes that the order called it by.
func TestWhatAnOutbound856SaysAnInboundOneAnnounces(t *testing.T) {
	t.Parallel()
	p := x12wms.Profile{Tenant: "t1", Owners: map[string]string{"D7": "acme"}, Facilities: map[string]string{"W1": "dc1"}}
	there := x12wms.Profile{Tenant: "t2", Owner: "shop", Facility: "store", Items: []string{"VN"}}
	rapid.Check(t, func(r *rapid.T) {
		o := ordered(r)
		c := ship.Confirmed{ConfirmHead: ship.ConfirmHead{Scope: where, Shipment: word(2, 20).Draw(r, "shipment"), Order: o.Number, At: noon}}
		cartons := rapid.IntRange(1, 4).Draw(r, "cartons")
		var want []receiving.Line
		follows := map[int]int64{}
		for i := range cartons {
			m := ship.Manifested{Carton: []string{"000000000000000017", "000000000000000024", "000000000000000031", "000000000000000048"}[i], Tracking: rapid.StringMatching("(1Z[0-9]{4})?").Draw(r, "tracking")}
			for j := range o.Lines {
				l := &o.Lines[j]
				most := l.Ordered - l.Shipped
				if i < cartons-1 {
					most /= 2
				}
				n := rapid.Int64Range(0, most).Draw(r, "packed")
				if n == 0 {
					continue
				}
				l.Shipped += n
				x := pack.Content{Line: l.No, Item: l.SKU, Qty: n, Lot: rapid.StringMatching("(L[0-9]{2})?").Draw(r, "lot")}
				if n < 4 {
					for range n {
						x.Serials = append(x.Serials, "S"+itoa(len(want))+"-"+itoa(len(x.Serials)))
					}
				}
				m.Contents = append(m.Contents, x)
				want = append(want, receiving.Line{No: l.No, Item: l.Item, Qty: n, Lot: x.Lot, LPN: m.Carton, Serials: x.Serials, Codes: []item.Code{{Kind: "vendor", Value: l.Item}}})
			}
			if len(m.Contents) > 0 {
				c.Cartons = append(c.Cartons, m)
			}
		}
		if len(c.Cartons) == 0 {
			return
		}
		for _, l := range o.Lines {
			if n := l.Ordered - l.Shipped; n > 0 {
				follows[l.No] = n
			}
		}
		body, err := p.ShipNotice(o, c, follows)
		if err != nil {
			r.Fatal(err)
		}
		text := sent(t, "856", "SH", body)
		e, err := there.Expected(set(t, in("856", strings.ReplaceAll(text, "~", "~\n"))))
		if err != nil {
			r.Fatalf("%v\n%s", err, text)
		}
		if e.ID != c.Shipment || len(e.Announcement.Lines) != len(want) {
			r.Fatalf("announced %+v of\n%s", e, text)
		}
		for i, l := range e.Announcement.Lines {
			w := want[i]
			if l.Item != w.Item || l.Qty != w.Qty || l.Lot != w.Lot || l.LPN != w.LPN || !slices.Equal(l.Serials, w.Serials) || !slices.Equal(l.Codes, w.Codes) || e.Units[i] != item.Each {
				r.Fatalf("line %d: announced %+v, left %+v\n%s", i, l, w, text)
			}
		}
	})
}
