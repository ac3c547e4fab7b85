package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/magento/magentosim"
	"github.com/paklog/hub/adapters/shopify/shopifysim"
	"github.com/paklog/hub/core/shop"
)

// looked is what a look finds, by what and kind, and how the verb ends.
func (s *shell) looked(t *testing.T, args ...string) (found string, code int) {
	t.Helper()
	out, errs, code := s.run(append([]string{"drift", "main", "--json"}, args...)...)
	var r shop.DriftReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Done.IsZero() {
		t.Fatalf("%v: %s%s", err, out, errs)
	}
	var all []string
	for _, f := range r.Found {
		all = append(all, fmt.Sprintf("%s %s %d/%d", f.About, f.Kind, f.Ours, f.Theirs))
	}
	return strings.Join(all, ", "), code
}

// Whatever went past the hub is found, and set right in one step: an order that nobody told of, one that
// was cancelled, a shipment that the shop lost, stock that somebody typed over.
func TestWhatDiffersFromAMagentoShopIsFoundAndSetRight(t *testing.T) {
	t.Parallel()
	// What was told of the stock by itself would hide what differs.
	s := newSells(t, fmt.Sprintf("poll: 1h, locations: {%s: DC1}, stock: {within: 1h}, drift: {every: 0s, late: 1ms}", magentosim.Source))
	s.serve()
	s.stock("MUG", 9)
	if _, _, code := s.run("drift", "main"); code == 0 {
		t.Error("there is a report before anybody looked")
	}
	if _, _, code := s.run("drift", "nobody", "--run"); code == 0 {
		t.Error("of a shop that nobody knows")
	}
	p := s.shop.Buy(magentosim.Buyer{}, magentosim.Line{SKU: "MUG", Qty: 2})
	unpaid := s.shop.Buy(magentosim.Buyer{State: "pending_payment"}, magentosim.Line{SKU: "MUG", Qty: 1})
	if found, code := s.looked(t, "--run"); found != "orders missing 0/0, orders missing 0/0, stock quantity 9/1000" || code != 3 {
		t.Errorf("%s, ends with %d", found, code)
	}
	if _, code := s.looked(t, "--repair"); code != 0 {
		t.Errorf("ends with %d", code)
	}
	s.until("the order is complete there", func() bool { return s.shop.Truth().States[p.ID] == "complete" })
	s.until("the hub knows it", func() bool {
		found, _ := s.looked(t, "--run")
		return !strings.Contains(found, "shipments") && !strings.Contains(found, "orders")
	})

	s.shop.Undo(p.ID)
	s.shop.Cancel(unpaid.ID)
	s.shop.Stock("MUG", 99)
	found, code := s.looked(t, "--run")
	if !strings.Contains(found, "shipments missing 2/0") || !strings.Contains(found, "orders status") || !strings.Contains(found, "stock quantity") || code != 3 {
		t.Errorf("%s, ends with %d", found, code)
	}
	if again, code := s.looked(t); again != found || code != 3 {
		t.Errorf("the report is kept: %s, ends with %d", again, code)
	}
	s.looked(t, "--repair")
	// A shipment that is told anew takes from the stock there once more. That would be told within the hour.
	s.until("nothing differs", func() bool {
		found, code := s.looked(t, "--run")
		if strings.HasPrefix(found, "stock quantity") {
			s.looked(t, "--repair")
		}
		return found == "" && code == 0
	})
	truth := s.shop.Truth()
	if len(truth.Shipped) != 1 || truth.Shipped[0].Items["MUG"] != 2 || truth.Stock["MUG"] != 7 || s.ups.Truth().Standing("") != 1 {
		t.Errorf("%+v", truth)
	}
	if out := s.must("orders", "show", unpaid.Number, "--json"); !strings.Contains(out, `"status": "cancelled"`) {
		t.Error(out)
	}
	s.must("audit")
}

// A look is made by itself, and finds what a webhook and a poll should have told.
func TestWhatDiffersFromAShopifyShopIsFound(t *testing.T) {
	t.Parallel()
	s := newShopped(t, shopifysim.Options{Hooks: shopifysim.HookOptions{Lost: 1000}}, "poll: 1h, drift: {late: 1ms}")
	s.open()
	s.stock("MUG", 9)
	s.until("a look was made by itself", func() bool {
		out, _, code := s.run("drift", "main")
		return code == 0 && strings.Contains(out, "nothing differs")
	})
	p := s.shop.Buy(shopifysim.Buyer{}, shopifysim.Line{SKU: "MUG", Qty: 2})
	// The shop writes times in whole seconds.
	s.until("it is found", func() bool { found, code := s.looked(t, "--run"); return found == "orders missing 0/0" && code == 3 })
	s.looked(t, "--repair")
	if got := s.told(1); got[0].Work != p.Work || got[0].Lines["MUG"] != 2 {
		t.Errorf("%+v", got)
	}
	s.until("nothing differs", func() bool { found, code := s.looked(t, "--run"); return found == "" && code == 0 })
	s.must("audit")
}
