package shopify_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/shopify"
	"github.com/paklog/hub/adapters/shopify/shopifysim"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/core/shop/shoptest"
)

func newClient(t *testing.T, url string, now func() time.Time, change ...func(*shopify.Config)) *shopify.Client {
	t.Helper()
	cfg := shopify.Config{
		Connection: "shop.main", Shop: shopifysim.Shop, BaseURL: url, ClientID: shopifysim.ClientID,
		ClientSecret: func() (string, error) { return shopifysim.ClientSecret, nil }, TokenRetry: time.Microsecond, Timeout: time.Minute, Now: now,
	}
	for _, f := range change {
		f(&cfg)
	}
	c, err := shopify.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func newShop(t *testing.T, o shopifysim.Options) (*shopifysim.Sim, *shopify.Client, *simtest.Clock) {
	t.Helper()
	clk := simtest.NewClock()
	o.Now = clk.Now
	sim := shopifysim.New(o)
	return sim, newClient(t, simtest.Serve(t, sim), clk.Now), clk
}

func read(t *testing.T, c *shopify.Client, id string) shop.Work {
	t.Helper()
	list, err := c.Read(t.Context(), id)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	return list[0]
}

func TestAnOrderIsReadAsWorkAndToldAsShipped(t *testing.T) {
	t.Parallel()
	sim, c, _ := newShop(t, shopifysim.Options{})
	sim.Stock("MUG", 10)
	p := sim.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 2}, shopifysim.Line{SKU: "TRAY", Qty: 1})
	w := read(t, c, p.Order)
	if again := read(t, c, p.Work); again.ID != w.ID || !again.Updated.Equal(w.Updated) {
		t.Errorf("by its own id %+v, by its order's %+v", again, w)
	}
	o := w.Order
	if w.State != shop.Open || w.Location != sim.Location() || o.ShipTo.Name != "Jane Doe" || o.ShipTo.Region != "NV" || o.ShipTo.Country != "US" ||
		len(o.Lines) != 2 || o.Lines[0].Item != "MUG" || o.Lines[0].Qty != 2 || !strings.HasPrefix(o.Number, strings.TrimPrefix(p.Name, "#")+".") {
		t.Fatalf("%+v", w)
	}
	id, err := c.Ship(t.Context(), shoptest.Shipment(w, "1Z1", "1Z2"))
	if err != nil {
		t.Fatal(err)
	}
	got := sim.Truth().Shipped
	if len(got) != 1 || got[0].ID != id || fmt.Sprint(got[0].Numbers) != "[1Z1 1Z2]" || got[0].Company != "UPS" || got[0].Lines["MUG"] != 2 || got[0].Lines["TRAY"] != 1 {
		t.Errorf("%+v", got)
	}
	w = read(t, c, p.Work)
	if w.State != shop.Closed || w.DoneOf(o.Lines[0].Ref) != 2 {
		t.Errorf("%+v", w)
	}
	if _, err := c.Ship(t.Context(), shoptest.Shipment(w, "1Z3")); fault.KindOf(err) != fault.Invalid {
		t.Errorf("nothing left to ship: %v", err)
	}
}

func TestWhatIsNotThereIsNoWork(t *testing.T) {
	t.Parallel()
	_, c, _ := newShop(t, shopifysim.Options{})
	for id, kind := range map[string]fault.Kind{
		"gid://shopify/Order/1": 0, "gid://shopify/FulfillmentOrder/1": 0, "gid://shopify/Product/1": fault.Invalid, "1": fault.Invalid, "": fault.Invalid,
	} {
		list, err := c.Read(t.Context(), id)
		if len(list) > 0 || (err == nil) != (kind == 0) || err != nil && fault.KindOf(err) != kind {
			t.Errorf("%q: %v, %v", id, list, err)
		}
	}
}

func TestAnOrderOfManyLinesIsReadWhole(t *testing.T) {
	t.Parallel()
	sim, c, _ := newShop(t, shopifysim.Options{})
	var lines []shopifysim.Line
	for i := range 333 {
		lines = append(lines, shopifysim.Line{SKU: fmt.Sprintf("I%d", i), Qty: 1 + i%3})
	}
	p := sim.Buy(shopifysim.Buyer{}, lines...)
	w := read(t, c, p.Work)
	if len(w.Order.Lines) != 333 || w.Order.Lines[332].Item != "I332" {
		t.Errorf("%d lines", len(w.Order.Lines))
	}
}

func TestAnEmptyBucketIsWaitedOut(t *testing.T) {
	t.Parallel()
	sim, c, clk := newShop(t, shopifysim.Options{})
	p := sim.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 2})
	sim.Drain()
	_, err := c.Read(t.Context(), p.Work)
	wait := fault.AfterOf(err)
	if fault.KindOf(err) != fault.Throttled || wait <= 0 || wait > 10*time.Second {
		t.Fatalf("%v after %s", err, wait)
	}
	calls := sim.Calls("fulfillmentOrder")
	if _, err := c.Read(t.Context(), p.Work); fault.KindOf(err) != fault.Throttled || sim.Calls("fulfillmentOrder") != calls {
		t.Errorf("%v; %d calls while the bucket is empty", err, sim.Calls("fulfillmentOrder")-calls)
	}
	clk.Advance(time.Minute)
	read(t, c, p.Work)
}

// Many calls at once never make the shop refuse: what they cost is reckoned here.
func TestTheBucketIsNotOverdrawn(t *testing.T) {
	t.Parallel()
	sim, c, clk := newShop(t, shopifysim.Options{})
	p := sim.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 2})
	read(t, c, p.Work)
	held := 0
	for range 300 {
		if _, err := c.Read(t.Context(), p.Work); err != nil {
			if fault.KindOf(err) != fault.Throttled || !strings.Contains(err.Error(), "nothing was sent") {
				t.Fatal(err)
			}
			held++
			clk.Advance(fault.AfterOf(err))
		}
	}
	if held > 0 && sim.Calls("fulfillmentOrder") != 301-held {
		t.Errorf("%d held back, %d calls", held, sim.Calls("fulfillmentOrder"))
	}
}

func TestTokensAreSharedRenewedAndKept(t *testing.T) {
	t.Parallel()
	clk := simtest.NewClock()
	sim := shopifysim.New(shopifysim.Options{Now: clk.Now})
	url, dir := simtest.Serve(t, sim), t.TempDir()
	keep := func(c *shopify.Config) { c.TokenDir = dir }
	p := sim.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 1})
	read(t, newClient(t, url, clk.Now, keep), p.Work)
	c := newClient(t, url, clk.Now, keep)
	read(t, c, p.Work)
	if n := sim.Calls(shopifysim.OpToken); n != 1 {
		t.Errorf("%d tokens for two processes", n)
	}
	clk.Advance(25 * time.Hour)
	read(t, c, p.Work)
	if n := sim.Calls(shopifysim.OpToken); n != 2 {
		t.Errorf("%d tokens after a day", n)
	}
	sim.Revoke()
	if _, err := c.Read(t.Context(), p.Work); fault.KindOf(err) != fault.Transient {
		t.Errorf("a token that was revoked: %v", err)
	}
	read(t, c, p.Work)
}

func TestAConfigurationIsRefusedWithEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := shopify.New(shopify.Config{Shop: "https://x.myshopify.com", BaseURL: "nowhere"})
	for _, want := range []string{"connection", "client_id", "now", "base_url", "shop"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestASecretIsNotShown(t *testing.T) {
	t.Parallel()
	sim, _, clk := newShop(t, shopifysim.Options{})
	var seen []string
	c := newClient(t, simtest.Serve(t, sim), clk.Now, func(c *shopify.Config) {
		c.ClientSecret = func() (string, error) { return "not-the-secret", nil }
		c.Capture = func(a shopify.Attempt) { seen = append(seen, a.Request+a.Response) }
	})
	_, err := c.Read(t.Context(), "gid://shopify/Order/1")
	if err == nil || strings.Contains(err.Error()+strings.Join(seen, ""), "not-the-secret") {
		t.Error(err)
	}
}

// What an answer asks for is so afterwards, given once, twice or after its own was lost.
func TestAnswersAreGivenOnce(t *testing.T) {
	t.Parallel()
	for do, want := range map[string]string{
		shop.Accept: "IN_PROGRESS ACCEPTED", shop.Reject: "OPEN REJECTED", shop.AcceptCancel: "OPEN CANCELLATION_ACCEPTED",
		shop.RejectCancel: "IN_PROGRESS CANCELLATION_REJECTED", shop.Hold: "ON_HOLD UNSUBMITTED", shop.Release: "OPEN UNSUBMITTED",
	} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			sim, c, _ := newShop(t, shopifysim.Options{Service: do != shop.Hold && do != shop.Release})
			p := sim.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 2})
			give := func(do string) {
				t.Helper()
				if err := c.Answer(t.Context(), shop.Answer{Work: p.Work, Do: do, Reason: "so"}); err != nil {
					t.Error(err)
				}
			}
			if do == shop.AcceptCancel || do == shop.RejectCancel {
				give(shop.Accept)
				sim.AskBack(p.Work)
			}
			if do == shop.Release {
				give(shop.Hold)
				if w := read(t, c, p.Work); w.State != shop.Open {
					t.Errorf("our own hold comes back as %s", w.State)
				}
			}
			for _, op := range []shopifysim.Op{"fulfillmentOrderAcceptFulfillmentRequest", "fulfillmentOrderHold", "fulfillmentOrderReleaseHold"} {
				sim.Inject(op, shopifysim.AnswerLost)
			}
			if err := c.Answer(t.Context(), shop.Answer{Work: p.Work, Do: do}); err != nil && fault.KindOf(err) != fault.Transient {
				t.Error(err)
			}
			give(do)
			give(do)
			if w, _ := sim.Look(p.Work); w.Status+" "+w.Request != want {
				t.Errorf("it is %s %s, want %s", w.Status, w.Request, want)
			}
		})
	}
	_, c, _ := newShop(t, shopifysim.Options{})
	for _, a := range []shop.Answer{{Work: "gid://shopify/FulfillmentOrder/1", Do: "dance"}, {Work: "1", Do: shop.Accept}} {
		if err := c.Answer(t.Context(), a); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

func TestAnAnswerThatComesTooLateIsRefusedInTheShopsWords(t *testing.T) {
	t.Parallel()
	sim, c, _ := newShop(t, shopifysim.Options{})
	p := sim.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 2})
	err := c.Answer(t.Context(), shop.Answer{Work: p.Work, Do: shop.Accept})
	if fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), "Cannot accept") {
		t.Error(err)
	}
}

func TestStockIsSetWhereTheShopHasNotChangedItsMind(t *testing.T) {
	t.Parallel()
	for name, befalls := range map[string]func(*shopifysim.Sim){
		"nothing":           func(*shopifysim.Sim) {},
		"the answer lost":   func(s *shopifysim.Sim) { s.Inject("inventorySetQuantities", shopifysim.AnswerLost) },
		"a cut answer":      func(s *shopifysim.Sim) { s.Inject("inventorySetQuantities", "truncated") },
		"a page about it":   func(s *shopifysim.Sim) { s.Inject("inventoryItems", "html") },
		"never got there":   func(s *shopifysim.Sim) { s.Inject("inventorySetQuantities", "drop-before") },
		"a token revoked":   func(s *shopifysim.Sim) { s.Inject("inventorySetQuantities", "token-revoked") },
		"an error after it": func(s *shopifysim.Sim) { s.Inject("inventorySetQuantities", "late-error") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, c, clk := newShop(t, shopifysim.Options{})
			place := sim.Location()
			var set []shop.Level
			for i := range 260 {
				sku := fmt.Sprintf("IT'EM %d", i)
				sim.Stock(sku, i)
				set = append(set, shop.Level{Item: sku, Location: place, OnHand: int64(2 * i)})
			}
			set = append(set, shop.Level{Item: "NOT-SOLD", Location: place, OnHand: 1})
			befalls(sim)
			var skipped []string
			for range 4 {
				var err error
				if skipped, err = c.SetLevels(t.Context(), "k", set); err == nil {
					break
				} else if k := fault.KindOf(err); k != fault.Transient && k != fault.Throttled {
					t.Fatal(err)
				}
				clk.Advance(time.Minute)
			}
			if fmt.Sprint(skipped) != "[NOT-SOLD]" {
				t.Errorf("skipped %v", skipped)
			}
			truth := sim.Truth().OnHand
			for _, l := range set[:260] {
				if int64(truth[l.Item]) != l.OnHand {
					t.Fatalf("%s: %d, want %d", l.Item, truth[l.Item], l.OnHand)
				}
			}
			calls := sim.Calls("inventorySetQuantities")
			if _, err := c.SetLevels(t.Context(), "k2", set); err != nil || sim.Calls("inventorySetQuantities") != calls {
				t.Errorf("what is so already is set again: %v", err)
			}
			have, err := c.Levels(t.Context(), place, []string{"IT'EM 7", "NOT-SOLD"})
			if err != nil || len(have) != 1 || have[0].OnHand != 14 {
				t.Errorf("%+v, %v", have, err)
			}
		})
	}
	_, c, _ := newShop(t, shopifysim.Options{})
	for _, bad := range [][]shop.Level{{{Item: "A", OnHand: -1}}, {{Item: "A", Location: "1"}, {Item: "B", Location: "2"}}} {
		if _, err := c.SetLevels(t.Context(), "k", bad); fault.KindOf(err) != fault.Invalid || err == nil {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
