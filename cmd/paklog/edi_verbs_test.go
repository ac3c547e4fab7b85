package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/x12gen"
)

func TestAnEDIDumpNamesEachPlace(t *testing.T) {
	t.Parallel()
	s := newShell(t) // nothing is served: a dump needs no hub
	var buf bytes.Buffer
	if _, err := x12gen.Write(&buf, x12gen.Config{
		Seed: 1, Set: "940", Sets: 3, MostLine: 3, Control: 1, OrderPrefix: "SO-", Items: []string{"MUG"}, SCACs: []string{"UPSN"},
		Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Options: x12.WriterOptions{LineEnd: "\n"},
	}); err != nil {
		t.Fatal(err)
	}
	good := buf.String()
	file := filepath.Join(filepath.Dir(s.config), "good.edi")
	if err := os.WriteFile(file, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := s.must("edi", "dump", file); !strings.Contains(out, "1 interchanges, 1 groups, 3 sets; 0 findings") {
		t.Errorf("a good one:\n%s", out)
	}
	for _, x := range []struct{ name, doc, says, marked string }{
		{"a word for a number", spoil(good), "W01-01 is not a number", "W01*MANY*"},
		{"a cut file", good[:len(good)/2], "error", "^"},
		{"nothing", "", "no X12 interchange in it", ""},
		{"prose", "Dear partner,\nplease find attached", "not an X12 interchange", "Dear partner,\n        ^"},
		{"a terminal's own words", strings.Replace(spoil(good), "MANY", "\x1b[2J", 1), ".[2J", ""},
	} {
		out, errs, code := s.pipe(x.doc, "edi", "dump", "-")
		if code != 3 || !strings.Contains(out, x.says) || !strings.Contains(out, x.marked) || strings.Contains(out, "\x1b") {
			t.Errorf("%s: exit %d, want %q and %q in\n%s%s", x.name, code, x.says, x.marked, out, errs)
		}
		out, _, code = s.pipe(x.doc, "edi", "dump", "-", "--json")
		worst := x12.Note
		for line := range strings.Lines(out) {
			f := decoded[x12.Finding](t, line)
			worst = max(worst, f.Severity)
			if f.Line < 1 || f.Message == "" {
				t.Errorf("%s: a finding without its place: %s", x.name, line)
			}
		}
		if code != 3 || worst != x12.Error {
			t.Errorf("%s under --json: exit %d\n%s", x.name, code, out)
		}
	}
	if out := s.must("edi", "dump", file, file); strings.Count(out, "good.edi") != 2 {
		t.Errorf("two files:\n%s", out)
	}
	s.refused(1, "no such file", "edi", "dump", file+".none")
	// A segment that never ends is not read for ever.
	if _, errs, code := s.pipe(good[:106]+"ST*"+strings.Repeat("9", 2<<20), "edi", "dump", "-"); code == 0 {
		t.Errorf("an endless segment: exit 0, %s", errs)
	}
}

func TestEventsAreTailedAndViewsBuiltAnew(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	s.stock("MUG", 5)
	var all []rest.Event
	for line := range strings.Lines(s.must("events", "tail", "--after", "0", "--json")) {
		all = append(all, decoded[rest.Event](t, line))
	}
	if len(all) == 0 || all[0].SpecVersion != "1.0" {
		t.Fatalf("tail: %+v", all)
	}
	for i := range all[1:] {
		if all[i+1].Position <= all[i].Position {
			t.Errorf("position %d behind %d", all[i+1].Position, all[i].Position)
		}
	}
	last := all[len(all)-1].Position
	if out := s.must("events", "tail", "--topic", "order-events", "--after", "0"); out != "" {
		t.Errorf("no order was placed:\n%s", out)
	}
	var events int
	for range strings.Lines(s.must("events", "tail", "--after", "0")) {
		events++
	}
	if out := s.must("events", "replay"); !strings.Contains(out, "nothing else was done again") {
		t.Errorf("replay:\n%s", out)
	}
	after := strings.Count(s.must("events", "tail", "--after", "0"), "\n")
	if after != events {
		t.Errorf("a replay wrote events: %d before, %d after position %d", events, after, last)
	}
	if out := s.must("items"); !strings.Contains(out, "MUG") {
		t.Errorf("items after the replay:\n%s", out)
	}
	v := decoded[map[string]any](t, s.must("version", "--json"))
	if v["journal_format"] != float64(journal.Format) {
		t.Errorf("version: %v", v)
	}
}
