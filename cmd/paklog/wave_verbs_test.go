package main

import (
	"os"
	"strings"
	"testing"

	"github.com/paklog/hub/core/view"
	"github.com/paklog/hub/core/wave"
)

func TestWavesFromTheShell(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	text := "data: " + s.data + "\nowner: ACME\nhttp: {listen: \"127.0.0.1:0\"}\nwarehouse:\n  waves:\n    - {name: rush, priority: 5, max: {orders: 2}, at: [\"03:00\"], every: 24h}\n"
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.serve()
	s.warehouse()
	for n, priority := range map[string]string{"SO-1": "7", "SO-2": "6", "SO-3": "5", "SO-4": "1"} {
		s.must("order", "add", "--number", n, "--line", "MUG=1", "--priority", priority, "--name", "Jo Doe", "--street", "1 Elm St", "--city", "Reno", "--region", "NV", "--postal-code", "89501", "--country", "US")
	}
	preview := func(of ...string) wave.Previewed {
		return decoded[wave.Previewed](t, s.must(append([]string{"wave", "plan", "--dry-run", "--json"}, of...)...))
	}
	s.until("three orders wait under the template", func() bool {
		for _, x := range preview().Templates {
			if x.Template == "rush" && len(x.Waves) == 2 && x.Waves[0].Share.Orders == 2 && !x.Due.IsZero() {
				return true
			}
		}
		return false
	})
	if out := s.must("wave", "plan", "--dry-run"); !strings.Contains(out, "wave 1: 2 orders, 2 lines, 2 units: SO-1 SO-2") {
		t.Errorf("%s", out)
	}
	if out := s.must("wave", "plan", "--dry-run", "SO-4"); !strings.Contains(out, "not with rush: priority 1 is below 5") {
		t.Errorf("%s", out)
	}
	if p := preview("NONE"); p.Order.Because != "there is no such order" {
		t.Errorf("%+v", p.Order)
	}
	s.refused(2, "name the wave and its orders", "wave", "plan", "W-A")
	s.must("wave", "plan", "W-A", "SO-1", "SO-2", "--priority", "8", "--cut-off", "2099-11-24T16:00:00Z")
	s.must("wave", "plan", "W-B", "SO-3")
	s.refused(1, "is in wave W-A", "wave", "add", "W-B", "SO-1")
	s.must("wave", "move", "W-A", "SO-2", "--to", "W-B")
	s.refused(1, "is not in wave W-A", "wave", "move", "W-A", "SO-2", "--to", "W-B")
	s.refused(1, "there is no such wave", "wave", "move", "W-A", "SO-1", "--to", "NONE")
	s.must("wave", "optimize", "W-B")
	s.until("the planned wave is batched", func() bool {
		w := decoded[wave.Wave](t, string(decoded[view.Doc](t, s.must("wave", "show", "W-B", "--json")).State))
		return w.Open == 2 && len(w.Batching.Batches) == 2
	})
	s.must("wave", "remove", "W-B", "SO-3")
	if out := s.must("wave", "release", "W-B"); !strings.Contains(out, "wave W-B is released, 1 of its 2 orders are open") {
		t.Errorf("%s", out)
	}
	s.refused(1, "orders leave planned waves", "wave", "remove", "W-B", "SO-2")
	s.refused(1, "wave W-B is released", "wave", "add", "W-B", "SO-3")
	s.refused(2, "say why with --reason", "wave", "cancel", "W-A")
	s.must("wave", "cancel", "W-A", "--reason", "no truck")
	s.until("the orders of the cancelled wave wait again", func() bool {
		p := preview("SO-1")
		return p.Order.Wave == "" && p.Order.Template == "rush"
	})
	if out := s.must("waves", "--status", "released"); !strings.Contains(out, "W-B") || strings.Contains(out, "W-A") {
		t.Errorf("%s", out)
	}
	if out := s.must("wave", "show", "W-B"); !strings.Contains(out, "SO-3") || !strings.Contains(out, "removed") {
		t.Errorf("%s", out)
	}
	s.must("audit")
}
