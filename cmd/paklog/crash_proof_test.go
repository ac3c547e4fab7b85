package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/journal/journalaudit"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/routes/bus"
)

// ledger is what a journal says has happened, folded from its events alone.
type ledger struct {
	accepted  map[string]int // order.Accepted by order number
	orders    map[string]order.Order
	confirmed map[string][]ship.Confirmed // by order number
	docs      map[string]int              // document.Received by file
	in, out   map[string]int64            // goods by item, from balances and from confirmations
	receipts  map[string]int              // of goods, by reference
	parked    map[string]int              // by subscription
	letters   int                         // open ones
	problems  []string
}

func (l *ledger) wrong(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

// inside marks what the journal alone tells, and nobody outside has seen.
const inside = "journal: "

func (l *ledger) wrongInside(format string, args ...any) { l.wrong(inside+format, args...) }

// readLedger audits a journal and folds what the proofs ask for.
func readLedger(ctx context.Context, s *sqlite.Store) (*ledger, error) {
	l := &ledger{
		accepted: map[string]int{}, orders: map[string]order.Order{}, confirmed: map[string][]ship.Confirmed{},
		docs: map[string]int{}, in: map[string]int64{}, out: map[string]int64{}, parked: map[string]int{}, receipts: map[string]int{},
	}
	subs, err := subscriptions(ctx, s)
	if err != nil {
		return nil, err
	}
	report, err := journalaudit.Audit(ctx, s, journalaudit.Options{Subscriptions: subs})
	if err != nil {
		return nil, err
	}
	for _, f := range report.Findings {
		l.wrongInside("%s", f)
	}
	if err := l.events(ctx, s); err != nil {
		return nil, err
	}
	return l, l.balances(ctx, s)
}

// subscriptions are those that the journal itself declares.
func subscriptions(ctx context.Context, s journal.Scanner) (map[string]journalaudit.Subscription, error) {
	subs := map[string]journalaudit.Subscription{}
	err := eachRow(ctx, s, journal.TableState, func(r journal.Row) error {
		name, ok := strings.CutPrefix(r.Key, bus.DeclaredKey(""))
		if !ok {
			return nil
		}
		st, err := journal.DecodeState(r.Value)
		if err != nil {
			return err
		}
		starts, err := bus.DeclaredTopics(name, st.Data)
		if err != nil {
			return err
		}
		types, err := bus.DeclaredTypes(st.Data)
		if err != nil {
			return err
		}
		sub := journalaudit.Subscription{Topics: slices.Collect(maps.Keys(starts)), Types: types, Timers: bus.TimerTopic(name)}
		for _, at := range starts {
			sub.Start = max(sub.Start, at)
		}
		subs[name] = sub
		return nil
	})
	return subs, err
}

func (l *ledger) events(ctx context.Context, s *sqlite.Store) error {
	reg, err := event.NewRegistry(catalog.Schemas()...)
	if err != nil {
		return err
	}
	const page = 500
	for from := journal.Pos(0); ; {
		units, err := s.Units(ctx, from, page)
		if err != nil {
			return err
		}
		for i := range units {
			u := &units[i]
			from = u.First + 1
			for _, r := range u.Unit.Records {
				if r.Type == "document.Received" {
					l.docs[documentOf(r.Headers["name"])]++
				}
				if _, known := reg.Lookup(r.Type); !known || r.Stream == "" {
					continue
				}
				e, err := reg.Decode(encoded(r))
				if err != nil {
					return fmt.Errorf("position %d: %w", r.Pos, err)
				}
				if err := l.take(r.Stream, e); err != nil {
					l.wrongInside("position %d: %v", r.Pos, err)
				}
			}
		}
		if len(units) < page {
			return nil
		}
	}
}

func (l *ledger) take(stream string, e event.Event) error {
	switch e := e.(type) {
	case order.Accepted:
		l.accepted[e.Order]++
	case inventory.StockReceived:
		l.receipts[e.Reference]++
	case ship.Confirmed:
		l.confirmed[e.Order] = append(l.confirmed[e.Order], e)
		for _, x := range e.Lines {
			l.out[x.Item] += x.Qty
		}
	}
	if !strings.HasPrefix(stream, "order/") {
		return nil
	}
	o, err := order.Fold.Apply(l.orders[stream], e)
	l.orders[stream] = o
	return err
}

// balances sums what lies in the building.
func (l *ledger) balances(ctx context.Context, s journal.Scanner) error {
	const page = 500
	for book, account := "", ""; ; {
		rows, err := s.Balances(ctx, book, account, page)
		if err != nil {
			return err
		}
		for _, r := range rows {
			book, account = r.Book, r.Account
			if _, err := inventory.ParseAccount(r.Account); err != nil {
				continue // no place where goods are
			}
			key, _, _ := strings.Cut(r.Book, "@")
			l.in[key[strings.LastIndexByte(key, '/')+1:]] += r.Amount
		}
		if len(rows) < page {
			return nil
		}
	}
}

// open adds what is not finished: after quiescence there is nothing but letters.
func (l *ledger) open(ctx context.Context, s *sqlite.Store) error {
	cps, err := s.Checkpoints(ctx, "")
	if err != nil {
		return err
	}
	for _, c := range cps {
		if len(c.Open) > 0 {
			l.wrongInside("%s/%d has open: %v", c.Sub, c.Part, c.Open)
		}
	}
	effects, err := openEffects(ctx, s)
	if err != nil {
		return err
	}
	for _, k := range effects {
		l.wrongInside("effect %s is open", k)
	}
	rows := map[journal.Table]func(journal.Row) error{
		journal.TableTimer: func(r journal.Row) error {
			l.wrongInside("timer %s is set", r.Key)
			return nil
		},
		journal.TablePark: func(r journal.Row) error {
			p, err := journal.DecodePark(r.Value)
			if err == nil && p.Reason != journal.ParkLetter {
				l.wrongInside("%q is parked: %s", r.Key, p.Cause)
			}
			return err
		},
		journal.TableLetter: func(r journal.Row) error {
			x, err := journal.DecodeLetter(r.Value)
			if err == nil && x.State == journal.LetterOpen {
				l.letters++
				l.parked[x.Sub]++
			}
			return err
		},
	}
	for t, f := range rows {
		if err := eachRow(ctx, s, t, f); err != nil {
			return err
		}
	}
	return nil
}

// prove holds the journal against what the world has seen. The hub is stopped and came to
// rest before. It returns everything that is wrong.
func (w *world) prove(ctx context.Context) ([]string, error) {
	s, err := sqlite.Open(ctx, w.data(), sqlite.Options{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	l, err := readLedger(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := l.open(ctx, s); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.partner.mu.Lock()
	defer w.partner.mu.Unlock()
	l.problems = append(l.problems, w.wrong...)
	w.ordersOnce(l)
	w.documentsOnce(l)
	w.labelsOnce(l)
	w.stockAddsUp(l)
	if l.letters != w.letters {
		l.wrong("%d letters are open and %d were planted: %v", l.letters, w.letters, l.parked)
	}
	return l.problems, nil
}

// ordersOnce: each order that was answered or sent exists once and came to an end.
func (w *world) ordersOnce(l *ledger) {
	want := map[string]bool{}
	for n := range w.orders {
		want[n] = true
	}
	maps.Copy(want, w.partner.asked)
	maps.Copy(want, w.partner.po)
	for _, n := range slices.Sorted(maps.Keys(want)) {
		if l.accepted[n] != 1 {
			l.wrong("order %s was accepted %d times", n, l.accepted[n])
		}
	}
	for n := range l.accepted {
		if !want[n] {
			l.wrong("order %s exists and nobody was answered so", n)
		}
	}
	for _, o := range l.orders {
		switch st := o.Status(); st {
		case order.StatusShipped, order.StatusBackordered, order.StatusPartiallyShipped:
			t := o.Totals()
			if t.Open != t.Backordered {
				l.wrong("order %s is %s with %+v", o.Number, st, t)
			}
		case order.StatusAccepted:
			if o.Totals().HeldLines == 0 {
				l.wrong("order %s was accepted and nothing came of it", o.Number)
			}
		default:
			l.wrong("order %s ends %s", o.Number, st)
		}
	}
}

// documentsOnce: each order that left has its 945s, each PO its 855, each group its 997; and
// numbers go up by one.
func (w *world) documentsOnce(l *ledger) {
	seen := map[string]map[string]int{"945": {}, "855": {}, "997": {}}
	units := map[string]int64{}
	got := slices.Clone(w.partner.got)
	slices.SortFunc(got, func(a, b taken) int { return cmp.Compare(a.isa, b.isa) })
	for i, d := range got {
		if seen[d.set] == nil {
			l.wrong("%s is a %s, which nobody sends", d.name, d.set)
			continue
		}
		seen[d.set][d.about]++
		units[d.about] += d.units
		if d.isa != i+1 {
			l.wrong("the partner's interchange %d has number %d", i+1, d.isa)
		}
	}
	shipped := func(number string) (n int64) {
		for _, c := range l.confirmed[number] {
			for _, x := range c.Lines {
				n += x.Qty
			}
		}
		return n
	}
	for n := range w.partner.asked {
		if seen["945"][n] != 1 {
			l.wrong("order %s has %d advices", n, seen["945"][n])
		}
		if units[n] != shipped(n) {
			l.wrong("the advices of order %s tell of %d units, and %d left", n, units[n], shipped(n))
		}
	}
	for n := range w.partner.po {
		if seen["855"][n] != 1 {
			l.wrong("PO %s has %d answers", n, seen["855"][n])
		}
	}
	for g := range w.partner.groups {
		if seen["997"][g] != 1 {
			l.wrong("group %s has %d acknowledgements", g, seen["997"][g])
		}
	}
	for set, want := range map[string]int{"945": len(w.partner.asked), "855": len(w.partner.po), "997": len(w.partner.groups)} {
		if len(seen[set]) != want {
			l.wrong("the partner got %s about %d things and asked for %d", set, len(seen[set]), want)
		}
	}
}

// labelsOnce: each carton that left has exactly one label that stands, and no label stands
// beside.
func (w *world) labelsOnce(l *ledger) {
	stands := map[string]int{}
	reference := map[string]int{}
	for _, x := range w.sim.Truth().Labels {
		if x.Voided != nil {
			continue
		}
		stands[x.TrackingNumber]++
		for _, r := range x.References {
			reference[r]++
		}
	}
	for r, n := range reference {
		if n > 1 && len(r) == 32 { // the others are order numbers
			l.wrong("%d labels stand under reference %s", n, r)
		}
	}
	cartons, used := map[string]string{}, map[string]string{}
	for number, confirmed := range l.confirmed {
		for _, c := range confirmed {
			for _, m := range c.Cartons {
				if o, twice := cartons[m.Carton]; twice {
					l.wrong("carton %s left with order %s and with %s", m.Carton, o, number)
				}
				cartons[m.Carton] = number
				if o, twice := used[m.Tracking]; twice {
					l.wrong("label %s is on cartons of orders %s and %s", m.Tracking, o, number)
				}
				used[m.Tracking] = number
				if stands[m.Tracking] != 1 {
					l.wrong("carton %s of order %s has label %s, of which %d stand", m.Carton, number, m.Tracking, stands[m.Tracking])
				}
			}
		}
	}
	if len(stands) != len(cartons) {
		l.wrong("%d labels stand and %d cartons left", len(stands), len(cartons))
	}
	for _, d := range w.partner.got {
		for _, label := range d.labels {
			if used[label] != d.about {
				l.wrong("%s tells order %s of label %s, which is that of order %q", d.name, d.about, label, used[label])
			}
		}
	}
}

// stockAddsUp: what came in lies there or has left.
func (w *world) stockAddsUp(l *ledger) {
	for item, in := range w.received {
		if l.in[item]+l.out[item] != in {
			l.wrong("of %s came %d: %d lie there and %d left", item, in, l.in[item], l.out[item])
		}
	}
}
