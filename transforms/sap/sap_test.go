package sap_test

import (
	"slices"
	"testing"
	"time"

	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/transforms/sap"
)

const head = `{"d":{"__metadata":{"etag":"W/\"1\""},"DeliveryDocument":"0080000001","OverallGoodsMovementStatus":"C","ActualGoodsMovementDate":"/Date(1492041600000)/"}}`

func TestAHeadIsRead(t *testing.T) {
	t.Parallel()
	h, err := sap.ToHeader([]byte(head))
	if err != nil || h.Number != "80000001" || h.ETag != `W/"1"` || h.Movement != erp.Moved || !h.Day.Equal(time.Date(2017, 4, 13, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v", h, err)
	}
	for name, text := range map[string]string{
		"no wrapping": `{"DeliveryDocument":"1"}`, "null": `{"d":null}`, "no etag": `{"d":{"DeliveryDocument":"1"}}`, "no number": `{"d":{"__metadata":{"etag":"x"}}}`,
		"a status that nobody knows": `{"d":{"__metadata":{"etag":"x"},"DeliveryDocument":"1","OverallGoodsMovementStatus":"Q"}}`,
		"a day that is none":         `{"d":{"__metadata":{"etag":"x"},"DeliveryDocument":"1","ActualGoodsMovementDate":"yesterday"}}`,
		"an object for a text":       `{"d":{"__metadata":{"etag":"x"},"DeliveryDocument":{}}}`, "cut": head[:40], "nothing": ``,
	} {
		if h, err := sap.ToHeader([]byte(text)); fault.KindOf(err) != fault.Transient || err == nil {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
}

func TestItemsAreReadExactly(t *testing.T) {
	t.Parallel()
	item := func(qty, asked, top, bottom string) string {
		return `{"d":{"results":[{"DeliveryDocumentItem":"000010","Material":"M","BaseUnit":"PC","ActualDeliveredQtyInBaseUnit":` + qty + `,"OriginalDeliveryQuantity":` + asked +
			`,"DeliveryToBaseQuantityNmrtr":` + top + `,"DeliveryToBaseQuantityDnmntr":` + bottom + `}]}}`
	}
	for name, c := range map[string]struct {
		text       string
		qty, asked int64
		kind       fault.Kind // Internal is none
	}{
		"texts":                     {item(`"12.000"`, `"2.000"`, `"6"`, `"1"`), 12, 12, fault.Internal},
		"numbers":                   {item(`12`, `2.0`, `6`, `1`), 12, 12, fault.Internal},
		"nulls":                     {item(`null`, `null`, `null`, `null`), 0, 0, fault.Internal},
		"a ratio":                   {item(`"9"`, `"6"`, `"3"`, `"2"`), 9, 9, fault.Internal},
		"a part of a unit":          {item(`"1.500"`, `"1"`, `"1"`, `"1"`), 0, 0, fault.Rejected},
		"a ratio that leaves some":  {item(`"1"`, `"1"`, `"3"`, `"2"`), 0, 0, fault.Rejected},
		"below nothing":             {item(`"-1"`, `"1"`, `"1"`, `"1"`), 0, 0, fault.Rejected},
		"more than there can be":    {item(`"1"`, `"9000000000000000000"`, `"9"`, `"1"`), 0, 0, fault.Rejected},
		"a word":                    {item(`"many"`, `"1"`, `"1"`, `"1"`), 0, 0, fault.Rejected},
		"null results":              {`{"d":{"results":null}}`, 0, 0, fault.Transient},
		"no base unit":              {`{"d":{"results":[{"DeliveryDocumentItem":"10"}]}}`, 0, 0, fault.Transient},
		"a next that is no address": {`{"d":{"results":[],"__next":"http://[x"}}`, 0, 0, fault.Transient},
	} {
		items, _, err := sap.ToItems([]byte(c.text))
		switch {
		case fault.KindOf(err) != c.kind:
			t.Errorf("%s: %v", name, err)
		case err == nil && (len(items) != 1 || items[0].Qty != c.qty || items[0].Asked != c.asked || items[0].No != "10"):
			t.Errorf("%s: %+v", name, items)
		}
	}
	_, next, err := sap.ToItems([]byte(`{"d":{"results":[],"__next":"https://elsewhere.example/x?$skiptoken=7"}}`))
	if err != nil || next.Encode() != "%24skiptoken=7" {
		t.Errorf("%v, %v", next, err)
	}
}

func TestLiteralsAreOData(t *testing.T) {
	t.Parallel()
	q := sap.Picking("80000001", sap.Pick{Item: erp.Item{No: "10", Unit: "O'C"}, Qty: 6})
	if got := q.Encode(); got != "ActualDeliveredQtyInBaseUnit=6M&BaseUnit=%27O%27%27C%27&DeliveryDocument=%2780000001%27&DeliveryDocumentItem=%2710%27" {
		t.Error(got)
	}
}

func TestARefusalsWordsAreSAPs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"error":{"code":"VL/609","message":{"lang":"en","value":"Not picked"},"innererror":{}}}`: "VL/609 Not picked",
		`{"error":{"code":"005056A509B11EE","message":{"value":"x"}}}`:                             "005056A509B11EE x",
		`{"error":"no"}`: " ", `<html>`: " ", ``: " ", `{}`: " ",
	} {
		if code, words := sap.ReadError([]byte(text)); code+" "+words != want {
			t.Errorf("%s: %q, %q", text, code, words)
		}
	}
}

func TestADeliveryBecomesAnOrder(t *testing.T) {
	t.Parallel()
	partners := `{"d":{"results":[{"PartnerFunction":"SP","Customer":"1","to_Address2":{"BusinessPartnerName1":"Buyer"}},
		{"PartnerFunction":"WE","Customer":"0000004711","to_Address2":{"BusinessPartnerName1":"Meier GmbH","BusinessPartnerName2":"Lager 3","CareOfName":"Ada","StreetName":"Hauptstr.","HouseNumber":"7","StreetPrefixName":"Hof","StreetSuffixName":"Tor 2",
		"CityName":"Walldorf","PostalCode":"69190","Region":"08","Country":"DE","MobilePhoneNumber":"+49"}}]}}`
	a, err := sap.ToShipTo([]byte(partners))
	if err != nil || a.Name != "Ada" || a.Company != "Meier GmbH" || !slices.Equal(a.Lines, []string{"Lager 3", "Hauptstr. 7", "Hof"}) || a.Code != "4711" || a.Phone != "+49" {
		t.Errorf("%+v, %v", a, err)
	}
	day := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	h := sap.Header{ETag: "v", Point: "1710", Block: "01", IssueBy: day}
	h.Number = "80000001"
	h.Items = []erp.Item{{No: "10", Material: "000000000000004711", Unit: "PC"}, {No: "900001", Material: "000000000000004711", Batch: "L1", Unit: "PC", Qty: 3, Source: "17"}, {No: "900002", Material: "M", Qty: 2, Source: "17"}}
	w, err := sap.ToWork(h, a)
	if err != nil || len(w.Order.Lines) != 2 || w.Order.Lines[0].Item != "4711" || w.Order.Lines[0].Lot != "L1" || w.Order.Lines[0].Ref != "900001" || w.Blocked != "01" || w.Version != "v" || w.Point != "1710" {
		t.Errorf("%+v, %v", w, err)
	}
	if by := w.Order.Dates.ShipBy; !by.Equal(time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC)) || !w.Order.Dates.DeliverBy.IsZero() || len(w.Order.Refs) != 1 {
		t.Errorf("%+v, %+v", w.Order.Dates, w.Order.Refs)
	}
	h.Items[1].Material = ""
	if _, err := sap.ToWork(h, a); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "item 900001" {
		t.Error(err)
	}
	for name, text := range map[string]string{
		"US": `{"StreetName":"Elm St","HouseNumber":"12","Country":"US"}`, "box": `{"POBox":"99","Country":"US"}`,
	} {
		a, err := sap.ToShipTo([]byte(`{"d":{"results":[{"PartnerFunction":"SH","to_Address2":` + text + `}]}}`))
		if want := map[string]string{"US": "12 Elm St", "box": "PO Box 99"}[name]; err != nil || len(a.Lines) != 1 || a.Lines[0] != want {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}

func TestWhatIsNoListIsNotRead(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"cut": `{"d":{"results":[{"Deliv`, "null": `{"d":{"results":null}}`, "no number": `{"d":{"results":[{}]}}`, "a page": `<html>`, "an array": `{"d":{"results":[{"DeliveryDocument":[]}]}}`,
		"a next that is none": `{"d":{"results":[{"DeliveryDocument":"1"}],"__next":"http://[x"}}`,
	} {
		if list, _, err := sap.ToListed([]byte(text)); fault.KindOf(err) != fault.Transient || err == nil {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
	for name, text := range map[string]string{"cut": `{"d":{"res`, "null": `{"d":{"results":null}}`, "an address that is text": `{"d":{"results":[{"PartnerFunction":"WE","to_Address2":"x"}]}}`} {
		if a, err := sap.ToShipTo([]byte(text)); fault.KindOf(err) != fault.Transient || err == nil {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}
