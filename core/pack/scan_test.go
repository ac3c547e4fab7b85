package pack_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pack"
)

// opened is a packing of contents with so many open cartons, and their numbers.
func opened(t interface {
	Helper()
	Fatal(...any)
}, contents []pack.Content, cartons int) (pack.Packing, []string) {
	t.Helper()
	p := pack.Packing{}
	do := func(evs []event.Event, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if p, err = pack.Fold.Replay(p, evs...); err != nil {
			t.Fatal(err)
		}
	}
	do(p.Open(pack.Open{Scope: site, Pack: "P", Order: "SO-1", Contents: contents}, at))
	var names []string
	for i := range cartons {
		do(p.OpenCarton(pack.OpenCarton{Box: "S", Tare: 100 * measure.Gram, SSCC: pack.Numbering{Prefix: "0614141", Serial: int64(i + 1)}, Packer: "jo"}, at))
		names = append(names, p.Begun[i].Carton)
	}
	return p, names
}

var picked = []pack.Content{
	{Line: 1, Item: "MUG", Tote: "T", Qty: 3},
	{Line: 2, Item: "MILK", Lot: "L1", Tote: "T", Qty: 2},
	{Line: 2, Item: "MILK", Lot: "L2", Tote: "U", Qty: 2},
	{Line: 3, Item: "CAM", Tote: "U", Qty: 2, Serials: []string{"S1", "S2"}},
}

// What a scanner may read that must not go into the carton, each with what the packer is told.
func TestScanRefuses(t *testing.T) {
	p, names := opened(t, picked, 1)
	two, _ := opened(t, picked, 2)
	none, _ := opened(t, picked, 0)
	for name, c := range map[string]struct {
		p     pack.Packing
		scan  pack.Scan
		place string
		says  string
	}{
		"item of another order":       {p, pack.Scan{Item: "KETTLE", Qty: 1}, "item", "still to be packed are MUG, MILK, CAM"},
		"too many":                    {p, pack.Scan{Item: "MUG", Qty: 4}, "qty", "3 of item MUG are left"},
		"none":                        {p, pack.Scan{Item: "MUG", Qty: 0}, "qty", "not between"},
		"no item":                     {p, pack.Scan{Qty: 1}, "item", "missing"},
		"a lot that was not picked":   {p, pack.Scan{Item: "MILK", Lot: "L9", Qty: 1}, "lot", "L1, L2 was"},
		"no lot, and there are two":   {p, pack.Scan{Item: "MILK", Qty: 1}, "lot", "scan the lot"},
		"more than the lot has":       {p, pack.Scan{Item: "MILK", Lot: "L1", Qty: 3}, "qty", "2 of item MILK"},
		"another tote":                {p, pack.Scan{Item: "MUG", Tote: "U", Qty: 1}, "item", "not of order"},
		"another line":                {p, pack.Scan{Item: "MUG", Line: 2, Qty: 1}, "item", "not of order"},
		"no serial number":            {p, pack.Scan{Item: "CAM", Qty: 1}, "serials", "scan those"},
		"serial number not picked":    {p, pack.Scan{Item: "CAM", Qty: 1, Serials: []string{"S9"}}, "serials[0]", "was not picked"},
		"serial number twice":         {p, pack.Scan{Item: "CAM", Qty: 2, Serials: []string{"S1", "S1"}}, "serials[1]", "twice"},
		"fewer serials than units":    {p, pack.Scan{Item: "CAM", Qty: 2, Serials: []string{"S1"}}, "serials", "1 serial numbers for 2"},
		"carton of somebody else":     {p, pack.Scan{Carton: "106141412345678908", Item: "MUG", Qty: 1}, "carton", names[0]},
		"two open cartons, none said": {two, pack.Scan{Item: "MUG", Qty: 1}, "carton", "say which"},
		"no carton open":              {none, pack.Scan{Item: "MUG", Qty: 1}, "carton", "0 cartons"},
		"no packing":                  {pack.Packing{}, pack.Scan{Item: "MUG", Qty: 1}, "pack", "no such packing"},
	} {
		evs, err := c.p.Scan(c.scan, at)
		if len(evs) != 0 || fault.PlaceOf(err) != c.place || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v, place %q: %v", name, evs, fault.PlaceOf(err), err)
		}
	}
	// All of it is in cartons: the next one is surplus, and said to be.
	all, err := p.Scan(pack.Scan{Item: "MUG", Qty: 3}, at)
	if err != nil {
		t.Fatal(err)
	}
	full, err := pack.Fold.Replay(p, all...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := full.Scan(pack.Scan{Item: "MUG", Qty: 1}, at); !strings.Contains(fmt.Sprint(err), "in cartons already") {
		t.Errorf("one more: %v", err)
	}
}

// TestScanFindsWhatIsMeant: a scan takes line, lot and tote from what was picked.
func TestScanFindsWhatIsMeant(t *testing.T) {
	p, names := opened(t, append(slices.Clone(picked), pack.Content{Line: 4, Item: "MUG", Tote: "U", Qty: 2}), 1)
	for name, c := range map[string]struct {
		scan pack.Scan
		want string
	}{
		"over two lines": {pack.Scan{Item: "MUG", Qty: 4}, "1 MUG  T 3; 4 MUG  U 1"},
		"one line":       {pack.Scan{Item: "MUG", Line: 4, Qty: 1}, "4 MUG  U 1"},
		"the lot's tote": {pack.Scan{Item: "MILK", Lot: "L2", Qty: 2}, "2 MILK L2 U 2"},
		"by serial":      {pack.Scan{Item: "CAM", Qty: 1, Serials: []string{"S2"}}, "3 CAM  U 1 S2"},
	} {
		evs, err := p.Scan(c.scan, at)
		if err != nil || len(evs) != 1 || evs[0].(pack.Scanned).Carton != names[0] {
			t.Errorf("%s: %v %v", name, evs, err)
			continue
		}
		var got []string
		for _, k := range evs[0].(pack.Scanned).Contents {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%d %s %s %s %d %s", k.Line, k.Item, k.Lot, k.Tote, k.Qty, strings.Join(k.Serials, ","))))
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%s: %s, expected %s", name, strings.Join(got, "; "), c.want)
		}
	}
}

// What is expected of a carton, and which weights pass.
func TestScale(t *testing.T) {
	g := measure.Gram
	units := []pack.Unit{{Content: pack.Content{Item: "A", Qty: 3}, Weight: 200 * g}, {Content: pack.Content{Item: "B", Qty: 1}, Weight: 400 * g}}
	s := pack.Scale{Permille: 20, Absolute: 5 * g, Dunnage: 50}
	c, err := s.Expect(units, 100*g)
	if err != nil || c.Expected != 1150*g || c.Tolerance != 28*g { // 1000 + 100 + 50; 5 + 23
		t.Fatalf("%+v %v", c, err)
	}
	for _, w := range []struct {
		weight measure.Mass
		passes bool
	}{{1122 * g, true}, {1122*g - 1, false}, {1178 * g, true}, {1178*g + 1, false}, {1, false}} {
		if c.Passes(w.weight) != w.passes {
			t.Errorf("%d mg passes: %v", w.weight, !w.passes)
		}
	}
	if c, err := (pack.Scale{}).Expect(units, 0); err != nil || !c.Passes(1) || c.Expected != 1000*g {
		t.Errorf("without a tolerance: %+v %v", c, err)
	}
	unknown := append(slices.Clone(units), pack.Unit{Content: pack.Content{Item: "C", Qty: 1}})
	if c, err := s.Expect(unknown, 0); err != nil || c.Expected != 0 || !c.Passes(1) {
		t.Errorf("an unknown weight: %+v %v", c, err)
	}
	for name, bad := range map[string]pack.Unit{
		"more than there can be": {Content: pack.Content{Item: "A", Qty: 1 << 40}, Weight: 1 << 40},
		"none":                   {Content: pack.Content{Item: "A"}, Weight: 1},
		"negative":               {Content: pack.Content{Item: "A", Qty: 1}, Weight: -1},
	} {
		if _, err := s.Expect([]pack.Unit{bad}, 0); fault.PlaceOf(err) != "units[0]" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A weight outside the tolerance leaves the carton open, until it is repacked or somebody
// other than the packer lets it pass.
func TestWeightCheck(t *testing.T) {
	g := measure.Gram
	check := pack.Check{Expected: 700 * g, Tolerance: 10 * g}
	p, names := opened(t, picked, 1)
	step := func(evs []event.Event, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if p, err = pack.Fold.Replay(p, evs...); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Close(pack.Close{Weight: 700 * g, Check: check}, at); fault.PlaceOf(err) != "carton" {
		t.Errorf("an empty carton: %v", err)
	}
	step(p.Scan(pack.Scan{Item: "MUG", Qty: 3}, at))
	for name, c := range map[string]struct {
		close pack.Close
		place string
	}{
		"negative":       {pack.Close{Weight: -1}, "weight_mg"},
		"not weighed":    {pack.Close{Check: pack.Check{Required: true}}, "weight_mg"},
		"no reason":      {pack.Close{Weight: 900 * g, Check: check, Override: pack.Override{By: "al"}}, "override.reason"},
		"nobody":         {pack.Close{Weight: 900 * g, Check: check, Override: pack.Override{Reason: "wet"}}, "override.by"},
		"the packer":     {pack.Close{Weight: 900 * g, Check: check, Override: pack.Override{By: "jo", Reason: "wet"}}, "override.by"},
		"another carton": {pack.Close{Carton: "106141412345678908", Weight: 1}, "carton"},
	} {
		if evs, err := p.Close(c.close, at); len(evs) != 0 || fault.PlaceOf(err) != c.place {
			t.Errorf("%s: %v %v", name, evs, err)
		}
	}
	step(p.Close(pack.Close{Weight: 711 * g, Check: check}, at))
	if r := p.Begun[0].Refused; r == nil || r.Measured != 711*g || r.Expected != 700*g || len(p.Cartons) != 0 {
		t.Fatalf("711 g: %+v", p)
	}
	step(p.Take(pack.Take{Contents: []pack.Content{{Line: 1, Item: "MUG", Tote: "T", Qty: 1}}}, at))
	if p.Begun[0].Refused != nil {
		t.Error("a refusal outlives the contents that it is about")
	}
	evs, err := p.Close(pack.Close{Weight: 900 * g, Check: check, Override: pack.Override{By: "al", Reason: "wet carton"}}, at)
	if err != nil || len(evs) != 1 {
		t.Fatal(evs, err)
	}
	e, ok := evs[0].(pack.CartonClosed)
	if !ok || e.Carton != names[0] || e.Weight != 900*g || e.Expected != 700*g || e.Override.By != "al" || !e.Weighed || !e.Verified || e.Packer != "jo" {
		t.Errorf("overridden: %+v", evs[0])
	}
	step(p.Close(pack.Close{Check: check}, at))
	if w := p.Cartons[0].Weight; w != 700*g {
		t.Errorf("not weighed: %d, expected what it should weigh", w)
	}
	// A carton that is filled and closed at once, and does not weigh what it should, stays open.
	step(p.CloseCarton(pack.CloseCarton{
		Contents: []pack.Content{{Line: 2, Item: "MILK", Lot: "L1", Tote: "T", Qty: 2}}, SSCC: pack.Numbering{Prefix: "0614141", Serial: 9},
		Weight: 900 * g, Check: check, Packer: "jo",
	}, at))
	if len(p.Begun) != 1 || p.Begun[0].Refused == nil || len(p.Begun[0].Contents) != 1 {
		t.Errorf("filled and weighed at once: %+v", p.Begun)
	}
}

// A carton that is filled and closed at once holds the units that were picked, as one that is
// scanned does: what ships under another serial number never left a shelf.
func TestACartonHoldsTheSerialNumbersThatWerePicked(t *testing.T) {
	p, _ := opened(t, picked, 0)
	closing := func(c pack.Content, serials ...string) error {
		c.Qty, c.Serials = int64(len(serials)), serials
		evs, err := p.CloseCarton(pack.CloseCarton{Box: "S", Contents: []pack.Content{c}, SSCC: pack.Numbering{Prefix: "0614141", Serial: int64(p.Last + 1)}}, at)
		if err == nil {
			p, err = pack.Fold.Replay(p, evs...)
		}
		return err
	}
	mug, cam := picked[0], picked[3]
	for name, c := range map[string]struct {
		err   error
		place string
		kind  fault.Kind
	}{
		"not picked":       {closing(cam, "S1", "S9"), "contents[0].serials[1]", fault.Rejected},
		"twice":            {closing(cam, "S1", "S1"), "contents[0].serials[1]", fault.Invalid},
		"of goods without": {closing(mug, "S1"), "contents[0].serials[0]", fault.Rejected},
	} {
		if fault.PlaceOf(c.err) != c.place || fault.KindOf(c.err) != c.kind {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if err := closing(cam, "S2"); err != nil {
		t.Fatal(err)
	}
	if err := closing(cam, "S2"); fault.PlaceOf(err) != "contents[0].serials[0]" {
		t.Errorf("packed already: %v", err)
	}
}

// Reopening and completing.
func TestReopen(t *testing.T) {
	p, names := opened(t, picked[:1], 1)
	step := func(evs []event.Event, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if p, err = pack.Fold.Replay(p, evs...); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Reopen(pack.Reopen{Carton: "106141412345678908"}, at); fault.PlaceOf(err) != "carton" {
		t.Errorf("no such carton: %v", err)
	}
	if evs, err := p.Reopen(pack.Reopen{Carton: names[0]}, at); len(evs) != 0 || err != nil {
		t.Errorf("it is open: %v %v", evs, err)
	}
	step(p.Scan(pack.Scan{Item: "MUG", Qty: 3}, at))
	if _, err := p.Complete(pack.Complete{}, at); fault.PlaceOf(err) != "carton" {
		t.Errorf("completed with an open carton: %v", err)
	}
	step(p.Close(pack.Close{}, at))
	step(p.Complete(pack.Complete{}, at))
	if p.Cartons[0].Tare != 100*measure.Gram {
		t.Errorf("the closed carton's box weighs %d", p.Cartons[0].Tare)
	}
	step(p.Reopen(pack.Reopen{Carton: names[0], By: "jo"}, at))
	if p.Begun[0].Tare != 100*measure.Gram { // what it should weigh is reckoned from it
		t.Errorf("the reopened carton's box weighs %d", p.Begun[0].Tare)
	}
	if p.Status != pack.StatusOpen || len(p.Cartons) != 0 || !pack.Equal(p.Loose(), picked[:1]) {
		t.Fatalf("reopened: %+v", p)
	}
	// Emptied, it is gone when the packing ends.
	step(p.Take(pack.Take{}, at))
	step(p.OpenCarton(pack.OpenCarton{SSCC: pack.Numbering{Prefix: "0614141", Serial: 2}}, at))
	step(p.Scan(pack.Scan{Carton: p.Begun[1].Carton, Item: "MUG", Qty: 3}, at))
	step(p.Close(pack.Close{Carton: p.Begun[1].Carton}, at))
	step(p.Complete(pack.Complete{}, at))
	if len(p.Begun) != 0 || len(p.Cartons) != 1 || p.Cartons[0].No != 2 {
		t.Errorf("%+v", p)
	}
	step(p.Cancel(pack.Cancel{Reason: "customer"}, at))
	if _, err := p.Reopen(pack.Reopen{Carton: p.Cartons[0].Carton}, at); fault.PlaceOf(err) != "pack" {
		t.Errorf("of a cancelled packing: %v", err)
	}
}

// TestEveryUnitIsInOnePlace: whatever a packer does, each unit and each serial number that
// was picked is left, in one open carton or in one closed one.
func TestEveryUnitIsInOnePlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, _ := opened(t, picked, rapid.IntRange(0, 2).Draw(t, "cartons"))
		serial := int64(10)
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			content := func() pack.Content {
				c := rapid.SampledFrom(picked).Draw(t, "content")
				c.Qty = rapid.Int64Range(1, 3).Draw(t, "qty")
				if len(c.Serials) > 0 {
					c.Serials = rapid.SampledFrom([][]string{nil, {"S1"}, {"S2"}, {"S1", "S2"}}).Draw(t, "serials")
				}
				return c
			}
			carton := func() string {
				var all []string
				for _, b := range p.Begun {
					all = append(all, b.Carton)
				}
				for _, c := range p.Cartons {
					all = append(all, c.Carton)
				}
				return rapid.SampledFrom(append(all, "")).Draw(t, "carton")
			}
			var evs []event.Event
			var err error
			switch rapid.IntRange(0, 7).Draw(t, "what") {
			case 0:
				serial++
				evs, err = p.OpenCarton(pack.OpenCarton{SSCC: pack.Numbering{Prefix: "0614141", Serial: serial}}, at)
			case 1, 2:
				c := content()
				evs, err = p.Scan(pack.Scan{Carton: carton(), Item: c.Item, Lot: c.Lot, Qty: c.Qty, Serials: c.Serials}, at)
			case 3:
				evs, err = p.Take(pack.Take{Carton: carton(), Contents: []pack.Content{content()}}, at)
			case 4:
				evs, err = p.Move(pack.Move{From: carton(), To: carton()}, at)
			case 5:
				evs, err = p.Close(pack.Close{Carton: carton(), Weight: 1, Check: pack.Check{Expected: measure.Mass(rapid.IntRange(1, 3).Draw(t, "expected")), Tolerance: 1}}, at)
			case 6:
				evs, err = p.Reopen(pack.Reopen{Carton: carton()}, at)
			case 7:
				serial++
				evs, err = p.CloseCarton(pack.CloseCarton{Contents: []pack.Content{content()}, SSCC: pack.Numbering{Prefix: "0614141", Serial: serial}}, at)
			}
			if err != nil {
				if k := fault.KindOf(err); k != fault.Rejected && k != fault.Invalid {
					t.Fatal(err)
				}
				continue
			}
			if p, err = pack.Fold.Replay(p, evs...); err != nil {
				t.Fatal(err)
			}
			all := p.Loose()
			for _, c := range p.Cartons {
				all = append(all, c.Contents...)
			}
			if !pack.Equal(all, picked) {
				t.Fatalf("%+v lie somewhere, of %+v", all, picked)
			}
			names := map[string]bool{}
			for _, c := range p.Cartons {
				names[c.Carton] = true
			}
			for _, b := range p.Begun {
				names[b.Carton] = true
			}
			if len(names) != len(p.Cartons)+len(p.Begun) {
				t.Fatal("a number stands for two cartons")
			}
		}
	})
}
