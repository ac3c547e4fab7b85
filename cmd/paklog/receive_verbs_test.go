package main

import (
	"strings"
	"testing"

	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/view"
)

func TestGoodsComeInFromTheShell(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	s.warehouse()
	s.must("import", "locations", s.file("docks.csv", "location,purpose\nDOCK-1,dock\n"), "--report", "-")
	s.refused(2, "give it as ITEM=QTY", "receive", "announce", "ASN-1", "--line", "MUG")
	s.refused(2, "is none of uom=", "receive", "announce", "ASN-1", "--line", "MUG=1,colour=red")
	s.refused(1, "register it first", "receive", "announce", "ASN-1", "--line", "NOPE=1")
	s.must("receive", "announce", "ASN-1", "--supplier", "SUP", "--line", "MUG=4,uom=case", "--line", "MILK=6,lot=L9,expiry=2099-06-30,lpn=006141410000000012")
	s.refused(1, "says otherwise", "receive", "announce", "ASN-1", "--line", "MUG=1")
	s.refused(1, "there is no such receipt", "receive", "arrive", "NONE", "--dock", "DOCK-1")
	s.must("receive", "arrive", "ASN-1", "--dock", "DOCK-1", "--worker", "jo")
	s.refused(2, "needs --reason", "receive", "goods", "ASN-1", "MUG", "--qty", "1", "--condition", "damaged")
	for range 2 { // said twice it came once
		s.must("receive", "goods", "ASN-1", "MUG", "--qty", "20", "--entry", "E-1")
	}
	s.must("receive", "goods", "ASN-1", "MUG", "--qty", "2", "--condition", "hold", "--reason", "odd")
	for range 2 {
		s.must("receive", "lpn", "ASN-1", "006141410000000012")
	}
	s.must("receive", "judge", "ASN-1", "--line", "1", "--reject", "--reason", "mould", "--worker", "al")
	s.refused(1, "too many for the tolerance", "receive", "goods", "ASN-1", "MUG", "--qty", "9")
	if out := s.must("receive", "close", "ASN-1"); !strings.Contains(out, "line 1: 22 of 24 of item MUG, 2 rejected") || !strings.Contains(out, "differs: line 1, item MUG: 2 of 24 are missing") {
		t.Errorf("closed:\n%s", out)
	}
	s.refused(1, "is closed and is not opened again", "receive", "goods", "ASN-1", "MUG", "--qty", "1")
	if out := s.must("receive", "show", "ASN-1"); !strings.Contains(out, "is closed at DOCK-1") {
		t.Errorf("shown:\n%s", out)
	}
	if r := decoded[receiving.Receipt](t, s.must("receive", "show", "ASN-1", "--json")); len(r.Discrepancies) != 2 {
		t.Errorf("%+v", r.Discrepancies)
	}
	if out := s.must("receive", "--status", "closed"); !strings.Contains(out, "ASN-1") || strings.Contains(out, "BLIND-1") {
		t.Errorf("listed:\n%s", out)
	}
	s.must("receive", "goods", "BLIND-1", "MUG", "--qty", "6", "--location", "DOCK-1")
	s.until("the workers put away what is good", func() bool {
		out := s.must("putaway", "--status", "completed")
		return strings.Contains(out, "006141410000000012") && strings.Contains(out, "DOCK-1")
	})
	if docs := decoded[[]view.Doc](t, s.must("putaway", "--limit", "1", "--json")); len(docs) != 1 {
		t.Errorf("%+v", docs)
	}
	s.refused(2, "--status nope is none of", "putaway", "--status", "nope")
	s.refused(2, "--limit", "putaway", "list", "--limit", "-1")
	s.refused(2, "as scanned", "putaway", "done", "PA-0")
	s.refused(1, "there is no such task", "putaway", "done", "PA-0", "--worker", "jo", "--location", "B-1")
	s.must("receive", "announce", "ASN-2", "--line", "MUG=1")
	s.must("receive", "change", "ASN-2", "--line", "MUG=3")
	s.must("receive", "cancel", "ASN-2", "--reason", "never sent")
	s.refused(1, "announce another", "receive", "arrive", "ASN-2", "--dock", "DOCK-1")
	s.must("audit")
}
