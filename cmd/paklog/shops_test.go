package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/shopify/shopifysim"
	"github.com/paklog/hub/adapters/ups/upssim"
)

// shopped is a hub with a shop and a carrier, both simulated.
type shopped struct {
	*shell
	shop *shopifysim.Sim
	ups  *upssim.Sim
}

// newShopped serves a hub whose shop sends webhooks.
func newShopped(t *testing.T, o shopifysim.Options, more string) *shopped {
	t.Helper()
	ups, err := upssim.New(upssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ups.Close() })
	s := &shopped{newShell(t), shopifysim.New(o), ups}
	at := httptest.NewServer(s.shop)
	t.Cleanup(at.Close)
	carrier := httptest.NewServer(ups)
	t.Cleanup(carrier.Close)
	text := fmt.Sprintf(`%scarriers: {ups: {url: %q, client_id: %q, client_secret_file: secret, account: %q}}
shops:
  main:
    {domain: %s, url: %q, client_id: %q, client_secret_file: shop, timeout: 2s, resolve_after: 1s, %s}
`, readme(t, s.config), carrier.URL, upssim.ClientID, upssim.Account, shopifysim.Shop, at.URL, shopifysim.ClientID, more)
	dir := filepath.Dir(s.config)
	for path, content := range map[string]string{s.config: text, filepath.Join(dir, "secret"): upssim.ClientSecret, filepath.Join(dir, "shop"): shopifysim.ClientSecret} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// open serves the hub, and lets the shop's webhooks come to it.
func (s *shopped) open() (stop func()) {
	s.t.Helper()
	stop = s.serve()
	hub := httptest.NewServer(&s.app.front)
	s.t.Cleanup(hub.Close)
	s.shop.HookTo(hub.URL + "/webhooks/shopify/main")
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); s.shop.Run(ctx) }()
	s.t.Cleanup(func() { cancel(); <-done })
	return stop
}

// told waits until the shop was told of so many shipments.
func (s *shopped) told(n int) []shopifysim.Fulfilled {
	s.t.Helper()
	s.until(fmt.Sprintf("the shop knows of %d shipments", n), func() bool { return len(s.shop.Truth().Shipped) >= n })
	return s.shop.Truth().Shipped
}

// A buyer pays, the webhook hints, the order is read, worked and shipped, and the shop is told once
// with the tracking number, though its first answer is lost.
func TestAShopifyOrderIsShippedAndTheShopIsToldOnce(t *testing.T) {
	t.Parallel()
	s := newShopped(t, shopifysim.Options{Hooks: shopifysim.HookOptions{Doubled: 500}}, "poll: 1h")
	s.shop.Inject("fulfillmentCreate", shopifysim.AnswerLost)
	s.open()
	s.stock("MUG", 9)
	p := s.shop.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 2})
	got := s.told(1)
	if len(got) != 1 || got[0].Work != p.Work || got[0].Lines["MUG"] != 2 || len(got[0].Numbers) != 1 || !strings.HasPrefix(got[0].Numbers[0], "1Z") || got[0].Company != "UPS" {
		t.Errorf("%+v", got)
	}
	s.until("the hub is certain", func() bool {
		return strings.Contains(s.must("events", "tail", "--topic", "external-events", "--json"), "shop.Told")
	})
	if n := len(s.shop.Truth().Shipped); n != 1 || s.ups.Truth().Standing("") != 1 {
		t.Errorf("%d shipments at the shop, labels %+v", n, s.ups.Truth().Labels)
	}
	if out := s.must("orders", "list"); strings.Count(out, "ACME") != 1 || !strings.Contains(out, strings.TrimPrefix(p.Name, "#")+".") {
		t.Errorf("orders:\n%s", out)
	}
	s.must("audit")
}

// Nothing is heard of any webhook: what the shop has is found all the same.
func TestWhatNoWebhookToldIsFound(t *testing.T) {
	t.Parallel()
	s := newShopped(t, shopifysim.Options{Hooks: shopifysim.HookOptions{Lost: 1000}}, "poll: 1s")
	early := s.shop.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 1})
	s.open()
	s.stock("MUG", 9)
	late := s.shop.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 3})
	seen := map[string]int{}
	for _, f := range s.told(2) {
		seen[f.Work] += f.Lines["MUG"]
	}
	if seen[early.Work] != 1 || seen[late.Work] != 3 || len(seen) != 2 {
		t.Errorf("%v", seen)
	}
}

func TestAWebhookThatIsNotTheShopsIsRefused(t *testing.T) {
	t.Parallel()
	s := newShopped(t, shopifysim.Options{Hooks: shopifysim.HookOptions{Secret: "another"}}, "poll: 1h")
	s.open()
	s.stock("MUG", 9)
	s.shop.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 1})
	s.shop.Send(t.Context())
	if n := s.shop.Truth().Hooks; n != 0 {
		t.Errorf("%d were taken", n)
	}
	if out := s.must("orders", "list"); strings.Contains(out, "ACME") {
		t.Errorf("orders:\n%s", out)
	}
}

// byHand serves a hub whose orders wait for people.
func byHand(t *testing.T, o shopifysim.Options, more string) *shopped {
	t.Helper()
	s := newShopped(t, o, more)
	text := strings.Replace(readme(t, s.config), "auto_workers: 2", "auto_workers: 0", 1)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.open()
	return s
}

// numberOf is our order of a purchase.
func numberOf(p shopifysim.Placed) string {
	return strings.TrimPrefix(p.Name, "#") + p.Work[strings.LastIndexByte(p.Work, '/'):]
}

// shows waits until our order of a purchase says all of it.
func (s *shopped) shows(p shopifysim.Placed, want ...string) {
	s.t.Helper()
	number := strings.Replace(numberOf(p), "/", ".", 1)
	var out string
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); ; <-tick.C {
		out, _, _ = s.run("orders", "show", number, "--json")
		all := true
		for _, w := range want {
			all = all && strings.Contains(out, w)
		}
		if all {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("order %s does not say %v:\n%s", number, want, out)
		}
	}
}

// What the buyer or the shop changes is changed here, and what it stops is stopped.
func TestAnOrderFollowsWhatTheShopMakesOfIt(t *testing.T) {
	t.Parallel()
	s := byHand(t, shopifysim.Options{Hooks: shopifysim.HookOptions{Doubled: 300, NewFamily: true}}, "poll: 1h")
	s.stock("MUG", 20)
	p := s.shop.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 5})
	s.shows(p, `"ordered": 5`, `"door": "shop"`)
	s.shop.Edit(p.Work, "MUG", 3)
	s.shows(p, `"ordered": 3`)
	s.shop.Hold(p.Work, "HIGH_RISK_OF_FRAUD")
	s.shows(p, `"status": "held"`)
	s.shop.Release(p.Work)
	s.until("it goes on", func() bool { return !strings.Contains(s.must("orders", "list"), "held") })
	s.shop.Cancel(p.Order)
	s.shows(p, `"status": "cancelled"`)
	if n := len(s.shop.Truth().Shipped); n != 0 {
		t.Errorf("%d shipments of what was cancelled", n)
	}
	if out := s.must("dlq", "list"); strings.Contains(out, "shop.") {
		t.Errorf("letters:\n%s", out)
	}
	s.must("audit")
}

// A fulfilment service is asked: it accepts, and what it can still stop it stops.
func TestAShopThatAsksIsAnswered(t *testing.T) {
	t.Parallel()
	s := byHand(t, shopifysim.Options{Service: true}, "poll: 1h, policy: all_or_nothing")
	s.stock("MUG", 20)
	stands := func(p shopifysim.Placed, want string) {
		t.Helper()
		s.until(want, func() bool { w, _ := s.shop.Look(p.Work); return w.Request == want })
	}
	good := s.shop.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 5})
	stands(good, "ACCEPTED")
	s.shows(good, `"ordered": 5`)
	bad := s.shop.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "NOBODY-KNOWS", Qty: 1})
	stands(bad, "REJECTED")
	nowhere := s.shop.Buy(shopifysim.Buyer{First: "Nobody", Country: "Utopia"}, shopifysim.Line{SKU: "MUG", Qty: 1})
	stands(nowhere, "REJECTED")
	s.shop.AskBack(good.Work)
	stands(good, "CANCELLATION_ACCEPTED")
	s.shows(good, `"status": "cancelled"`)
}

// A person here lets an order wait: the shop knows, and its echo changes nothing.
func TestAnOrderThatWaitsHereWaitsAtTheShop(t *testing.T) {
	t.Parallel()
	s := byHand(t, shopifysim.Options{}, "poll: 1h")
	s.stock("MUG", 20)
	p := s.shop.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 5})
	s.shows(p, `"ordered": 5`)
	number := strings.Replace(numberOf(p), "/", ".", 1)
	s.must("orders", "hold", number, "--reason", "address")
	s.until("it waits there", func() bool { w, _ := s.shop.Look(p.Work); return w.Holds == 1 && w.Status == "ON_HOLD" })
	s.must("orders", "release", number)
	s.until("it goes on there", func() bool { w, _ := s.shop.Look(p.Work); return w.Holds == 0 && w.Status == "OPEN" })
	s.until("it goes on here", func() bool { return !strings.Contains(s.must("orders", "show", number, "--json"), `"holds"`) })
}

// Work at places that are not ours is not ours, and what goes to another place is given up.
func TestWorkElsewhereIsNotOurs(t *testing.T) {
	t.Parallel()
	s := byHand(t, shopifysim.Options{}, `poll: 1s, locations: {"1": DC1}`)
	s.stock("MUG", 20)
	s.shop.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 5})
	s.until("webhooks were taken", func() bool { return s.shop.Truth().Hooks > 1 && s.shop.Calls("order") > 0 })
	s.until("nothing waits", func() bool { return s.app.bus.Last() > 0 && s.shop.Calls("fulfillmentOrders") > 1 })
	if out := s.must("orders", "list"); strings.Contains(out, "ACME") {
		t.Errorf("orders:\n%s", out)
	}
}

// stockOf adds the shop's place to the configuration, whose number it made itself.
func stockOf(o shopifysim.Options, more string) string {
	place := shopifysim.New(o).Location()
	return fmt.Sprintf(`locations: {%q: DC1}, stock: {%s}`, place[strings.LastIndexByte(place, '/')+1:], more)
}

// What comes, goes and is counted here is what the shop says, whatever it sells itself meanwhile.
func TestTheShopSaysWhatThereIs(t *testing.T) {
	t.Parallel()
	s := newShopped(t, shopifysim.Options{}, "poll: 1h, "+stockOf(shopifysim.Options{}, "within: 100ms, every: 2s, buffer: 1"))
	s.open()
	s.shop.Stock("MUG", 3)
	s.shop.Inject("inventorySetQuantities", shopifysim.AnswerLost)
	s.stock("MUG", 20)
	says := func(n int) {
		t.Helper()
		s.until(fmt.Sprintf("the shop says %d", n), func() bool { return s.shop.Truth().OnHand["MUG"] == n })
	}
	says(19)
	s.shop.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 4})
	s.told(1)
	says(15)
	s.shop.Recount("MUG", 99)
	says(15)
	s.must("audit")
	if out := s.must("dlq", "list"); strings.Contains(out, "shop.") || strings.Contains(out, "out.") {
		t.Errorf("letters:\n%s", out)
	}
}

func TestAShopIsCheckedInWords(t *testing.T) {
	t.Parallel()
	s := newShopped(t, shopifysim.Options{}, `locations: {"1": DC1}`)
	out, errs, code := s.run("partner", "check", "main")
	for _, want := range []string{"lets the app in", "has no place 1", "what lies at Warehouse", "no webhook comes to /webhooks/shopify/main"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s%s", want, out, errs)
		}
	}
	if code != 3 {
		t.Errorf("exit %d", code)
	}
	s = newShopped(t, shopifysim.Options{Scopes: []string{"read_orders"}, ClientSecret: "another"}, "poll: 1h")
	if out, _, code := s.run("partner", "check", "main", "--json"); code != 3 || !strings.Contains(out, "client_secret") {
		t.Errorf("exit %d\n%s", code, out)
	}
	s = newShopped(t, shopifysim.Options{Scopes: []string{"read_orders"}}, stockOf(shopifysim.Options{}, "within: 1s"))
	if out, _, code := s.run("partner", "check", "main"); code != 3 || !strings.Contains(out, "lacks read_locations, write_inventory") {
		t.Errorf("exit %d\n%s", code, out)
	}
	s = newShopped(t, shopifysim.Options{}, stockOf(shopifysim.Options{}, "within: 1s"))
	if out, _, code := s.run("partner", "check", "main"); code != 0 || strings.Contains(out, "fails") {
		t.Errorf("exit %d\n%s", code, out)
	}
	s.refused(1, "no partner is named", "partner", "check", "nobody")
}
