package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/paklog/hub/dlq"
)

func TestAnUnknownItemIsAddedFromItsGroup(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	cfg, _, err := load(s.config)
	if err != nil {
		t.Fatal(err)
	}
	order := map[string]any{
		"number": "SO-1", "lines": []any{map[string]any{"item": `KETTLE "5"`, "qty": 3}},
		"ship_to": map[string]any{"name": "A", "lines": []string{"1 Main St"}, "city": "Reno", "region": "NV", "postal_code": "89501", "country": "US"},
	}
	if err := attach(t.Context(), cfg).do(t.Context(), http.MethodPost, "/v1/orders", order, nil); err != nil {
		t.Fatal(err)
	}
	groups := func(route string) (found []dlq.Group) {
		for _, g := range decoded[[]dlq.Group](t, s.must("dlq", "groups", "--json")) {
			if g.Route == route && g.Open > 0 {
				found = append(found, g)
			}
		}
		return found
	}
	s.until("the line is a letter", func() bool { return len(groups("order.held_line")) == 1 })
	id := groups("order.held_line")[0].Fingerprint
	lacks := decoded[[]dlq.Remedy](t, s.must("dlq", "fix", id, "--json"))
	if len(lacks) != 1 || lacks[0].Missing != `KETTLE "5"` || lacks[0].Kind != "item" || lacks[0].Operation != "register-item" || lacks[0].Letters != 1 {
		t.Fatalf("it lacks %+v", lacks)
	}
	if out := s.must("dlq", "fix", id); !strings.Contains(out, "missing") || strings.Contains(out, "added") || len(groups("order.held_line")) != 1 {
		t.Errorf("looking alone changes something, or says nothing:\n%s", out)
	}
	s.refused(2, "--unit is the smallest unit", "dlq", "fix", id, "--unit", "")
	s.refused(1, "shows those there are", "dlq", "fix", "nosuch", "--unit", "each")
	if out := s.must("dlq", "fix", id, "--unit", "each"); !strings.Contains(out, "added") {
		t.Errorf("said\n%s", out)
	}
	s.until("the line went on", func() bool { return len(groups("order.held_line")) == 0 })
	// A second time there is nothing to add.
	if out := s.must("dlq", "fix", id, "--unit", "each"); !strings.Contains(out, "no open letter") {
		t.Errorf("said\n%s", out)
	}
	// Nothing is added for a document that is broken.
	s.letter()
	s.until("the document's letter is grouped", func() bool { return len(groups("x12.refused")) == 1 })
	if out := s.must("dlq", "fix", groups("x12.refused")[0].Fingerprint, "--unit", "each"); !strings.Contains(out, "no open letter") {
		t.Errorf("said\n%s", out)
	}
}
