package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/edi/edifact/edifactgen"
	"github.com/paklog/hub/edi/finding"
)

func TestEDIFACTIsValidatedAndAnsweredBesideX12(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir, _, _, _ := ediFiles(t, s)
	var buf bytes.Buffer
	if _, err := edifactgen.Write(&buf, edifactgen.Config{Seed: 1, Messages: 3, Options: edifact.WriterOptions{LineEnd: "\n"}}); err != nil {
		t.Fatal(err)
	}
	good := buf.String()
	bad := strings.Replace(good, "QTY+21:", "QTY+21:x", 1)
	bad = strings.Replace(bad, "CNT+1:", "CNT+1:x", 1)
	if err := os.WriteFile(filepath.Join(dir, "orders.edi"), []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := s.pipe("", "edi", "validate", dir); code != 3 || !strings.Contains(out, "3 files, 9 sets") {
		t.Errorf("both in one folder: exit %d\n%s%s", code, out, errs)
	}
	if out, errs, code := s.pipe(good, "edi", "validate", "-"); code != 0 || !strings.Contains(out, "3 sets: 0 errors, 0 warnings, 0 notes") {
		t.Errorf("a good one: exit %d\n%s%s", code, out, errs)
	}
	out, _, code := s.pipe(bad, "edi", "validate", "--json", "--least", "error", "-")
	if f := decoded[finding.Finding](t, strings.SplitN(out, "\n", 2)[0]); code != 3 || bad[f.Offset] != 'x' || f.Element != "QTY-01-2" && f.Element != "CNT-01-2" || f.Ack.UCD != "37" || f.Set != "1" {
		t.Errorf("exit %d: %s", code, out)
	}
	const now = "2026-11-23T09:15:00Z"
	out, errs, code := s.pipe(bad, "edi", "ack", "--control", "42", "--now", now, "-")
	if code != 3 || !strings.HasPrefix(out, "UNB+UNOC:3+PAKLOG+ACME+261123:0915+42'\nUNH+1+CONTRL:D:3:UN'\nUCI+1+ACME+PAKLOG+7'\nUCM+1+ORDERS:D:96A:UN+4'\nUCS+") || strings.Count(out, "+7'") != 3 {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if again, errs, code := s.pipe(out, "edi", "ack", "-"); code != 0 || again != "" {
		t.Errorf("a CONTRL was answered, exit %d\n%s%s", code, again, errs)
	}
	if out, errs, code := s.pipe(good, "edi", "ack", "--now", now, "-"); code != 0 || strings.Count(out, "UCM+") != 3 {
		t.Errorf("a good one: exit %d\n%s%s", code, out, errs)
	}
	if out, _, code := s.pipe(good, "edi", "ack", "--reject", "interchange", "--now", now, "-"); code != 0 || !strings.Contains(out, "UCI+1+ACME+PAKLOG+7'") {
		t.Errorf("a good one, whole: exit %d\n%s", code, out)
	}
	if out, _, code := s.pipe(bad, "edi", "ack", "--reject", "interchange", "--now", now, "-"); code != 3 || !strings.Contains(out, "UCI+1+ACME+PAKLOG+4+18'") {
		t.Errorf("a bad one, whole: exit %d\n%s", code, out)
	}
	if out, _, code := s.pipe("STX=ANA:1+5000000000000'", "edi", "validate", "-"); code != 3 || !strings.Contains(out, "TRADACOMS") {
		t.Errorf("TRADACOMS: exit %d\n%s", code, out)
	}
	s.refused(1, "no such file", "edi", "validate", "--profile", "nobody.yaml", filepath.Join(dir, "orders.edi"))

	// An overlay may change messages and sets side by side.
	overlay := filepath.Join(dir, "..", "acme.yaml")
	if err := os.WriteFile(overlay, []byte("overlay: acme\nlayer: partner\nsets:\n  ORDERS:\n    segments:\n      TOD: {require: true}\n  \"940\":\n    segments:\n      W66: {require: true}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code = s.pipe(good, "edi", "validate", "--profile", overlay, "-")
	if code != 3 || !strings.Contains(out, "mandatory loop TOD is missing (acme)") {
		t.Errorf("the overlay's rule: exit %d\n%s%s", code, out, errs)
	}
	if out := s.must("edi", "profile", "explain", "ORDERS", "--profile", overlay); !strings.Contains(out, "acme") {
		t.Errorf("explained:\n%s", out)
	}
	if out := s.must("edi", "profile", "list"); !strings.Contains(out, "DESADV") || !strings.Contains(out, "940") {
		t.Errorf("listed:\n%s", out)
	}
	if out := s.must("edi", "profile", "guide", "DESADV", "--release", "D01B"); !strings.Contains(out, "<html") {
		t.Errorf("no guide:\n%.200s", out)
	}
}

func TestToolsTakeEDIFACT(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir := t.TempDir()
	var buf bytes.Buffer
	if _, err := edifactgen.Write(&buf, edifactgen.Config{Seed: 1, Messages: 4, Options: edifact.WriterOptions{LineEnd: "\n"}}); err != nil {
		t.Fatal(err)
	}
	good := buf.String()
	odd := "junk\n" + strings.Replace(good, "UNT+", "UNT+9", 1)
	changed := strings.Replace(good, "QTY+21:", "QTY+21:9", 1)
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, doc := range []string{good, odd} {
		text, errs, code := s.pipe(doc, "edi", "json", "--exact", "-")
		if code != 0 || !strings.Contains(text, `["UNB",["UNOC","3"]`) {
			t.Errorf("json: exit %d\n%s%s", code, text, errs)
		}
		if again, errs, code := s.pipe(text, "edi", "build", "-"); code != 0 || again != doc {
			t.Errorf("build: exit %d\n%s%s", code, again, errs)
		}
	}
	if _, errs, code := s.pipe(`{"unb":["UNB"],"messages":[{"unh":["ST"]}]}`, "edi", "build", "-"); code != 1 || !strings.Contains(errs, "where UNH is due") {
		t.Errorf("build of what is none: exit %d\n%s", code, errs)
	}
	a, b := file("a.edi", good), file("b.edi", changed)
	if out, _, code := s.pipe("", "edi", "diff", a, b); code != 3 || strings.Count(out, "\n") != 2 || !strings.Contains(out, "message ORDERS 1\n") || !strings.Contains(out, `QTY-01: "21:`) {
		t.Errorf("diff: exit %d\n%s", code, out)
	}
	if _, errs, code := s.pipe("", "edi", "diff", a, file("c.edi", strings.ReplaceAll(good, "\n", ""))); code != 0 {
		t.Errorf("diff of what differs in line ends: exit %d\n%s", code, errs)
	}
	overlay, errs, code := s.pipe("", "edi", "learn", "--name", "acme", a, b)
	if code != 0 || !strings.Contains(overlay, `"ORDERS": # 8 documents`) || !strings.Contains(overlay, "LIN/QTY: {require: true}") {
		t.Errorf("learn: exit %d\n%s%s", code, overlay, errs)
	}
	acme := file("acme.yaml", overlay)
	if out, _, code := s.pipe("", "edi", "validate", "--profile", acme, a); code != 0 {
		t.Errorf("what was learned refuses what it was learned from: exit %d\n%s", code, out)
	}
	if out, _, code := s.pipe(strings.Replace(good, "QTY+21:", "XYZ+21:", 1), "edi", "validate", "--profile", acme, "-"); code != 3 || !strings.Contains(out, "(acme)") {
		t.Errorf("what always came is missing: exit %d\n%s", code, out)
	}
	if out, errs, code := s.pipe("", "edi", "bench", "--seconds", "0.01", a); code != 0 || !strings.Contains(out, "json") || !strings.Contains(out, "0 findings") {
		t.Errorf("bench: exit %d\n%s%s", code, out, errs)
	}
	if out, _, code := s.pipe(odd, "edi", "dump", "-"); code != 3 || !strings.Contains(out, "message ORDERS 1 of D96A") || !strings.Contains(out, "1 interchanges, 0 groups, 4 messages; ") {
		t.Errorf("dump: exit %d\n%s", code, out)
	}
	if out, _, code := s.pipe(good, "edi", "dump", "--json", "-"); code != 0 || out != "" {
		t.Errorf("dump of a good one: exit %d\n%s", code, out)
	}
}
