package magento_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/paklog/hub/adapters/internal/contracttest"
	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/magento/magentosim"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/core/shop/shoptest"
)

const contracts = "../../../shared/data/contracts/magento"

var operations = []contracttest.Operation{
	{File: "admin-schema-2.4.9.yaml", Path: "/V1/orders/{id}", Method: http.MethodGet, Op: "order"},
	{File: "admin-schema-2.4.9.yaml", Path: "/V1/orders", Method: http.MethodGet, Op: "orders"},
	{File: "admin-schema-2.4.9.yaml", Path: "/V1/order/{orderId}/ship", Method: http.MethodPost, Op: "ship"},
	{File: "admin-schema-2.4.9.yaml", Path: "/V1/shipments", Method: http.MethodGet, Op: "shipments"},
	{File: "admin-schema-2.4.9.yaml", Path: "/V1/inventory/source-items", Method: http.MethodGet, Op: "levels"},
	{File: "admin-schema-2.4.9.yaml", Path: "/V1/inventory/source-items", Method: http.MethodPost, Op: "set"},
	{File: "admin-schema-2.4.9.yaml", Path: "/V1/products", Method: http.MethodGet, Op: "products"},
	{File: "admin-schema-2.4.9.yaml", Path: "/V1/inventory/sources", Method: http.MethodGet, Op: "sources"},
	{File: "admin-schema-2.4.9.yaml", Path: "/V1/store/storeConfigs", Method: http.MethodGet, Op: "stores"},
	{File: "admin-schema-2.4.9.yaml", Path: "/V1/bulk/{bulkUuid}/detailed-status", Method: http.MethodGet, Op: "bulk"},
}

func opOf(r *http.Request) string {
	for _, o := range []struct{ path, method, op string }{
		{`/V1/orders/\d+$`, http.MethodGet, "order"}, {`/V1/orders$`, http.MethodGet, "orders"}, {`/ship$`, http.MethodPost, "ship"},
		{`/V1/shipments$`, http.MethodGet, "shipments"}, {`/source-items$`, http.MethodGet, "levels"}, {`/V1/inventory/source-items$`, http.MethodPost, "set"},
		{`/V1/products$`, http.MethodGet, "products"}, {`/inventory/sources$`, http.MethodGet, "sources"}, {`/detailed-status$`, http.MethodGet, "bulk"},
		{`/storeConfigs$`, http.MethodGet, "stores"},
	} {
		if r.Method == o.method && regexp.MustCompile(o.path).MatchString(r.URL.Path) {
			return o.op
		}
	}
	return ""
}

// group is an index: the schema lists the parameters of the first alone.
var group = regexp.MustCompile(`(filterGroups|sortOrders)\]\[\d+\]`)

func TestRequestsAndSimulatorKeepTheOfficialContract(t *testing.T) {
	t.Parallel()
	c := contracttest.Load(t, contracts, operations)
	// The schema leaves out successes that return nothing: an empty array is what is sent.
	c["set"].Responses.Set("200", &openapi3.ResponseRef{Value: openapi3.NewResponse().WithJSONSchema(openapi3.NewArraySchema().WithMaxItems(0))})
	clk := simtest.NewClock()
	sim := magentosim.New(magentosim.Options{Now: clk.Now, Bearer: true}) // a signed request cannot be sent again
	pass := &contracttest.Customs{T: t, Contract: c, Inner: sim, Op: opOf, Query: func(name string) string { return group.ReplaceAllString(name, "$1][0]") }}
	// What is put into the queue stands in no schema of this edition.
	url := simtest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/async/") {
			sim.ServeHTTP(w, r)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	shopClient := newClient(t, url, clk.Now, bearer)
	p := sim.Buy(magentosim.Buyer{}, magentosim.Line{SKU: "SHIRT-M", Qty: 2, Kind: "configurable"}, set, magentosim.Line{SKU: "E-BOOK", Qty: 1, Kind: "virtual"})
	s := shoptest.Shipment(read(t, shopClient, p.Work()), "1Z1")
	s.Notify = true
	if _, err := shopClient.Ship(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if _, found, err := shopClient.Shipped(t.Context(), s); !found || err != nil {
		t.Error(err)
	}
	if _, err := shopClient.Changed(t.Context(), clk.Now(), ""); err != nil {
		t.Error(err)
	}
	for _, n := range []int{2, 30} {
		for _, l := range levels(n) {
			sim.Stock(l.Item, 7)
		}
		settle(t, shopClient, clk, levels(n))
	}
	for _, id := range []string{"orders/99999"} {
		if list, err := shopClient.Read(t.Context(), id); err != nil || len(list) > 0 {
			t.Error(list, err)
		}
	}
	if found := shopClient.Check(t.Context(), shop.Wanted{Locations: []string{magentosim.Source}}); len(found) != 1 {
		t.Errorf("%+v", found)
	}
	for _, want := range []string{"order 200", "orders 200", "ship 200", "shipments 200", "levels 200", "set 200", "products 200", "sources 200", "bulk 200", "stores 200", "order 404"} {
		if pass.Passed(want) == 0 {
			t.Errorf("%s never passed", want)
		}
	}
	refused := pass.RefuseMistakes()
	if refused["ship"] < 30 || refused["set"] < 20 {
		t.Errorf("the contract refuses %v mistakes: too few prove little", refused)
	}
	t.Logf("mistakes that the contract refuses: %v", refused)
}
