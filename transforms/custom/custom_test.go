package custom_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/transforms/custom"
)

var here = scope.Scope{Tenant: "main", Owner: "ACME", Facility: "DC1"}

func read[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Every field of the document reaches the command: one that is added and forgotten fails here.
func TestEveryFieldOfAnOrderIsMapped(t *testing.T) {
	t.Parallel()
	doc := read[custom.Order](t, `{
		"owner":"O","facility":"F","number":"N","policy":"all_or_nothing","type":"T","priority":9,
		"lines":[{"no":7,"ref":"r","item":"I","codes":[{"kind":"upc","value":"1","uom":"each"}],"qty":3,"uom":"case","lot":"L","min_expiry":"2027-01-31"}],
		"ship_to":{"name":"a","company":"b","lines":["c","d"],"city":"e","region":"f","postal_code":"g","country":"US","phone":"h","email":"i","code":"j"},
		"bill_to":{"name":"k"},"notes":["n"],
		"service":{"carrier":"UPS","level":"03","method":"parcel","account":"A","terms":"collect","route":"R7"},
		"dates":{"ordered":"2026-01-01T00:00:00Z","not_before":"2026-01-02T00:00:00Z","ship_by":"2026-01-03T00:00:00Z","deliver_by":"2026-01-04T00:00:00Z","cancel_after":"2026-01-05T00:00:00Z"},
		"refs":[{"kind":"po","value":"4711"}]}`)
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	src := order.Source{Door: "rest"}
	want := order.Place{
		Scope: scope.Scope{Tenant: "main", Owner: "O", Facility: "F"}, Number: "N", Policy: order.AllOrNothing, Type: "T", Priority: 9,
		Lines: []order.PlaceLine{{
			No: 7, Ref: "r", Item: "I", Codes: []item.Code{{Kind: "upc", Value: "1", UOM: "each"}}, Qty: 3, UOM: "case", Lot: "L", MinExpiry: "2027-01-31",
		}},
		ShipTo:  party.Address{Name: "a", Company: "b", Lines: []string{"c", "d"}, City: "e", Region: "f", PostalCode: "g", Country: "US", Phone: "h", Email: "i", Code: "j"},
		BillTo:  party.Address{Name: "k"},
		Notes:   []string{"n"},
		Service: order.Service{Carrier: "UPS", Level: "03", Method: "parcel", Account: "A", Terms: "collect", Route: "R7"},
		Dates:   order.Dates{Ordered: day(1), NotBefore: day(2), ShipBy: day(3), DeliverBy: day(4), CancelAfter: day(5)},
		Refs:    []order.Ref{{Kind: "po", Value: "4711"}}, Source: src,
	}
	got := doc.Place(here, src)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	v := reflect.ValueOf(got)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "Named" { // whom an EDI document names, to be answered so
			t.Errorf("the test leaves %s out", name)
		}
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
}

// The same of a change.
func TestEveryFieldOfAChangeIsMapped(t *testing.T) {
	t.Parallel()
	doc := read[custom.Change](t, `{"reason":"r","lines":[{"line":1,"qty":2,"uom":"case"}],"add":[{"no":7,"item":"I","qty":3}],"remove":[2],
		"ship_to":{"name":"a"},"service":{"carrier":"UPS"},"dates":{"ship_by":"2026-01-03T00:00:00Z"},"priority":0}`)
	none := 0
	want := order.Change{
		Reason: "r", By: "shop", Lines: []order.ChangeLine{{Line: 1, Qty: 2, UOM: "case"}}, Add: []order.PlaceLine{{No: 7, Item: "I", Qty: 3}}, Remove: []int{2},
		ShipTo: &party.Address{Name: "a"}, Service: &order.Service{Carrier: "UPS"}, Dates: &order.Dates{ShipBy: time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)}, Priority: &none,
	}
	got := doc.Change("shop")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	v := reflect.ValueOf(got)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("the test leaves %s out", v.Type().Field(i).Name)
		}
	}
	var nothing custom.Change
	if got := nothing.Change(""); !reflect.DeepEqual(got, order.Change{}) {
		t.Errorf("nothing changes %+v", got)
	}
	split := custom.Split{To: "N-B", Reason: "r", Lines: []custom.SplitLine{{Line: 1, Qty: 2}}}
	if got := split.Split("shop"); !reflect.DeepEqual(got, order.Split{To: "N-B", Reason: "r", By: "shop", Lines: []order.LineQty{{Line: 1, Qty: 2}}}) {
		t.Errorf("got %+v", got)
	}
}

func TestWhatIsLeftOutComesFromTheDoor(t *testing.T) {
	t.Parallel()
	doc := read[custom.Order](t, `{"number":"N","lines":[{"item":"I","qty":1}],"ship_to":{"code":"STORE-7"}}`)
	if c := doc.Place(here, order.Source{}); c.Scope != here || c.Validate() != nil {
		t.Errorf("got %+v: %v", c.Scope, c.Validate())
	}
	c := custom.Cancellation{Number: "N", Reason: "customer", Lines: []int{2}}
	if s, number, cmd := c.Cancel(here, "shop"); s != here || number != "N" || !reflect.DeepEqual(cmd, order.Cancel{Reason: "customer", By: "shop", Lines: []int{2}}) {
		t.Errorf("got %+v %s %+v", s, number, cmd)
	}
	r := custom.Receipt{Facility: "DC2", Item: "I", Location: "P", Qty: 1}
	if cmd := r.Receive(here); cmd.Owner != "ACME" || cmd.Facility != "DC2" || cmd.Stage != "" {
		t.Errorf("got %+v", cmd)
	}
	l := custom.Location{Code: "P-1", LocationSpec: custom.LocationSpec{Purpose: "pick", Capacity: &custom.Capacity{Units: 5}}}
	if cmd := l.Register(here); cmd.Owner != scope.Shared || cmd.Spec.Capacity.Units != 5 {
		t.Errorf("got %+v", cmd)
	}
}

func TestItemsKeepTheirUnits(t *testing.T) {
	t.Parallel()
	doc := read[custom.Item](t, `{"sku":"S","description":"d","units":[{"uom":"each","factor":1,"weight_mg":5,"dims":{"length_um":1,"width_um":2,"height_um":3}},
		{"uom":"case","factor":12}],"tracking":{"lot":true,"serial":true,"expiry":true},"codes":[{"kind":"gtin","value":"9"}],"storage_type":"cold",
		"packing":{"upright":true,"fragile":true,"bears_mg":7,"segregation":"hazmat"}}`)
	want := item.Spec{
		Description: "d", StorageType: "cold", Tracking: item.Tracking{Lot: true, Serial: true, Expiry: true}, Codes: []item.Code{{Kind: "gtin", Value: "9"}},
		Units:   []item.Unit{{UOM: "each", Factor: 1, Weight: 5, Dims: measure.Dims{Length: 1, Width: 2, Height: 3}}, {UOM: "case", Factor: 12}},
		Packing: item.Packing{Upright: true, Fragile: true, Bears: 7, Segregation: "hazmat"},
	}
	if got := doc.Register(here); !reflect.DeepEqual(got.Spec, want) || got.SKU != "S" || got.Scope != here {
		t.Errorf("got %+v", got)
	}
}

// What is wrong with an order is said in the places of its document.
func ExampleOrder_Place() {
	doc := custom.Order{Number: "SO-1", Lines: []custom.Line{{Item: "A-1", Qty: -2}}, ShipTo: custom.Address{Country: "UK-"}}
	err := doc.Place(scope.Scope{Tenant: "main", Owner: "ACME", Facility: "DC1"}, order.Source{Door: "rest"}).Validate()
	var bad *order.InvalidError
	if errors.As(err, &bad) {
		for _, p := range bad.Problems {
			fmt.Println(p.Place, p.Text)
		}
	}
	// Output:
	// ship_to needs a name, a company or a location code
	// ship_to.country "UK-" is not an ISO 3166-1 alpha-2 code like US
	// lines[0].qty -2 is not between 1 and 1099511627776
}
