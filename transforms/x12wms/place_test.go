package x12wms_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
	"github.com/paklog/hub/transforms/x12wms"
)

const (
	head940 = "ISA*00*          *00*          *ZZ*ACME           *ZZ*PAKLOG         *261123*0915*U*00401*000000007*0*P*>~\n" +
		"GS*OW*ACME*PAKLOG*20261123*0915*7*X*004010~\n" +
		"ST*940*0001~\n"
	tail = "GE*1*7~\nIEA*1*000000007~\n"
	full = "W05*N*ORD-1*PO-9*000123*MASTER~\n" +
		"N1*ST*CORNER SHOP*92*S1~\nN2*ATTN JO~\nN3*1 MAIN ST*REAR~\nN4*RENO*NV*89501*USA~\nPER*DC*JO*TE*5551234*EM*JO@EXAMPLE.COM~\n" +
		"N1*DE*ACME DEPOSITOR*92*D7~\nN1*WH**92*W1~\n" +
		"N9*DP*042~\nN9*QQ*ODD~\nN9*RU*R7~\n" +
		"G62*10*20261125~\nG62*02*20261130~\nG62*37*20261124~\n" +
		"NTE*WHI*CHEP PALLETS~\n" +
		"W66*PP*LT***UPS GROUND*****UPSN~\n" +
		"LX*1~\nW01*2*CA*000100000016*VN*SKU-1*LT*L77~\nG69*BERRY~\n" +
		"LX*2~\nW01*30*EA**UP*012345678905*SK*SKU-2~\nN9*LT*L88~\n" +
		"W76*32~\n"
)

var profile = x12wms.Profile{Tenant: "t1", Partner: "acme", Owners: map[string]string{"D7": "acme"}, Facilities: map[string]string{"W1": "dc1"}}

// set is the first transaction set of data.
func set(t *testing.T, data string) *x12.Part {
	t.Helper()
	d, err := x12.Parse([]byte(data), x12.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Sets() {
		return p
	}
	t.Fatal("no set")
	return nil
}

func in940(body string) string {
	n := strings.Count(body, "~") + 2
	return head940 + body + "SE*" + itoa(n) + "*0001~\n" + tail
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

func TestShippingOrderBecomesACommand(t *testing.T) {
	t.Parallel()
	o, err := profile.Order(set(t, in940(full)))
	if err != nil {
		t.Fatal(err)
	}
	c := o.Command
	if c.Tenant != "t1" || c.Owner != "acme" || c.Facility != "dc1" || c.Number != "ORD-1" {
		t.Errorf("scope and number: %+v", c)
	}
	a := c.ShipTo
	if a.Name != "CORNER SHOP" || a.Company != "ATTN JO" || strings.Join(a.Lines, "|") != "1 MAIN ST|REAR" || a.City != "RENO" ||
		a.Region != "NV" || a.PostalCode != "89501" || a.Country != "US" || a.Phone != "5551234" || a.Email != "JO@EXAMPLE.COM" || a.Code != "S1" {
		t.Errorf("ship-to: %+v", a)
	}
	if c.Service != (order.Service{Carrier: "UPSN", Method: "ltl", Terms: "prepaid", Route: "R7"}) || c.Type != "" {
		t.Errorf("service: %+v", c.Service)
	}
	want := order.Dates{NotBefore: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), ShipBy: time.Date(2026, 11, 25, 23, 59, 59, 0, time.UTC),
		DeliverBy: time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC)}
	if c.Dates != want {
		t.Errorf("dates: %+v", c.Dates)
	}
	var refs []string
	for _, r := range c.Refs {
		refs = append(refs, r.Kind+"="+r.Value)
	}
	if got := strings.Join(refs, " "); got != "po=PO-9 link_sequence=000123 master_reference=MASTER routing=UPS GROUND department=042 x12:QQ=ODD x12:RU=R7" {
		t.Errorf("refs: %s", got)
	}
	if len(c.Notes) != 1 || c.Notes[0] != "CHEP PALLETS" {
		t.Errorf("notes: %q", c.Notes)
	}
	if c.Source.Door != "edi" || c.Source.DocID != "ZZ/ACME/ZZ/PAKLOG/000000007/7/0001" || c.Source.DocType != "940" {
		t.Errorf("source: %+v", c.Source)
	}
	if len(c.Lines) != 2 {
		t.Fatalf("lines: %+v", c.Lines)
	}
	l := c.Lines[0]
	if l.No != 1 || l.Ref != "1" || l.Item != "SKU-1" || l.Qty != 2 || l.UOM != item.Case || l.Lot != "L77" || len(l.Codes) != 2 {
		t.Errorf("line 1: %+v", l)
	}
	l = c.Lines[1]
	if l.No != 2 || l.Item != "SKU-2" || l.Qty != 30 || l.UOM != item.Each || l.Lot != "L88" || l.Codes[0] != (item.Code{Kind: "upc", Value: "012345678905"}) {
		t.Errorf("line 2: %+v", l)
	}
	if at, ok := o.At("lines[1].item"); !ok || at.Element != "W01-07" || in940(full)[at.Offset:at.Offset+int64(at.Length)] != "SKU-2" {
		t.Errorf("place of the second item: %v", at)
	}
	if at, ok := o.At("service.route"); !ok || at.Element != "N9-02" {
		t.Errorf("place of the route: %v %v", at, ok)
	}
	if at, ok := o.At("ship_to.lines[0]"); !ok || at.Element != "N1-01" {
		t.Errorf("place of the ship-to: %v %v", at, ok)
	}
}

func TestPurchaseOrderBecomesACommand(t *testing.T) {
	t.Parallel()
	data := strings.NewReplacer("940", "850", "GS*OW", "GS*PO").Replace(head940) +
		"BEG*00*SA*4500012**20261120~\nREF*DP*042~\nDTM*001*20261212~\nTD5**2*FDEG*U*HOME DELIVERY~\nN9*L1*NOTES~\nMSG*LEAVE AT DOOR~\n" +
		"N1*ST*CORNER SHOP~\nN3*1 MAIN ST~\nN4*RENO*NV*89501~\n" +
		"PO1*A1*12*EA*9.95**BP*B-1*VN*V-1~\nPID*F****BERRY~\nPO1*A2*1.0*XX***VN*V-2~\nCTT*2~\nSE*14*0001~\n" + tail
	p := profile
	p.Facilities, p.Facility, p.Items = nil, "dc1", []string{"BP", "VN"}
	p.Services = map[string]order.Service{"HOME DELIVERY": {Carrier: "fedex", Level: "GROUND_HOME_DELIVERY"}}
	o, err := p.Order(set(t, data))
	if err != nil {
		t.Fatal(err)
	}
	c := o.Command
	if c.Number != "4500012" || c.Owner != "ACME" || c.Facility != "dc1" || c.Service.Carrier != "fedex" || c.Type != "SA" {
		t.Errorf("%+v", c)
	}
	if c.Dates.Ordered != time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC) || c.Dates.CancelAfter.Day() != 12 {
		t.Errorf("dates: %+v", c.Dates)
	}
	l := c.Lines
	if len(l) != 2 || l[0].Item != "B-1" || l[0].Qty != 12 || l[0].No != 0 || l[0].Ref != "A1" || l[1].Item != "V-2" || l[1].UOM != "XX" || l[1].Qty != 1 {
		t.Errorf("lines: %+v", l)
	}
}

func TestUntranslatableOrdersNameTheirPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, new string
		element        string
		at             string // text at the finding's offset
		code           string
	}{
		{"an inquiry", "W05*N", "W05*I", "W05-01", "I*ORD-1", x12wms.CodeUnsupported},
		{"a cancellation of nothing", "W05*N*ORD-1*", "W05*F**", "W05-02", "*PO-9", x12wms.CodeMissing},
		{"somebody else's cancellation", "W05*N", "N1*WH**92*W9~\nW05*F", "N1-04", "W9~", x12wms.CodeUnknownParty},
		{"no order number", "W05*N*ORD-1*", "W05*N**", "W05-02", "*PO-9", x12wms.CodeMissing},
		{"no ship-to", "N1*ST*CORNER SHOP", "N1*XX*CORNER SHOP", "N1", "SE*", x12wms.CodeNoShipTo},
		{"somebody else's warehouse", "N1*WH**92*W1", "N1*WH**92*W9", "N1-04", "W9~", x12wms.CodeUnknownParty},
		{"negative quantity", "W01*2*CA", "W01*-2*CA", "W01-01", "-2*CA", x12wms.CodeQuantity},
		{"zero", "W01*30*EA", "W01*0*EA", "W01-01", "0*EA", x12wms.CodeQuantity},
		{"fraction", "W01*30*EA", "W01*30.5*EA", "W01-01", "30.5*EA", x12wms.CodeQuantity},
		{"quantity beyond an int64", "W01*30*EA", "W01*99999999999999999999*EA", "W01-01", "9999", x12wms.CodeQuantity},
		{"not a number", "W01*30*EA", "W01*MANY*EA", "W01-01", "MANY", x12wms.CodeQuantity},
		{"no item", "W01*30*EA**UP*012345678905*SK*SKU-2", "W01*30*EA**ZZ*1", "W01-05", "1~\nN9*LT", x12wms.CodeNoItem},
		{"impossible date", "20261125", "20261131", "G62-02", "20261131", x12wms.CodeBadDate},
		{"no lines", full[strings.Index(full, "LX*1"):strings.Index(full, "W76")], "", "W01", "SE*", x12wms.CodeNoLines},
		{"unknown country", "*USA~", "*ZZZ~", "N4-04", "ZZZ", x12wms.CodeCommand},
		{"dates that exclude each other", "G62*02*20261130", "G62*01*20261101", "G62-02", "20261101", x12wms.CodeCommand},
		{"order number that cannot be a key", "ORD-1", strings.Repeat("9", 200), "W05-02", "9999", x12wms.CodeCommand},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(full, c.old) {
				t.Fatalf("%q is not in the document", c.old)
			}
			data := in940(strings.Replace(full, c.old, c.new, 1))
			p := set(t, data)
			_, err := profile.Order(p)
			var bad *x12wms.Error
			if !errors.As(err, &bad) || fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != c.element {
				t.Fatalf("error %v (kind %v, place %q), want Invalid at %s", err, fault.KindOf(err), fault.PlaceOf(err), c.element)
			}
			f := bad.Findings[0]
			if f.Code != c.code || f.Layer != x12.LayerBusiness || f.Set != "0001" || f.Interchange != "000000007" {
				t.Errorf("finding %+v", f)
			}
			if got := data[f.Offset:]; !strings.HasPrefix(got, c.at) {
				t.Errorf("finding at %.20q, want %q", got, c.at)
			}
			if line := strings.Count(data[:f.Offset], "\n") + 1; f.Line != line {
				t.Errorf("line %d, want %d", f.Line, line)
			}
		})
	}
}

func TestOrdersForStoresAndBlanketsAreRefused(t *testing.T) {
	t.Parallel()
	po := strings.NewReplacer("940", "850", "GS*OW", "GS*PO").Replace(head940) +
		"BEG*00*SA*1**20261120~\nN1*ST*SHOP~\nN1*WH**92*W1~\nPO1*1*12*EA***VN*V-1~\nCTT*1~\nSE*7*0001~\n" + tail
	if _, err := profile.Order(set(t, po)); err != nil {
		t.Fatalf("the plain order fails: %v", err)
	}
	for name, broken := range map[string]string{
		"BEG-01": strings.Replace(po, "BEG*00", "BEG*01", 1),
		"BEG-02": strings.Replace(po, "*SA*", "*BK*", 1),
		"SDQ-03": strings.Replace(po, "CTT*1", "SDQ*EA*92*S1*6*S2*6~\nCTT*1", 1),
		"ST-01":  strings.Replace(po, "ST*850", "ST*810", 1),
	} {
		if _, err := profile.Order(set(t, broken)); fault.PlaceOf(err) != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGeneratedOrdersTranslateToWhatWasGenerated(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"940", "850"} {
		var b bytes.Buffer
		want, err := x12gen.Write(&b, x12gen.Config{Seed: 7, Set: kind, Sets: 60})
		if err != nil {
			t.Fatal(err)
		}
		d, err := x12.Parse(b.Bytes(), x12.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		p := x12wms.Profile{Tenant: "t1", Facility: "dc1"}
		for s := range d.Sets() {
			o, err := p.Order(s)
			if err != nil {
				t.Fatalf("%s %d: %v", kind, i, err)
			}
			w := want[i]
			if o.Command.Number != w.Number || o.Command.ShipTo.Name != strings.TrimSpace(w.ShipTo) || len(o.Command.Lines) != len(w.Lines) {
				t.Fatalf("%s %d: %+v, want %+v", kind, i, o.Command, w)
			}
			for n, l := range o.Command.Lines {
				if l.Item != w.Lines[n].Item || l.Qty != int64(w.Lines[n].Qty) || l.No != n+1 {
					t.Fatalf("%s %d line %d: %+v, want %+v", kind, i, n, l, w.Lines[n])
				}
			}
			i++
		}
		if i != len(want) {
			t.Errorf("%d sets, want %d", i, len(want))
		}
	}
}

func TestOrderFailsThoughItsSetIsFullOfFindings(t *testing.T) {
	t.Parallel()
	d, err := x12.Parse([]byte(in940(strings.Replace(full, "W01*30", "~~~~~W01*0", 1))), x12.Limits{Findings: 3})
	if err != nil {
		t.Fatal(err)
	}
	for p := range d.Sets() {
		if _, err := profile.Order(p); fault.PlaceOf(err) != "W01-01" {
			t.Errorf("error %v, want one at W01-01", err)
		}
	}
}
