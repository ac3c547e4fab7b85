package sap_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/paklog/hub/adapters/internal/contracttest"
	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/sap/sapsim"
	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/erp/erptest"
	"github.com/paklog/hub/core/fault"
)

const contracts = "../../../shared/data/contracts/sap/openapi"

const file = "API_OUTBOUND_DELIVERY_SRV_0002.json"

var operations = []contracttest.Operation{
	{File: file, Path: "/A_OutbDeliveryHeader", Method: http.MethodGet, Op: "headers"},
	{File: file, Path: "/A_OutbDeliveryHeader('{DeliveryDocument}')", Method: http.MethodGet, Op: "header"},
	{File: file, Path: "/A_OutbDeliveryHeader('{DeliveryDocument}')/to_DeliveryDocumentItem", Method: http.MethodGet, Op: "items"},
	{File: file, Path: "/A_OutbDeliveryHeader('{DeliveryDocument}')/to_DeliveryDocumentPartner", Method: http.MethodGet, Op: "partners"},
	{File: file, Path: "/PickAllItems", Method: http.MethodPost, Op: "pick"},
	{File: file, Path: "/PickOneItemWithBaseQuantity", Method: http.MethodPost, Op: "pick-one"},
	{File: file, Path: "/PostGoodsIssue", Method: http.MethodPost, Op: "issue"},
	{File: file, Path: "/ReverseGoodsIssue", Method: http.MethodPost, Op: "reverse"},
	{File: "API_MATERIAL_DOCUMENT_SRV.json", Path: "/A_MaterialDocumentHeader", Method: http.MethodPost, Op: "create"},
	{File: "API_MATERIAL_DOCUMENT_SRV.json", Path: "/A_MaterialDocumentHeader", Method: http.MethodGet, Op: "created"},
}

func opOf(r *http.Request) string {
	for _, o := range []struct{ path, op string }{
		{`/A_OutbDeliveryHeader$`, "headers"}, {`/A_OutbDeliveryHeader\('\d+'\)$`, "header"}, {`/to_DeliveryDocumentItem$`, "items"}, {`/to_DeliveryDocumentPartner$`, "partners"},
		{`/A_InbDeliveryHeader$`, "headers"}, {`/A_InbDeliveryHeader\('\d+'\)$`, "header"}, {`/PutawayAllItems$`, "pick"}, {`/PutawayOneItemWithBaseQuantity$`, "pick-one"}, {`/PostGoodsReceipt$`, "issue"}, {`/ReverseGoods(Issue|Receipt)$`, "reverse"},
		{`/PickAllItems$`, "pick"}, {`/PickOneItemWithBaseQuantity$`, "pick-one"}, {`/PostGoodsIssue$`, "issue"},
	} {
		if regexp.MustCompile(o.path).MatchString(r.URL.Path) {
			return o.op
		}
	}
	if strings.HasSuffix(r.URL.Path, "/A_MaterialDocumentHeader") {
		return map[string]string{http.MethodPost: "create", http.MethodGet: "created"}[r.Method]
	}
	return ""
}

// Every request and answer is held against SAP's description; where a parameter of a function import is
// spoilt, the description's own pattern and the simulator refuse the same.
func TestRequestsAndSimulatorKeepTheOfficialContract(t *testing.T) {
	t.Parallel()
	c := contracttest.Load(t, contracts, operations)
	// What is OData's own (2.0, JSON format) the description leaves out, and what is inside an innererror.
	for _, op := range []string{"headers", "header", "items", "partners", "created"} {
		d := c.Answer(op).Properties["d"].Value
		if list := d.Properties["results"]; list != nil {
			d = list.Value.Items.Value
		}
		d.WithProperty("__metadata", texts("id", "uri", "type", "etag"))
		for _, name := range []string{"to_DeliveryDocumentItem", "to_DeliveryDocumentPartner"} {
			if members := d.Properties[name]; members != nil {
				members.Value.WithProperty("__deferred", texts("uri"))
			}
		}
		if address := d.Properties["to_Address2"]; address != nil {
			address.Value.WithProperty("__metadata", texts("id", "uri", "type", "etag"))
		}
	}
	for _, op := range []string{"issue", "reverse", "create"} {
		inner := contracttest.At(t, c[op].Responses.Value("4XX").Value.Content["application/json"].Schema.Value, "error", "innererror")
		inner.WithProperty("transactionid", openapi3.NewStringSchema()).WithProperty("timestamp", openapi3.NewStringSchema())
		inner.WithProperty("errordetails", openapi3.NewArraySchema().WithItems(texts("code", "message", "severity", "target")))
	}
	// QUIRK(SAP): the description wants the keys of what is made, which SAP itself gives.
	document := c["create"].RequestBody.Value.Content["application/json"].Schema.Value
	document.Required = nil
	document.Properties["to_MaterialDocumentItem"].Value.Properties["results"].Value.Items.Value.Required = nil
	c["create"].Responses.Value("201").Value.Content["application/json"].Schema.Value.Properties["d"].Value.WithProperty("__metadata", texts("id", "uri", "type"))
	clk := simtest.NewClock()
	sim := sapsim.New(sapsim.Options{Now: clk.Now})
	pass := &contracttest.Customs{T: t, Contract: c, Inner: sim, Op: opOf}
	var kept []*http.Request // of function imports
	served := simtest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") { // the description has no root
			sim.ServeHTTP(w, r)
			return
		}
		if r.Method == http.MethodPost && r.URL.RawQuery != "" {
			kept = append(kept, r.Clone(r.Context()))
		}
		pass.ServeHTTP(w, r)
	}))
	client := newClient(t, served, clk.Now)
	whole, short, none := want(sim, 5, 3), want(sim, 5, 3), want(sim, 5)
	for _, g := range []struct {
		number      string
		asked, left []int64
	}{{whole, []int64{5, 3}, []int64{5, 3}}, {short, []int64{5, 3}, []int64{5, 0}}} {
		if _, err := client.Issue(t.Context(), erptest.Goods(g.number, g.asked, g.left)); err != nil {
			t.Fatal(err)
		}
	}
	sim.By(func(h *sapsim.Hand) { h.Close(true) })
	if _, err := client.Issue(t.Context(), erptest.Goods(none, []int64{5}, []int64{5})); err == nil {
		t.Error("posted in a closed period")
	}
	back := erp.Reversal{Do: erp.DoIssue, Delivery: whole, Day: clk.Now()}
	if _, err := client.Reverse(t.Context(), back); err == nil {
		t.Error("taken back in a closed period")
	}
	sim.By(func(h *sapsim.Hand) { h.Close(false) })
	if _, err := client.Reverse(t.Context(), back); err != nil {
		t.Error(err)
	}
	sim.By(func(h *sapsim.Hand) { h.Close(true) })
	if _, found, err := client.Delivery(t.Context(), "89999999"); found || err != nil {
		t.Error(found, err)
	}
	if page, err := client.Changed(t.Context(), clk.Now(), ""); err != nil || len(page.Deliveries) != 2 {
		t.Errorf("%+v, %v", page, err)
	}
	a := erp.Adjustment{Key: "0123456789ABCDEF", Kind: erp.Loss, At: clk.Now(), Facility: erptest.Site, Item: "A", Qty: 2, Reason: "lost"}
	if _, err := client.Move(t.Context(), a); fault.KindOf(err) != fault.Rejected || err == nil {
		t.Errorf("booked in a closed period: %v", err)
	}
	sim.By(func(h *sapsim.Hand) { h.Close(false) })
	if doc, err := client.Move(t.Context(), a); err != nil {
		t.Error(doc, err)
	}
	if _, found, err := client.Moved(t.Context(), a); !found || err != nil {
		t.Error(found, err)
	}
	if w, found, err := client.Read(t.Context(), none); !found || err != nil || w.Order.ShipTo.Region != "GA" {
		t.Errorf("%+v, %v", w, err)
	}
	if found := client.Check(t.Context()); len(found) != 1 {
		t.Errorf("%+v", found)
	}
	for _, passed := range []string{"headers 200", "header 200", "header 404", "items 200", "partners 200", "pick 200", "pick-one 200", "issue 200", "issue 400", "reverse 200", "reverse 400", "create 201", "create 400", "created 200"} {
		if pass.Passed(passed) == 0 {
			t.Errorf("%s never passed", passed)
		}
	}

	refusesTheSame(t, sim, c, kept)
}

// texts is an object of texts that a description leaves out.
func texts(names ...string) *openapi3.Schema {
	s := openapi3.NewObjectSchema()
	for _, n := range names {
		s.WithProperty(n, openapi3.NewStringSchema())
	}
	return s
}

// refusesTheSame spoils parameters of function imports: what the description refuses, so does the simulator.
func refusesTheSame(t *testing.T, sim http.Handler, c contracttest.Contract, kept []*http.Request) {
	t.Helper()
	refused := map[string]int{}
	for _, r := range kept {
		op := opOf(r)
		for name, values := range r.URL.Query() {
			p := c[op].Parameters.GetByInAndName("query", name)
			for _, v := range append([]string{"", "x", "'", "''x'", "7", "7.5", "1.M", "7m", strings.Repeat("7", 20), "'" + strings.Repeat("7", 20) + "'"}, values[0]+"'", "'"+values[0]) {
				s := p.Schema.Value
				against := v == "" && p.Required || !regexp.MustCompile(s.Pattern).MatchString(v) || s.MaxLength != nil && len(v) > int(*s.MaxLength)
				if !against {
					continue
				}
				refused[op]++
				again := r.Clone(t.Context())
				q := url.Values{}
				for n, old := range r.URL.Query() {
					q[n] = old
				}
				q.Set(name, v)
				again.URL.RawQuery = q.Encode()
				if status := answers(sim, again); status != http.StatusBadRequest {
					t.Errorf("%s with %s=%s: answered %d", op, name, v, status)
				}
			}
		}
	}
	if refused["issue"] < 10 || refused["pick"] < 10 || refused["pick-one"] < 30 || refused["reverse"] < 10 {
		t.Errorf("the contract refuses %v mistakes: too few prove little", refused)
	}
	t.Logf("mistakes that the contract refuses: %v", refused)
}

// Inbound deliveries, the same way.
func TestInboundRequestsAndSimulatorKeepTheOfficialContract(t *testing.T) {
	t.Parallel()
	const file = "API_INBOUND_DELIVERY_SRV_0002.json"
	c := contracttest.Load(t, contracts, []contracttest.Operation{
		{File: file, Path: "/A_InbDeliveryHeader", Method: http.MethodGet, Op: "headers"},
		{File: file, Path: "/A_InbDeliveryHeader('{DeliveryDocument}')", Method: http.MethodGet, Op: "header"},
		{File: file, Path: "/A_InbDeliveryHeader('{DeliveryDocument}')/to_DeliveryDocumentItem", Method: http.MethodGet, Op: "items"},
		{File: file, Path: "/PutawayAllItems", Method: http.MethodPost, Op: "pick"},
		{File: file, Path: "/PutawayOneItemWithBaseQuantity", Method: http.MethodPost, Op: "pick-one"},
		{File: file, Path: "/PostGoodsReceipt", Method: http.MethodPost, Op: "issue"},
		{File: file, Path: "/ReverseGoodsReceipt", Method: http.MethodPost, Op: "reverse"},
	})
	for _, op := range []string{"headers", "header", "items"} {
		d := c.Answer(op).Properties["d"].Value
		if list := d.Properties["results"]; list != nil {
			d = list.Value.Items.Value
		}
		d.WithProperty("__metadata", texts("id", "uri", "type", "etag"))
		if items := d.Properties["to_DeliveryDocumentItem"]; items != nil {
			items.Value.WithProperty("__deferred", texts("uri"))
		}
	}
	inner := contracttest.At(t, c["issue"].Responses.Value("4XX").Value.Content["application/json"].Schema.Value, "error", "innererror")
	inner.WithProperty("transactionid", openapi3.NewStringSchema()).WithProperty("timestamp", openapi3.NewStringSchema())
	inner.WithProperty("errordetails", openapi3.NewArraySchema().WithItems(texts("code", "message", "severity", "target")))
	clk := simtest.NewClock()
	sim := sapsim.New(sapsim.Options{Now: clk.Now})
	pass := &contracttest.Customs{T: t, Contract: c, Inner: sim, Op: opOf}
	var kept []*http.Request // of function imports
	served := simtest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") { // the description has no root
			sim.ServeHTTP(w, r)
			return
		}
		if r.Method == http.MethodPost {
			kept = append(kept, r.Clone(r.Context()))
		}
		pass.ServeHTTP(w, r)
	}))
	client := newClient(t, served, clk.Now)
	for _, got := range [][]int64{{5, 3}, {5, 0}} {
		number := comes(sim, 5, 3)
		if _, err := client.Receive(t.Context(), erptest.Came(number, []int64{5, 3}, got)); err != nil {
			t.Fatal(err)
		}
		if got[1] > 0 {
			continue
		}
		if _, err := client.Reverse(t.Context(), erp.Reversal{Do: erp.DoReceipt, Delivery: number, Day: clk.Now()}); err != nil {
			t.Error(err)
		}
	}
	open := comes(sim, 5)
	sim.By(func(h *sapsim.Hand) { h.Close(true) })
	if _, err := client.Receive(t.Context(), erptest.Came(open, []int64{5}, []int64{5})); err == nil {
		t.Error("posted in a closed period")
	}
	if _, found, err := client.Arrival(t.Context(), "189999999"); found || err != nil {
		t.Error(found, err)
	}
	if page, err := client.Announced(t.Context(), clk.Now(), ""); err != nil || len(page.Deliveries) != 2 {
		t.Errorf("%+v, %v", page, err)
	}
	for _, passed := range []string{"headers 200", "header 200", "header 404", "items 200", "pick 200", "pick-one 200", "issue 200", "issue 400", "reverse 200"} {
		if pass.Passed(passed) == 0 {
			t.Errorf("%s never passed", passed)
		}
	}
	refusesTheSame(t, sim, c, kept)
}

func answers(h http.Handler, r *http.Request) int {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Code
}
