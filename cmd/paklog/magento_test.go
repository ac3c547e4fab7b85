package main

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/magento/magentosim"
	"github.com/paklog/hub/adapters/ups/upssim"
)

// sells is a hub with a Magento shop and a carrier, both simulated.
type sells struct {
	*shell
	shop *magentosim.Sim
	ups  *upssim.Sim
}

func newSells(t *testing.T, more string) *sells {
	t.Helper()
	ups, err := upssim.New(upssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ups.Close() })
	s := &sells{newShell(t), magentosim.New(magentosim.Options{}), ups}
	at, carrier := httptest.NewServer(s.shop), httptest.NewServer(ups)
	t.Cleanup(at.Close)
	t.Cleanup(carrier.Close)
	text := fmt.Sprintf(`%scarriers: {ups: {url: %q, client_id: %q, client_secret_file: secret, account: %q}}
shops:
  main:
    {kind: magento, url: %q, client_id: %q, client_secret_file: one, access_token_file: token, token_secret_file: two, source: %s, timeout: 2s, resolve_after: 1s, %s}
`, readme(t, s.config), carrier.URL, upssim.ClientID, upssim.Account, at.URL+"/rest/default", magentosim.ConsumerKey, magentosim.Source, more)
	for name, content := range map[string]string{"secret": upssim.ClientSecret, "one": magentosim.ConsumerSecret, "token": magentosim.AccessToken, "two": magentosim.TokenSecret} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(s.config), name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// An order is found, worked and shipped, and the shop is told once, of what it sells, though its first
// answer is lost; what it may sell afterwards is what there is.
func TestAMagentoOrderIsShippedAndTheShopIsToldOnce(t *testing.T) {
	t.Parallel()
	s := newSells(t, fmt.Sprintf("poll: 1s, locations: {%s: DC1}, stock: {within: 100ms, every: 2s}", magentosim.Source))
	s.shop.Inject(magentosim.OpShip, "answer-lost")
	s.serve()
	s.stock("MUG", 9)
	s.stock("TRAY", 9)
	p := s.shop.Buy(magentosim.Buyer{}, magentosim.Line{SKU: "MUG", Qty: 2, Kind: "configurable"},
		magentosim.Line{SKU: "SET", Qty: 1, Kind: "bundle", Parts: []magentosim.Part{{SKU: "TRAY", Qty: 1}, {SKU: "MUG", Qty: 2}}})
	s.until("the shop counts the order as complete", func() bool { return s.shop.Truth().States[p.ID] == "complete" })
	s.until("the hub is certain", func() bool {
		return strings.Contains(s.must("events", "tail", "--topic", "external-events", "--json"), `"do":"ship"`) ||
			strings.Contains(s.must("events", "tail", "--topic", "external-events", "--json"), `"do": "ship"`)
	})
	truth := s.shop.Truth()
	if len(truth.Shipped) != 1 || truth.Shipped[0].Items["MUG"] != 4 || truth.Shipped[0].Items["TRAY"] != 1 || len(truth.Shipped[0].Numbers) != 1 || truth.Shipped[0].Carrier != "ups" {
		t.Errorf("%+v", truth.Shipped)
	}
	s.until("the shop may sell what there is", func() bool {
		n := s.shop.Truth().Salable
		return n["MUG"] == 5 && n["TRAY"] == 8
	})
	if n := s.ups.Truth().Standing(""); n != 1 {
		t.Errorf("%d labels stand", n)
	}
	if out := s.must("partner", "check", "main"); !strings.Contains(out, "is a shop at Magento") || strings.Contains(out, "fails") {
		t.Error(out)
	}
	s.must("audit")
}

// What the shop makes of an order before it leaves, the hub makes of it too; an order that cannot be
// picked by the piece is a letter, once, and holds up nobody.
func TestAMagentoOrderFollowsItsShop(t *testing.T) {
	t.Parallel()
	s := newSells(t, "poll: 1s")
	text := strings.Replace(readme(t, s.config), "auto_workers: 2", "auto_workers: 0", 1)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.serve()
	s.stock("MUG", 20)
	odd := s.shop.Buy(magentosim.Buyer{}, magentosim.Line{SKU: "ROPE", Qty: 1.5})
	p := s.shop.Buy(magentosim.Buyer{State: "pending_payment"}, magentosim.Line{SKU: "MUG", Qty: 5})
	shows := func(want string) {
		t.Helper()
		s.until(want, func() bool {
			out, _, _ := s.run("orders", "show", p.Number, "--json")
			return strings.Contains(out, want)
		})
	}
	shows(`"status": "held"`)
	s.shop.SetState(p.ID, "processing")
	s.until("it goes on", func() bool {
		out, _, _ := s.run("orders", "show", p.Number, "--json")
		return !strings.Contains(out, `"status": "held"`)
	})
	s.shop.Refund(p.ID, "MUG", 2)
	shows(`"ordered": 3`)
	s.shop.Cancel(p.ID)
	shows(`"status": "cancelled"`)
	s.until("the other is a letter", func() bool { return strings.Contains(s.must("dlq", "list"), "in.shop.main") })
	calls := s.shop.Calls(magentosim.OpOrders)
	s.until("it was looked at again", func() bool { return s.shop.Calls(magentosim.OpOrders) > calls+2 })
	if out := s.must("dlq", "list"); !strings.Contains(out, "1 open: in.shop.main 1\n") {
		t.Errorf("letters about %s:\n%s", odd.Work(), out)
	}
	if n := len(s.shop.Truth().Shipped); n != 0 {
		t.Errorf("%d shipments", n)
	}
	s.must("audit")
}
