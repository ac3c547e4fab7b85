package order_test

import (
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
)

func amend(whole bool, lines ...order.AmendLine) order.Amend {
	return order.Amend{Scope: site, Number: "SO-1", Whole: whole, Lines: lines, Source: order.Source{Partner: "ACME", DocType: "860"}}
}

func line(do, ref, sku string, n int64) order.AmendLine {
	return order.AmendLine{Do: do, PlaceLine: order.PlaceLine{Ref: ref, Item: sku, Qty: n, UOM: item.Each}}
}

// amends does what a document asks, and asks it again: then it changes nothing.
func amends(t testing.TB, o order.Order, c order.Amend) order.Order {
	t.Helper()
	a, err := o.Amended(c)
	if err != nil {
		t.Fatal(err)
	}
	evs, err := o.Change(a.Change, items, at)
	o = apply(t, o, evs, err)
	if a, err = o.Amended(c); err != nil {
		t.Fatal(err)
	}
	if evs, err := o.Change(a.Change, items, at); err != nil || len(evs) != 0 {
		t.Errorf("asked again: %v, %v", evs, err)
	}
	return o
}

// Whatever an order was, a document that says all of it leaves what it says, by the ids of its lines.
func TestADocumentThatSaysAllOfAnOrderLeavesThat(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.IntRange(1, 9), 1, 5, rapid.ID[int])
		c := order.Place{Lines: nil}
		for _, id := range ids.Draw(rt, "before") {
			c.Lines = append(c.Lines, order.PlaceLine{No: id, Ref: strconv.Itoa(id), Item: "WIDGET", Qty: rapid.Int64Range(1, 9).Draw(rt, "qty"), UOM: item.Each})
		}
		o := placed(t, func(p *order.Place) { p.Lines = c.Lines })
		var said []order.AmendLine
		want := map[string]int64{}
		for _, id := range ids.Draw(rt, "after") {
			l := line(order.AmendSet, strconv.Itoa(id), "WIDGET", rapid.Int64Range(1, 9).Draw(rt, "qty"))
			l.No = rapid.SampledFrom([]int{0, id}).Draw(rt, "no")
			said, want[l.Ref] = append(said, l), l.Qty
		}
		after := amends(t, o, amend(true, said...))
		for _, l := range after.Lines {
			if l.Open() != want[l.Ref] {
				rt.Errorf("line %s: %d open, want %d", l.Ref, l.Open(), want[l.Ref])
			}
			delete(want, l.Ref)
		}
		if len(want) > 0 {
			rt.Errorf("lines %v are missing", want)
		}
	})
}

func TestAmendLeavesWhatItDoesNotName(t *testing.T) {
	o := placed(t, func(c *order.Place) {
		c.Lines[0].Ref, c.Lines[1].Ref = "A", "B"
		c.Service = order.Service{Carrier: "UPSN", Level: "GND"}
		c.Dates = order.Dates{NotBefore: at}
	})
	c := amend(false, line(order.AmendKeep, "A", "", 0), order.AmendLine{Do: order.AmendChange, PlaceLine: order.PlaceLine{Ref: "B"}})
	if a, err := o.Amended(c); err != nil || len(a.Lines)+len(a.Add)+len(a.Remove) != 0 || a.ShipTo != nil || a.Service != nil || a.Dates != nil {
		t.Errorf("%+v, %v", a, err)
	}
	c.Service.Level, c.Dates.ShipBy = "1DA", at.AddDate(0, 0, 2)
	c.ShipTo = &party.Address{Name: "Al", Lines: []string{"2 Elm"}, City: "Springfield", Country: "US"}
	got := amends(t, o, c)
	if got.Service != (order.Service{Carrier: "UPSN", Level: "1DA"}) || !got.Dates.NotBefore.Equal(at) || !got.Dates.ShipBy.Equal(c.Dates.ShipBy) || got.Parties.ShipTo.Name != "Al" || got.Lines[0].Open() != 24 {
		t.Errorf("%+v", got)
	}
}

func TestAmendNamesTheDocumentsLine(t *testing.T) {
	o := placed(t, func(c *order.Place) { c.Lines[0].Ref, c.Lines[1].Ref = "A", "B" })
	gone := stage(t, o, reserves(2, 5), allocates(2, 5), picks(2, 5), packs(2, 5), ships(2, 5))
	for name, c := range map[string]struct {
		o     order.Order
		c     order.Amend
		place string
		says  string
	}{
		"nobody's order":           {order.Order{}, amend(false), "order", "no such order"},
		"a line nobody knows":      {o, amend(false, line(order.AmendKeep, "A", "", 0), line(order.AmendRemove, "C", "", 0)), "lines[1].ref", "no line"},
		"an empty id, two of them": {o, amend(false, line(order.AmendChange, "", "WIDGET", 3)), "lines[0].ref", "no line"},
		"a line twice":             {o, amend(false, line(order.AmendChange, "A", "", 1), line(order.AmendRemove, "A", "", 0)), "lines[1].ref", "twice"},
		"another item":             {o, amend(true, line(order.AmendSet, "A", "GADGET", 1)), "lines[0].item", "of item WIDGET"},
		"another lot": {o, amend(true, func() order.AmendLine {
			l := line(order.AmendSet, "A", "WIDGET", 1)
			l.Lot = "L7"
			return l
		}()), "lines[0].item", "delete the line and add one"},
		"what has left taken out": {gone, amend(false, line(order.AmendKeep, "A", "", 0), line(order.AmendRemove, "B", "", 0)), "lines", "nothing of order"},
		"what has left grows":     {gone, amend(false, line(order.AmendKeep, "A", "", 0), line(order.AmendChange, "B", "", 9)), "lines[1].line", "5 shipped"},
		"added as another":        {o, amend(false, line(order.AmendKeep, "B", "", 0), line(order.AmendAdd, "A", "WIDGET", 7)), "lines[1].no", "another line 1"},
		"all of it away":          {o, amend(true, line(order.AmendRemove, "A", "", 0), line(order.AmendRemove, "B", "", 0)), "lines", "cancel it"},
	} {
		a, err := c.o.Amended(c.c)
		place := fault.PlaceOf(err)
		if err == nil {
			_, err = c.o.Change(a.Change, items, at)
			place = a.Where(fault.PlaceOf(err))
		}
		if err == nil || fault.KindOf(err) != fault.Rejected || place != c.place || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q: %v", name, place, err)
		}
	}
}
