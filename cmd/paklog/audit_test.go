package main

import (
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalmem"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/wave"
	"github.com/paklog/hub/dlq"
)

// TestTheWarehouseAuditFindsWhatTheLogAllows writes units that every rule of the journal
// lets pass and no warehouse can mean.
func TestTheWarehouseAuditFindsWhatTheLogAllows(t *testing.T) {
	t.Parallel()
	key := inventory.BookKey{Scope: planScope, Item: "A-1"}
	received := inventory.StockReceived{Head: inventory.Head{BookKey: key}, Place: inventory.Place{Location: "A"}, Stage: inventory.Free, Qty: 5}
	shelf := inventory.Place{Location: "A"}.In(inventory.Free).String()
	goods := func(qty int64) []journal.Posting {
		return []journal.Posting{
			{Book: key.Book(), Account: inventory.World(inventory.Supplier), Amount: -qty, Floor: journal.NoFloor},
			{Book: key.Book(), Account: shelf, Amount: qty},
			{Book: key.Book(), Account: inventory.Unallocated, Amount: -qty, Floor: journal.NoFloor},
			{Book: key.Book(), Account: inventory.ATP, Amount: qty},
		}
	}
	carton := func(c string) label.Head { return label.Head{Scope: planScope, Carton: c, Order: "SO-1"} }
	id := journal.NewID(time.Unix(1, 0), [10]byte{7})
	for _, x := range []struct {
		name, says string // "" is sound
		write      func(w *planted)
	}{
		{"sound stock", "", func(w *planted) { w.write(journal.Unit{Postings: goods(5)}, received) }},
		{"an event without its postings", "events say 5 on hand", func(w *planted) {
			w.write(journal.Unit{Postings: goods(4)}, received)
		}},
		{"postings without an event", "balances and no events", func(w *planted) {
			w.write(journal.Unit{Postings: goods(5)})
		}},
		{"goods that no promise knows", "lie free and", func(w *planted) {
			w.write(journal.Unit{Postings: goods(5)[:2]}, received)
		}},
		{"a promise that no order has", "nobody works on the rest", func(w *planted) {
			p := append(goods(5), journal.Posting{Book: key.Book(), Account: inventory.ATP, Amount: -2}, journal.Posting{Book: key.Book(), Account: inventory.Promised, Amount: 2})
			w.write(journal.Unit{Postings: p}, received, inventory.StockReserved{Head: inventory.Head{BookKey: key}, Qty: 2})
		}},
		{"an order that holds what is not there", "Orders hold", func(w *planted) {
			w.order()
			w.write(journal.Unit{}, order.Reserved{Head: planOrder, Lines: []order.LineQty{{Line: 1, Qty: 2}}})
		}},
		{"a line that does not add up", "does not follow", func(w *planted) {
			w.order()
			w.write(journal.Unit{}, order.Shipped{Head: planOrder, Lines: []order.LineQty{{Line: 1, Qty: 9}}})
		}},
		{"two labels on a carton", "does not follow", func(w *planted) {
			w.write(journal.Unit{}, label.Requested{Head: carton("C1"), Attempt: 1},
				label.Bought{Head: carton("C1"), Attempt: 1, Carrier: "ups", Tracking: "1Z1"}, label.Bought{Head: carton("C1"), Attempt: 1, Carrier: "ups", Tracking: "1Z2"})
		}},
		{"one label on two cartons", "stands on carton", func(w *planted) {
			for _, c := range []string{"C1", "C2"} {
				w.write(journal.Unit{}, label.Requested{Head: carton(c), Attempt: 1}, label.Bought{Head: carton(c), Attempt: 1, Carrier: "ups", Tracking: "1Z1"})
			}
		}},
		{"an effect that nobody asks about", "is not in the log", func(w *planted) {
			w.write(journal.Unit{Effects: []journal.EffectOp{{Key: journal.EffectKey("out.ups", id, "buy"), To: journal.EffectStarted}}})
		}},
		{"an effect whose message is finished", "nobody will ask what became of it", func(w *planted) { w.called(journal.LetterNone) }},
		{"an effect whose letter was dropped", "", func(w *planted) { w.called(journal.LetterDropped) }},
		{"an effect whose letter was resolved", "nobody will ask what became of it", func(w *planted) { w.called(journal.LetterResolved) }},
		{"a letter of another message", "does not hold the message", func(w *planted) {
			l := dlq.New("r", &journal.Record{ID: id, Pos: 1}, scopeError, 1, time.Unix(1, 0))
			w.write(journal.Unit{Letters: []journal.LetterOp{{ID: l.ID, To: journal.LetterOpen, Letter: journal.Letter{Sub: "r", Pos: 1, Data: l.Encode()}}}})
		}},
		{"a letter whose message waits nowhere", "waits nowhere", func(w *planted) {
			w.order()
			u, err := w.store.Holding(w.t.Context(), 1)
			if err != nil {
				w.t.Fatal(err)
			}
			l := dlq.New("r", &u.Unit.Records[0], scopeError, 1, time.Unix(1, 0))
			w.write(journal.Unit{Letters: []journal.LetterOp{{ID: l.ID, To: journal.LetterOpen, Letter: journal.Letter{Sub: "r", Pos: 1, Data: l.Encode()}}}})
		}},
		{"tours as long as their way", "", func(w *planted) { w.toured(15_000, nil) }},
		{"a tour that is longer than its way", "batch 1 says 15001 um and its stops are 15000 um apart", func(w *planted) { w.toured(15_001, nil) }},
		{"a tour by where a place lay before", "batch 1 says 11000 um and its stops are 15000 um apart", func(w *planted) { w.toured(11_000, nil) }},
		{"a place that was moved while the tour was made", "", func(w *planted) {
			w.toured(11_000, func() {
				w.write(journal.Unit{}, location.Changed{Head: location.Head{Scope: planScope.Building(), Code: "A"}, Spec: location.Spec{Purpose: location.Pick, Aisle: "01", Cell: 3}})
			})
		}},
		{"a tour that takes more than it says", "batch 1 says 2 units of 1 orders, its stops have 3 of 1", func(w *planted) { w.toured(15_000, nil, 3) }},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			w := newPlanted(t)
			x.write(w)
			r, err := auditJournal(t.Context(), w.store, lookup{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if err := r.print(&out); err != nil {
				t.Fatal(err)
			}
			if x.says == "" && len(r.Findings) > 0 || !strings.Contains(out.String(), x.says) {
				t.Errorf("want %q in\n%s", x.says, out.String())
			}
		})
	}
}

var (
	planScope     = scope.Scope{Tenant: "main", Owner: "ACME", Facility: "DC1"}
	_, scopeError = scope.ParseStream("x")
)

// planted is a journal in memory that is written without asking anybody.
type planted struct {
	t     *testing.T
	store *journalmem.Store
	n     byte
}

func newPlanted(t *testing.T) *planted {
	t.Helper()
	return &planted{t: t, store: journalmem.New()}
}

// called writes a message whose call has no outcome, and a letter of it that came to an end.
func (p *planted) called(end journal.LetterState) {
	p.t.Helper()
	p.order()
	u, err := p.store.Holding(p.t.Context(), 1)
	if err != nil {
		p.t.Fatal(err)
	}
	r := &u.Unit.Records[0]
	unit := journal.Unit{Effects: []journal.EffectOp{{Key: journal.EffectKey("r", r.ID, "send"), To: journal.EffectStarted}}}
	if end != journal.LetterNone {
		l := dlq.New("r", r, scopeError, 1, time.Unix(1, 0))
		letter := journal.Letter{Sub: "r", Pos: 1, Data: l.Encode()}
		p.write(journal.Unit{Letters: []journal.LetterOp{{ID: l.ID, To: journal.LetterOpen, Letter: letter}}})
		unit.Letters = []journal.LetterOp{{ID: l.ID, From: journal.LetterOpen, To: end, Letter: letter}}
	}
	p.write(unit)
}

// toured writes a wave of one tour to A, which lies in cell 5, and was in cell 3 before.
func (p *planted) toured(um int64, meanwhile func(), qty ...int64) {
	p.t.Helper()
	b, of := planScope.Building(), wave.Of{Owner: "ACME", Order: "SO-1"}
	hall := facility.Layout{Code: "H", Aisles: []string{"01"}, Cells: 9, AisleToAisle: 1000, CellToCell: 1000, FrontToCell: 3500, BackToCell: 1, Depots: []facility.Depot{{Aisle: "01"}}}
	p.write(journal.Unit{}, facility.Registered{Head: facility.Head{Scope: b}, Spec: facility.Spec{Layouts: []facility.Layout{hall}}},
		location.Registered{Head: location.Head{Scope: b, Code: "A"}, Spec: location.Spec{Purpose: location.Pick, Aisle: "01", Cell: 3}})
	p.write(journal.Unit{}, location.Changed{Head: location.Head{Scope: b, Code: "A"}, Spec: location.Spec{Purpose: location.Pick, Aisle: "01", Cell: 5}})
	w := wave.Head{Scope: b, Wave: "W-1"}
	p.write(journal.Unit{}, wave.Planned{Head: w, Orders: []wave.Order{{Owner: of.Owner, Order: of.Order}}}, wave.Released{Head: w})
	if meanwhile != nil {
		meanwhile()
	}
	pick := wave.Pick{Of: of, Line: 1, Item: "A-1", From: inventory.Place{Location: "A"}, Qty: append(qty, 2)[0]}
	p.write(journal.Unit{}, wave.Batched{Head: w, Method: wave.Discrete, Total: um, Bound: um, Batches: []wave.Batch{{
		No: 1, Layout: "H", Way: wave.ByRoute, Orders: []wave.Of{of}, Length: um, Lines: 1, Units: 2,
		Stops: []wave.Stop{{Location: "A", Picks: []wave.Pick{pick}}},
	}}})
}

func (p *planted) write(u journal.Unit, events ...event.Event) {
	p.t.Helper()
	reg, err := event.NewRegistry(catalog.Schemas()...)
	if err != nil {
		p.t.Fatal(err)
	}
	p.n++
	u.At = time.Unix(int64(p.n), 0)
	u.ID = journal.NewID(u.At, [10]byte{p.n})
	for i, e := range events {
		x, err := reg.Encode(e)
		if err != nil {
			p.t.Fatal(err)
		}
		u.Records = append(u.Records, journal.Record{
			ID: u.ID.Child("test", x.Type, i), Type: x.Type, Schema: uint16(x.Schema), Stream: e.(event.Streamed).Stream(),
			Time: u.At, Data: x.Data, Subject: x.Subject, Personal: x.Personal,
		})
	}
	refusals, err := p.store.Write(p.t.Context(), &journal.Batch{Units: []*journal.Unit{&u}})
	if err != nil || refusals[0] != nil {
		p.t.Fatal(err, refusals)
	}
}

// order accepts an order of one line.
func (p *planted) order() {
	p.write(journal.Unit{}, order.Accepted{Head: planOrder, Lines: []order.AcceptedLine{{No: 1, Item: "A-1", Ordered: 3}}})
}

var planOrder = order.Head{Scope: planScope, Order: "SO-1"}
