package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pallet"
)

// From a picked tote to a pallet, and the papers, from the shell.
func TestPackingFromTheShell(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	text, err := os.ReadFile(s.config)
	if err == nil { // people pick and pack
		err = os.WriteFile(s.config, []byte(strings.Replace(string(text), "auto_workers: 2", "auto_workers: 0", 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.serve()
	s.warehouse()
	s.must(append([]string{"order", "add", "--number", "SO-1", "--line", "MUG=3"}, address...)...)
	c, _, err := running(t.Context(), &global{config: s.config})
	if err != nil {
		t.Fatal(err)
	}
	do := func(path string, body any) error { return c.do(t.Context(), http.MethodPost, path, body, nil) }
	s.until("the task is there", func() bool {
		return do("/v1/tasks/ACME/T1-SO-1/claim", map[string]any{"worker": "jo"}) == nil
	})
	if err := do("/v1/picks/ACME/T1-SO-1/confirm", map[string]any{"step": 1, "qty": 3, "tote": "T-7", "worker": "jo"}); err != nil {
		t.Fatal(err)
	}
	s.until("the packing is there", func() bool { return strings.Contains(s.must("packs", "--status", "open"), "P1-SO-1") })

	s.refused(1, "0 cartons of packing P1-SO-1 are open", "packs", "scan", "P1-SO-1", "MUG")
	s.must("packs", "open", "P1-SO-1", "--box", "S", "--packer", "jo")
	s.refused(1, "put this one aside", "packs", "scan", "P1-SO-1", "4006381333931")
	s.refused(1, "3 of item MUG are left", "packs", "scan", "P1-SO-1", "MUG", "--times", "4")
	if out := s.must("packs", "scan", "P1-SO-1", "MUG", "--times", "3"); !strings.Contains(out, "holds 3 of MUG (line 1 tote T-7)") {
		t.Error(out)
	}
	s.must("packs", "take", "P1-SO-1", "--item", "MUG", "--line", "1", "--tote", "T-7", "--qty", "1")
	s.must("packs", "open", "P1-SO-1", "--box", "S")
	p := decoded[pack.Packing](t, s.must("packs", "show", "P1-SO-1", "--json"))
	one, two := p.Begun[0].Carton, p.Begun[1].Carton
	s.must("packs", "scan", "P1-SO-1", "MUG", "--carton", two)
	s.must("packs", "move", "P1-SO-1", "--from", two, "--to", one)
	s.refused(2, "say with --carton which", "packs", "reopen", "P1-SO-1")
	s.refused(2, "--override", "packs", "close", "P1-SO-1", "--override", "wet")
	s.refused(1, "nothing was scanned into carton", "packs", "close", "P1-SO-1", "--carton", two)
	if out := s.must("packs", "close", "P1-SO-1", "--carton", one, "--weight-g", "900"); !strings.Contains(out, "is completed") {
		t.Error(out)
	}
	s.must("packs", "reopen", "P1-SO-1", "--carton", one, "--reason", "damaged")
	s.must("packs", "close", "P1-SO-1", "--carton", one)

	if out := s.must("print", "label", one); !strings.HasPrefix(out, "^XA") {
		t.Errorf("%.80q", out)
	}
	file := filepath.Join(t.TempDir(), "slip.pdf")
	s.must("print", "slip", "SO-1", "--format", "pdf", "--out", file)
	if b, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(b), "%PDF-") {
		t.Errorf("%.20q %v", b, err)
	}
	if out := s.must("print", "slip", "SO-1"); !strings.Contains(out, one) {
		t.Error(out)
	}
	s.refused(2, "none of zpl, pdf", "print", "label", one, "--format", "png")
	s.refused(1, "there is no carton", "print", "label", "106141412345678908")

	b := decoded[pallet.Pallet](t, s.must("pallets", "build", "--max-weight-g", "20000", "--tare-g", "15000", "--json"))
	s.must("pallets", "stack", b.Pallet, one)
	s.refused(1, "is open or was emptied", "pallets", "stack", b.Pallet, two)
	if out := s.must("pallets", "close", b.Pallet); !strings.Contains(out, "is closed: 1 cartons") {
		t.Error(out)
	}
	s.refused(1, "a carrier that we are connected to", "loads", "plan", "L-1", "--carrier", "ups")
	s.refused(1, "there is no such load", "loads", "depart", "L-1")
	s.refused(1, "there is no such manifest", "manifests", "close", "ups-20261129-1")
	if out := s.must("pallets", "--json"); !strings.Contains(out, one) {
		t.Error(out)
	}
}
