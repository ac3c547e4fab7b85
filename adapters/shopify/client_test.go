package shopify_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/shopify"
	"github.com/paklog/hub/adapters/shopify/shopifysim"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/shop"
)

func newClient(t *testing.T, url string, now func() time.Time, change ...func(*shopify.Config)) *shopify.Client {
	t.Helper()
	cfg := shopify.Config{
		Connection: "shop.main", Shop: shopifysim.Shop, BaseURL: url, ClientID: shopifysim.ClientID,
		ClientSecret: func() (string, error) { return shopifysim.ClientSecret, nil }, TokenRetry: time.Microsecond, Timeout: 5 * time.Second, Now: now,
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

// shipment is all that is open of a work.
func shipment(w shop.Work, tracking ...string) shop.Shipment {
	s := shop.Shipment{Key: "k", Work: w.ID}
	for _, l := range w.Order.Lines {
		s.Lines = append(s.Lines, shop.LineQty{Ref: l.Ref, Qty: l.Qty - w.DoneOf(l.Ref)})
		s.After = append(s.After, shop.LineQty{Ref: l.Ref, Qty: l.Qty})
	}
	for _, n := range tracking {
		s.Parcels = append(s.Parcels, shop.Parcel{Carrier: "ups", Tracking: n})
	}
	return s
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
	id, err := c.Ship(t.Context(), shipment(w, "1Z1", "1Z2"))
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
	if _, err := c.Ship(t.Context(), shipment(w, "1Z3")); fault.KindOf(err) != fault.Invalid {
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

func TestChangedWalksAllPages(t *testing.T) {
	t.Parallel()
	sim, c, clk := newShop(t, shopifysim.Options{})
	begun := clk.Now()
	for i := range 45 {
		clk.Advance(time.Second)
		sim.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: fmt.Sprintf("I%d", i), Qty: 1})
	}
	for since, want := range map[time.Time]int{begun: 45, begun.Add(41 * time.Second): 5, clk.Now().Add(time.Second): 0} {
		seen, after := map[string]bool{}, ""
		for range 10 {
			p, err := c.Changed(t.Context(), since, after)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range p.Work {
				seen[w.ID] = true
			}
			if after = p.Next; after == "" {
				break
			}
		}
		if len(seen) != want || after != "" {
			t.Errorf("since %s: %d, want %d", since, len(seen), want)
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

// Whatever befalls the call, the shop has one fulfilment once the caller is certain.
func TestAShipmentIsToldOnceWhateverBefallsIt(t *testing.T) {
	t.Parallel()
	kinds := map[simhttp.Fault]fault.Kind{
		simhttp.DropBefore: fault.Unknown, simhttp.ServerError: fault.Unknown, simhttp.Outage: fault.Unknown, simhttp.OutageHTML: fault.Unknown,
		simhttp.TooMany: fault.Throttled, simhttp.Revoke: fault.Transient,
		simhttp.AnswerLost: fault.Unknown, simhttp.LateError: fault.Unknown, simhttp.GatewayError: fault.Unknown, simhttp.Truncated: fault.Unknown,
		simhttp.HTML: fault.Unknown, simhttp.Doubled: fault.Unknown, simhttp.NullResults: fault.Unknown, simhttp.ObjectsForText: fault.Unknown,
	}
	for f, kind := range kinds {
		for _, tracked := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, tracked %t", f, tracked), func(t *testing.T) {
				t.Parallel()
				sim, c, clk := newShop(t, shopifysim.Options{})
				p := sim.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 2})
				s := shipment(read(t, c, p.Work))
				if tracked {
					s.Parcels = []shop.Parcel{{Carrier: "ups", Tracking: "1Z1"}}
				}
				sim.Inject("fulfillmentCreate", f)
				_, err := c.Ship(t.Context(), s)
				if fault.KindOf(err) != kind || err == nil {
					t.Fatalf("%v, want %v", err, kind)
				}
				clk.Advance(fault.AfterOf(err) + time.Second)
				_, found, err := c.Shipped(t.Context(), s)
				if err != nil || found != (len(sim.Truth().Shipped) == 1) {
					t.Fatalf("found %t, %v; in truth %+v", found, err, sim.Truth().Shipped)
				}
				if !found {
					if _, err = c.Ship(t.Context(), s); err != nil {
						t.Fatal(err)
					}
				}
				if got := sim.Truth().Shipped; len(got) != 1 {
					t.Errorf("%+v", got)
				}
			})
		}
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

func TestAWrongSecretStopsTheConnectionAndIsNotShown(t *testing.T) {
	t.Parallel()
	sim, _, clk := newShop(t, shopifysim.Options{})
	c := newClient(t, simtest.Serve(t, sim), clk.Now, func(c *shopify.Config) {
		c.ClientSecret = func() (string, error) { return "not-the-secret", nil }
	})
	_, err := c.Read(t.Context(), "gid://shopify/Order/1")
	if fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), "not-the-secret") {
		t.Error(err)
	}
	nobody := newClient(t, simtest.Nobody(t), clk.Now)
	if _, err := nobody.Read(t.Context(), "gid://shopify/Order/1"); fault.KindOf(err) != fault.Unavailable {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := c.Read(ctx, "gid://shopify/Order/1"); err == nil {
		t.Error("a cancelled call succeeded")
	}
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
