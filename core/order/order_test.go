package order_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/scope"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	site = scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}
)

// items knows WIDGET in eaches and cases of 12.
func items(sku string) (item.Item, bool) {
	if sku != "WIDGET" {
		return item.Item{}, false
	}
	return item.Item{Scope: site, SKU: sku, Spec: item.Spec{Units: []item.Unit{{UOM: item.Each, Factor: 1}, {UOM: item.Case, Factor: 12}}}}, true
}

func wish(change ...func(*order.Place)) order.Place {
	c := order.Place{
		Scope: site, Number: "SO-1",
		ShipTo: party.Address{Name: "Jo Doe", Lines: []string{"1 Elm Street"}, City: "Springfield", Country: "US"},
		Lines:  []order.PlaceLine{{Item: "WIDGET", Qty: 2, UOM: item.Case}, {Item: "WIDGET", Qty: 5}},
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func apply(t testing.TB, o order.Order, evs []event.Event, err error) order.Order {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	o, err = order.Fold.Replay(o, evs...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func placed(t testing.TB, change ...func(*order.Place)) order.Order {
	t.Helper()
	evs, err := order.Order{}.Place(wish(change...), items, at)
	return apply(t, order.Order{}, evs, err)
}

func ExampleOrder_Place() {
	evs, _ := order.Order{}.Place(wish(func(c *order.Place) { c.Lines[1].Item = "GADGET" }), items, at)
	o, _ := order.Fold.Replay(order.Order{}, evs...)
	for _, l := range o.Lines {
		fmt.Printf("%d: %d %q is %d, held: %q\n", l.No, l.Qty, l.UOM, l.Ordered, l.Problem.Code)
	}
	// Output:
	// 1: 2 "case" is 24, held: ""
	// 2: 5 "" is 0, held: "unknown_item"
}

func TestPlaceRefusesWithPlace(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for place, change := range map[string]func(*order.Place){
		"tenant":            func(c *order.Place) { c.Tenant = "" },
		"owner":             func(c *order.Place) { c.Owner = "a\x00" },
		"facility":          func(c *order.Place) { c.Facility = "" },
		"number":            func(c *order.Place) { c.Number = "" },
		"policy":            func(c *order.Place) { c.Policy = "most" },
		"priority":          func(c *order.Place) { c.Priority = 10 },
		"lines":             func(c *order.Place) { c.Lines = nil },
		"lines[1].qty":      func(c *order.Place) { c.Lines[1].Qty = 0 },
		"lines[0].qty":      func(c *order.Place) { c.Lines[0].Qty = -3 },
		"lines[0].item":     func(c *order.Place) { c.Lines[0].Item = "" },
		"lines[0].uom":      func(c *order.Place) { c.Lines[0].UOM = "\xff" },
		"lines[0].lot":      func(c *order.Place) { c.Lines[0].Lot = " L" },
		"lines[1].no":       func(c *order.Place) { c.Lines[1].No = 1 },
		"lines[0].no":       func(c *order.Place) { c.Lines[0].No = -1 },
		"lines[1].ref":      func(c *order.Place) { c.Lines[1].Ref = long },
		"ship_to":           func(c *order.Place) { c.ShipTo = party.Address{City: "Springfield"} },
		"ship_to.country":   func(c *order.Place) { c.ShipTo.Country = "usa" },
		"ship_to.name":      func(c *order.Place) { c.ShipTo.Name = "\xff" },
		"ship_to.lines":     func(c *order.Place) { c.ShipTo.Lines = make([]string, 4) },
		"ship_to.lines[0]":  func(c *order.Place) { c.ShipTo.Lines = []string{long} },
		"bill_to.email":     func(c *order.Place) { c.BillTo.Email = long },
		"service.level":     func(c *order.Place) { c.Service.Level = long },
		"refs":              func(c *order.Place) { c.Refs = make([]order.Ref, order.MaxRefs+1) },
		"refs[0].kind":      func(c *order.Place) { c.Refs = []order.Ref{{Value: "1"}} },
		"notes":             func(c *order.Place) { c.Notes = make([]string, order.MaxNotes+1) },
		"notes[0]":          func(c *order.Place) { c.Notes = []string{long} },
		"dates.ship_by":     func(c *order.Place) { c.Dates.ShipBy = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC) },
		"lines[1].codes":    func(c *order.Place) { c.Lines[1].Codes = make([]item.Code, item.MaxCodes+1) },
		"lines[0].codes[0]": func(c *order.Place) { c.Lines[0].Codes = []item.Code{{Kind: "upc", Value: long}} },
		"dates.cancel_after": func(c *order.Place) {
			c.Dates.NotBefore, c.Dates.CancelAfter = at, at.Add(-time.Hour)
		},
		"lines[0].min_expiry": func(c *order.Place) { c.Lines[0].MinExpiry = "2026-02-30" },
	} {
		t.Run(place, func(t *testing.T) {
			evs, err := order.Order{}.Place(wish(change), items, at)
			if len(evs) != 0 || fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
				t.Fatalf("events %v, kind %v, place %q: %v", evs, fault.KindOf(err), fault.PlaceOf(err), err)
			}
			if v := wish(change).Validate(); v == nil || v.Error() != err.Error() {
				t.Errorf("the door's check says otherwise: %v", v)
			}
		})
	}
}

func TestPlaceNamesEverythingThatIsWrong(t *testing.T) {
	_, err := order.Order{}.Place(wish(func(c *order.Place) { c.Number, c.Lines[0].Qty, c.Lines[1].Item = "", 0, "" }), items, at)
	var bad *order.InvalidError
	if !errors.As(err, &bad) || len(bad.Problems) != 3 || bad.Problems[2].Place != "lines[1].item" || !strings.Contains(err.Error(), "and 2 more") {
		t.Fatalf("%v: %+v", err, bad)
	}
	_, err = order.Order{}.Place(wish(func(c *order.Place) { c.Lines = make([]order.PlaceLine, 100_000) }), items, at)
	if fault.PlaceOf(err) != "lines" || !strings.Contains(err.Error(), "more than 2000 lines") {
		t.Fatalf("100k lines: %v", err)
	}
	_, err = order.Order{}.Place(wish(func(c *order.Place) { c.Owner = scope.Shared }), items, at)
	if fault.PlaceOf(err) != "owner" {
		t.Errorf("an order of the building's own: %v", err)
	}
	_, err = order.Order{}.Place(wish(func(c *order.Place) { c.Lines = make([]order.PlaceLine, order.MaxLines) }), items, at)
	if !errors.As(err, &bad) || len(bad.Problems) != 20 || bad.More != 2*order.MaxLines-20 {
		t.Fatalf("%d problems and %d more", len(bad.Problems), bad.More)
	}
}

func TestUnknownItem(t *testing.T) {
	unknown := func(c *order.Place) { c.Lines[1].Item = "GADGET" }
	unit := func(c *order.Place) { c.Lines[1].UOM = "barrel" }
	huge := func(c *order.Place) { c.Lines[1].Qty, c.Lines[1].UOM = order.MaxQty, item.Case }
	whole := func(c *order.Place) { c.Policy = order.AllOrNothing }

	for code, change := range map[string]func(*order.Place){order.UnknownItem: unknown, order.UnknownUOM: unit, order.BadQuantity: huge} {
		o := placed(t, change)
		if l := o.Lines[1]; !o.Exists() || !l.Held() || l.Problem.Code != code || l.Ordered != 0 || o.Lines[0].Held() {
			t.Errorf("partial, %s: %+v", code, o)
		}
		if o = placed(t, change, whole); o.Exists() || o.Status() != order.StatusRejected || len(o.Problems) != 1 || o.Problems[0].Code != code {
			t.Errorf("all or nothing, %s: %+v", code, o)
		}
		if _, err := o.Reserve(order.Reserve{Lines: []order.LineQty{{Line: 1, Qty: 1}}}, at); fault.KindOf(err) != fault.Rejected {
			t.Errorf("a rejected order was worked on: %v", err)
		}
	}

	o := placed(t, unknown)
	if _, err := o.ReleaseLine(order.ReleaseLine{Line: 2}, items, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("a line went on though its item is not known: %v", err)
	}
	if _, err := o.ReleaseLine(order.ReleaseLine{Line: 1}, items, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("a line that is not held was released: %v", err)
	}
	if _, err := o.ReleaseLine(order.ReleaseLine{Line: 7}, items, at); fault.PlaceOf(err) != "line" {
		t.Errorf("a line that is not there was released: %v", err)
	}
	evs, err := o.ReleaseLine(order.ReleaseLine{Line: 2, Item: "WIDGET"}, items, at)
	o = apply(t, o, evs, err)
	if l := o.Lines[1]; l.Held() || l.Ordered != 5 || l.SKU != "WIDGET" || l.Item != "GADGET" {
		t.Errorf("released: %+v", l)
	}
	if d := o.Compare(wish(unknown)); len(d) != 0 {
		t.Errorf("the order sent again differs once its line was resolved: %+v", d)
	}

	// Rejected whole, it may be placed again once it is right.
	o = placed(t, unknown, whole)
	evs, err = o.Place(wish(whole), items, at)
	if o = apply(t, o, evs, err); !o.Exists() || o.Lines[1].Ordered != 5 {
		t.Errorf("placed again: %+v", o)
	}
}

func TestPlacingTheSameKeyTwice(t *testing.T) {
	o := placed(t)
	for place, change := range map[string]func(*order.Place){
		"":                   func(c *order.Place) { c.Source = order.Source{Door: "rest", DocID: "9"} },
		"facility":           func(c *order.Place) { c.Facility = "west" },
		"policy":             func(c *order.Place) { c.Policy = order.AllOrNothing },
		"priority":           func(c *order.Place) { c.Priority = 1 },
		"service.carrier":    func(c *order.Place) { c.Service.Carrier = "UPSN" },
		"dates.ship_by":      func(c *order.Place) { c.Dates.ShipBy = at },
		"refs":               func(c *order.Place) { c.Refs = []order.Ref{{Kind: "po", Value: "1"}} },
		"notes":              func(c *order.Place) { c.Notes = []string{"ring twice"} },
		"ship_to.city":       func(c *order.Place) { c.ShipTo.City = "Shelbyville" },
		"ship_to.lines":      func(c *order.Place) { c.ShipTo.Lines = nil },
		"ship_to.country":    func(c *order.Place) { c.ShipTo.Country = "CA" },
		"bill_to.name":       func(c *order.Place) { c.BillTo.Name = "X" },
		"lines":              func(c *order.Place) { c.Lines = c.Lines[:1] },
		"lines[2].no":        func(c *order.Place) { c.Lines = append(c.Lines, order.PlaceLine{Item: "WIDGET", Qty: 1}) },
		"lines[1].qty":       func(c *order.Place) { c.Lines[1].Qty = 6 },
		"lines[0].uom":       func(c *order.Place) { c.Lines[0].UOM = item.Each },
		"lines[0].item":      func(c *order.Place) { c.Lines[0].Item = "GADGET" },
		"lines[0].lot":       func(c *order.Place) { c.Lines[0].Lot = "L" },
		"lines[0].codes":     func(c *order.Place) { c.Lines[0].Codes = []item.Code{{Kind: "upc", Value: "1"}} },
		"lines[0].ref":       func(c *order.Place) { c.Lines[0].Ref = "A" },
		"dates.cancel_after": func(c *order.Place) { c.Dates.CancelAfter = at },
	} {
		evs, err := o.Place(wish(change), items, at)
		var exists *order.ExistsError
		if len(evs) != 0 || fault.KindOf(err) != fault.Rejected || !errors.As(err, &exists) {
			t.Errorf("%q: %v, %v", place, evs, err)
			continue
		}
		if exists.Same() != (place == "") || place != "" && (len(exists.Differences) != 1 || exists.Differences[0].Place != place) {
			t.Errorf("%q: differences %+v", place, exists.Differences)
		}
		for _, d := range exists.Differences {
			if (strings.HasPrefix(d.Place, "ship_to") || d.Place == "notes") && d.Have+d.Want != "" {
				t.Errorf("%q: a difference tells personal data: %+v", place, d)
			}
		}
	}
	erased := o
	erased.Parties = order.Parties{}
	if d := erased.Compare(wish()); len(d) != 0 {
		t.Errorf("an erased order differs from itself: %+v", d)
	}
}

func TestHold(t *testing.T) {
	o := placed(t)
	evs, err := o.Hold(order.Hold{Reason: order.HoldCredit}, at)
	held := apply(t, o, evs, err)
	if held.Status() != order.StatusHeld || held.Workable() == nil {
		t.Fatalf("%+v", held)
	}
	q := []order.LineQty{{Line: 1, Qty: 1}}
	for name, f := range map[string]func() ([]event.Event, error){
		"reserve":           func() ([]event.Event, error) { return held.Reserve(order.Reserve{Lines: q}, at) },
		"allocate":          func() ([]event.Event, error) { return held.Allocate(order.Allocate{Lines: q}, at) },
		"wave":              func() ([]event.Event, error) { return held.Wave(order.Wave{Wave: "W"}, at) },
		"release backorder": func() ([]event.Event, error) { return held.ReleaseBackorder(order.ReleaseBackorder{Lines: q}, at) },
	} {
		if evs, err := f(); len(evs) != 0 || fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), "credit") {
			t.Errorf("%s of a held order: %v, %v", name, evs, err)
		}
	}
	if evs, err := held.Hold(order.Hold{Reason: order.HoldCredit}, at); err != nil || len(evs) != 0 {
		t.Errorf("the same hold again: %v, %v", evs, err)
	}
	if _, err := o.Hold(order.Hold{}, at); fault.PlaceOf(err) != "reason" {
		t.Errorf("a hold without a reason: %v", err)
	}
	evs, err = held.Release(order.Release{}, at)
	if o = apply(t, held, evs, err); o.Workable() != nil {
		t.Error("released and not workable")
	}
	if evs, err := o.Release(order.Release{}, at); err != nil || len(evs) != 0 {
		t.Errorf("released twice: %v, %v", evs, err)
	}
	for name, f := range map[string]func(order.Order) error{
		"hold":   func(o order.Order) error { _, err := o.Hold(order.Hold{Reason: "x"}, at); return err },
		"cancel": func(o order.Order) error { _, err := o.Cancel(order.Cancel{Reason: "x"}, at); return err },
		"ship":   func(o order.Order) error { _, err := o.Ship(order.Ship{Lines: q}, at); return err },
	} {
		if err := f(order.Order{}); fault.KindOf(err) != fault.Rejected {
			t.Errorf("%s of an order that is not there: %v", name, err)
		}
	}
}

func TestCancelSaysWhatMustBeUndone(t *testing.T) {
	o := placed(t) // 24 and 5
	q := func(n int64) []order.LineQty { return []order.LineQty{{Line: 1, Qty: n}} }
	for _, f := range []func() ([]event.Event, error){
		func() ([]event.Event, error) { return o.Reserve(order.Reserve{Lines: q(20)}, at) },
		func() ([]event.Event, error) { return o.Backorder(order.Backorder{Lines: q(3)}, at) },
		func() ([]event.Event, error) { return o.Allocate(order.Allocate{Lines: q(15)}, at) },
		func() ([]event.Event, error) { return o.Pick(order.Pick{Lines: q(9)}, at) },
		func() ([]event.Event, error) { return o.Pack(order.Pack{Lines: q(4)}, at) },
		func() ([]event.Event, error) { return o.Ship(order.Ship{Lines: q(1)}, at) },
	} {
		evs, err := f()
		o = apply(t, o, evs, err)
	}
	evs, err := o.Cancel(order.Cancel{Reason: "customer", Lines: []int{1}}, at)
	if err != nil {
		t.Fatal(err)
	}
	want := order.CancelledLine{Line: 1, Item: "WIDGET", Qty: 23, Release: 5, Deallocate: 6, PutBack: 5, Unpack: 3, Backordered: 3}
	if got := evs[0].(order.Cancelled).Lines; len(got) != 1 || got[0] != want {
		t.Fatalf("%+v, expected %+v", got, want)
	}
	o = apply(t, o, evs, nil)
	if l := o.Lines[0]; l.Open() != 0 || l.Shipped != 1 || l.Cancelled != 23 {
		t.Errorf("%+v", l)
	}
	if evs, err := o.Cancel(order.Cancel{Reason: "customer", Lines: []int{1}}, at); err != nil || len(evs) != 0 {
		t.Errorf("cancelled again: %v, %v", evs, err)
	}
	if _, err := o.Cancel(order.Cancel{Reason: "customer", Lines: []int{9}}, at); fault.PlaceOf(err) != "lines[0]" {
		t.Errorf("line 9: %v", err)
	}
	if _, err := o.Pick(order.Pick{Lines: q(1)}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("a pick after the cancellation: %v", err)
	}
	shipped := placed(t, func(c *order.Place) { c.Lines = c.Lines[1:] })
	five := q(5)
	evs, err = shipped.Reserve(order.Reserve{Lines: five}, at)
	shipped = apply(t, shipped, evs, err)
	evs, err = shipped.Allocate(order.Allocate{Lines: five}, at)
	shipped = apply(t, shipped, evs, err)
	evs, err = shipped.Pick(order.Pick{Lines: five}, at)
	shipped = apply(t, shipped, evs, err)
	evs, err = shipped.Pack(order.Pack{Lines: five}, at)
	shipped = apply(t, shipped, evs, err)
	evs, err = shipped.Ship(order.Ship{Lines: five}, at)
	shipped = apply(t, shipped, evs, err)
	if _, err := shipped.Cancel(order.Cancel{Reason: "customer"}, at); fault.KindOf(err) != fault.Rejected || shipped.Status() != order.StatusShipped {
		t.Errorf("a shipped order was cancelled: %v, %s", err, shipped.Status())
	}
}

func TestAllOrNothing(t *testing.T) {
	o := placed(t, func(c *order.Place) { c.Policy = order.AllOrNothing })
	part := []order.LineQty{{Line: 1, Qty: 24}}
	if _, err := o.Reserve(order.Reserve{Lines: part}, at); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "line 2" {
		t.Errorf("part of it was promised: %v", err)
	}
	whole := []order.LineQty{{Line: 1, Qty: 24}, {Line: 2, Qty: 5}}
	evs, err := o.Reserve(order.Reserve{Lines: whole}, at)
	o = apply(t, o, evs, err)
	evs, err = o.Allocate(order.Allocate{Lines: whole}, at)
	o = apply(t, o, evs, err)
	if _, err := o.Short(order.Short{Line: 2, Qty: 1, From: order.FromAllocated, Then: order.Close}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("closed short: %v", err)
	}
	evs, err = o.Short(order.Short{Line: 2, Qty: 1, From: order.FromAllocated, Then: order.Wait}, at)
	o = apply(t, o, evs, err)
	if _, err := o.Wave(order.Wave{Wave: "W"}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("waved while a part waits: %v", err)
	}
}

// TestLineLaw does anything in any order. A decision may say no; what it says yes
// to must fold, and each line must add up after it.
func TestLineLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		evs, err := order.Order{}.Place(wish(func(c *order.Place) {
			c.Policy = rapid.SampledFrom([]string{order.Partial, order.AllOrNothing}).Draw(t, "policy")
		}), items, at)
		if err != nil {
			t.Fatal(err)
		}
		o, err := order.Fold.Replay(order.Order{}, evs...)
		if err != nil {
			t.Fatal(err)
		}
		made, others := 0, []order.Order(nil)
		for range 40 {
			line, qty := rapid.IntRange(0, 3).Draw(t, "line"), rapid.Int64Range(-1, 30).Draw(t, "qty")
			q := []order.LineQty{{Line: line, Qty: qty}}
			from := rapid.SampledFrom([]string{order.FromOpen, order.FromReserved, order.FromAllocated, order.FromBackordered, "?"}).Draw(t, "from")
			then := rapid.SampledFrom([]string{order.Reallocate, order.Wait, order.Close, "?"}).Draw(t, "then")
			switch rapid.IntRange(0, 17).Draw(t, "do") {
			case 0:
				evs, err = o.Reserve(order.Reserve{Lines: q}, at)
			case 1:
				evs, err = o.Unreserve(order.Unreserve{Lines: q}, at)
			case 2:
				evs, err = o.Backorder(order.Backorder{Lines: q}, at)
			case 3:
				evs, err = o.ReleaseBackorder(order.ReleaseBackorder{Lines: q}, at)
			case 4, 5:
				evs, err = o.Allocate(order.Allocate{Lines: q}, at)
			case 6:
				evs, err = o.Deallocate(order.Deallocate{Lines: q, Keep: qty%2 == 0}, at)
			case 7, 8:
				evs, err = o.Pick(order.Pick{Lines: q}, at)
			case 9:
				evs, err = o.Pack(order.Pack{Lines: q}, at)
			case 10:
				evs, err = o.Ship(order.Ship{Lines: q}, at)
			case 11, 12:
				evs, err = o.Short(order.Short{Line: line, Qty: qty, From: from, Then: then}, at)
			case 13:
				evs, err = o.Cancel(order.Cancel{Reason: "x", Lines: []int{line}}, at)
			case 14, 15:
				c := order.Change{Lines: []order.ChangeLine{{Line: line, Qty: qty, UOM: item.Each}}}
				switch rapid.IntRange(0, 3).Draw(t, "change") {
				case 0:
					c = order.Change{Remove: []int{line}}
				case 1:
					c.Add = []order.PlaceLine{{No: line + 3, Item: "WIDGET", Qty: 2}}
				}
				evs, err = o.Change(c, items, at)
			case 16:
				made++
				var theirs []event.Event
				evs, theirs, err = o.Split(order.Split{To: fmt.Sprint("B", made), Lines: q}, order.Order{}, items, at)
				if err == nil {
					b, bad := order.Fold.Replay(order.Order{}, theirs...)
					if bad != nil || b.Totals().Ordered != qty || b.Totals().Unassigned != qty {
						t.Fatalf("split off: %+v, %v", b.Totals(), bad)
					}
					others = append(others, b)
				}
			case 17: // what was split off comes back
				if len(others) == 0 {
					continue
				}
				var theirs []event.Event
				evs, theirs, err = o.Merge(others[0], "", at)
				if err == nil {
					b, bad := order.Fold.Replay(others[0], theirs...)
					if bad != nil || b.Status() != order.StatusMerged {
						t.Fatalf("merged: %s, %v", b.Status(), bad)
					}
					others = others[1:]
				}
			}
			if err != nil {
				if k := fault.KindOf(err); len(evs) != 0 || fault.PlaceOf(err) == "" || k != fault.Rejected && k != fault.Invalid {
					t.Fatalf("refused with %v events, kind %v, place %q: %v", evs, k, fault.PlaceOf(err), err)
				}
				continue
			}
			if o, err = order.Fold.Replay(o, evs...); err != nil {
				t.Fatalf("decided and does not fold: %v", err)
			}
			if d := o.Compare(wish(func(c *order.Place) { c.Policy = o.Policy })); len(d) > 0 {
				t.Fatalf("what was placed is another order by now: %+v", d)
			}
			for _, l := range o.Lines {
				if l.Ordered != l.Shipped+l.Short+l.Cancelled+l.Open() || l.Open() != l.Unassigned()+l.Reserved+l.Allocated+l.Picked+l.Packed+l.Backordered {
					t.Fatalf("%+v", l)
				}
			}
		}
	})
}

func TestFoldRefusesWhatCannotHaveBeenDecided(t *testing.T) {
	o := placed(t)
	h := order.Head{Scope: site, Order: "SO-1", At: at}
	for name, e := range map[string]event.Event{
		"more promised than ordered": order.Reserved{Head: h, Lines: []order.LineQty{{Line: 1, Qty: 25}}},
		"picked from nothing":        order.Picked{Head: h, Lines: []order.LineQty{{Line: 1, Qty: 1}}},
		"a line that is not there":   order.LineHeld{Head: h, Line: 9},
		"cancelled beyond open":      order.Cancelled{Head: h, Lines: []order.CancelledLine{{Line: 1, Qty: 25}}},
	} {
		if next, err := order.Fold.Apply(o, e); fault.KindOf(err) != fault.Internal || err == nil {
			t.Errorf("%s: %+v", name, next)
		}
	}
}

// What somebody else ships was never promised, picked or packed here.
func TestShipFromOutsideTakesWhatIsOpen(t *testing.T) {
	outside := func(line int, n int64) step {
		return func(o order.Order) ([]event.Event, error) {
			return o.Ship(order.Ship{Shipment: "S-1", Outside: true, Lines: of(line, n)}, at)
		}
	}
	o := placed(t)
	all := o.Lines[0].Ordered
	o = stage(t, o, reserves(1, 1), outside(1, all-2))
	if l := o.Lines[0]; l.Shipped != all-2 || l.Packed != 0 || l.Reserved != 1 || l.Unassigned() != 1 || o.Status() != order.StatusPartiallyShipped {
		t.Errorf("%+v is %s", l, o.Status())
	}
	for name, c := range map[string]struct {
		ship step
		says string
	}{
		"more than is open":       {outside(1, 2), "has 1 open, not 2"},
		"of no line":              {outside(9, 1), "has no line 9"},
		"nothing":                 {outside(1, 0), "not at least 1"},
		"what nobody here packed": {ships(1, 1), "has 0 packed, not 1"},
	} {
		if _, err := c.ship(o); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
