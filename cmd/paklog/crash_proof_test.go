package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/paklog/hub/adapters/bulk"
	"github.com/paklog/hub/adapters/postgres"
	"github.com/paklog/hub/adapters/sqlite"
	"github.com/paklog/hub/core/catalog"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/dlq"
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
	desk      map[string]*paper           // letters by id
	cancelled map[string][]string         // reasons of order.Cancelled by order number
	shorts    int                         // of picks
	problems  []string
}

// paper is a letter as it lies there in the end, and what was told of it.
type paper struct {
	state  journal.LetterState
	letter dlq.Letter
	told   map[string][]dlq.Notice // by topic and type
}

func (l *ledger) paper(id string) *paper {
	if l.desk[id] == nil {
		l.desk[id] = &paper{told: map[string][]dlq.Notice{}}
	}
	return l.desk[id]
}

func (l *ledger) wrong(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

// inside marks what the journal alone tells, and nobody outside has seen.
const inside = "journal: "

func (l *ledger) wrongInside(format string, args ...any) { l.wrong(inside+format, args...) }

// readLedger audits a journal as `paklog audit` does, and folds what the proofs ask for.
func readLedger(ctx context.Context, s journal.Driver) (*ledger, error) {
	l := &ledger{
		accepted: map[string]int{}, orders: map[string]order.Order{}, confirmed: map[string][]ship.Confirmed{},
		docs: map[string]int{}, in: map[string]int64{}, out: map[string]int64{}, parked: map[string]int{}, receipts: map[string]int{},
		desk: map[string]*paper{}, cancelled: map[string][]string{},
	}
	report, err := auditJournal(ctx, s, lookup{}, nil)
	if err != nil {
		return nil, err
	}
	for _, f := range report.Findings {
		l.wrongInside("%s at %d: %s", f.Kind, f.Position, f.Text)
	}
	if err := l.events(ctx, s); err != nil {
		return nil, err
	}
	return l, l.balances(ctx, s)
}

func (l *ledger) events(ctx context.Context, s journal.Driver) error {
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
				if r.Source == "dlq" || r.Type == "letter.Opened" {
					var n dlq.Notice
					if err := json.Unmarshal(r.Data, &n); err != nil {
						return fmt.Errorf("position %d: %w", r.Pos, err)
					}
					p, what := l.paper(n.Letter), r.Topic+" "+r.Type
					p.told[what] = append(p.told[what], n)
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
	case order.Cancelled:
		l.cancelled[e.Order] = append(l.cancelled[e.Order], e.Reason)
	case inventory.StockShorted:
		l.shorts++
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
func (l *ledger) open(ctx context.Context, s journal.Driver) error {
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
			if !strings.HasPrefix(r.Key, "ship.manifest/close/") { // at the day's end
				l.wrongInside("timer %s is set", r.Key)
			}
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
			if err != nil {
				return err
			}
			p := l.paper(r.Key)
			p.state = x.State
			if p.letter, err = dlq.Decode(x.Data); err == nil && x.State == journal.LetterOpen {
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

// journal opens what the hub left behind.
func (w *world) journal(ctx context.Context) (journal.Driver, error) {
	if w.database != "" {
		return postgres.OpenSnapshot(ctx, postgres.Options{URL: w.database})
	}
	return sqlite.Open(ctx, w.data(), sqlite.Options{})
}

// prove holds the journal against what the world has seen. The hub is stopped and came to
// rest before. It returns everything that is wrong.
func (w *world) prove(ctx context.Context) ([]string, error) {
	s, err := w.journal(ctx)
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
	w.cancelledOnce(l)
	w.filesOnce(l)
	w.lettersOnce(l)
	w.documentsOnce(l)
	w.labelsOnce(l)
	w.stockAddsUp(l)
	w.shorts = l.shorts
	if l.letters != w.letters {
		l.wrong("%d letters are open and %d were planted: %v", l.letters, w.letters, l.parked)
	}
	return l.problems, nil
}

// ordersOnce: each order that was answered or sent exists once and came to an end, with each
// piece of each line at one end.
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
		switch st := o.Status(); {
		case st == order.StatusRejected && w.partner.given[o.Number]:
			continue
		case st == order.StatusAccepted && o.Totals().HeldLines > 0:
		case st == order.StatusMerged && w.merged[o.Number] == o.MergedInto:
			continue
		case st != order.StatusShipped && st != order.StatusBackordered && st != order.StatusPartiallyShipped && st != order.StatusCancelled:
			l.wrong("order %s ends %s", o.Number, st)
		}
		if asked := w.orders[o.Number]; asked > 0 && o.Totals().Ordered != asked && o.Totals().HeldLines == 0 {
			l.wrong("order %s is over %d and somebody was answered one over %d", o.Number, o.Totals().Ordered, asked)
		}
		if into := w.merged[o.Number]; into != "" || o.OnHold() {
			l.wrong("order %s ends %s, merged into %q and on hold for %v", o.Number, o.Status(), into, o.Holds)
		}
		left := map[int]int64{}
		for _, c := range l.confirmed[o.Number] {
			for _, x := range c.Lines {
				left[x.Line] += x.Qty
			}
		}
		for _, x := range o.Lines {
			if x.Shipped+x.Short+x.Cancelled+x.Backordered != x.Ordered || x.Shipped != left[x.No] {
				l.wrong("line %d of order %s: of %d ordered are %d shipped (%d left), %d short, %d cancelled and %d backordered",
					x.No, o.Number, x.Ordered, x.Shipped, left[x.No], x.Short, x.Cancelled, x.Backordered)
			}
			if x.Backordered > 0 && x.SKU != scarce {
				l.wrong("line %d of order %s waits for %d of %s, of which there is plenty", x.No, o.Number, x.Backordered, x.SKU)
			}
		}
	}
}

// cancelledOnce: who was told that an order is cancelled finds it so, once, with nothing of it
// under way; and no other order is.
func (w *world) cancelledOnce(l *ledger) {
	for number, yes := range w.cancels {
		told := l.cancelled[number]
		switch {
		case yes && (len(told) != 1 || told[0] != cancelReason(number)):
			l.wrong("order %s was answered to be cancelled, and %d times it is: %v", number, len(told), told)
		case !yes && len(told) > 0:
			l.wrong("order %s was answered to be past cancelling, and is cancelled", number)
		}
	}
	for number, told := range l.cancelled {
		if !w.cancels[number] {
			l.wrong("order %s is cancelled and nobody was told: %v", number, told)
		}
	}
	for _, o := range l.orders {
		t := o.Totals()
		if w.cancels[o.Number] && (!o.Closed() || t.Cancelled == 0 && t.Ordered > 0) {
			l.wrong("order %s was cancelled and ends %s with %+v", o.Number, o.Status(), t)
		}
		if o.Status() == order.StatusCancelled && len(l.confirmed[o.Number]) > 0 {
			l.wrong("order %s is cancelled and has left", o.Number)
		}
	}
}

// filesOnce: in however many runs, one made what a row asks for, and all later ones knew it.
func (w *world) filesOnce(l *ledger) {
	for name, f := range w.files {
		for i, said := range f.said {
			known, made := false, 0
			for _, x := range said {
				switch {
				case f.spoilt(i):
					if x != bulk.Refused {
						l.wrong("%s: row %d is spoilt and was answered %v", name, i+1, said)
					}
				case x == bulk.Created:
					if made++; known {
						l.wrong("%s: row %d was answered %v", name, i+1, said)
					}
				case x == bulk.Exists, x == bulk.Refused, x == bulk.Failed && known:
					l.wrong("%s: row %d was answered %v", name, i+1, said)
				}
				known = known || x == bulk.Created || x == bulk.Repeated
			}
			if len(said) < 2 || !known && !f.spoilt(i) || made > 1 {
				l.wrong("%s: row %d was answered %v", name, i+1, said)
			}
			if f.kind == bulk.Stock && l.receipts[f.rows[i].number] != 1 {
				l.wrong("%s: row %d brought its goods %d times", name, i+1, l.receipts[f.rows[i].number])
			}
		}
	}
}

// lettersOnce: a letter that the desk took up was replayed once, or dropped once and for the
// reason of who was told so, and both audit-events and error-events know.
func (w *world) lettersOnce(l *ledger) {
	w.desk.mu.Lock()
	defer w.desk.mu.Unlock()
	found := map[*errand]int{}
	for id, p := range l.desk {
		count := func(what string) int {
			n := len(p.told["error-events "+what])
			if what != "letter.Opened" && n != len(p.told["audit-events "+what]) {
				l.wrongInside("letter %s: error-events tell %d of %s and audit-events %d", id, n, what, len(p.told["audit-events "+what]))
			}
			return n
		}
		opened, replayed, dropped := count("letter.Opened"), count("letter.Replayed"), count("letter.Dropped")
		if opened != 1 {
			l.wrongInside("letter %s was opened %d times: %s", id, opened, p.letter.Cause)
		}
		e := w.desk.of(p.letter)
		if found[e]++; e == nil {
			if p.state != journal.LetterOpen || replayed+dropped > 0 {
				l.wrong("letter %s, which nobody took up, is %s: %s", id, p.state, p.letter.Cause)
			}
			continue
		}
		answer := e.letters[id]
		if answer == nil {
			l.wrong("letter %s was never taken up: %s", id, p.letter.Cause)
			continue
		}
		if answer.yes > 1 {
			l.wrong("letter %s: %d people were told that they %s it", id, answer.yes, e.verb())
		}
		if e.drop == "" {
			// The hub itself closes the letter of a line whose item became known.
			itself := p.letter.Actor == p.letter.Route
			if p.state != journal.LetterResolved || dropped > 0 || replayed > 1 || replayed == 0 && (answer.yes > 0 || !itself) {
				l.wrong("letter %s is %s, was replayed %d times and dropped %d times, and %d people were told that they replayed it: %s",
					id, p.state, replayed, dropped, answer.yes, p.letter.Cause)
			}
			continue
		}
		if p.state != journal.LetterDropped || dropped != 1 || replayed > 0 {
			l.wrong("letter %s is %s, was replayed %d times and dropped %d times: %s", id, p.state, replayed, dropped, p.letter.Cause)
			continue
		}
		for _, topic := range []string{"audit-events", "error-events"} {
			n := p.told[topic+" letter.Dropped"][0]
			if n.Reason != p.letter.Reason || !strings.HasPrefix(n.Reason, e.drop) || answer.yes > 0 && n.Reason != answer.reason {
				l.wrong("letter %s was dropped for %q, %s say for %q, and who did it for %q", id, p.letter.Reason, topic, n.Reason, answer.reason)
			}
		}
	}
	for _, e := range w.desk.errands {
		if found[e] == 0 {
			l.wrong("there is no letter about %q", e.mark)
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
	advised := 0
	for n := range w.partner.asked {
		if left := len(l.confirmed[n]); seen["945"][n] != left || left == 0 && !w.cancels[n] {
			l.wrong("order %s has %d advices of %d confirmations", n, seen["945"][n], left)
		} else if left > 0 {
			advised++
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
	for set, want := range map[string]int{"945": advised, "855": len(w.partner.po), "997": len(w.partner.groups)} {
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

// backupsHold: each backup that was asked for lies there whole, however often the hub was killed
// over it, and holds what had been answered before. Nothing half made is there.
func (w *world) backupsHold(ctx context.Context) ([]string, error) {
	var wrong []string
	names, err := filepath.Glob(w.backupFolder("*"))
	if err != nil {
		return nil, err
	}
	for _, dir := range names {
		if _, asked := w.backups[filepath.Base(dir)]; !asked {
			wrong = append(wrong, fmt.Sprintf("%s lies beside the backups", filepath.Base(dir)))
		}
	}
	names = slices.SortedFunc(maps.Keys(w.backups), func(a, b string) int { return w.backups[a].Compare(w.backups[b]) })
	for i, name := range names {
		// Each is read, for its hashes must be right. To fold one takes as long as the run is: so a
		// handful are, the last one among them.
		e, err := openEvidence(ctx, w.backupFolder(name))
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("backup %s: %v", name, err))
			continue
		}
		l := &ledger{}
		if every := len(names)/5 + 1; (len(names)-1-i)%every == 0 {
			if l, err = readLedger(ctx, e.store); err == nil {
				l.keeps(w.promisedBefore(w.backups[name]))
			}
		}
		if err = errors.Join(err, e.close()); err != nil {
			return nil, err
		}
		for _, x := range l.problems {
			wrong = append(wrong, fmt.Sprintf("backup %s: %s", name, x))
		}
	}
	return wrong, nil
}
