package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// speaking writes a configuration of a hub and one partner who speak AS2.
func speaking(t *testing.T, s *shell, ours, theirs pair, more string) {
	t.Helper()
	dir := filepath.Dir(s.config)
	for name, text := range map[string]string{"ours.crt": ours.Certificate, "ours.key": ours.Key, "acme.crt": theirs.Certificate} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := fmt.Sprintf(`data: %s
owner: ACME
http: {listen: "127.0.0.1:0"}
as2:
  id: OURS
  listen: "127.0.0.1:0"
  certificates: [{certificate_file: ours.crt, private_key_file: ours.key}]
edi:
  partners:
    FILES: {id: FILES, owner: ACME}
    ACME:
      id: ACME
      owner: ACME
      as2:
        id: ACME-AS2
        certificates: [{certificate_file: acme.crt}]
%s`, s.data, more)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPartnersAreCheckedInWords(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	good := validPair(t, "ours")
	now := time.Now()
	old := newPair(t, "old acme", now.Add(-48*time.Hour), now.Add(-24*time.Hour))
	soon := newPair(t, "acme soon", now.Add(-48*time.Hour), now.Add(5*24*time.Hour+time.Hour))

	speaking(t, s, good, soon, "        url: https://127.0.0.1:1/\n")
	if out := s.must("partner", "list"); !strings.Contains(lineOf(out, "ACME"), "as2") || !strings.Contains(lineOf(out, "FILES"), "folder") {
		t.Errorf("list:\n%s", out)
	}
	if out := s.must("partner", "check", "ACME"); !strings.Contains(out, "in 5 days: exchange the next one now") || !strings.Contains(out, "nothing stops messages") {
		t.Errorf("check:\n%s", out)
	}
	s.refused(1, "nothing was sent", "partner", "test", "ACME")
	if out := s.must("partner", "check", "FILES"); !strings.Contains(out, "FILES exchanges files through") || !strings.Contains(out, "nothing stops files") {
		t.Errorf("%s", out)
	}
	s.refused(1, "no partner is named", "partner", "check", "NOBODY")

	speaking(t, s, good, old, "        url: https://127.0.0.1:1/\n")
	out, _, code := s.run("partner", "check")
	for _, says := range []string{"old acme has expired", "none of his certificates is there to encrypt for now", "his messages and receipts are refused"} {
		if code != 3 || !strings.Contains(out, says) {
			t.Errorf("exit %d, and %q is not in\n%s", code, says, out)
		}
	}
	speaking(t, s, good, good, "        url: http://127.0.0.1:1/\n        receipt: none\n        encrypt: none\n        require_signed: false\n")
	out, _, code = s.run("partner", "check", "ACME")
	for _, says := range []string{"is one of ours: ask him for his", "anybody on the way reads what is sent", "proves nothing", "can send orders as his"} {
		if code != 3 || !strings.Contains(out, says) {
			t.Errorf("exit %d, and %q is not in\n%s", code, says, out)
		}
	}
}

func TestAPartnerIsAdded(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	speaking(t, s, validPair(t, "ours"), validPair(t, "acme"), "")
	cert := filepath.Join(filepath.Dir(s.config), "acme.crt")
	out := s.must("partner", "add", "NEW", "--as2-id", "NEW AS2", "--url", "https://as2.new.example/", "--cert", cert)
	for _, says := range []string{`id: "NEW AS2"`, "our AS2 name  OURS", "BEGIN CERTIFICATE", "paklog partner test NEW"} {
		if !strings.Contains(out, says) {
			t.Errorf("%q is not in\n%s", says, out)
		}
	}
	if strings.Contains(out, "PRIVATE KEY") {
		t.Error("a key was shown")
	}
	s.refused(1, "there is a partner ACME already", "partner", "add", "ACME", "--cert", cert)
	s.refused(1, "no certificate in PEM", "partner", "add", "OTHER", "--cert", s.config)
	s.refused(1, "is no URL of a station", "partner", "add", "OTHER", "--cert", cert, "--url", "as2.example.com")
}

func TestBadStationsAreRefusedByTheirPlace(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	ours, theirs := validPair(t, "ours"), validPair(t, "acme")
	for more, says := range map[string]string{
		"        sign: md5\n":                         "as2.sign: \"md5\" is none of",
		"        encrypt: rc2\n":                      "as2.encrypt: \"rc2\"",
		"        receipt_async: true\n":               "receipt_async: receipts that come by themselves need as2.url",
		"        url: ftp://x/\n":                     "is no URL of a station",
		"        compress: both\n":                    "none of none, before, after",
		"        certificate: x\n":                    "certificate",
		"        ca_file: ours.key\n":                 "as2.ca: no certificate in PEM",
		"        receipt: sometimes\n":                "none of signed, unsigned, none",
		"        our_id: \"\"\n        id: \"\\t\"\n": "id",
	} {
		speaking(t, s, ours, theirs, more)
		if _, errs, code := s.run("config", "check"); code == 0 || !strings.Contains(errs, says) {
			t.Errorf("%q: exit %d, and %q is not in\n%s", more, code, says, errs)
		}
	}
	speaking(t, s, pair{ours.Certificate, theirs.Key}, theirs, "")
	if _, errs, code := s.run("config", "check"); code == 0 || !strings.Contains(errs, "private_key: ") {
		t.Errorf("another's key: exit %d\n%s", code, errs)
	}
}
