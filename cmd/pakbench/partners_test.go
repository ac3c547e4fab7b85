package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/shopify/shopifysim"
)

// The benches of partners run small against a hub of its own: an order for each answer, a call of each
// carrier for each wish.
func TestPartnersAreMeasuredSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the benches run small, but they run")
	}
	c := withHub(t)
	for name, open := range map[string]func(context.Context, *config) (probe, error){"webhook": openHooks, "rateshop": openRateShop} {
		t.Run(name, func(t *testing.T) {
			p, err := open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			s, err := p.round(t.Context())
			if err := errors.Join(err, p.Close()); err != nil || s.value <= 0 {
				t.Fatalf("%+v, %v", s, err)
			}
			if name == "rateshop" && s.value < s.counts["slowest_ms"] {
				t.Errorf("prices of all three came after %v ms, before the slowest carrier's", s.value)
			}
		})
	}
}

func TestAnOrderThatNoAnswerStandsForIsTold(t *testing.T) {
	if err := durable(t.Context(), t.TempDir(), 0); err != nil {
		t.Errorf("nothing was answered and nothing is there: %v", err)
	}
	if err := durable(t.Context(), t.TempDir(), 1); err == nil || !strings.Contains(err.Error(), "1 events were answered with 2xx, and the journal has 0 orders") {
		t.Errorf("an answer without an order: %v", err)
	}
}

func TestPricesThatAreMissingAreTold(t *testing.T) {
	for name, c := range map[string]struct{ answer, want string }{
		"all":               {`{"rates":[{"connection":"ups"},{"connection":"usps"},{"connection":"ups"}],"silent":[]}`, ""},
		"one gave none":     {`{"rates":[{"connection":"ups"}],"silent":[]}`, "no price is of usps"},
		"one was too late":  {`{"rates":[{"connection":"ups"},{"connection":"usps"}],"silent":[{"connection":"usps","reason":"late"}]}`, "usps gave no price: late"},
		"no answer of ours": {`<html>`, "reading prices"},
	} {
		err := shopped([]byte(c.answer), []string{"ups", "usps"})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func syncing(t *testing.T) *stockSync {
	t.Helper()
	p, err := openStockSync(t.Context(), working(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p.(*stockSync)
}

func TestASyncTakesACallForEach250Records(t *testing.T) {
	p := syncing(t)
	p.set, p.n = p.set[:leastRecords], leastRecords
	for range 2 {
		s, err := p.round(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s.counts["set_calls"] != 5 || s.counts["records"] != 1001 || s.value <= 0 {
			t.Errorf("%+v", s)
		}
	}
}

func TestASyncThatDidNotHappenIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(p *stockSync)
		want  string
	}{
		"a call too many":            {func(p *stockSync) { p.writes.Add(1) }, "in 6 calls, not 5"},
		"a call too few":             {func(p *stockSync) { p.writes.Add(-1) }, "in 4 calls, not 5"},
		"a record that is otherwise": {func(p *stockSync) { p.sim.Recount("SKU-000007", 12345) }, "the shop has 12345 of SKU-000007"},
	} {
		p := syncing(t)
		p.set, p.n = p.set[:leastRecords], leastRecords
		if _, err := p.round(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.spoil(p)
		if err := p.held(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := syncing(t)
	p.set = append(p.set[:0:0], p.set[0])
	p.set[0].Item = "SKU-NONE"
	if _, err := p.round(t.Context()); err == nil || !strings.Contains(err.Error(), "SKU-NONE and 0 more were skipped") {
		t.Errorf("an item that the shop has not: %v", err)
	}
	p = syncing(t)
	p.sim.Inject("inventorySetQuantities", shopifysim.AnswerLost)
	if _, err := p.round(t.Context()); err == nil {
		t.Errorf("a lost answer is not told")
	}
}
