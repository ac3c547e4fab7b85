package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/restshop/platformsim"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/core/shop"
)

// platformed is a hub with a custom platform and a carrier, both simulated.
type platformed struct {
	*shell
	shop *platformsim.Sim
	ups  *upssim.Sim
}

func newPlatformed(t *testing.T, o platformsim.Options, kind, more string) *platformed {
	t.Helper()
	ups, err := upssim.New(upssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ups.Close() })
	s := &platformed{newShell(t), platformsim.New(o), ups}
	at, carrier := httptest.NewServer(s.shop), httptest.NewServer(ups)
	t.Cleanup(at.Close)
	t.Cleanup(carrier.Close)
	text := fmt.Sprintf(`%scarriers: {ups: {url: %q, client_id: %q, client_secret_file: secret, account: %q}}
shops:
  main:
    {%s, url: %q, access_token_file: key, client_secret_file: whsec, timeout: 2s, resolve_after: 1s, %s}
`, readme(t, s.config), carrier.URL, upssim.ClientID, upssim.Account, kind, at.URL, more)
	dir := filepath.Dir(s.config)
	for path, content := range map[string]string{
		s.config: text, filepath.Join(dir, "secret"): upssim.ClientSecret, filepath.Join(dir, "key"): platformsim.Key, filepath.Join(dir, "whsec"): platformsim.Secret,
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// open serves the hub, and lets the platform's webhooks come to it.
func (s *platformed) open() {
	s.t.Helper()
	s.serve()
	hub := httptest.NewServer(&s.app.front)
	s.t.Cleanup(hub.Close)
	s.shop.HookTo(hub.URL + "/webhooks/platform/main")
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); s.shop.Run(ctx) }()
	s.t.Cleanup(func() { cancel(); <-done })
}

// A platform that keeps our contract hints by a signed webhook; the order is read, accepted, worked and
// shipped, and the platform is told once, though the answer to that is lost.
func TestAPlatformsOrderIsShippedAndThePlatformIsToldOnce(t *testing.T) {
	t.Parallel()
	s := newPlatformed(t, platformsim.Options{Asks: true, Hooks: platformsim.HookOptions{Doubled: 500}}, "kind: platform",
		fmt.Sprintf("poll: 1h, locations: {%s: DC1}, stock: {within: 100ms, every: 2s}", platformsim.Location))
	s.shop.Inject(platformsim.OpShip, "answer-lost")
	s.shop.Inject(platformsim.OpAnswer, "answer-lost")
	s.open()
	s.stock("MUG", 9)
	p := s.shop.Buy(platformsim.Buyer{}, platformsim.Line{SKU: "MUG", Qty: 2})
	s.until("the platform counts the order as shipped", func() bool { return s.shop.Truth().States[p.ID] == "closed" })
	s.until("the hub is certain", func() bool {
		return strings.Contains(s.must("events", "tail", "--topic", "external-events", "--json"), `"s-1"`)
	})
	truth := s.shop.Truth()
	if len(truth.Shipped) != 1 || truth.Shipped[0].Items["MUG"] != 2 || len(truth.Shipped[0].Numbers) != 1 || truth.Shipped[0].Carrier != "ups" {
		t.Errorf("%+v", truth.Shipped)
	}
	if len(truth.Answers) != 1 || truth.Answers[0].Do != "accept" || truth.Hooks == 0 {
		t.Errorf("%+v, %d hooks", truth.Answers, truth.Hooks)
	}
	s.until("the platform says what there is", func() bool { return s.shop.Truth().Stock["MUG"] == 7 })
	if n := s.ups.Truth().Standing(""); n != 1 {
		t.Errorf("%d labels stand", n)
	}
	if out := s.must("partner", "check", "main"); !strings.Contains(out, "of a platform of its own") || strings.Contains(out, "fails") {
		t.Error(out)
	}
	s.must("audit")
}

func TestAWebhookThatIsNotThePlatformsIsRefused(t *testing.T) {
	t.Parallel()
	s := newPlatformed(t, platformsim.Options{Hooks: platformsim.HookOptions{Secret: "whsec_YW5vdGhlciBzZWNyZXQgb2Ygc29tZWJvZHkgZWxzZQ=="}}, "kind: platform", "poll: 1h")
	s.open()
	s.stock("MUG", 9)
	s.shop.Buy(platformsim.Buyer{}, platformsim.Line{SKU: "MUG", Qty: 1})
	s.shop.Send(t.Context())
	if n := s.shop.Truth().Hooks; n != 0 {
		t.Errorf("%d were taken", n)
	}
	if out := s.must("orders", "list"); strings.Contains(out, "ACME") {
		t.Errorf("orders:\n%s", out)
	}
}

// A connector is a file in the data folder: what is wrong in it is told before the hub starts, and an order
// that it finds is shipped.
func TestAConnectorIsAFile(t *testing.T) {
	t.Parallel()
	s := newPlatformed(t, platformsim.Options{}, "kind: rest, connector: mine.yaml", "poll: 1s")
	raw, err := os.ReadFile(filepath.Join("..", "..", "transforms", "restshop", "platform.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(s.data, "connectors")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, "mine.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(strings.Replace(string(raw), "qty: line.qty", "qty: lin.qty", 1))
	if out, errOut, _ := s.run("config", "check"); !strings.Contains(out+errOut, "mine.yaml:37:12: work.order.lines.qty: undeclared reference to 'lin'") {
		t.Errorf("%s%s", out, errOut)
	}
	write(string(raw))
	s.serve()
	s.stock("MUG", 9)
	p := s.shop.Buy(platformsim.Buyer{}, platformsim.Line{SKU: "MUG", Qty: 2})
	s.until("it is shipped", func() bool { return s.shop.Truth().States[p.ID] == "closed" })
	if out := s.must("partner", "check", "main"); !strings.Contains(out, "by connector mine.yaml") || strings.Contains(out, "fails") {
		t.Error(out)
	}
}

// What was there before the hub is loaded, each once, though polls and a second load see it too.
func TestAFirstLoadOfAPlatform(t *testing.T) {
	t.Parallel()
	s := newPlatformed(t, platformsim.Options{}, "kind: platform", "poll: 1s, first: 1s")
	text := strings.Replace(readme(t, s.config), "auto_workers: 2", "auto_workers: 0", 1)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 45 {
		b := platformsim.Buyer{}
		if i%9 == 0 {
			b.State = "closed"
		}
		s.shop.Buy(b, platformsim.Line{SKU: "MUG", Qty: 1})
	}
	s.shop.Inject(platformsim.OpOrders, "", "", "outage", "html")
	s.serve()
	s.stock("MUG", 100)
	if out, errOut, code := s.run("shops", "load", "other", "--since", "2026-01-01"); code == 0 || !strings.Contains(out+errOut, "no shop is named") {
		t.Errorf("%d: %s%s", code, out, errOut)
	}
	if out, errOut, code := s.run("shops", "load", "main", "--since", "yesterday"); code == 0 {
		t.Errorf("%s%s", out, errOut)
	}
	for range 2 {
		if out := s.must("shops", "load", "main", "--since", "2020-01-01"); !strings.Contains(out, "done ") || !strings.Contains(out, "45 of 45 orders read in 3 pages, nothing is left to do of 5, 0 could") {
			t.Error(out)
		}
	}
	s.until("each is an order", func() bool { return strings.Count(s.must("orders", "list", "--limit", "100"), "P-1") >= 40 })
	if out := s.must("shops", "load", "main", "--show", "--json"); !strings.Contains(out, `"past": 5`) {
		t.Error(out)
	}
	if n := strings.Count(s.must("orders", "list", "--limit", "100"), "P-1"); n != 40 {
		t.Errorf("%d orders", n)
	}
	s.must("audit")
}

func TestProgress(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]shop.LoadReport{
		"m  [###############...............] 5 of 10 orders, 50 %":   {Shop: "m", Read: 5, Total: 10},
		"m  [##############################] 12 of 12 orders, 100 %": {Shop: "m", Read: 12, Total: 10},
		"m  7 orders": {Shop: "m", Read: 7},
	} {
		if got := barLine(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
