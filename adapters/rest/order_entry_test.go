package rest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/owner"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/dlq"
)

// entryShelf has an owner MUGS with an item of cases, some stock and an order, and a blocked owner.
func entryShelf() *shelf {
	acme := scope.Scope{Tenant: "main", Owner: "ACME", Facility: "DC1"}
	shut := acme
	shut.Owner = "SHUT"
	k := inventory.BookKey{Scope: acme, Item: "MUG"}
	taken := docOf(view.Order, order.StreamOf(acme, "SO-1"), "SO-1", struct{}{})
	taken.Status = "shipped"
	again := docOf(view.Order, order.StreamOf(acme, "SO-2"), "SO-2", struct{}{})
	again.Status = "rejected"
	return &shelf{docs: []view.Doc{
		docOf(view.Item, item.StreamOf(acme, "MUG"), "MUG", item.Item{Scope: acme, SKU: "MUG", Spec: item.Spec{Description: "a mug", Units: []item.Unit{{UOM: "case", Factor: 12}, {UOM: "each", Factor: 1}}}}),
		docOf(view.Item, item.StreamOf(acme, "HELD"), "HELD", item.Item{Scope: acme, SKU: "HELD", Spec: item.Spec{Status: item.Blocked, Units: []item.Unit{{UOM: "each", Factor: 1}}}}),
		docOf(view.Stock, k.Stream(), "MUG", inventory.Stock{BookKey: k, Shelves: []inventory.Shelf{{Place: inventory.Place{Location: "A"}, Free: 30}}}),
		docOf(view.Owner, owner.StreamOf(shut), "SHUT", owner.Owner{Scope: shut, Spec: owner.Spec{Blocked: true}}),
		taken, again,
	}}
}

func TestAnOrderIsCheckedAsItIsTyped(t *testing.T) {
	t.Parallel()
	h := serve(t, rest.Config{Facilities: []string{"DC2"}}, func(d *rest.Deps) { d.Views = entryShelf() })
	const to = `"ship_to":{"name":"Jane Doe","country":"US"}`
	for name, c := range map[string]struct{ body, problems, notes string }{
		"a good one":          {`{"number":"SO-9","lines":[{"item":"MUG","qty":2,"uom":"case"}],` + to + `}`, "", ""},
		"nothing yet":         {`{"number":"","lines":[],"ship_to":{}}`, "number ship_to lines", ""},
		"an unknown item":     {`{"number":"SO-9","lines":[{"item":"KETTLE","qty":1}],` + to + `}`, "lines[0].item", ""},
		"an unknown unit":     {`{"number":"SO-9","lines":[{"item":"MUG","qty":1,"uom":"pallet"}],` + to + `}`, "lines[0].uom", ""},
		"no quantity":         {`{"number":"SO-9","lines":[{"item":"MUG","qty":0}],` + to + `}`, "lines[0].qty", ""},
		"a quantity too much": {`{"number":"SO-9","lines":[{"item":"MUG","qty":1099511627776,"uom":"case"}],` + to + `}`, "", "lines[0].qty"},
		"more than there is":  {`{"number":"SO-9","lines":[{"item":"MUG","qty":2,"uom":"case"},{"item":"MUG","qty":7}],` + to + `}`, "", "lines[1].qty"},
		"a blocked item":      {`{"number":"SO-9","lines":[{"item":"HELD","qty":1}],` + to + `}`, "", "lines[0].item lines[0].qty"},
		"a taken number":      {`{"number":"SO-1","lines":[{"item":"MUG","qty":1}],` + to + `}`, "number", ""},
		"a rejected number":   {`{"number":"SO-2","lines":[{"item":"MUG","qty":1}],` + to + `}`, "", ""},
		"a blocked owner":     {`{"owner":"SHUT","number":"SO-9","lines":[{"item":"MUG","qty":1}],` + to + `}`, "owner lines[0].item", ""},
		"another building":    {`{"facility":"DC2","number":"SO-9","lines":[{"item":"MUG","qty":31}],` + to + `}`, "", "lines[0].qty"},
		"no such building":    {`{"facility":"DC9","number":"SO-9","lines":[{"item":"MUG","qty":1}],` + to + `}`, "facility", "lines[0].qty"},
		"no such country":     {`{"number":"SO-9","lines":[{"item":"MUG","qty":1}],"ship_to":{"name":"J","country":"XX"}}`, "ship_to.country", ""},
	} {
		_, body := h.must(200, "POST", "/v1/orders/check", c.body)
		var got rest.EntryCheck
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if p, n := placesOf(got.Problems), placesOf(got.Notes); p != c.problems || n != c.notes {
			t.Errorf("%s: problems %q, notes %q: %s", name, p, n, body)
		}
	}
	_, body := h.must(200, "POST", "/v1/orders/check", `{"number":"SO-9","lines":[{"item":"MUG","qty":40},{"item":"","qty":1}],`+to+`}`)
	var got rest.EntryCheck
	if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Lines) != 2 || got.Lines[0].Available != 30 || got.Lines[0].Description != "a mug" || strings.Join(got.Lines[0].Units, " ") != "each case" {
		t.Errorf("%v: %s", err, body)
	}
	h.refused(400, "POST", "/v1/orders/check", `{"number":"SO-9","lines":[{"item":"MUG","qty":1.5}],`+to+`}`)
	h.refused(400, "POST", "/v1/orders/check", `{"number":"SO-9","lines":[],"ship_to":{},"colour":"red"}`)
	bare := serve(t, rest.Config{}, nil)
	bare.refused(503, "POST", "/v1/orders/check", `{"number":"SO-9","lines":[],`+to+`}`)
}

func placesOf(list []rest.EntryRemark) string {
	var out []string
	for _, r := range list {
		out = append(out, r.Place)
	}
	return strings.Join(out, " ")
}

// drafting is a desk whose units each have an id of their own.
type drafting struct {
	*journalmem.Store
	n byte
}

func (d *drafting) Submit(ctx context.Context, u *journal.Unit) (*journal.Refusal, error) {
	d.n++
	u.ID, u.At = journal.NewID(time.Unix(0, 0), [10]byte{2: d.n, 9: d.n}), time.Unix(0, 0)
	r, err := d.Write(ctx, &journal.Batch{Units: []*journal.Unit{u}})
	if err != nil {
		return nil, err
	}
	return r[0], nil
}

func (*drafting) Wake(string, journal.Pos) (bool, error) { return true, nil }
func (*drafting) Unparked(string, *journal.Unit) error   { return nil }

func TestDraftsAndCopiesAreMaskedByRole(t *testing.T) {
	t.Parallel()
	store := &drafting{Store: journalmem.New()}
	old := order.Order{
		Scope: scope.Scope{Tenant: "main", Owner: "ACME", Facility: "DC1"}, Number: "SO-1", Policy: order.Partial, Priority: 3,
		Lines: []order.Line{
			{AcceptedLine: order.AcceptedLine{No: 1, Item: "0012345", Qty: 2, UOM: "case"}, SKU: "MUG"},
			{AcceptedLine: order.AcceptedLine{No: 2, Item: "GONE", Qty: 1}, Dropped: true},
		},
		Parties: order.Parties{ShipTo: party.Address{Name: "Jane Doe", Country: "US"}, Notes: []string{"ring twice"}},
	}
	h := serve(t, rest.Config{Keys: []rest.Key{keyOf("viewer", rest.Rights{Role: rest.Viewer}), keyOf("support", rest.Rights{Role: rest.Support}), keyOf("operator", rest.Rights{Role: rest.Operator})}}, func(d *rest.Deps) {
		d.Views, d.Desk = entryShelf(), &dlq.Desk{Journal: store, Log: store, Now: time.Now}
		d.Order = func(_ context.Context, s scope.Scope, number string) (order.Order, error) {
			if s == old.Scope && number == old.Number {
				return old, nil
			}
			return order.Order{}, nil
		}
	})
	ask := func(who string, want int, method, path, body string) string {
		t.Helper()
		_, got := h.must(want, method, path, body, "X-API-Key", secretOf(who))
		return got
	}
	const copied = "/v1/orders/ACME/SO-1/copy"
	for who, sees := range map[string]bool{"viewer": false, "support": true, "operator": true} {
		got := ask(who, http.StatusOK, "GET", copied, "")
		if strings.Contains(got, "Jane") != sees || strings.Contains(got, "ring") != sees || !strings.Contains(got, `"item":"MUG"`) || strings.Contains(got, "GONE") || strings.Contains(got, "SO-1") {
			t.Errorf("the copy for %s: %s", who, got)
		}
	}
	ask("operator", http.StatusNotFound, "GET", "/v1/orders/ACME/SO-2/copy", "")

	const doc = `{"number":"SO-9","lines":[{"item":"","qty":0}],"ship_to":{"name":"Jane Doe"},"notes":["ring twice"]}`
	ask("support", http.StatusForbidden, "POST", "/v1/order-drafts", `{"order":`+doc+`}`)
	var d dlq.OrderDraft
	if err := json.Unmarshal([]byte(ask("operator", http.StatusCreated, "POST", "/v1/order-drafts", `{"order":`+doc+`}`)), &d); err != nil {
		t.Fatal(err)
	}
	at := "/v1/order-drafts/" + d.ID
	for who, sees := range map[string]bool{"viewer": false, "support": true} {
		if got := ask(who, http.StatusOK, "GET", at, ""); strings.Contains(got, "Jane") != sees || strings.Contains(got, "ring") != sees || !strings.Contains(got, "SO-9") {
			t.Errorf("the draft for %s: %s", who, got)
		}
	}
	if got := ask("viewer", http.StatusOK, "GET", "/v1/order-drafts", ""); !strings.Contains(got, d.ID) || strings.Contains(got, "Jane") {
		t.Errorf("the list: %s", got)
	}
	saved := func(version, doc string) string { return fmt.Sprintf(`{"version":%q,"order":%s}`, version, doc) }
	ask("operator", http.StatusOK, "PUT", at, saved(d.Version, doc))
	ask("operator", http.StatusPreconditionFailed, "PUT", at, saved(d.Version, doc))
	ask("operator", http.StatusBadRequest, "PUT", at, saved(d.Version, `{"number":"SO-9","lines":[],"ship_to":{},"colour":"red"}`))
	ask("operator", http.StatusBadRequest, "PUT", at, saved(d.Version, `[]`))
	ask("operator", http.StatusNotFound, "PUT", "/v1/order-drafts/D0", saved("1", doc))
	ask("operator", http.StatusPreconditionFailed, "POST", at+"/remove", fmt.Sprintf(`{"version":%q}`, d.Version))
	ask("viewer", http.StatusForbidden, "POST", at+"/remove", fmt.Sprintf(`{"version":%q}`, d.Version))
	if err := json.Unmarshal([]byte(ask("operator", http.StatusOK, "GET", at, "")), &d); err != nil {
		t.Fatal(err)
	}
	ask("operator", http.StatusOK, "POST", at+"/remove", fmt.Sprintf(`{"version":%q}`, d.Version))
	ask("operator", http.StatusNotFound, "GET", at, "")
}
