package receiving_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scope"
)

var (
	now  = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	east = scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}
)

func asn() receiving.Announce {
	return receiving.Announce{Scope: east, ID: "ASN-1", Announcement: receiving.Announcement{
		Kind: receiving.KindASN, Supplier: "SUP", Reference: "PO-1",
		Lines: []receiving.Line{
			{No: 1, Item: "MUG", Qty: 10},
			{No: 2, Item: "MILK", Qty: 6, Lot: "L1", Expiry: "2027-01-31", LPN: "P-1"},
			{No: 3, Item: "CUP", Qty: 4, LPN: "P-1"},
		},
	}}
}

// policy takes what nobody announced, and 20 % more than was.
var policy = receiving.Policy{Tolerance: 200, Over: receiving.RefuseOver, Blind: true, Stage: inventory.Received}

func goods(item string, qty int64) receiving.Receive {
	return receiving.Receive{Place: inventory.Place{Location: "DOCK"}, Item: item, Qty: qty, By: "jo", Policy: policy}
}

func then(t testing.TB, r receiving.Receipt, evs []event.Event, err error) receiving.Receipt {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	r, err = receiving.Fold.Replay(r, evs...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func announced(t testing.TB) receiving.Receipt {
	t.Helper()
	evs, err := receiving.Receipt{}.Announce(asn(), now)
	return then(t, receiving.Receipt{}, evs, err)
}

func receive(t testing.TB, r receiving.Receipt, c receiving.Receive) receiving.Receipt {
	t.Helper()
	evs, err := r.Receive(c, now)
	return then(t, r, evs, err)
}

func ExampleReceipt_Close() {
	var r receiving.Receipt
	do := func(evs []event.Event, err error) {
		if err == nil {
			r, err = receiving.Fold.Replay(r, evs...)
		}
		if err != nil {
			fmt.Println(err)
		}
	}
	do(r.Announce(asn(), now))
	do(r.Receive(goods("MUG", 11), now))
	damaged := goods("MUG", 1)
	damaged.Condition, damaged.Reason = receiving.Damaged, "broken"
	do(r.Receive(damaged, now))
	do(r.Receive(goods("PLATE", 2), now))
	do(r.Close(receiving.Close{By: "jo"}, now))
	for _, d := range r.Discrepancies {
		fmt.Println(d)
	}
	do(r.Receive(goods("MUG", 1), now))
	// Output:
	// line 1, item MUG: 2 came beyond the 10 that were announced
	// line 1, item MUG: 1 came damaged
	// line 2, item MILK: 6 of 6 are missing
	// line 3, item CUP: 4 of 4 are missing
	// line 4, item PLATE: 2 came that nobody announced
	// nothing came of LPN P-1
	// receiving.Receive: receipt: receipt ASN-1 is closed and is not opened again: what comes late comes on a receipt of its own
}

func TestGoodsGoToTheLinesThatWaitForThem(t *testing.T) {
	r := announced(t)
	evs, err := r.Change(receiving.Change{Announcement: receiving.Announcement{Kind: receiving.KindASN, Lines: []receiving.Line{
		{No: 1, Item: "MUG", Qty: 4}, {No: 2, Item: "MUG", Qty: 3, Lot: "L1"}, {No: 3, Item: "MUG", Qty: 5, Lot: "L2"}, {No: 4, Item: "MUG", Qty: 2, LPN: "P-1"},
	}}}, now)
	r = then(t, r, evs, err)
	for name, c := range map[string]struct {
		change func(*receiving.Receive)
		want   string // line:qty, + what is over
	}{
		"the lot that was announced first, then any":  {func(c *receiving.Receive) { c.Lot, c.Qty = "L1", 7 }, "2:3 1:4"},
		"without a lot, no line that names one":       {func(c *receiving.Receive) { c.Qty = 4 }, "1:4"},
		"what stands on the pallet first":             {func(c *receiving.Receive) { c.LPN, c.Qty = "P-1", 3 }, "4:2 1:1"},
		"a line that is named, and no other":          {func(c *receiving.Receive) { c.Line, c.Qty = 3, 5 }, "3:5"},
		"too much goes to the last, within tolerance": {func(c *receiving.Receive) { c.Line, c.Qty = 3, 6 }, "3:5 3:1+"},
		"beyond it, held":                             {func(c *receiving.Receive) { c.Line, c.Qty, c.Policy.Over = 3, 8, receiving.HoldOver }, "3:5 3:1+ 3:2+held"},
		"beyond it and damaged is damaged, not held": {func(c *receiving.Receive) {
			c.Line, c.Qty, c.Policy.Over, c.Condition, c.Reason = 3, 7, "hold", "damaged", "wet"
		}, "3:5damaged 3:1+damaged 3:1+damaged"},
		"on hold by hand":                              {func(c *receiving.Receive) { c.Line, c.Qty, c.Condition, c.Reason = 3, 5, "hold", "odd" }, "3:5held"},
		"an item that is inspected":                    {func(c *receiving.Receive) { c.Line, c.Qty, c.Policy.Inspect = 3, 5, true }, "3:5held"},
		"another item is a line of its own":            {func(c *receiving.Receive) { c.Item, c.Qty = "SPOON", 9 }, "5:9"},
		"another lot than was announced is noted so":   {func(c *receiving.Receive) { c.Line, c.Lot, c.Qty = 2, "LX", 3 }, "2:3"},
		"a line that is named takes its announced lot": {func(c *receiving.Receive) { c.Line, c.Qty = 2, 1 }, "2:1"},
	} {
		t.Run(name, func(t *testing.T) {
			x := goods("MUG", 1)
			c.change(&x)
			evs, err := r.Receive(x, now)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range evs {
				e := e.(receiving.Received)
				s := fmt.Sprintf("%d:%d", e.Line, e.Qty)
				if e.Over {
					s += "+"
				}
				if e.Stage != inventory.Received {
					s += e.Stage
				}
				if (e.Stage == inventory.Held || e.Stage == inventory.Damaged) && e.Reason == "" {
					t.Errorf("%s says not why", s)
				}
				got = append(got, s)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s, expected %s", s, c.want)
			}
		})
	}
}

func TestAPalletIsScannedOnce(t *testing.T) {
	r := announced(t)
	scan := receiving.ReceiveLPN{LPN: "P-1", Location: "DOCK", By: "jo", Policy: func(string) receiving.Policy { return policy }}
	evs, err := r.ReceiveLPN(scan, now)
	if err != nil || len(evs) != 2 {
		t.Fatalf("%v, %v", evs, err)
	}
	milk := evs[0].(receiving.Received)
	if milk.Lot != "L1" || milk.Expiry != "2027-01-31" || milk.LPN != "P-1" || milk.Qty != 6 {
		t.Errorf("%+v", milk)
	}
	r = then(t, r, evs, err)
	if again, err := r.ReceiveLPN(scan, now); err != nil || len(again) != 0 {
		t.Errorf("scanned twice: %v, %v", again, err)
	}
	scan.LPN = "P-2"
	if _, err := r.ReceiveLPN(scan, now); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "lpn" {
		t.Errorf("a pallet that nobody announced: %v", err)
	}
	// A part was received by item before: the scan brings the rest.
	r = announced(t)
	part := goods("MILK", 2)
	part.Lot, part.LPN = "L1", "P-1"
	r = receive(t, r, part)
	scan.LPN = "P-1"
	evs, err = r.ReceiveLPN(scan, now)
	r = then(t, r, evs, err)
	if l, _ := r.Line(2); l.Good != 6 {
		t.Errorf("%+v", l)
	}
}

func TestWhatIsHeldIsJudged(t *testing.T) {
	r := announced(t)
	hold := goods("MUG", 6)
	hold.Condition, hold.Reason = receiving.OnHold, "odd"
	r = receive(t, r, hold)
	hold.Location, hold.Qty = "DOCK-2", 4
	r = receive(t, r, hold)
	judge := func(c receiving.Judge) ([]event.Event, error) {
		c.Line, c.By, c.Reason = 1, "al", "sampled"
		c.Stage = func(location string) string {
			if location == "DOCK-2" {
				return inventory.Free
			}
			return inventory.Received
		}
		return r.Judge(c, now)
	}
	evs, err := judge(receiving.Judge{Qty: 7, Pass: true})
	if err != nil || len(evs) != 2 || evs[0].(receiving.Judged).Stage != inventory.Received || evs[1].(receiving.Judged).Stage != inventory.Free {
		t.Fatalf("%+v, %v", evs, err)
	}
	r = then(t, r, evs, err)
	evs, err = judge(receiving.Judge{})
	r = then(t, r, evs, err)
	if l, _ := r.Line(1); l.Good != 7 || l.Rejected != 3 || l.Held != 0 {
		t.Errorf("%+v", l)
	}
	if evs, err := judge(receiving.Judge{Pass: true}); fault.PlaceOf(err) != "qty" || len(evs) != 0 {
		t.Errorf("judged what nobody holds: %v, %v", evs, err)
	}
}

func TestReceiptsAreRefusedWithPlace(t *testing.T) {
	for place, change := range map[string]func(*receiving.Announce){
		"receipt":         func(c *receiving.Announce) { c.ID = "" },
		"owner":           func(c *receiving.Announce) { c.Owner = "" },
		"kind":            func(c *receiving.Announce) { c.Kind = "gift" },
		"lines":           func(c *receiving.Announce) { c.Lines = nil },
		"supplier":        func(c *receiving.Announce) { c.Supplier = " S" },
		"lines[0].item":   func(c *receiving.Announce) { c.Lines[0].Item = "" },
		"lines[1].qty":    func(c *receiving.Announce) { c.Lines[1].Qty = 0 },
		"lines[1].line":   func(c *receiving.Announce) { c.Lines[1].No = 1 },
		"lines[1].expiry": func(c *receiving.Announce) { c.Lines[1].Expiry = "soon" },
		"lines[1].lpn":    func(c *receiving.Announce) { c.Lines[1].LPN = "x\n" },
		"lines[2].lot":    func(c *receiving.Announce) { c.Lines[2].Lot = " " },
		"lines[0].serials": func(c *receiving.Announce) {
			c.Lines[0].Serials = []string{"A"}
		},
		"lines[1].serials[1]": func(c *receiving.Announce) { // twice on a line
			c.Lines[1].Qty, c.Lines[1].Serials = 2, []string{"A", "A"}
		},
		"lines[2].serials[0]": func(c *receiving.Announce) { // on two lines of the item
			c.Lines[0].Qty, c.Lines[0].Serials = 1, []string{"A"}
			c.Lines[2].Item, c.Lines[2].Qty, c.Lines[2].Serials = c.Lines[0].Item, 1, []string{"A"}
		},
		"lines[0].serials[0]": func(c *receiving.Announce) { c.Lines[0].Qty, c.Lines[0].Serials = 1, []string{" "} },
	} {
		c := asn()
		change(&c)
		if evs, err := (receiving.Receipt{}).Announce(c, now); len(evs) != 0 || fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, place %q: %v", place, evs, fault.PlaceOf(err), err)
		}
	}
	r := announced(t)
	for name, x := range map[string]struct {
		place  string
		kind   fault.Kind
		change func(*receiving.Receive)
	}{
		"nothing":                  {"qty", fault.Invalid, func(c *receiving.Receive) { c.Qty = 0 }},
		"nowhere":                  {"location", fault.Invalid, func(c *receiving.Receive) { c.Location = "" }},
		"no item":                  {"item", fault.Invalid, func(c *receiving.Receive) { c.Item = "" }},
		"damaged without why":      {"reason", fault.Invalid, func(c *receiving.Receive) { c.Condition = receiving.Damaged }},
		"a strange condition":      {"condition", fault.Invalid, func(c *receiving.Receive) { c.Condition, c.Reason = "odd", "x" }},
		"serials":                  {"serials", fault.Invalid, func(c *receiving.Receive) { c.Serials = []string{"A", "B"} }},
		"no such line":             {"line", fault.Rejected, func(c *receiving.Receive) { c.Line = 9 }},
		"a line of another":        {"item", fault.Rejected, func(c *receiving.Receive) { c.Line, c.Item = 2, "MUG" }},
		"beyond the tolerance":     {"qty", fault.Rejected, func(c *receiving.Receive) { c.Qty = 13 }},
		"blind where it is not":    {"item", fault.Rejected, func(c *receiving.Receive) { c.Item, c.Policy.Blind = "PLATE", false }},
		"an expiry that is no day": {"expiry", fault.Invalid, func(c *receiving.Receive) { c.Expiry = "soon" }},
	} {
		c := goods("MUG", 1)
		x.change(&c)
		if evs, err := r.Receive(c, now); len(evs) != 0 || fault.PlaceOf(err) != x.place || fault.KindOf(err) != x.kind {
			t.Errorf("%s: %v, place %q: %v", name, evs, fault.PlaceOf(err), err)
		}
	}
}

func TestAnEndedReceiptSaysWhy(t *testing.T) {
	begun := receive(t, announced(t), goods("MUG", 1))
	evs, err := begun.Close(receiving.Close{}, now)
	closed := then(t, begun, evs, err)
	evs, err = announced(t).Cancel(receiving.Cancel{Reason: "never sent"}, now)
	cancelled := then(t, announced(t), evs, err)
	for name, r := range map[string]receiving.Receipt{"closed": closed, "cancelled": cancelled, "unknown": {}} {
		for what, do := range map[string]func() ([]event.Event, error){
			"receive": func() ([]event.Event, error) { return r.Receive(goods("MUG", 1), now) },
			"scan": func() ([]event.Event, error) {
				return r.ReceiveLPN(receiving.ReceiveLPN{LPN: "P-1", Location: "DOCK", Policy: func(string) receiving.Policy { return policy }}, now)
			},
			"arrive": func() ([]event.Event, error) { return r.Arrive(receiving.Arrive{Dock: "DOCK"}, now) },
			"change": func() ([]event.Event, error) {
				return r.Change(receiving.Change{Announcement: asn().Announcement}, now)
			},
		} {
			if evs, err := do(); len(evs) != 0 || fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "receipt" {
				t.Errorf("%s of one that is %s: %v, %v", what, name, evs, err)
			}
		}
	}
	if evs, err := closed.Close(receiving.Close{}, now); len(evs) != 0 || err != nil {
		t.Errorf("closed twice: %v, %v", evs, err)
	}
	if evs, err := cancelled.Cancel(receiving.Cancel{Reason: "x"}, now); len(evs) != 0 || err != nil {
		t.Errorf("cancelled twice: %v, %v", evs, err)
	}
	if _, err := begun.Cancel(receiving.Cancel{Reason: "x"}, now); fault.KindOf(err) != fault.Rejected {
		t.Errorf("cancelled with goods: %v", err)
	}
	if _, err := announced(t).Cancel(receiving.Cancel{}, now); fault.PlaceOf(err) != "reason" {
		t.Errorf("cancelled without why: %v", err)
	}
}

func TestAnAnnouncementChangesAroundWhatCame(t *testing.T) {
	r := receive(t, receive(t, announced(t), goods("MUG", 5)), goods("PLATE", 1))
	for place, change := range map[string]func(*receiving.Announcement){
		"lines":         func(a *receiving.Announcement) { a.Lines = a.Lines[1:] },
		"lines[0].item": func(a *receiving.Announcement) { a.Lines[0].Item = "CUP" },
		"lines[0].qty":  func(a *receiving.Announcement) { a.Lines[0].Qty = 4 },
		"lines[3].line": func(a *receiving.Announcement) { a.Lines = append(a.Lines, receiving.Line{No: 4, Item: "CUP", Qty: 1}) },
	} {
		a := asn().Announcement
		change(&a)
		if evs, err := r.Change(receiving.Change{Announcement: a}, now); len(evs) != 0 || fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, %v", place, evs, err)
		}
	}
	a := asn().Announcement
	a.Lines[0].Qty = 7
	evs, err := r.Change(receiving.Change{Announcement: a}, now)
	r = then(t, r, evs, err)
	if l, _ := r.Line(1); l.Qty != 7 || l.Good != 5 || l.Open() != 2 {
		t.Errorf("%+v", l)
	}
	if l, ok := r.Line(4); !ok || !l.Unannounced {
		t.Errorf("what came unannounced is gone: %+v", r.Lines)
	}
	if evs, err := r.Change(receiving.Change{Announcement: a}, now); len(evs) != 0 || err != nil {
		t.Errorf("changed to what it is: %v, %v", evs, err)
	}
	if evs, err := (receiving.Receipt{}).Announce(asn(), now); err != nil {
		t.Fatal(evs, err)
	}
	if evs, err := announced(t).Announce(asn(), now); len(evs) != 0 || err != nil {
		t.Errorf("announced twice: %v, %v", evs, err)
	}
	if _, err := r.Announce(asn(), now); fault.KindOf(err) != fault.Rejected {
		t.Errorf("announced otherwise: %v", err)
	}
}

// Whatever is received, scanned twice, judged and closed: what the events brought in is what the
// lines say, an act of one name counts once, and nothing beyond the tolerance is good.
func TestWhatCameIsWhatTheLinesSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		evs, err := receiving.Receipt{}.Announce(asn(), now)
		r, err2 := receiving.Fold.Replay(receiving.Receipt{}, evs...)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		p := policy
		p.Over = rapid.SampledFrom([]string{receiving.RefuseOver, receiving.HoldOver}).Draw(t, "over")
		p.Inspect, p.Blind = rapid.Bool().Draw(t, "inspect"), rapid.Bool().Draw(t, "blind")
		in, acts := int64(0), map[string]int{}
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			var evs []event.Event
			var err error
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				evs, err = r.ReceiveLPN(receiving.ReceiveLPN{LPN: "P-1", Location: "DOCK", Policy: func(string) receiving.Policy { return p }}, now)
			case 1:
				evs, err = r.Judge(receiving.Judge{
					Line: rapid.IntRange(1, 4).Draw(t, "line"), Qty: rapid.Int64Range(0, 4).Draw(t, "n"), Pass: rapid.Bool().Draw(t, "pass"),
					Reason: "r", By: "al", Stage: func(string) string { return inventory.Received },
				}, now)
			default:
				c := goods(rapid.SampledFrom([]string{"MUG", "MILK", "CUP", "PLATE"}).Draw(t, "item"), rapid.Int64Range(1, 8).Draw(t, "qty"))
				c.Policy = p
				c.Lot = rapid.SampledFrom([]string{"", "L1", "L2"}).Draw(t, "lot")
				c.Condition, c.Reason = rapid.SampledFrom([]string{receiving.Good, receiving.Damaged, receiving.OnHold}).Draw(t, "as"), "r"
				c.Entry = rapid.SampledFrom([]string{"", "E1", "E2", "E3"}).Draw(t, "entry")
				if evs, err = r.Receive(c, now); len(evs) > 0 && c.Entry != "" {
					acts[c.Entry]++
				}
			}
			if err != nil && fault.KindOf(err) != fault.Rejected {
				t.Fatal(err)
			}
			for _, e := range evs {
				if e, ok := e.(receiving.Received); ok {
					in += e.Qty
				}
			}
			if r, err = receiving.Fold.Replay(r, evs...); err != nil {
				t.Fatal(err)
			}
		}
		var got, stands int64
		for _, l := range r.Lines {
			got += l.Got()
			if l.Good < 0 || l.Held < 0 || l.Damaged < 0 || l.Rejected < 0 {
				t.Fatalf("%+v", l)
			}
			if p.Over == receiving.RefuseOver && !l.Unannounced && l.Got() > l.Qty+l.Qty/5 {
				t.Fatalf("%+v is beyond the tolerance", l)
			}
		}
		for _, x := range r.Entries {
			stands += x.Qty
		}
		if got != in || stands != in {
			t.Fatalf("%d came in, the lines say %d, the entries %d", in, got, stands)
		}
		for name, n := range acts {
			if n != 1 {
				t.Fatalf("entry %s was received %d times", name, n)
			}
		}
	})
}

// Goods that expire on another day than was announced are a difference, and an entry that is said again
// with another expiry or other serial numbers is another entry.
func TestAnotherExpiryIsADifference(t *testing.T) {
	r := announced(t)
	milk := goods("MILK", 6)
	milk.Place = inventory.Place{Location: "DOCK", Lot: "L1", LPN: "P-1"}
	milk.Entry, milk.Expiry, milk.Serials = "E-1", "2027-02-28", []string{"1", "2", "3", "4", "5", "6"}
	r = receive(t, r, milk)
	if evs, err := r.Receive(milk, now); err != nil || len(evs) != 0 {
		t.Errorf("said again: %v, %v", evs, err)
	}
	for place, change := range map[string]func(*receiving.Receive){
		"expiry":  func(c *receiving.Receive) { c.Expiry = "2027-03-01" },
		"serials": func(c *receiving.Receive) { c.Serials = []string{"1", "2", "3", "4", "5", "7"} },
	} {
		c := milk
		change(&c)
		if _, err := r.Receive(c, now); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v at %q", place, err, fault.PlaceOf(err))
		}
	}
	var told []string
	for _, d := range r.Differs() {
		if d.Item == "MILK" {
			told = append(told, d.String())
		}
	}
	if len(told) != 1 || told[0] != "line 2, item MILK: 6 expire on another day than was announced" {
		t.Errorf("%q", told)
	}
	// As announced, or of a lot that nobody announced, which is told by its lot.
	for lot, expiry := range map[string]inventory.Date{"L1": "2027-01-31", "L2": "2027-02-28"} {
		c := milk
		c.Lot, c.Expiry = lot, expiry
		for _, d := range receive(t, announced(t), c).Differs() {
			if d.Kind == receiving.OtherExpiry {
				t.Errorf("lot %s: %s", lot, d)
			}
		}
	}
}
