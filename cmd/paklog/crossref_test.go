package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/core/view"
)

// What codes mean is set, listed, exported, taken out and imported from the shell.
func TestCrossReferencesFromTheShell(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	s.must("crossrefs", "set", "main", "item", "COFFEE 6/12", "COFFEE")
	s.must("crossrefs", "set", "main", "method", "Express, 2 days", "--level", "express")
	s.must("crossrefs", "set", "other", "unit", "Stk", "each")
	s.refused(1, "means \"COFFEE\" already", "crossrefs", "set", "main", "item", "COFFEE 6/12", "TEA")
	s.refused(1, "ours", "crossrefs", "set", "main", "location", "L-1", "MARS")
	s.must("crossrefs", "set", "main", "item", "COFFEE 6/12", "TEA", "--update")
	if out := s.must("crossrefs", "show", "main", "item", "COFFEE 6/12"); !strings.Contains(out, `means "TEA" (version 2, active)`) {
		t.Error(out)
	}
	if out := s.must("crossrefs", "--partner", "main", "--json"); len(decoded[[]view.Doc](t, out)) != 2 {
		t.Error(out)
	}
	file := filepath.Join(t.TempDir(), "x.csv")
	s.must("export", "crossrefs", file)
	b, err := os.ReadFile(file)
	if err != nil || strings.Count(string(b), "\n") != 4 {
		t.Fatalf("%s: %v", b, err)
	}
	s.must("crossrefs", "remove", "main", "item", "COFFEE 6/12")
	s.refused(1, "there is no such crossref", "crossrefs", "remove", "main", "item", "COFFEE")
	if out := s.must("crossrefs", "list", "--status", "removed"); !strings.Contains(out, "COFFEE 6/12") || strings.Contains(out, "Express") {
		t.Error(out)
	}
	if out := s.must("export", "crossrefs", "-", "--format", "ndjson"); strings.Contains(out, "COFFEE") || strings.Count(out, "\n") != 2 {
		t.Error(out)
	}
	if out := s.must("import", "crossrefs", file, "--report", "-"); !strings.Contains(out, "1 created") || !strings.Contains(out, " 0 refused") {
		t.Error(out)
	}
	if out := s.must("crossrefs", "show", "main", "item", "COFFEE 6/12"); !strings.Contains(out, "version 4, active") {
		t.Error(out)
	}
	if out := s.must("events", "tail", "--topic", "audit-events", "--json"); !strings.Contains(out, "crossref.Remove") {
		t.Error(out)
	}
	s.must("audit")
}

func TestAnExportOfOneOwnerIsHisAlone(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	s.must("import", "items", s.file("items.csv", "sku,uom,owner\nA-1,each,ACME\nB-1,each,BETA\n"), "--report", "-")
	if out := s.must("export", "items", "-", "--format", "ndjson", "--owner", "BETA"); strings.Contains(out, "A-1") || !strings.Contains(out, "B-1") {
		t.Error(out)
	}
}
