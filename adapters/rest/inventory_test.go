package rest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/replenish"
	"github.com/paklog/hub/core/reservation"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/view"
)

var dc1 = scope.Scope{Tenant: "main", Owner: "ACME", Facility: "DC1"}

// asks notes what the door is asked, and answers that it was done.
type asks struct{ got []door.Ask }

func (a *asks) Call(_ context.Context, _ string, v any) (any, error) {
	a.got = append(a.got, v.(door.Ask))
	return door.Reply{Created: true, Body: json.RawMessage(`{"count":"C-1","location":"A-1"}`)}, nil
}

func docOf(kind, key, id string, state any) view.Doc {
	b, err := json.Marshal(state)
	if err != nil {
		panic(err)
	}
	return view.Doc{Kind: kind, Key: key, ID: id, Owner: "ACME", Correlation: "talk", State: b}
}

func TestEachRequestBecomesItsCommand(t *testing.T) {
	t.Parallel()
	a := &asks{}
	h := serve(t, rest.Config{}, func(d *rest.Deps) { d.Door = a })
	key := inventory.BookKey{Scope: dc1, Item: "MUG"}
	end := time.Date(2099, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, x := range []struct {
		path, body string
		want       any
		status     int
	}{
		{"/v1/stock/quarantine", `{"item":"MUG","lot":"L1","reason":"recall"}`, inventory.Quarantine{BookKey: key, Place: inventory.Place{Lot: "L1"}, Reason: "recall", By: "local"}, 200},
		{"/v1/stock/release", `{"item":"MUG","location":"A","lpn":"P","reason":"passed"}`, inventory.Quarantine{BookKey: key, Place: inventory.Place{Location: "A", LPN: "P"}, Release: true, Reason: "passed", By: "local"}, 200},
		{"/v1/stock/settle", `{"item":"MUG","location":"A","counted":0,"reason":"count"}`, inventory.Settle{BookKey: key, Place: inventory.Place{Location: "A"}, Reason: "count", By: "local"}, 200},
		{"/v1/reservations", `{"reservation":"R","item":"MUG","kind":"hard","qty":2,"priority":3,"expires":"2099-01-02T03:04:05Z","reference":"x","lot":"L","min_expiry":"2099-05-01"}`,
			reservation.Place{BookKey: key, ID: "R", Kind: "hard", Qty: 2, Priority: 3, Expires: end, Reference: "x", Lot: "L", MinExpiry: "2099-05-01"}, 201},
		{"/v1/reservations/ACME/R/extend", `{"expires":"2099-01-02T03:04:05Z"}`, reservation.Extend{Expires: end}, 200},
		{"/v1/reservations/ACME/R/release", `{"qty":1}`, reservation.Reduce{Qty: 1, Reason: "released", By: "local"}, 200},
		{"/v1/counts", `{"item":"MUG","location":"A","lot":"L"}`, count.Open{BookKey: key, Place: inventory.Place{Location: "A", Lot: "L"}, Cause: "asked", Blind: true}, 201},
		{"/v1/counts/ACME/C/tally", `{"counted":7,"worker":"jo"}`, count.Tally{Counted: 7, By: "jo"}, 200},
		{"/v1/counts/ACME/C/cancel", `{"reason":"mistake"}`, count.Cancel{Reason: "mistake", By: "local"}, 200},
		{"/v1/locations/DC1/A/replenish", `{"kind":"demand","wanted":9}`, replenish.Start{Location: "A", Kind: "demand", Wanted: 9}, 201},
		{"/v1/tasks/ACME/T/moved", `{"worker":"jo","claim":2,"moved":[3]}`, replenish.Moved{Worker: "jo", Claim: 2, Moved: []int64{3}}, 200},
	} {
		a.got = nil
		h.must(x.status, "POST", x.path, x.body)
		if len(a.got) != 1 {
			t.Fatalf("%s: %+v", x.path, a.got)
		}
		got := a.got[0].Cmd
		by := reflect.ValueOf(x.want).FieldByName("By")
		if by.IsValid() && by.String() == "local" { // who asks is the door's to name
			v := reflect.New(reflect.TypeOf(got)).Elem()
			v.Set(reflect.ValueOf(got))
			if v.FieldByName("By").String() == "" {
				t.Errorf("%s: nobody is named", x.path)
			}
			v.FieldByName("By").SetString("local")
			got = v.Interface()
		}
		if !reflect.DeepEqual(got, x.want) {
			t.Errorf("%s:\n%+v\n%+v", x.path, got, x.want)
		}
		// Whatever it is, what it does not know and what is cut is refused.
		a.got = nil
		h.refused(400, "POST", x.path, strings.Replace(x.body, "{", `{"surplus":1,`, 1))
		if p := h.refused(400, "POST", x.path, x.body[:len(x.body)-1]); len(a.got) != 0 {
			t.Errorf("%s was asked for: %+v", x.path, p)
		}
	}
}

func TestAnOrdersDecisionsAreThoseOfItsConversation(t *testing.T) {
	t.Parallel()
	log := journalmem.New()
	events := []struct {
		typ, topic, data string
	}{
		{"order.Accepted", "order-events", `{"order":"SO-1"}`},
		{"stock.Allocated", "inventory-events", `{"order":"SO-1","why":{"strategy":"fefo"}}`},
		{"stock.Allocated", "inventory-events", `{"order":"SO-2"}`},
		{"stock.Reassigned", "inventory-events", `{"from":{"order":"SO-1"},"to":{"order":"SO-9"}}`},
		{"stock.Transferred", "inventory-events", `{"from":{"location":"A"},"to":{"location":"B"}}`},
	}
	s := &shelf{at: 9}
	s.docs = []view.Doc{docOf(view.Order, order.StreamOf(dc1, "SO-1"), "SO-1", order.Order{})}
	for i, e := range events {
		u := &journal.Unit{Records: []journal.Record{{
			ID: journal.NewID(time.Unix(int64(i), 0), [10]byte{byte(i)}), Type: e.typ, Topic: e.topic, Key: "k", Schema: 1, Time: time.Unix(0, 0).UTC(), Source: "t", Data: []byte(e.data),
		}}}
		if refused, err := log.Write(t.Context(), &journal.Batch{Units: []*journal.Unit{u}}); err != nil || refused[0] != nil {
			t.Fatal(refused, err)
		}
		s.hops = append(s.hops, view.Hop{Correlation: "talk", Position: journal.Pos(i + 1), Type: e.typ})
	}
	h := serve(t, rest.Config{}, func(d *rest.Deps) { d.Views, d.Log = s, log })
	_, body := h.must(200, "GET", "/v1/orders/ACME/SO-1/decisions", "")
	var got rest.Decisions
	if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Items) != 2 || got.Items[0].Position != 2 || got.Items[1].Type != "stock.Reassigned" {
		t.Errorf("%v: %s", err, body)
	}
	h.refused(404, "GET", "/v1/orders/ACME/NONE/decisions", "")
	h.refused(503, "GET", "/v1/stock/ACME/MUG/accounts", "")
	bare := serve(t, rest.Config{}, func(d *rest.Deps) { d.Views = s })
	bare.refused(503, "GET", "/v1/orders/ACME/SO-1/decisions", "")
}

func TestDuePlacesAreCountedLongestUncountedFirst(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	stock := func(sku string, shelves ...inventory.Shelf) view.Doc {
		k := inventory.BookKey{Scope: dc1, Item: sku}
		return docOf(view.Stock, k.Stream(), sku, inventory.Stock{BookKey: k, Shelves: shelves})
	}
	at := func(l string, since, counted time.Time) inventory.Shelf {
		return inventory.Shelf{Place: inventory.Place{Location: l}, Free: 1, Since: since, Counted: counted}
	}
	s := &shelf{docs: []view.Doc{
		docOf(view.Item, item.StreamOf(dc1, "FAST"), "FAST", item.Item{SKU: "FAST", Spec: item.Spec{Class: "A"}}),
		stock("FAST", at("F-1", ago(40), time.Time{}), at("F-2", ago(400), ago(10)), at("F-3", ago(400), ago(31))),
		stock("SLOW", at("S-1", ago(40), time.Time{}), at("S-2", ago(200), time.Time{})),
	}}
	a := &asks{}
	h := serve(t, rest.Config{}, func(d *rest.Deps) { d.Views, d.Door, d.Now = s, a, func() time.Time { return now } })
	due := func(body string) string {
		a.got = nil
		h.must(200, "POST", "/v1/counts/due", body)
		var out []string
		for _, x := range a.got {
			c := x.Cmd.(count.Open)
			if !c.Blind || c.Cause != count.CauseCycle {
				t.Errorf("%+v", c)
			}
			out = append(out, c.Location)
		}
		return strings.Join(out, " ")
	}
	for body, want := range map[string]string{
		`{}`: "S-2 F-1 F-3", `{"class":"A"}`: "F-1 F-3", `{"class":"C"}`: "", `{"days":5}`: "S-2 F-1 S-1 F-3 F-2", `{"limit":1}`: "S-2", `{"days":500}`: "",
	} {
		if got := due(body); got != want {
			t.Errorf("%s: %q, expected %q", body, got, want)
		}
	}
	a.got = nil
	h.refused(422, "POST", "/v1/counts/due", `{}`, "Idempotency-Key", "k")
	if len(a.got) != 0 {
		t.Error("counts were asked for under a key")
	}
	s.err = fmt.Errorf("disk")
	h.refused(500, "POST", "/v1/counts/due", `{}`)
}

// ledger answers balances from a sorted slice.
type ledger []journal.BalanceRow

func (l ledger) Balances(_ context.Context, book, account string, limit int) ([]journal.BalanceRow, error) {
	var out []journal.BalanceRow
	for _, r := range l {
		if (r.Book > book || r.Book == book && r.Account > account) && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, nil
}

func TestAccountsAreThoseOfOneBook(t *testing.T) {
	t.Parallel()
	book := dc1.Book("MUG")
	var l ledger
	for i := range 600 {
		l = append(l, journal.BalanceRow{Book: book, Account: fmt.Sprintf("free/%04d//", i), Balance: journal.Balance{Amount: 1}})
	}
	l = append(l, journal.BalanceRow{Book: book, Account: "world/supplier", Balance: journal.Balance{Amount: -600, Floor: journal.NoFloor}},
		journal.BalanceRow{Book: dc1.Book("NUT"), Account: "atp", Balance: journal.Balance{Amount: 7}})
	h := serve(t, rest.Config{}, func(d *rest.Deps) { d.Books = l })
	_, body := h.must(200, "GET", "/v1/stock/ACME/MUG/accounts", "")
	var got rest.Accounts
	if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Items) != 601 || got.Items[600].Floor != nil || *got.Items[0].Floor != 0 {
		t.Errorf("%v: %d accounts", err, len(got.Items))
	}
	h.refused(404, "GET", "/v1/stock/ACME/NONE/accounts", "")
	h.refused(422, "GET", "/v1/stock/ACME/MUG/accounts?colour=red", "")
}

func TestSlotsAreAdvisedForKnownItems(t *testing.T) {
	t.Parallel()
	loc := func(code string, sp location.Spec) view.Doc {
		return docOf(view.Location, location.StreamOf(dc1, code), code, location.Location{Code: code, Status: location.StatusActive, Spec: sp})
	}
	s := &shelf{docs: []view.Doc{
		docOf(view.Item, item.StreamOf(dc1, "MUG"), "MUG", item.Item{Scope: dc1, SKU: "MUG", Spec: item.Spec{Units: []item.Unit{{UOM: "each", Factor: 1}}}}),
		loc("A", location.Spec{Purpose: location.Pick}), loc("B", location.Spec{Purpose: location.Pick, Slot: location.Slot{Owner: "ACME", Item: "MUG", Max: 5}}),
		loc("D", location.Spec{Purpose: location.Dock}),
	}}
	h := serve(t, rest.Config{}, func(d *rest.Deps) { d.Views = s })
	_, body := h.must(200, "GET", "/v1/items/ACME/MUG/slots", "")
	var got rest.Slots
	if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Items) != 2 || got.Items[0].Location != "B" {
		t.Errorf("%v: %s", err, body)
	}
	h.refused(404, "GET", "/v1/items/ACME/NONE/slots", "")
	h.refused(422, "GET", "/v1/items/ACME/MUG/slots?limit=0.5", "")
	s.docs[0].State = json.RawMessage(`[]`)
	h.refused(500, "GET", "/v1/items/ACME/MUG/slots", "")
}
