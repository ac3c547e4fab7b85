package main

import (
	"strings"
	"testing"

	"github.com/paklog/hub/core/returns"
)

func TestGoodsComeBackFromTheShell(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	s.warehouse()
	s.must("import", "locations", s.file("docks.csv", "location,purpose\nDOCK-1,dock\n"), "--report", "-")
	s.refused(2, "1=2", "returns", "authorize", "RMA-1", "--order", "SO-1", "--reason", "x", "--line", "MUG")
	s.refused(2, "at least one --line", "returns", "authorize", "RMA-1", "--order", "SO-1", "--reason", "x")
	s.refused(1, "is not known", "returns", "authorize", "RMA-1", "--order", "SO-NONE", "--reason", "x", "--line", "1=1")
	s.refused(1, "there is no such return", "returns", "goods", "RMA-1", "MUG", "--qty", "1", "--location", "DOCK-1")
	s.must("returns", "goods", "BLIND-1", "MUG", "--qty", "3", "--location", "DOCK-1", "--reason", "no label", "--entry", "parcel-1")
	if out := s.must("returns", "goods", "BLIND-1", "MUG", "--qty", "3", "--location", "DOCK-1", "--entry", "parcel-1"); !strings.Contains(out, "3 of 0 of item MUG came") {
		t.Errorf("said twice:\n%s", out)
	}
	s.refused(2, "needs --line", "returns", "dispose", "BLIND-1", "--to", "scrap")
	s.refused(1, "none of restock", "returns", "dispose", "BLIND-1", "--line", "1", "--to", "sell", "--reason", "x", "--worker", "al")
	s.must("returns", "dispose", "BLIND-1", "--line", "1", "--qty", "1", "--to", "quarantine", "--reason", "odd", "--worker", "al")
	s.must("returns", "dispose", "BLIND-1", "--line", "1", "--to", "restock", "--reason", "as new", "--worker", "al")
	if out := s.must("returns", "dispose", "BLIND-1", "--line", "1", "--from", "quarantine", "--to", "scrap", "--reason", "broken", "--worker", "al"); !strings.Contains(out, "1 at DOCK-1 : scrap") {
		t.Errorf("disposed:\n%s", out)
	}
	s.must("returns", "close", "BLIND-1")
	s.refused(1, "is closed", "returns", "goods", "BLIND-1", "MUG", "--qty", "1", "--location", "DOCK-1")
	s.refused(2, "needs --reason", "returns", "cancel", "BLIND-1")
	if out := s.must("returns", "--status", "closed"); !strings.Contains(out, "BLIND-1") {
		t.Errorf("listed:\n%s", out)
	}
	if r := decoded[returns.Return](t, s.must("returns", "show", "BLIND-1", "--json")); !r.Blind || len(r.Parts) != 2 {
		t.Errorf("%+v", r)
	}
	s.must("audit")
}
