package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// withPartner agrees more with the partner of the next hub.
func (s *shell) withPartner(more string) {
	s.t.Helper()
	text := strings.Replace(readme(s.t, s.config), "{id: ACME, owner: ACME}", "{id: ACME, owner: ACME, "+more+"}", 1)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// TestPartnerTermsReachTheRoutes holds what is configured of a partner to the way that his
// documents take.
func TestPartnerTermsReachTheRoutes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		terms  string
		route  string
		writes string
		there  bool
	}{
		"none":             {"answers: true", "x12.advices", "documents-out.ACME", true},
		"window":           {"window: 08:00-18:00, zone: America/Chicago", "x12.advices", "documents-held", true},
		"rate":             {"rate: 30", "x12.advices", "documents-paced", true},
		"both":             {"rate: 30, window: 22:00-04:00", "x12.window", "documents-paced", true},
		"tap":              {"tap: true", "out.edi.ACME", "audit-events", true},
		"no tap":           {"tap: false", "out.edi.ACME", "audit-events", false},
		"no 3PL":           {"answers: true", "x12.shipping-orders", "documents-out.ACME", false},
		"a 3PL":            {"runs: [DC1]", "x12.shipping-orders", "documents-out.ACME", true},
		"a 3PL by EDIFACT": {"runs: [DC1], edifact: {runs: true}", "edifact.shipping-orders", "documents-out.ACME", true},
		"and not by X12":   {"runs: [DC1], edifact: {runs: true}", "x12.shipping-orders", "documents-out.ACME", false},
		"notices":          {"notices: [ACME, OTHER]", "x12.notices", "ship-notices.ACME", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			s.withPartner(c.terms)
			s.must("config", "check")
			s.serve()
			lines := decoded[[]routeLine](t, s.must("routes", "--json"))
			there := slices.ContainsFunc(lines, func(l routeLine) bool { return l.Name == c.route && slices.Contains(l.Writes, c.writes) })
			if there != c.there {
				t.Errorf("%s writes to %s: %v, want %v", c.route, c.writes, there, c.there)
			}
		})
	}
}

// TestATapIsReadFromTheCommandLine drops a 940 and reads the copy of its 997.
func TestATapIsReadFromTheCommandLine(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.withPartner("tap: true")
	s.serve()
	doc := heredoc.FindStringSubmatch(readme(t, texts[0]))
	file := filepath.Join(t.TempDir(), "940.edi")
	if err := os.WriteFile(file, []byte(doc[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file, filepath.Join(s.data, "partners", "ACME", "inbox", "940.edi")); err != nil {
		t.Fatal(err)
	}
	s.until("the 997 was copied", func() bool {
		out, _, code := s.run("events", "tail", "--topic", "audit-events", "--after", "0", "--json")
		return code == 0 && strings.Contains(out, "document.Outgoing") && strings.Contains(out, "997-000000001")
	})
}
