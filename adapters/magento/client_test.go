package magento_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/partnerhttp"
	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/magento"
	"github.com/paklog/hub/adapters/magento/magentosim"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/core/shop/shoptest"
)

func read(t *testing.T, c *magento.Client, id string) shop.Work {
	t.Helper()
	list, err := c.Read(t.Context(), id)
	if err != nil || len(list) != 1 {
		t.Fatalf("%s: %d works, %v", id, len(list), err)
	}
	return list[0]
}

// quantities are what a work asks for and what of it is done, by item.
func quantities(w shop.Work) string {
	want, done := map[string]int64{}, map[string]int64{}
	for _, l := range w.Order.Lines {
		want[l.Item] += l.Qty
		done[l.Item] += w.DoneOf(l.Ref)
	}
	return fmt.Sprint(want, done)
}

// ship tells that units of some lines left, given what had left before.
func ship(t *testing.T, c *magento.Client, w shop.Work, left map[string]int64, now map[string]int64) (string, error) {
	t.Helper()
	s := shop.Shipment{Key: "k", Work: w.ID, Parcels: []shop.Parcel{{Carrier: "ups", Tracking: "1Z" + fmt.Sprint(now)}}}
	for _, l := range w.Order.Lines {
		if n := now[l.Item]; n > 0 {
			left[l.Item] += n
			s.Lines = append(s.Lines, shop.LineQty{Ref: l.Ref, Qty: n})
			s.After = append(s.After, shop.LineQty{Ref: l.Ref, Qty: left[l.Item]})
		}
		s.Left = append(s.Left, shop.LineQty{Ref: l.Ref, Qty: left[l.Item]})
	}
	return c.Ship(t.Context(), s)
}

var set = magentosim.Line{SKU: "SET", Qty: 3, Kind: "bundle", Parts: []magentosim.Part{{SKU: "CUP", Qty: 2}, {SKU: "POT", Qty: 1}}}

// Of what is put together the shelf's items are picked, and the shop is told of the items that it ships.
func TestWhatIsPutTogetherIsPickedInPartsAndToldAsTheShopShipsIt(t *testing.T) {
	t.Parallel()
	sim, c, _ := newShop(t, magentosim.Options{})
	apart := set
	apart.SKU, apart.Apart = "KIT", true
	p := sim.Buy(magentosim.Buyer{}, magentosim.Line{SKU: "SHIRT-M", Qty: 2, Kind: "configurable"}, set, magentosim.Line{SKU: "E-BOOK", Qty: 1, Kind: "virtual"})
	q := sim.Buy(magentosim.Buyer{}, apart)
	w, x := read(t, c, p.Work()), read(t, c, q.Work())
	if got := quantities(w); got != "map[CUP:6 POT:3 SHIRT-M:2] map[CUP:0 POT:0 SHIRT-M:0]" {
		t.Error(got)
	}
	left := map[string]int64{}
	for _, step := range []struct {
		now  map[string]int64
		told int
		want string
	}{
		{map[string]int64{"CUP": 3}, 0, "map[CUP:6 POT:3 SHIRT-M:2] map[CUP:0 POT:0 SHIRT-M:0]"},               // no set is whole
		{map[string]int64{"POT": 2, "SHIRT-M": 1}, 1, "map[CUP:6 POT:3 SHIRT-M:2] map[CUP:2 POT:1 SHIRT-M:1]"}, // one is
		{map[string]int64{"CUP": 3, "POT": 1}, 2, "map[CUP:6 POT:3 SHIRT-M:2] map[CUP:6 POT:3 SHIRT-M:1]"},
		{map[string]int64{"SHIRT-M": 1}, 3, "map[CUP:6 POT:3 SHIRT-M:2] map[CUP:6 POT:3 SHIRT-M:2]"},
	} {
		if _, err := ship(t, c, w, left, step.now); err != nil {
			t.Fatalf("%v: %v", step.now, err)
		}
		if n := len(sim.Truth().Shipped); n != step.told {
			t.Errorf("%v: %d shipments, want %d", step.now, n, step.told)
		}
		if got := quantities(read(t, c, p.Work())); got != step.want {
			t.Errorf("%v: %s, want %s", step.now, got, step.want)
		}
	}
	if w := read(t, c, p.Work()); w.State != shop.Closed || sim.Truth().States[p.ID] != "complete" {
		t.Errorf("it is %s, there %s", w.State, sim.Truth().States[p.ID])
	}
	if _, err := ship(t, c, x, map[string]int64{}, map[string]int64{"CUP": 1}); err != nil {
		t.Error(err)
	}
	if got := quantities(read(t, c, q.Work())); got != "map[CUP:6 POT:3] map[CUP:1 POT:0]" {
		t.Errorf("apart: %s", got)
	}
	if n := sim.Calls(magentosim.OpProducts); n != 2 {
		t.Errorf("the shop was asked %d times how its bundles ship", n)
	}
}

func TestStatesOfOrders(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]shop.State{
		"processing": shop.Open, "new": shop.Held, "pending_payment": shop.Held, "payment_review": shop.Held, "holded": shop.Held,
		"canceled": shop.Cancelled, "closed": shop.Cancelled, "complete": shop.Closed,
	} {
		sim, c, _ := newShop(t, magentosim.Options{})
		p := sim.Buy(magentosim.Buyer{State: state}, magentosim.Line{SKU: "MUG", Qty: 1})
		if w := read(t, c, p.Work()); w.State != want || (want == shop.Held) != (w.Hold != "") {
			t.Errorf("%s is %s, for %q", state, w.State, w.Hold)
		}
	}
	sim, c, _ := newShop(t, magentosim.Options{}, func(c *magento.Config) { c.Ships = []string{"new", "processing"} })
	p := sim.Buy(magentosim.Buyer{State: "new"}, magentosim.Line{SKU: "MUG", Qty: 1})
	if w := read(t, c, p.Work()); w.State != shop.Open {
		t.Errorf("what ships unpaid is %s", w.State)
	}
}

func TestWhatIsTakenBackBeforeItLeavesIsNotWanted(t *testing.T) {
	t.Parallel()
	sim, c, clk := newShop(t, magentosim.Options{})
	p := sim.Buy(magentosim.Buyer{}, magentosim.Line{SKU: "MUG", Qty: 5}, magentosim.Line{SKU: "TRAY", Qty: 2})
	w := read(t, c, p.Work())
	clk.Advance(time.Minute)
	sim.Refund(p.ID, "MUG", 2)
	after := read(t, c, p.Work())
	if got := quantities(after); got != "map[MUG:3 TRAY:2] map[MUG:0 TRAY:0]" || !after.Updated.After(w.Updated) {
		t.Errorf("%s at %s", got, after.Updated)
	}
	if _, err := ship(t, c, w, map[string]int64{}, map[string]int64{"MUG": 1}); err != nil {
		t.Fatal(err)
	}
	sim.Cancel(p.ID)
	if w := read(t, c, p.Work()); w.State != shop.Cancelled {
		t.Errorf("it is %s", w.State)
	}
	if _, err := ship(t, c, w, map[string]int64{"MUG": 1}, map[string]int64{"MUG": 1}); fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), "does not allow") {
		t.Errorf("a shipment of what was cancelled: %v", err)
	}
}

// One order that cannot be picked by the piece holds up no other, and is named.
func TestHalfAUnitIsNone(t *testing.T) {
	t.Parallel()
	sim, c, clk := newShop(t, magentosim.Options{})
	begun := clk.Now()
	bad := sim.Buy(magentosim.Buyer{}, magentosim.Line{SKU: "ROPE", Qty: 1.5})
	good := sim.Buy(magentosim.Buyer{}, magentosim.Line{SKU: "MUG", Qty: 1})
	if _, err := c.Read(t.Context(), bad.Work()); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "ROPE") {
		t.Error(err)
	}
	page, err := c.Changed(t.Context(), begun, "")
	if err != nil || len(page.Work) != 1 || page.Work[0].ID != good.Work() || len(page.Unread) != 1 || page.Unread[0].ID != bad.Work() {
		t.Errorf("%+v, %v", page, err)
	}
}

// Orders change while the list is walked, many of them in one second: none is left out.
func TestNoOrderIsLeftOutWhileTheListMoves(t *testing.T) {
	t.Parallel()
	sim, c, clk := newShop(t, magentosim.Options{})
	begun := clk.Now()
	want := map[string]bool{}
	var all []magentosim.Placed
	for i := range 260 {
		if i%120 == 0 { // more of one second than a page holds
			clk.Advance(time.Second)
		}
		p := sim.Buy(magentosim.Buyer{}, magentosim.Line{SKU: "MUG", Qty: 1})
		all, want[p.Work()] = append(all, p), true
	}
	seen, after := map[string]bool{}, ""
	for pages := 0; ; pages++ {
		page, err := c.Changed(t.Context(), begun, after)
		if err != nil || pages > 40 {
			t.Fatal(pages, err)
		}
		for _, w := range page.Work {
			seen[w.ID] = true
		}
		clk.Advance(time.Second)
		for _, p := range all[pages*7%200 : pages*7%200+7] {
			if pages < 10 {
				sim.SetState(p.ID, "processing")
			}
		}
		if after = page.Next; after == "" {
			break
		}
	}
	for id := range want {
		if !seen[id] {
			t.Errorf("%s was not seen", id)
		}
	}
	if _, err := c.Changed(t.Context(), begun, "nonsense"); fault.KindOf(err) != fault.Invalid || err == nil {
		t.Error(err)
	}
}

// settle sets levels until the shop has them.
func settle(t *testing.T, c *magento.Client, clk *simtest.Clock, levels []shop.Level) (skipped []string, waited int) {
	t.Helper()
	for ; waited < 10; waited++ {
		var err error
		if skipped, err = c.SetLevels(t.Context(), "k", levels); err == nil {
			return skipped, waited
		} else if k := fault.KindOf(err); k != fault.Transient && k != fault.Throttled && k != fault.Unavailable {
			t.Fatal(err)
		}
		clk.Advance(5 * time.Second)
	}
	t.Fatal("it is never set")
	return nil, 0
}

func levels(n int) (set []shop.Level) {
	for i := range n {
		set = append(set, shop.Level{Item: fmt.Sprintf("IT'EM %d", i), Location: magentosim.Source, OnHand: int64(2 * i)})
	}
	return set
}

// Few are set at once, many through the shop's queue, and what a shop takes at once is kept to.
func TestStockIsSetWhateverBefalls(t *testing.T) {
	t.Parallel()
	for name, befalls := range map[string]func(*magentosim.Sim, magentosim.Op){
		"nothing":         func(*magentosim.Sim, magentosim.Op) {},
		"the answer lost": func(s *magentosim.Sim, op magentosim.Op) { s.Inject(op, "answer-lost") },
		"a cut answer":    func(s *magentosim.Sim, op magentosim.Op) { s.Inject(op, "truncated") },
		"a page":          func(s *magentosim.Sim, op magentosim.Op) { s.Inject(op, "html") },
		"an outage":       func(s *magentosim.Sim, op magentosim.Op) { s.Inject(op, "outage") },
		"too many":        func(s *magentosim.Sim, op magentosim.Op) { s.Inject(op, "too-many") },
		"a cut reading":   func(s *magentosim.Sim, _ magentosim.Op) { s.Inject(magentosim.OpStock, "truncated") },
	} {
		for n, op := range map[int]magentosim.Op{12: magentosim.OpSetStock, 130: magentosim.OpBulk} {
			t.Run(fmt.Sprintf("%s, %d", name, n), func(t *testing.T) {
				t.Parallel()
				sim, c, clk := newShop(t, magentosim.Options{MostItems: 20})
				for _, l := range levels(n) {
					sim.Stock(l.Item, 7)
				}
				befalls(sim, op)
				skipped, _ := settle(t, c, clk, append(levels(n), shop.Level{Item: "NOT-SOLD", Location: magentosim.Source, OnHand: 1}))
				if fmt.Sprint(skipped) != "[NOT-SOLD]" {
					t.Errorf("skipped %v", skipped)
				}
				truth := sim.Truth()
				for _, l := range levels(n) {
					if truth.Stock[l.Item] != float64(l.OnHand) {
						t.Fatalf("%s: %v, want %d", l.Item, truth.Stock[l.Item], l.OnHand)
					}
				}
				calls := truth.Sets
				if _, err := c.SetLevels(t.Context(), "k2", levels(n)); err != nil || sim.Truth().Sets != calls {
					t.Errorf("what is so already is set again: %v", err)
				}
				have, err := c.Levels(t.Context(), magentosim.Source, []string{"it'em 7", "NOT-SOLD"})
				if err != nil || len(have) != 1 || have[0].OnHand != 14 || have[0].Item != "it'em 7" {
					t.Errorf("%+v, %v", have, err)
				}
			})
		}
	}
}

func TestStockThatCannotBeSetIsRefusedInTheShopsWords(t *testing.T) {
	t.Parallel()
	sim, c, clk := newShop(t, magentosim.Options{QueueFails: true, MostItems: 20})
	for _, l := range levels(30) {
		sim.Stock(l.Item, 7)
	}
	if _, err := c.SetLevels(t.Context(), "k", levels(30)); fault.KindOf(err) != fault.Transient || fault.AfterOf(err) == 0 {
		t.Fatal(err)
	}
	if _, err := c.SetLevels(t.Context(), "k", levels(30)); fault.KindOf(err) != fault.Transient {
		t.Errorf("before the queue has done it: %v", err)
	}
	clk.Advance(time.Minute)
	if _, err := c.SetLevels(t.Context(), "k", levels(30)); fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), "worker failed") {
		t.Error(err)
	}
	for _, bad := range [][]shop.Level{{{Item: "A", OnHand: -1}}, {{Item: "A", Location: "1"}, {Item: "B", Location: "2"}}, {{Item: "A,B", Location: "1"}}} {
		if _, err := c.SetLevels(t.Context(), "k3", bad); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// What the shop may sell is the stock less what it has sold and not shipped: it is told the stock with its
// own open orders in it, and sells no more and no less before and after one is shipped.
func TestReservationsOfTheShopAreItsOwn(t *testing.T) {
	t.Parallel()
	sim, c, clk := newShop(t, magentosim.Options{})
	p := sim.Buy(magentosim.Buyer{}, magentosim.Line{SKU: "MUG", Qty: 4})
	settle(t, c, clk, []shop.Level{{Item: "MUG", Location: magentosim.Source, OnHand: 10}})
	if n := sim.Truth().Salable["MUG"]; n != 6 {
		t.Errorf("%v may be sold before, want 6", n)
	}
	if _, err := c.Ship(t.Context(), shoptest.Shipment(read(t, c, p.Work()), "1Z1")); err != nil {
		t.Fatal(err)
	}
	settle(t, c, clk, []shop.Level{{Item: "MUG", Location: magentosim.Source, OnHand: 6}})
	if n := sim.Truth().Salable["MUG"]; n != 6 {
		t.Errorf("%v may be sold after, want 6", n)
	}
	sim.Stock("MUG", 0)
	q := sim.Buy(magentosim.Buyer{}, magentosim.Line{SKU: "MUG", Qty: 1})
	if _, err := c.Ship(t.Context(), shoptest.Shipment(read(t, c, q.Work()), "1Z2")); fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), "available") {
		t.Errorf("what the shop does not have: %v", err)
	}
}

func TestOurOwnLimitIsKept(t *testing.T) {
	t.Parallel()
	sim, c, clk := newShop(t, magentosim.Options{}, func(c *magento.Config) { c.PerSecond = 2 })
	p := sim.Buy(magentosim.Buyer{}, magentosim.Line{SKU: "MUG", Qty: 1})
	read(t, c, p.Work())
	read(t, c, p.Work())
	if _, err := c.Read(t.Context(), p.Work()); fault.KindOf(err) != fault.Throttled || sim.Calls(magentosim.OpOrder) != 2 {
		t.Errorf("%v after %d calls", err, sim.Calls(magentosim.OpOrder))
	}
	clk.Advance(time.Second)
	read(t, c, p.Work())
}

func TestAConfigurationIsRefusedWithEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := magento.New(magento.Config{BaseURL: "https://shop.example", Secrets: magento.Secrets{ConsumerKey: "k"}})
	for _, want := range []string{"connection", "url", "access_token", "now"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestNothingSecretOrPersonalIsCaptured(t *testing.T) {
	t.Parallel()
	var seen strings.Builder
	sim, c, _ := newShop(t, magentosim.Options{}, func(c *magento.Config) {
		c.Capture = func(a partnerhttp.Attempt) { fmt.Fprintln(&seen, a.Request, a.Response) }
	})
	p := sim.Buy(magentosim.Buyer{First: "Zebulon"}, magentosim.Line{SKU: "MUG", Qty: 1})
	read(t, c, p.Work())
	for _, hidden := range []string{magentosim.ConsumerSecret, magentosim.TokenSecret, "oauth_signature", "Zebulon", "12 Elm", "ada@example"} {
		if strings.Contains(seen.String(), hidden) {
			t.Errorf("%s is in the capture", hidden)
		}
	}
	if !strings.Contains(seen.String(), "increment_id") {
		t.Error("nothing was captured")
	}
}

func TestAClockThatIsFarOffIsSaidSo(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := magentosim.New(magentosim.Options{Now: clk.Now})
	c := newClient(t, simtest.Serve(t, sim), func() time.Time { return clk.Now().Add(time.Hour) })
	p := sim.Buy(magentosim.Buyer{}, magentosim.Line{SKU: "MUG", Qty: 1})
	if _, err := c.Read(t.Context(), p.Work()); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "timestamp") {
		t.Error(err)
	}
}

func TestCheckSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		change func(*magento.Config)
		want   shop.Wanted
		says   map[string]bool // place to whether it stops
	}{
		"all is well":          {func(*magento.Config) {}, shop.Wanted{Locations: []string{magentosim.Source}, Stock: true}, map[string]bool{"shop": false}},
		"a wrong secret":       {func(c *magento.Config) { c.Secrets.TokenSecret = secret("x") }, shop.Wanted{}, map[string]bool{"connection": true}},
		"not signed":           {bearer, shop.Wanted{}, map[string]bool{"connection": true}},
		"another store":        {func(c *magento.Config) { c.BaseURL = strings.Replace(c.BaseURL, "/default", "/nowhere", 1) }, shop.Wanted{}, map[string]bool{"connection": true}},
		"no such source":       {func(*magento.Config) {}, shop.Wanted{Locations: []string{"oslo"}}, map[string]bool{"locations": true}},
		"a source that is off": {func(c *magento.Config) { c.Source = "default" }, shop.Wanted{Locations: []string{"default"}}, map[string]bool{"locations": false}},
	} {
		_, c, _ := newShop(t, magentosim.Options{}, x.change)
		got := map[string]bool{}
		for _, f := range c.Check(t.Context(), x.want) {
			if _, asked := x.says[f.Place]; asked || f.Stops {
				got[f.Place] = got[f.Place] || f.Stops
			}
		}
		if !maps.Equal(got, x.says) {
			t.Errorf("%s: %v, want %v", name, got, x.says)
		}
	}
}
