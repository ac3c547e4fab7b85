package order_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/party"
)

// stage takes line 1 of an order some steps on: 24 pieces of it are open.
func stage(t testing.TB, o order.Order, steps ...func(order.Order) ([]event.Event, error)) order.Order {
	t.Helper()
	for _, f := range steps {
		evs, err := f(o)
		o = apply(t, o, evs, err)
	}
	return o
}

type step = func(order.Order) ([]event.Event, error)

func of(line int, n int64) []order.LineQty { return []order.LineQty{{Line: line, Qty: n}} }

func reserves(line int, n int64) step {
	return func(o order.Order) ([]event.Event, error) { return o.Reserve(order.Reserve{Lines: of(line, n)}, at) }
}

func waits(line int, n int64) step {
	return func(o order.Order) ([]event.Event, error) {
		return o.Backorder(order.Backorder{Lines: of(line, n)}, at)
	}
}

func allocates(line int, n int64) step {
	return func(o order.Order) ([]event.Event, error) { return o.Allocate(order.Allocate{Lines: of(line, n)}, at) }
}

func waves(o order.Order) ([]event.Event, error) { return o.Wave(order.Wave{Wave: "W-1"}, at) }

func picks(line int, n int64) step {
	return func(o order.Order) ([]event.Event, error) { return o.Pick(order.Pick{Lines: of(line, n)}, at) }
}

func packs(line int, n int64) step {
	return func(o order.Order) ([]event.Event, error) { return o.Pack(order.Pack{Lines: of(line, n)}, at) }
}

func ships(line int, n int64) step {
	return func(o order.Order) ([]event.Event, error) { return o.Ship(order.Ship{Lines: of(line, n)}, at) }
}

func holds(reason string) step {
	return func(o order.Order) ([]event.Event, error) { return o.Hold(order.Hold{Reason: reason}, at) }
}

func qty(line int, n int64, uom string) order.Change {
	return order.Change{Lines: []order.ChangeLine{{Line: line, Qty: n, UOM: uom}}}
}

func TestALineThatShrinksGivesBackWhatIsLeastSettledFirst(t *testing.T) {
	o := stage(t, placed(t), reserves(1, 18), waits(1, 4), allocates(1, 10), waves, picks(1, 3)) // of 24: 2 nobody's, 4 wait, 8 promised, 7 placed, 3 picked
	for want, to := range map[order.ChangedLine]int64{
		{Ordered: 23}:                             23,
		{Ordered: 22}:                             22,
		{Ordered: 19, Backordered: 3}:             19,
		{Ordered: 15, Backordered: 4, Release: 3}: 3 + 7 + 5,
		{Ordered: 3, Backordered: 4, Release: 8, Deallocate: 7}:  3,
		{Ordered: 10, Backordered: 4, Release: 8, Deallocate: 0}: 10,
	} {
		want.Line, want.Item, want.Qty, want.UOM = 1, "WIDGET", to, item.Each
		evs, err := o.Change(qty(1, to, item.Each), items, at)
		after := apply(t, o, evs, err)
		if got := evs[0].(order.Changed).Lines[0]; got != want {
			t.Errorf("to %d: %+v, want %+v", to, got, want)
		}
		if l := after.Lines[0]; l.Open() != to || l.Picked != 3 || l.Unassigned() < 0 {
			t.Errorf("to %d: %+v", to, l)
		}
		if again, err := after.Change(qty(1, to, item.Each), items, at); err != nil || len(again) != 0 {
			t.Errorf("the same change again: %v, %v", again, err)
		}
	}
}

func TestChangeRefusesWhatIsPastChanging(t *testing.T) {
	fresh, nine, eleven := placed(t), 9, 11
	waved := stage(t, fresh, reserves(1, 24), allocates(1, 24), waves, picks(1, 5))
	packed := stage(t, waved, packs(1, 2))
	closed := stage(t, fresh, func(o order.Order) ([]event.Event, error) { return o.Cancel(order.Cancel{Reason: "x"}, at) })
	gone := stage(t, placed(t), reserves(2, 5), allocates(2, 5), picks(2, 5), packs(2, 5), ships(2, 5))
	whole := placed(t, func(c *order.Place) { c.Policy = order.AllOrNothing })
	inWave := stage(t, whole, func(o order.Order) ([]event.Event, error) {
		return o.Reserve(order.Reserve{Lines: []order.LineQty{{Line: 1, Qty: 24}, {Line: 2, Qty: 5}}}, at)
	}, waves)
	picked := stage(t, inWave, allocates(1, 24), allocates(2, 5), picks(1, 5), func(o order.Order) ([]event.Event, error) {
		return o.Unwave(order.Unwave{Wave: "W-1", Reason: "wave cancelled"}, at)
	})
	elm := party.Address{Name: "Jo Doe", Lines: []string{"2 Elm Street"}, City: "Springfield", Country: "US"}
	add := func(l ...order.PlaceLine) order.Change { return order.Change{Add: l} }
	for name, c := range map[string]struct {
		o     order.Order
		c     order.Change
		kind  fault.Kind
		place string
		says  string
	}{
		"nobody's order":          {order.Order{}, qty(1, 1, ""), fault.Rejected, "order", "no such order"},
		"a rejected one":          {placed(t, func(c *order.Place) { c.Policy, c.Lines[0].Item = order.AllOrNothing, "GADGET" }), qty(1, 1, ""), fault.Rejected, "order", "rejected"},
		"a closed one":            {closed, qty(1, 1, ""), fault.Rejected, "order", "closed (cancelled)"},
		"a closed one's address":  {closed, order.Change{ShipTo: &elm}, fault.Rejected, "order", "closed"},
		"no such line":            {fresh, qty(9, 1, ""), fault.Invalid, "lines[0].line", "no line 9"},
		"nothing left of a line":  {fresh, qty(1, 0, ""), fault.Invalid, "lines[0].qty", "remove"},
		"too much":                {fresh, qty(1, order.MaxQty+1, ""), fault.Invalid, "lines[0].qty", "not between"},
		"too much by its unit":    {fresh, qty(1, order.MaxQty, ""), fault.Rejected, "lines[0].qty", "more than"},
		"a unit nobody knows":     {fresh, qty(1, 2, "barrel"), fault.Rejected, "lines[0].uom", "barrel"},
		"a line named twice":      {fresh, order.Change{Lines: []order.ChangeLine{{Line: 1, Qty: 1}}, Remove: []int{1}}, fault.Invalid, "remove[0]", "lines[0]"},
		"below what is picked":    {waved, qty(1, 4, item.Each), fault.Rejected, "lines[0].qty", "5 of line 1 of order SO-1 are picked"},
		"more than is packed":     {packed, qty(1, 25, item.Each), fault.Rejected, "lines[0].qty", "is packing"},
		"a line more":             {packed, add(order.PlaceLine{No: 3, Item: "WIDGET", Qty: 1}), fault.Rejected, "add[0]", "is packing"},
		"address of closed boxes": {packed, order.Change{ShipTo: &elm}, fault.Rejected, "ship_to", "labels"},
		"service of closed boxes": {packed, order.Change{Service: &order.Service{Carrier: "UPSN"}}, fault.Rejected, "service", "labels"},
		"a line that has left":    {gone, qty(2, 6, ""), fault.Rejected, "lines[0].line", "5 shipped"},
		"taking out what left":    {gone, order.Change{Remove: []int{2}}, fault.Rejected, "remove", "nothing of order"},
		"all lines":               {fresh, order.Change{Remove: []int{1, 2}}, fault.Rejected, "remove", "cancel it"},
		"a whole one, picked":     {picked, qty(1, 3, ""), fault.Rejected, "lines[0].qty", "5 of it are picked"},
		"a whole one in a wave":   {inWave, qty(1, 3, ""), fault.Rejected, "lines[0].qty", "wave W-1"},
		"a whole one's unknown":   {whole, add(order.PlaceLine{No: 3, Item: "GADGET", Qty: 1}), fault.Rejected, "add[0].item", "GADGET"},
		"a line without number":   {fresh, add(order.PlaceLine{Item: "WIDGET", Qty: 1}), fault.Invalid, "add[0].no", "missing"},
		"a line that is there":    {fresh, add(order.PlaceLine{No: 2, Item: "WIDGET", Qty: 6}), fault.Rejected, "add[0].no", "another line 2"},
		"a line without quantity": {fresh, add(order.PlaceLine{No: 3, Item: "WIDGET"}), fault.Invalid, "add[0].qty", "not between"},
		"nobody to ship to":       {fresh, order.Change{ShipTo: &party.Address{City: "X"}}, fault.Invalid, "ship_to", "needs a name"},
		"dates that never meet":   {fresh, order.Change{Dates: &order.Dates{NotBefore: at, CancelAfter: at.Add(-time.Hour)}}, fault.Invalid, "dates.cancel_after", "never ship"},
		"a priority of eleven":    {fresh, order.Change{Priority: &eleven}, fault.Invalid, "priority", "between 0 and 9"},
		"one part of two":         {packed, order.Change{Priority: &nine, ShipTo: &elm}, fault.Rejected, "ship_to", "labels"},
	} {
		evs, err := c.o.Change(c.c, items, at)
		if len(evs) != 0 || fault.KindOf(err) != c.kind || fault.PlaceOf(err) != c.place || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, %v at %q: %v", name, evs, fault.KindOf(err), fault.PlaceOf(err), err)
		}
	}
}

func TestChangeOfWhatTheOrderSays(t *testing.T) {
	o := stage(t, placed(t), holds(order.HoldAddress)) // held for the very thing that is mended
	elm, five := party.Address{Name: "Jo Doe", Lines: []string{"2 Elm Street"}, City: "Springfield", Country: "US"}, 5
	c := order.Change{
		Reason: "customer called", By: "kim", ShipTo: &elm, Service: &order.Service{Carrier: "UPSN"}, Priority: &five,
		Dates: &order.Dates{ShipBy: at.In(time.FixedZone("x", 3600)).Add(time.Hour)},
		Lines: []order.ChangeLine{{Line: 1, Qty: 3}}, Remove: []int{2},
		Add: []order.PlaceLine{{No: 7, Item: "WIDGET", Qty: 1, UOM: item.Case}, {No: 8, Item: "GADGET", Qty: 4}},
	}
	evs, err := o.Change(c, items, at)
	o = apply(t, o, evs, err)
	if o.Parties.ShipTo.Lines[0] != "2 Elm Street" || o.Service.Carrier != "UPSN" || o.Priority != 5 || !o.Dates.ShipBy.Equal(at.Add(time.Hour)) {
		t.Errorf("%+v", o)
	}
	if l := o.Lines; l[0].Ordered != 36 || l[1].Cancelled != 5 || l[2].Ordered != 12 || !l[3].Held() || l[3].Problem.Place != "add[1].item" {
		t.Errorf("%+v", l)
	}
	if again, err := o.Change(c, items, at); err != nil || len(again) != 0 {
		t.Errorf("the same change again: %v, %v", again, err)
	}
	// Sent again it is the same order, as what it was and as what it is.
	if d := o.Compare(wish()); len(d) != 0 {
		t.Errorf("what was placed: %+v", d)
	}
	now := wish(func(p *order.Place) {
		p.ShipTo, p.Service, p.Priority, p.Dates = elm, *c.Service, 5, *c.Dates
		p.Lines[0].Qty = 3
		p.Lines[0].No, p.Lines[1].No = 1, 2
		p.Lines = append(p.Lines, c.Add...)
	})
	if d := o.Compare(now); len(d) != 0 {
		t.Errorf("what it is now: %+v", d)
	}
	if d := o.Compare(wish(func(p *order.Place) { p.Lines[0].Qty = 9 })); len(d) == 0 {
		t.Error("what it never was is the same")
	}
	x, err := order.Fold.Snapshot(o)
	if err != nil || strings.Contains(string(x.Data), "Elm") {
		t.Fatalf("a snapshot shows people: %s %v", x.Data, err)
	}
	back, err := order.Fold.Restore(x)
	if err != nil || len(back.Compare(wish())) != 0 {
		t.Errorf("restored, what was placed differs: %+v %v", back.Compare(wish()), err)
	}
	// A held line that is understood with its new quantity goes on.
	evs, err = o.Change(qty(8, 9, ""), func(sku string) (item.Item, bool) { return items("WIDGET") }, at)
	if o = apply(t, o, evs, err); o.Lines[3].Held() || o.Lines[3].Ordered != 9 {
		t.Errorf("%+v", o.Lines[3])
	}
}

func TestEachReasonOfAHoldIsReleasedByItself(t *testing.T) {
	o := stage(t, placed(t), holds(order.HoldCredit), holds(order.HoldAddress), holds(order.HoldFraud))
	if evs, err := o.Hold(order.Hold{Reason: order.HoldAddress}, at); err != nil || len(evs) != 0 {
		t.Errorf("the same reason again: %v, %v", evs, err)
	}
	for i, reason := range []string{order.HoldAddress, order.HoldCredit, order.HoldFraud} {
		if err := o.Workable(); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("held for %s: %v", reason, err)
		}
		evs, err := o.Release(order.Release{Reason: reason, By: "kim"}, at)
		if _, last := evs[0].(order.Released); err != nil || last != (i == 2) {
			t.Errorf("%s: %v, %v", reason, evs, err)
		}
		o = apply(t, o, evs, err)
		evs, err = o.Release(order.Release{Reason: reason}, at)
		if i < 2 && (fault.PlaceOf(err) != "reason" || !strings.Contains(err.Error(), order.HoldFraud)) || i == 2 && (err != nil || len(evs) > 0) {
			t.Errorf("%s again: %v, %v", reason, evs, err)
		}
	}
	if o.Workable() != nil {
		t.Error("released and not workable")
	}
	o = stage(t, placed(t), holds("a"), holds("b"))
	evs, err := o.Release(order.Release{}, at)
	if o = apply(t, o, evs, err); o.OnHold() {
		t.Errorf("all released: %v", o.Holds)
	}
	for i := range order.MaxHolds {
		o = stage(t, o, holds("r"+string(rune('a'+i))))
	}
	if _, err := o.Hold(order.Hold{Reason: "one more"}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("holds without end: %v", err)
	}
}

func TestSplit(t *testing.T) {
	o := stage(t, placed(t), reserves(1, 18), waits(1, 4), allocates(1, 10), holds(order.HoldCredit))
	ask := order.Split{To: "SO-1-B", Lines: []order.LineQty{{Line: 1, Qty: 12}, {Line: 2, Qty: 2}}, By: "kim"}
	mine, theirs, err := o.Split(ask, order.Order{}, items, at)
	after := apply(t, o, mine, err)
	b := apply(t, order.Order{}, theirs, nil)
	if l := after.Lines; l[0].Ordered != 12 || l[0].Qty != 1 || l[0].UOM != item.Case || l[0].Backordered != 0 || l[0].Reserved != 2 || l[0].Allocated != 10 || l[1].Ordered != 3 {
		t.Errorf("left behind: %+v", l)
	}
	if l := b.Lines; l[0].No != 1 || l[0].Ordered != 12 || l[0].Unassigned() != 12 || l[1].Ordered != 2 || b.SplitFrom != "SO-1" || b.Told() != "SO-1" || !slices.Equal(b.Holds, o.Holds) {
		t.Errorf("split off: %+v", b)
	}
	if b.Parties.ShipTo.Name != "Jo Doe" || b.Source.Door != order.DoorSplit {
		t.Errorf("split off: %+v %+v", b.Parties, b.Source)
	}
	if mine, theirs, err := after.Split(ask, b, items, at); err != nil || len(mine)+len(theirs) > 0 {
		t.Errorf("the same split again: %v %v %v", mine, theirs, err)
	}
	if d := after.Compare(wish()); len(d) > 0 {
		t.Errorf("what was placed differs: %+v", d)
	}
	mine, theirs, err = b.Split(order.Split{To: "SO-1-C", Lines: of(2, 1)}, order.Order{}, items, at)
	if c := apply(t, order.Order{}, theirs, err); c.Told() != "SO-1" || c.SplitFrom != "SO-1-B" || len(mine) != 1 {
		t.Errorf("split twice: %+v", c)
	}

	picked := stage(t, placed(t), reserves(1, 24), allocates(1, 24), waves, picks(1, 20))
	other := ask
	other.Lines = of(1, 3)
	for name, x := range map[string]struct {
		o, to order.Order
		c     order.Split
		kind  fault.Kind
		place string
	}{
		"nobody's order":          {order.Order{}, order.Order{}, ask, fault.Rejected, "order"},
		"no number":               {o, order.Order{}, order.Split{Lines: of(1, 1)}, fault.Invalid, "to"},
		"no lines":                {o, order.Order{}, order.Split{To: "X"}, fault.Invalid, "lines"},
		"a line nobody has":       {o, order.Order{}, order.Split{To: "X", Lines: of(9, 1)}, fault.Invalid, "lines[0].line"},
		"itself":                  {o, o, order.Split{To: "SO-1", Lines: of(1, 1)}, fault.Rejected, "to"},
		"a number that is taken":  {o, placed(t), ask, fault.Rejected, "to"},
		"another part, same name": {after, b, other, fault.Rejected, "to"},
		"more than is open":       {o, order.Order{}, order.Split{To: "X", Lines: of(1, 25)}, fault.Rejected, "lines[0].qty"},
		"what is picked":          {picked, order.Order{}, order.Split{To: "X", Lines: of(1, 5)}, fault.Rejected, "lines[0].qty"},
		"all of it":               {o, order.Order{}, order.Split{To: "X", Lines: []order.LineQty{{Line: 1, Qty: 24}, {Line: 2, Qty: 5}}}, fault.Rejected, "lines"},
	} {
		mine, theirs, err := x.o.Split(x.c, x.to, items, at)
		if len(mine)+len(theirs) > 0 || fault.KindOf(err) != x.kind || fault.PlaceOf(err) != x.place {
			t.Errorf("%s: %v %v, %v at %q", name, mine, theirs, err, fault.PlaceOf(err))
		}
	}
}

func TestMerge(t *testing.T) {
	second := func(change ...func(*order.Place)) order.Order {
		return placed(t, append([]func(*order.Place){func(c *order.Place) {
			c.Number, c.Priority, c.Notes, c.Refs = "SO-2", 4, []string{"ring twice"}, []order.Ref{{Kind: "po", Value: "7"}}
			c.Dates.ShipBy = at.Add(time.Hour)
			c.Lines = c.Lines[1:]
		}}, change...)...)
	}
	o, from := stage(t, placed(t), reserves(1, 9)), stage(t, second(), reserves(1, 3), waits(1, 1))
	mine, theirs, err := o.Merge(from, "kim", at)
	into := apply(t, o, mine, err)
	gone := apply(t, from, theirs, nil)
	if l := into.Lines; len(l) != 3 || l[2].No != 3 || l[2].Ordered != 5 || l[2].From != "SO-2" || l[2].FromNo != 1 || into.Priority != 4 || !into.Dates.ShipBy.Equal(at.Add(time.Hour)) {
		t.Errorf("%+v", into)
	}
	if into.Parties.Notes[0] != "ring twice" || len(into.Refs) != 1 {
		t.Errorf("%+v %+v", into.Parties, into.Refs)
	}
	if gone.Status() != order.StatusMerged || gone.MergedInto != "SO-1" || gone.Totals() != (order.Totals{}) {
		t.Errorf("%+v", gone)
	}
	if mine, theirs, err := into.Merge(gone, "kim", at); err != nil || len(mine)+len(theirs) > 0 {
		t.Errorf("merged again: %v %v %v", mine, theirs, err)
	}
	if d := gone.Compare(wish(func(c *order.Place) {
		c.Number, c.Priority, c.Notes, c.Refs = "SO-2", 4, []string{"ring twice"}, []order.Ref{{Kind: "po", Value: "7"}}
		c.Dates.ShipBy = at.Add(time.Hour)
		c.Lines = c.Lines[1:]
	})); len(d) > 0 {
		t.Errorf("the merged order sent again: %+v", d)
	}
	if d := into.Compare(wish()); len(d) > 0 {
		t.Errorf("the order sent again: %+v", d)
	}

	document := func(c *order.Place) { c.Source = order.Source{Door: "edi", Partner: "acme", DocType: "940"} }
	for name, x := range map[string]struct {
		o, from order.Order
		place   string
	}{
		"nobody's order":        {order.Order{}, from, "order"},
		"nobody to be merged":   {o, order.Order{}, "from"},
		"itself":                {o, o, "from"},
		"one that is on hold":   {o, stage(t, second(), holds("x")), "order SO-2"},
		"into one on hold":      {stage(t, o, holds("x")), from, "order SO-1"},
		"one in a wave":         {o, stage(t, second(), reserves(1, 5), waves), "order SO-2"},
		"one begun":             {o, stage(t, second(), reserves(1, 5), allocates(1, 5), picks(1, 1)), "order SO-2"},
		"one that is closed":    {o, gone, "order SO-2"}, // merged into another than this
		"a held line":           {o, second(func(c *order.Place) { c.Lines[0].Item = "GADGET" }), "order SO-2"},
		"another street":        {o, second(func(c *order.Place) { c.ShipTo.Lines = []string{"9 Elm Street"} }), "ship_to.lines"},
		"another carrier":       {o, second(func(c *order.Place) { c.Service.Carrier = "UPSN" }), "service.carrier"},
		"another policy":        {o, second(func(c *order.Place) { c.Policy = order.AllOrNothing }), "policy"},
		"another building":      {o, second(func(c *order.Place) { c.Facility = "west" }), "facility"},
		"another payer":         {o, second(func(c *order.Place) { c.BillTo.Name = "Mo" }), "bill_to.name"},
		"dates that never meet": {stage(t, placed(t, func(c *order.Place) { c.Dates.NotBefore = at.Add(48 * time.Hour) })), second(func(c *order.Place) { c.Dates.CancelAfter = at }), "dates"},
		"a document's order":    {o, second(document), "order SO-2"},
		"into a document's":     {placed(t, document), from, "order SO-1"},
	} {
		if name == "one that is closed" {
			x.o.Number = "SO-9"
		}
		mine, theirs, err := x.o.Merge(x.from, "kim", at)
		if len(mine)+len(theirs) > 0 || fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != x.place {
			t.Errorf("%s: %v %v, %v at %q", name, mine, theirs, err, fault.PlaceOf(err))
		}
		if err != nil && strings.Contains(err.Error(), "Elm") {
			t.Errorf("%s: the refusal tells personal data: %v", name, err)
		}
	}
	whole := placed(t, document)
	mine, theirs, err = whole.Split(order.Split{To: "SO-1-B", Lines: of(1, 12)}, order.Order{}, items, at)
	whole, part := apply(t, whole, mine, err), apply(t, order.Order{}, theirs, nil)
	if mine, _, err := whole.Merge(part, "kim", at); err != nil || apply(t, whole, mine, nil).Totals().Ordered != 29 {
		t.Errorf("parts of a document's order: %v %v", mine, err)
	}

	for name, c := range map[string]order.Merge{
		"nobody":   {},
		"one bad":  {From: []string{"SO-2", ""}},
		"twice":    {From: []string{"SO-2", "SO-2"}},
		"too many": {From: make([]string, order.MaxMerge+1)},
	} {
		if err := c.Validate(); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestACutOffIsMissedOnce(t *testing.T) {
	by := at.Add(time.Hour)
	o := placed(t, func(c *order.Place) { c.Dates.ShipBy = by })
	if evs := o.MissCutOff(by.Add(-1)); len(evs) != 0 {
		t.Errorf("before it: %v", evs)
	}
	evs := o.MissCutOff(by)
	if e, ok := evs[0].(order.CutOffMissed); !ok || !e.ShipBy.Equal(by) || len(e.Lines) != 2 || e.Status != order.StatusAccepted {
		t.Fatalf("%+v", evs)
	}
	o = apply(t, o, evs, nil)
	if evs := o.MissCutOff(by.Add(time.Hour)); len(evs) != 0 {
		t.Errorf("told twice: %v", evs)
	}
	later := order.Dates{ShipBy: by.Add(24 * time.Hour)}
	moved, err := o.Change(order.Change{Dates: &later}, items, at)
	if o = apply(t, o, moved, err); !o.Missed.IsZero() || len(o.MissCutOff(by.Add(2*time.Hour))) != 0 || len(o.MissCutOff(later.ShipBy)) != 1 {
		t.Errorf("moved: %v", o.Missed)
	}
	for name, x := range map[string]order.Order{
		"no order":   {},
		"no cut-off": placed(t),
		"cancelled":  stage(t, o, func(o order.Order) ([]event.Event, error) { return o.Cancel(order.Cancel{Reason: "x"}, at) }),
		"rejected":   placed(t, func(c *order.Place) { c.Policy, c.Dates.ShipBy, c.Lines[0].Item = order.AllOrNothing, by, "GADGET" }),
	} {
		if evs := x.MissCutOff(later.ShipBy); len(evs) != 0 {
			t.Errorf("%s: %v", name, evs)
		}
	}
	held := placed(t, func(c *order.Place) { c.Dates.ShipBy, c.Lines = by, c.Lines[:1]; c.Lines[0].Item = "GADGET" })
	if evs := held.MissCutOff(by); len(evs) != 1 {
		t.Errorf("a line that nobody understood: %v", evs)
	}
}

func TestAnOrderThatLeftLateIsToldOnce(t *testing.T) {
	by := at.Add(time.Hour)
	line := order.Line{AcceptedLine: order.AcceptedLine{No: 1, Ordered: 2}, Shipped: 2}
	gone := order.Order{Number: "SO-1", Dates: order.Dates{ShipBy: by}, Lines: []order.Line{line}}
	evs := gone.LeaveLate(by.Add(time.Minute))
	if e, ok := evs[0].(order.CutOffMissed); !ok || e.Status != order.StatusShipped || len(e.Lines) != 0 || !e.ShipBy.Equal(by) {
		t.Fatalf("%+v", evs)
	}
	told, open, dropped, free := gone, gone, gone, gone
	told.Missed = by
	line.Shipped = 1
	open.Lines = []order.Line{line}
	line.Shipped, line.Cancelled = 0, 2
	dropped.Lines = []order.Line{line}
	free.Dates.ShipBy = time.Time{}
	for name, x := range map[string]order.Order{"told before": told, "open still": open, "cancelled": dropped, "no cut-off": free, "no order": {}} {
		if evs := x.LeaveLate(by.Add(time.Minute)); len(evs) != 0 {
			t.Errorf("%s: %v", name, evs)
		}
	}
	if evs := gone.LeaveLate(by.Add(-1)); len(evs) != 0 {
		t.Errorf("in time: %v", evs)
	}
}

func TestAChangeErrorCarriesItsProblems(t *testing.T) {
	_, err := placed(t).Change(order.Change{Lines: []order.ChangeLine{{Line: 9, Qty: -1}}}, items, at)
	if bad, ok := errors.AsType[*order.InvalidError](err); !ok || len(bad.Problems) != 2 {
		t.Errorf("%v", err)
	}
}
