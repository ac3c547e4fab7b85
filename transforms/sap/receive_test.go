package sap_test

import (
	"testing"
	"time"

	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/transforms/sap"
)

// As SAP's sandbox has it, but for the quantities.
const (
	inboundHead = `{"d":{"__metadata":{"etag":"W/\"1\""},"DeliveryDocument":"180000000","OverallGoodsMovementStatus":"A","DeliveryBlockReason":"","DeliveryDate":"/Date(1485734400000)/",
		"DeliveryDocumentBySupplier":"ASN#451435","Supplier":"0017300080","ReceivingPlant":""}}`
	inboundItems = `{"d":{"results":[
		{"DeliveryDocumentItem":"000010","Material":"TG0011","Plant":"1710","BaseUnit":"PC","ActualDeliveredQtyInBaseUnit":"0.000","OriginalDeliveryQuantity":"0","ReferenceSDDocument":"4500001435"},
		{"DeliveryDocumentItem":"900001","Material":"TG0011","Plant":"1710","BaseUnit":"PC","ActualDeliveredQtyInBaseUnit":"10.000","OriginalDeliveryQuantity":"10","Batch":"L1",
		 "ShelfLifeExpirationDate":"/Date(1514678400000)/","ReferenceSDDocument":"4500001435"},
		{"DeliveryDocumentItem":"000020","Material":"000000000000004711","Plant":"1720","BaseUnit":"PC","ActualDeliveredQtyInBaseUnit":"2","OriginalDeliveryQuantity":"2"}]}}`
)

func TestAnInboundDeliveryAnnouncesAReceipt(t *testing.T) {
	t.Parallel()
	h, err := sap.ToHeader([]byte(inboundHead))
	if err != nil {
		t.Fatal(err)
	}
	if h.Items, _, err = sap.ToItems([]byte(inboundItems)); err != nil {
		t.Fatal(err)
	}
	a, err := sap.ToArrival(h)
	n := a.Announcement
	if err != nil || n.Kind != receiving.KindASN || n.Supplier != "17300080" || n.Reference != "4500001435" || !n.Due.Equal(time.Date(2017, 1, 30, 23, 59, 59, 0, time.UTC)) ||
		len(n.Lines) != 2 || len(a.Plants) != 2 {
		t.Fatalf("%+v, %v", a, err)
	}
	if l := n.Lines[0]; l.No != 900001 || l.Item != "TG0011" || l.Qty != 10 || l.Lot != "L1" || l.Expiry != "2017-12-31" {
		t.Errorf("%+v", l)
	}
	if l := n.Lines[1]; l.No != 20 || l.Item != "4711" || l.Lot != "" || l.Expiry != "" {
		t.Errorf("%+v", l)
	}
	h.Items[2].Source = "4500001436"
	if a, err := sap.ToArrival(h); err != nil || a.Announcement.Reference != "ASN#451435" {
		t.Errorf("of several purchase orders: %+v, %v", a, err)
	}
	for name, spoil := range map[string]func(i *erp.Item){
		"of no material":        func(i *erp.Item) { i.Material = "" },
		"a number that is none": func(i *erp.Item) { i.No = "X1" },
	} {
		bad := h
		bad.Items = append([]erp.Item(nil), h.Items...)
		spoil(&bad.Items[1])
		if _, err := sap.ToArrival(bad); fault.KindOf(err) != fault.Rejected || err == nil || fault.PlaceOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatCameFitsTheDelivery(t *testing.T) {
	t.Parallel()
	d := erp.Delivery{Number: "1", Items: []erp.Item{{No: "10", Material: "A", Unit: "PC", Asked: 5, Qty: 5, Batch: "L1"}, {No: "20", Material: "B", Unit: "PC"}}}
	for name, x := range map[string]struct {
		lines []erp.Came
		place string // "" fits
	}{
		"whole":                      {[]erp.Came{{No: 10, Item: "A", Expected: 5, Qty: 5}}, ""},
		"short":                      {[]erp.Came{{No: 10, Item: "A", Expected: 5}}, ""},
		"beyond":                     {[]erp.Came{{No: 10, Item: "A", Expected: 5, Qty: 9}}, ""},
		"said before":                {[]erp.Came{{No: 10, Item: "A", Expected: 7, Qty: 5}}, ""},
		"nothing of what has gone":   {[]erp.Came{{No: 10, Item: "A", Expected: 5, Qty: 5}, {No: 30, Item: "C", Expected: 1}}, ""},
		"something of what has gone": {[]erp.Came{{No: 10, Item: "A", Expected: 5, Qty: 5}, {No: 30, Item: "C", Expected: 1, Qty: 1}}, "line 30"},
		"of nobody's announcement":   {[]erp.Came{{No: 10, Item: "A", Expected: 5, Qty: 5}, {No: 11, SKU: "Z", Qty: 1, Unannounced: true}}, "item Z"},
		"of another lot":             {[]erp.Came{{No: 10, Item: "A", Expected: 5, Qty: 5, Other: "L2"}}, "item 10"},
		"of another material":        {[]erp.Came{{No: 10, Item: "B", Expected: 5, Qty: 5}}, "item 10"},
		"of another announcement":    {[]erp.Came{{No: 10, Item: "A", Expected: 7, Qty: 7}}, "item 10"},
		"without an item":            {nil, "item 10"},
	} {
		picks, err := sap.Putaways(d, erp.GoodsReceipt{Delivery: "1", Lines: x.lines})
		if x.place == "" && (err != nil || picks[0].Qty != x.lines[0].Qty || picks[1].Qty != 0) || x.place != "" && (fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != x.place) {
			t.Errorf("%s: %+v, %v", name, picks, err)
		}
	}
}
