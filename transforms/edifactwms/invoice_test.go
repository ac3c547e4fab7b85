package edifactwms_test

import (
	"strings"
	"testing"

	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/edifactwms"
	"github.com/paklog/hub/transforms/x12wms"
)

func TestAnINVOICChargesWhatLeftAndItsAmountsBalance(t *testing.T) {
	t.Parallel()
	o := someOrder()
	o.Parties.BillTo = party.Address{Name: "HEAD OFFICE"}
	o.Lines[0].Price, o.Lines[1].Price = order.Price{Micros: 10_000_000, Currency: "EUR"}, order.Price{Micros: 1_250_000, Currency: "EUR"}
	c := confirmed()
	c.Lines = []ship.ConfirmedLine{{Line: 1, Qty: 13}, {Line: 2, Lot: "L1", Qty: 5}, {Line: 2, Lot: "L2", Qty: 5}}
	b, err := x12wms.Billed(o, c)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"BGM+380+S-1+9", "DTM+137:202611251200:203", "DTM+11:202611251200:203", "RFF+ON:ORD-1", "RFF+AAK:S-1",
		"NAD+DP+S1::92++CORNER SHOP:ATTN JO+1 MAIN ST:REAR+RENO+NV+89501+US", "NAD+IV+++HEAD OFFICE", "NAD+SU+D7::92", "CUX+2:EUR:4",
		"LIN+1++SKU-1:SA", "QTY+47:13:PCE", "MOA+203:21.67", "PRI+AAA:10:::6:PCE", "RFF+LI:1",
		"LIN+2++SKU-2:SA", "QTY+47:10:PCE", "MOA+203:12.5", "PRI+AAA:1.25", "RFF+LI:2",
		"UNS+S", "CNT+2:2", "MOA+79:34.17", "MOA+77:34.17", "",
	}, "'")
	if got := sent(t, "INVOIC", edifactwms.Invoice(agree, o, b)); got != want {
		t.Errorf("got\n%s\nwant\n%s", strings.ReplaceAll(got, "'", "\n"), strings.ReplaceAll(want, "'", "\n"))
	}
}

func TestThePriceOfAnORDERSLine(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]order.Price{
		"PRI+AAA:1.25'\n": {Micros: 1_250_000, Currency: "EUR"}, "PRI+AAB:2'\nPRI+AAA:1,5'\n": {Micros: 1_500_000, Currency: "EUR"}, "PRI+AAB:2'\n": {Micros: 2_000_000, Currency: "EUR"},
		"PRI+AAA:125:::100:PCE'\n": {Micros: 1_250_000, Currency: "EUR"}, "PRI+AAA:1:::3'\n": {Micros: 1_000_000, Currency: "EUR", Per: 3}, "PRI+AAA:1:::0'\n": {}, "PRI+AAA:1:::x'\n": {}, "PRI+AAA:3:::12'\n": {Micros: 250_000, Currency: "EUR"}, "PRI+AAE:3'\n": {}, "PRI+AAA:x'\n": {}, "PRI+AAA:10:::12:PCE'\n": {Micros: 10_000_000, Currency: "EUR", Per: 12}, "PRI+AAA:10:::9999999'\n": {}, "": {},
	} {
		text := strings.Replace(strings.Replace(body, "QTY+21:30'\n", "QTY+21:30'\n"+sent, 1), "TDT+20", "CUX+2:EUR:9'\nTDT+20", 1)
		o, err := edifactwms.Order(agree, message(t, text))
		if err != nil || o.Command.Lines[1].Price != want || o.Command.Lines[0].Price != (order.Price{}) {
			t.Errorf("%q: %+v, %v", sent, o.Command.Lines, err)
		}
	}
}
