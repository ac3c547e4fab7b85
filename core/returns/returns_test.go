package returns_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/returns"
	"github.com/paklog/hub/core/scope"
)

var (
	now  = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	east = scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}
)

// shipped are 5 of MUG on line 1 and 2 of CUP on line 2.
func shipped(line int) (string, int64) {
	switch line {
	case 1:
		return "MUG", 5
	case 2:
		return "CUP", 2
	}
	return "", 0
}

func rma() returns.Authorize {
	return returns.Authorize{Scope: east, ID: "RMA-1", Order: "SO-1", Reason: "changed_mind", Left: shipped, Lines: []returns.Line{{OrderLine: 1, Qty: 4}, {OrderLine: 2, Qty: 1}}}
}

func back(item string, qty int64) returns.Receive {
	return returns.Receive{Place: inventory.Place{Location: "DOCK"}, Item: item, Qty: qty, By: "jo"}
}

func dispose(line int, qty int64, to string) returns.Dispose {
	return returns.Dispose{Line: line, Qty: qty, To: to, Reason: "seen", By: "al", Stage: func(string) string { return inventory.Received }}
}

func then(t testing.TB, r returns.Return, evs []event.Event, err error) returns.Return {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	r, err = returns.Fold.Replay(r, evs...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func authorized(t testing.TB) returns.Return {
	t.Helper()
	evs, err := returns.Return{}.Authorize(rma(), now)
	return then(t, returns.Return{}, evs, err)
}

func ExampleReturn_Dispose() {
	var r returns.Return
	do := func(evs []event.Event, err error) {
		if err == nil {
			r, err = returns.Fold.Replay(r, evs...)
		}
		if err != nil {
			fmt.Println(err)
		}
		for _, e := range evs {
			switch e := e.(type) {
			case returns.Disposed:
				fmt.Printf("%d %s: %q to %s, %q\n", e.Qty, e.Item, e.From, e.To, e.Stage)
			case returns.CreditDue:
				fmt.Printf("credit for %d of line %d of %s\n", e.Qty, e.OrderLine, e.Order)
			case returns.Closed:
				fmt.Println("missing", e.Missing)
			}
		}
	}
	do(r.Authorize(rma(), now))
	do(r.Receive(back("MUG", 4), now))
	do(r.Dispose(dispose(1, 3, returns.Restock), now))
	do(r.Dispose(dispose(1, 0, returns.Refurbish), now))
	again := dispose(1, 1, returns.Scrap)
	again.From = returns.Refurbish
	do(r.Dispose(again, now))
	do(r.Close(returns.Close{}, now))
	// Output:
	// 3 MUG: "" to restock, "received"
	// credit for 3 of line 1 of SO-1
	// 1 MUG: "" to refurbish, "held"
	// credit for 1 of line 1 of SO-1
	// 1 MUG: "refurbish" to scrap, ""
	// missing [{2 2 CUP 1}]
}

func TestReturnsAreRefusedWithPlace(t *testing.T) {
	for name, x := range map[string]struct {
		place  string
		kind   fault.Kind
		change func(*returns.Authorize)
	}{
		"no name":               {"return", fault.Invalid, func(c *returns.Authorize) { c.ID = "" }},
		"no reason":             {"reason", fault.Invalid, func(c *returns.Authorize) { c.Reason = "" }},
		"no order":              {"order", fault.Invalid, func(c *returns.Authorize) { c.Order = "" }},
		"nothing":               {"lines", fault.Invalid, func(c *returns.Authorize) { c.Lines = nil }},
		"none of it":            {"lines[0].qty", fault.Invalid, func(c *returns.Authorize) { c.Lines[0].Qty = 0 }},
		"one number twice":      {"lines[1].line", fault.Invalid, func(c *returns.Authorize) { c.Lines[1].No = 1 }},
		"a line that is not":    {"lines[0].order_line", fault.Rejected, func(c *returns.Authorize) { c.Lines[0].OrderLine = 9 }},
		"another item":          {"lines[0].order_line", fault.Rejected, func(c *returns.Authorize) { c.Lines[0].Item = "CUP" }},
		"more than was shipped": {"lines[0].qty", fault.Rejected, func(c *returns.Authorize) { c.Lines[0].Qty = 6 }},
		"more, over two lines":  {"lines[1].qty", fault.Rejected, func(c *returns.Authorize) { c.Lines[1] = returns.Line{OrderLine: 1, Qty: 2} }},
	} {
		c := rma()
		x.change(&c)
		if evs, err := (returns.Return{}).Authorize(c, now); len(evs) != 0 || fault.PlaceOf(err) != x.place || fault.KindOf(err) != x.kind {
			t.Errorf("%s: %v, place %q: %v", name, evs, fault.PlaceOf(err), err)
		}
	}
	r := authorized(t)
	if evs, err := r.Authorize(rma(), now); len(evs) != 0 || err != nil {
		t.Errorf("authorized twice: %v, %v", evs, err)
	}
	other := rma()
	other.Reason = "broken"
	if _, err := r.Authorize(other, now); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "return" {
		t.Errorf("authorized otherwise: %v", err)
	}
	for name, x := range map[string]struct {
		place  string
		kind   fault.Kind
		change func(*returns.Receive)
	}{
		"nowhere":                   {"location", fault.Invalid, func(c *returns.Receive) { c.Location = "" }},
		"nothing":                   {"qty", fault.Invalid, func(c *returns.Receive) { c.Qty = 0 }},
		"an expiry no calendar has": {"expiry", fault.Invalid, func(c *returns.Receive) { c.Expiry = "2026-02-31" }},
		"more than authorized":      {"item", fault.Rejected, func(c *returns.Receive) { c.Qty = 5 }},
		"more, of a line":           {"qty", fault.Rejected, func(c *returns.Receive) { c.Line, c.Qty = 1, 5 }},
		"what nobody waits for":     {"item", fault.Rejected, func(c *returns.Receive) { c.Item = "PLATE" }},
	} {
		c := back("MUG", 1)
		x.change(&c)
		if evs, err := r.Receive(c, now); len(evs) != 0 || fault.PlaceOf(err) != x.place || fault.KindOf(err) != x.kind {
			t.Errorf("%s: %v, place %q: %v", name, evs, fault.PlaceOf(err), err)
		}
	}
	evs, err := r.Receive(back("MUG", 2), now)
	r = then(t, r, evs, err)
	for name, x := range map[string]struct {
		place  string
		kind   fault.Kind
		change func(*returns.Dispose)
	}{
		"to nowhere":                    {"to", fault.Invalid, func(c *returns.Dispose) { c.To = "sell" }},
		"by nobody":                     {"by", fault.Invalid, func(c *returns.Dispose) { c.By = "" }},
		"without why":                   {"reason", fault.Invalid, func(c *returns.Dispose) { c.Reason = "" }},
		"to what it is":                 {"from", fault.Invalid, func(c *returns.Dispose) { c.From, c.To = returns.Quarantine, returns.Quarantine }},
		"from what is final":            {"from", fault.Invalid, func(c *returns.Dispose) { c.From = returns.Scrap }},
		"serials":                       {"serials", fault.Invalid, func(c *returns.Dispose) { c.Serials = []string{"A"} }},
		"no such line":                  {"line", fault.Rejected, func(c *returns.Dispose) { c.Line = 9 }},
		"more than came":                {"qty", fault.Rejected, func(c *returns.Dispose) { c.Qty = 3 }},
		"what nobody put in quarantine": {"qty", fault.Rejected, func(c *returns.Dispose) { c.From = returns.Quarantine }},
		"elsewhere":                     {"qty", fault.Rejected, func(c *returns.Dispose) { c.Location = "DOCK-2" }},
	} {
		c := dispose(1, 2, returns.Restock)
		x.change(&c)
		if evs, err := r.Dispose(c, now); len(evs) != 0 || fault.PlaceOf(err) != x.place || fault.KindOf(err) != x.kind {
			t.Errorf("%s: %v, place %q: %v", name, evs, fault.PlaceOf(err), err)
		}
	}
	if _, err := r.Cancel(returns.Cancel{Reason: "x"}, now); fault.KindOf(err) != fault.Rejected {
		t.Errorf("cancelled with goods: %v", err)
	}
}

func TestAnEndedReturnSaysSo(t *testing.T) {
	r := authorized(t)
	evs, err := r.Cancel(returns.Cancel{Reason: "kept"}, now)
	cancelled := then(t, r, evs, err)
	evs, err = r.Receive(back("MUG", 1), now)
	closed := then(t, r, evs, err)
	evs, err = closed.Close(returns.Close{}, now)
	closed = then(t, closed, evs, err)
	for name, x := range map[string]returns.Return{"closed": closed, "cancelled": cancelled, "unknown": {}} {
		if evs, err := x.Receive(back("MUG", 1), now); len(evs) != 0 || fault.PlaceOf(err) != "return" || fault.KindOf(err) != fault.Rejected {
			t.Errorf("%s: %v, %v", name, evs, err)
		}
	}
	if n := closed.Claims()[1]; n != 1 {
		t.Errorf("a closed return takes %d of its order, 1 came", n)
	}
	if n := len(cancelled.Claims()); n != 0 {
		t.Errorf("a cancelled one takes %d", n)
	}
	if evs, err := closed.Dispose(dispose(1, 0, returns.Scrap), now); err != nil || len(evs) != 2 {
		t.Errorf("what came is disposed of after the close: %v, %v", evs, err)
	}
	for _, do := range []func() ([]event.Event, error){
		func() ([]event.Event, error) { return closed.Close(returns.Close{}, now) },
		func() ([]event.Event, error) { return cancelled.Cancel(returns.Cancel{Reason: "x"}, now) },
	} {
		if evs, err := do(); len(evs) != 0 || err != nil {
			t.Errorf("ended twice: %v, %v", evs, err)
		}
	}
}

func TestWhatNobodyAuthorizedSaysWhy(t *testing.T) {
	c := back("MUG", 2)
	c.Blind = &returns.Blind{Scope: east, ID: "B-1", Order: "SO-1"}
	if _, err := (returns.Return{}).Receive(c, now); fault.PlaceOf(err) != "reason" {
		t.Errorf("without why: %v", err)
	}
	c.Blind.Reason, c.OrderLine, c.Left = "no label", 1, shipped
	evs, err := returns.Return{}.Receive(c, now)
	r := then(t, returns.Return{}, evs, err)
	if !r.Blind || r.Lines[0].OrderLine != 1 || r.Lines[0].Got != 2 {
		t.Errorf("%+v", r)
	}
	c.Qty = 6
	if _, err := r.Receive(c, now); fault.PlaceOf(err) != "qty" {
		t.Errorf("more than was shipped: %v", err)
	}
	// Of an order that nobody knows nothing is owed.
	c = back("PLATE", 1)
	c.Blind = &returns.Blind{Scope: east, ID: "B-2", Order: "NONE", Reason: "no label", Unknown: true}
	evs, err = returns.Return{}.Receive(c, now)
	r = then(t, returns.Return{}, evs, err)
	if evs, err := r.Dispose(dispose(1, 1, returns.Restock), now); err != nil || len(evs) != 1 {
		t.Errorf("%v, %v", evs, err)
	}
}

// Whatever comes back and becomes of it: what came is what lies there and what left, nothing comes
// beyond what may, and each unit is credited once at most.
func TestWhatCameBackIsWhatBecameOfIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		evs, err := returns.Return{}.Authorize(rma(), now)
		r, err2 := returns.Fold.Replay(returns.Return{}, evs...)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		var in, credited int64
		acts := map[string]int{}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			var evs []event.Event
			if rapid.Bool().Draw(t, "comes") {
				c := back(rapid.SampledFrom([]string{"MUG", "CUP", "PLATE"}).Draw(t, "item"), rapid.Int64Range(1, 3).Draw(t, "qty"))
				c.Location = rapid.SampledFrom([]string{"D-1", "D-2"}).Draw(t, "at")
				c.Entry = rapid.SampledFrom([]string{"", "E1", "E2"}).Draw(t, "entry")
				if evs, err = r.Receive(c, now); len(evs) > 0 && c.Entry != "" {
					acts[c.Entry]++
				}
			} else {
				c := dispose(rapid.IntRange(1, 3).Draw(t, "line"), rapid.Int64Range(0, 3).Draw(t, "n"), rapid.SampledFrom(returns.Dispositions()).Draw(t, "to"))
				c.From = rapid.SampledFrom([]string{"", returns.Quarantine, returns.Refurbish}).Draw(t, "from")
				evs, err = r.Dispose(c, now)
			}
			if err != nil && fault.KindOf(err) != fault.Rejected && fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			for _, e := range evs {
				switch e := e.(type) {
				case returns.Received:
					in += e.Qty
				case returns.CreditDue:
					credited += e.Qty
				}
			}
			if r, err = returns.Fold.Replay(r, evs...); err != nil {
				t.Fatal(err)
			}
		}
		var got, parts, told int64
		for _, l := range r.Lines {
			got += l.Got
			told += l.Credited
			if l.Got > l.Qty || l.Credited > l.Got {
				t.Fatalf("%+v", l)
			}
		}
		for _, p := range r.Parts {
			if parts += p.Qty; p.Qty <= 0 {
				t.Fatalf("%+v", p)
			}
		}
		if got != in || parts != in || told != credited || credited > in {
			t.Fatalf("%d came, lines say %d, parts %d; %d credited, lines say %d", in, got, parts, credited, told)
		}
		for name, n := range acts {
			if n != 1 {
				t.Fatalf("entry %s was received %d times", name, n)
			}
		}
	})
}
