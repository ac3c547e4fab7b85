package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/core/count"
)

func (s *shell) file(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// warehouse is master data and opening stock from files.
func (s *shell) warehouse() {
	s.t.Helper()
	for _, x := range [][2]string{
		{"facilities", "record,code,facility,zone,storage_type,class,zones,purposes\nfacility,DC1,,,,,,\nzone,Z1,DC1,,,,,\nzone,BULK,DC1,,,,,\naisle,01,DC1,Z1,,,,\nrule,movers,DC1,,,A,Z1|BULK,\n"},
		{"locations", "location,purpose,zone,slot_item,slot_min,slot_max\nP-1,pick,Z1,MUG,4,20\nP-2,pick,Z1,,,\nB-1,bulk,BULK,,,\n"},
		{"items", "sku,uom,case_factor,class,lot_tracked,expiry_tracked,ship_days\nMUG,each,6,A,,,\nMILK,each,,B,yes,yes,10\n"},
		{"opening", "item,location,lot,qty,expiry\nMUG,P-1,,12,\nMUG,B-1,,60,\nMILK,P-2,OLD,5,2098-01-31\nMILK,P-2,NEW,5,2099-01-31\n"},
	} {
		if out := s.must("import", x[0], s.file(x[0]+".csv", x[1]), "--report", "-"); !strings.Contains(out, " 0 refused, 0 failed") {
			s.t.Fatal(out)
		}
	}
}

func TestTheStockOfAWarehouseFromTheShell(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	s.warehouse()
	s.refused(3, "zone: the building has no zone", "import", "locations", s.file("bad.csv", "location,purpose,zone\nX-1,pick,NONE\n"), "--report", "-")

	if out := s.must("slots", "MUG"); !strings.Contains(out, "its_slot") || !strings.Contains(out, "joins_stock") || !strings.Contains(out, "movers") {
		t.Errorf("slots:\n%s", out)
	}
	s.refused(1, "there is no such item", "slots", "NOPE")
	if out := s.must("facilities"); !strings.Contains(out, "Z1 BULK") {
		t.Errorf("facilities:\n%s", out)
	}

	// Why this lot: the older one expires first, and both last long enough.
	s.must(append([]string{"order", "add", "--number", "SO-1", "--line", "MILK=2"}, address...)...)
	s.until("the order says why", func() bool {
		out := s.must("orders", "why", "SO-1")
		return strings.Contains(out, "P-2 lot OLD: earliest_expiry by fefo") && strings.Contains(out, "item demands")
	})
	if d := decoded[rest.Decisions](t, s.must("orders", "why", "SO-1", "--json")); len(d.Items) == 0 || !strings.Contains(string(d.Items[0].Data), `"fefo"`) {
		t.Errorf("%+v", d)
	}
	s.refused(1, "there is no such order", "orders", "why", "SO-NONE")

	a := decoded[rest.Accounts](t, s.must("stock", "accounts", "MUG", "--json"))
	sum, seen := int64(0), map[string]bool{}
	for _, x := range a.Items {
		sum += x.Balance
		seen[x.Account] = true
	}
	if sum != 0 || !seen["atp"] || !seen["free/P-1//"] || !seen["world/opening"] {
		t.Errorf("%+v", a)
	}
	s.refused(1, "there is no such stock", "stock", "accounts", "NOPE")

	s.must("stock", "adjust", "MUG", "--location", "B-1", "--delta", "-6", "--reason", "damage")
	s.must("stock", "adjust", "MUG", "--location", "B-1", "--counted", "60", "--reason", "found")
	s.must("stock", "move", "MUG", "--location", "B-1", "--to", "P-2", "--qty", "6")
	s.refused(1, "is the slot of item MUG", "stock", "move", "MILK", "--location", "P-2", "--lot", "NEW", "--to", "P-1", "--qty", "1")
	if out := s.must("stock", "quarantine", "MILK", "--lot", "NEW", "--reason", "recall"); !strings.Contains(out, "item MILK") {
		t.Errorf("quarantine:\n%s", out)
	}
	s.must("stock", "release", "MILK", "--lot", "NEW", "--reason", "passed")
	s.refused(1, "0 available", "stock", "release", "MILK", "--lot", "NONE", "--reason", "passed")
	if out := s.must("stock", "quarantine", "MILK", "--lot", "COMING", "--reason", "recall"); !strings.Contains(out, "no shelf has lot COMING") {
		t.Errorf("quarantine of a lot that is not here:\n%s", out)
	}

	s.must("reservations", "place", "CART-1", "--item", "MUG", "--qty", "3", "--kind", "hard", "--for", "1h")
	s.must("reservations", "extend", "CART-1", "--for", "2h")
	s.refused(1, "asked for", "reservations", "place", "CART-2", "--item", "MUG", "--qty", "9999", "--for", "1h")
	if out := s.must("reservations", "release", "CART-1", "--qty", "1"); !strings.Contains(out, "is held: 2 of item MUG") {
		t.Errorf("released:\n%s", out)
	}
	if out := s.must("reservations", "release", "CART-1"); !strings.Contains(out, "is released") {
		t.Errorf("released:\n%s", out)
	}
	s.refused(1, "has ended", "reservations", "extend", "CART-1", "--for", "2h")

	c := decoded[count.Count](t, s.must("counts", "open", "MUG", "--location", "P-2", "--json"))
	if out := s.must("counts", "tally", c.ID, "--counted", "6", "--worker", "jo"); !strings.Contains(out, "is settled (agrees)") {
		t.Errorf("tallied:\n%s", out)
	}
	c = decoded[count.Count](t, s.must("counts", "open", "MUG", "--location", "P-2", "--json"))
	if out := s.must("counts", "tally", c.ID, "--counted", "5", "--worker", "jo"); !strings.Contains(out, "somebody else must look") {
		t.Errorf("tallied:\n%s", out)
	}
	s.refused(1, "jo has counted", "counts", "tally", c.ID, "--counted", "5", "--worker", "jo")
	s.must("counts", "cancel", c.ID, "--reason", "mistake")
	if out := s.must("counts", "due", "--days", "1"); !strings.Contains(out, "0 counts asked for") {
		t.Errorf("due:\n%s", out)
	}

	s.must("stock", "adjust", "MUG", "--location", "P-1", "--counted", "12", "--reason", "found")
	if out := s.must("replenish", "P-1"); !strings.Contains(out, "6 of item MUG from B-1") {
		t.Errorf("replenish:\n%s", out)
	}
	s.refused(1, "is the slot of no item", "replenish", "P-2")
	s.until("the worker brought it", func() bool {
		for _, x := range decoded[rest.Accounts](t, s.must("stock", "accounts", "MUG", "--json")).Items {
			if x.Account == "free/P-1//" {
				return x.Balance == 18
			}
		}
		return false
	})
	s.must("audit")
}

func TestAnExportIsImportedElsewhere(t *testing.T) {
	t.Parallel()
	s, other := newShell(t), newShell(t)
	s.serve()
	other.serve()
	for _, x := range []*shell{s, other} { // nobody fills a pick face meanwhile
		x.must("routes", "pause", "stock.replenish")
	}
	s.warehouse()
	for _, kind := range []string{"facilities", "locations", "items", "opening"} {
		path := filepath.Join(t.TempDir(), kind+".csv")
		s.must("export", kind, path)
		if out := other.must("import", kind, path, "--report", "-"); !strings.Contains(out, " 0 refused, 0 failed") {
			t.Errorf("%s: %s", kind, out)
		}
	}
	// The other building now agrees with the snapshot of this one.
	snapshot := s.file("snapshot.csv", "item,location,lot,qty\nMUG,P-1,,12\nMUG,B-1,,60\nMILK,P-2,OLD,5\nMILK,P-2,NEW,5\n")
	if out := other.must("stock", "reconcile", snapshot); !strings.Contains(out, "no differences") {
		t.Errorf("%s", out)
	}
	s.refused(2, "is none of owners, crossrefs, items, locations", "export", "orders", "x.csv")
	s.refused(2, "say with --format", "export", "items", "-")
}

func TestAForeignSnapshotIsComparedAndSetRight(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.serve()
	s.warehouse()
	s.must("reservations", "place", "CART-1", "--item", "MILK", "--qty", "9", "--for", "1h")
	snapshot := s.file("theirs.csv", "item,location,lot,qty\nMUG,P-1,,10\nMUG,P-2,,3\nMUG,B-1,,60\nMILK,P-2,OLD,5\n")
	out, _, code := s.run("stock", "reconcile", snapshot, "--json")
	diffs := decoded[[]differing](t, out)
	if code != 3 || len(diffs) != 3 || diffs[0].Outcome != canBook {
		t.Fatalf("exit %d: %+v", code, diffs)
	}
	s.refused(2, "--adjust needs --reason", "stock", "reconcile", snapshot, "--adjust")
	out, _, code = s.run("stock", "reconcile", snapshot, "--adjust", "--reason", "cutover", "--json")
	diffs = decoded[[]differing](t, out)
	// Of the milk nine are promised: one of five may be written off.
	if code != 3 || len(diffs) != 3 || diffs[0].Item != "MILK" || diffs[0].Outcome != partlyBooked || diffs[0].Left != -4 ||
		diffs[1].Outcome != booked || diffs[2].Outcome != booked {
		t.Fatalf("exit %d: %+v", code, diffs)
	}
	s.must("reservations", "release", "CART-1")
	if out := s.must("stock", "reconcile", snapshot, "--adjust", "--reason", "cutover"); !strings.Contains(out, "booked") || strings.Contains(out, "left") {
		t.Errorf("%s", out)
	}
	if out := s.must("stock", "reconcile", snapshot); !strings.Contains(out, "no differences") {
		t.Errorf("%s", out)
	}
	// What cannot be booked says why, and keeps nothing after it from being booked.
	s.must("import", "items", s.file("camera.csv", "sku,uom,serial_tracked\nCAMERA,each,true\n"))
	s.must("import", "opening", s.file("cameras.csv", "item,location,qty,serials\nCAMERA,P-1,1,S-1\n"))
	odd := s.file("odd.csv", "item,location,lot,qty\nMUG,P-1,,10\nMUG,P-2,,3\nMUG,B-1,,61\nMILK,P-2,OLD,5\nMILK,P-2,FOUND,1\nCAMERA,P-1,,2\nGHOST,P-1,,1\nMUG,NOWHERE,,1\n")
	for _, args := range [][]string{{}, {"--adjust", "--reason", "cutover"}} {
		out, _, code = s.run(append([]string{"stock", "reconcile", odd, "--json"}, args...)...)
		outcomes := map[string]string{}
		for _, d := range decoded[[]differing](t, out) {
			outcomes[d.Item+" "+d.Location] = d.Outcome + " " + d.Why
		}
		want := map[string]string{"MUG B-1": canBook + " ", "MUG NOWHERE": cannotBook + " location is not known",
			"GHOST P-1": cannotBook + " item is not known", "MILK P-2": cannotBook + " nobody said when the lot expires: receive these goods with their expiry", "CAMERA P-1": cannotBook + " item is tracked by serial number: adjust by those that are missing or too many"}
		if len(args) > 0 {
			want["MUG B-1"] = booked + " "
		}
		if code != 3 || !maps.Equal(outcomes, want) {
			t.Errorf("exit %d: %q, expected %q", code, outcomes, want)
		}
	}
	s.must("stock", "adjust", "MUG", "--location", "B-1", "--delta", "-1", "--reason", "cutover")
	s.refused(1, "line 2: qty: -1", "stock", "reconcile", s.file("bad.csv", "item,qty\nMUG,-1\n"))
	out, _, code = s.run("stock", "reconcile", s.file("total.csv", "item,qty\nMUG,1\nMILK,5\n"))
	if code != 3 || !strings.Contains(out, "it has no one place") {
		t.Errorf("exit %d: %s", code, out)
	}
	s.must("audit")
}

func TestMistakesInAskingForStockEndWithTwo(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, x := range []struct {
		says string
		args []string
	}{
		{"one of --delta and --counted", []string{"stock", "adjust", "MUG", "--location", "A", "--reason", "x"}},
		{"one of --delta and --counted", []string{"stock", "adjust", "MUG", "--location", "A", "--reason", "x", "--delta", "1", "--counted", "2"}},
		{"--qty above 0", []string{"stock", "move", "MUG", "--location", "A", "--to", "B"}},
		{"say what is meant", []string{"stock", "quarantine", "MUG", "--reason", "x"}},
		{"--for a time", []string{"reservations", "place", "R", "--item", "MUG", "--qty", "1"}},
		{"how long from now on", []string{"reservations", "extend", "R"}},
		{"with --location", []string{"counts", "open", "MUG"}},
		{"what lies there", []string{"counts", "tally", "C"}},
		{"needs --reason", []string{"counts", "cancel", "C"}},
		{"none of held", []string{"reservations", "--status", "gone"}},
	} {
		s.refused(2, x.says, x.args...)
	}
}
