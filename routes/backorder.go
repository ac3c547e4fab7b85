package routes

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

// waiting is an order that waits for an item. Its key sorts by book, then by priority, then by
// time, so that the most urgent is served first, and of those who waits longest.
type waiting struct {
	Scope scope.Scope `json:"scope"`
	Order string      `json:"order"`
}

func waitPrefix(book string) string { return "backorder/" + book + "/" }

func waitMark(s scope.Scope, number, sku string) string {
	return fmt.Sprintf("waits/%s/%s", s.Book(sku), scope.Join(number))
}

// waitKey is the place in the line: a digit that is less the more urgent the order is, and 16 hex
// digits of nanoseconds. Folders of an older program hold keys without the digit, which stand
// behind orders of priority 8 and before those of 7.
func waitKey(book, number string, priority int, since time.Time) string {
	return fmt.Sprintf("%s%d%016x/%s", waitPrefix(book), 9-priority, since.UnixNano(), scope.Join(number))
}

// sinceOf is the time in a key, zero where there is none.
func sinceOf(book, key string) time.Time {
	at, _, _ := strings.Cut(strings.TrimPrefix(key, waitPrefix(book)), "/")
	nanos, err := strconv.ParseInt(at[max(0, len(at)-16):], 16, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(0, nanos)
}

// wait notes that an order waits for an item, once.
func (d *decision) wait(s scope.Scope, number, sku string) {
	book := s.Book(sku)
	mark := waitMark(s, number, sku)
	var key string
	old, found := d.state(mark, &key)
	if found || d.err != nil || d.held[mark] != nil {
		return
	}
	d.held[mark] = true
	since, ok := d.since[sku]
	if !ok {
		since = d.m.Now
	}
	key = waitKey(book, number, d.order(s, number).Priority, since)
	st, _ := d.state(key, &waiting{})
	d.out.SetState(mark, old, key)
	d.out.SetState(key, st, waiting{s, number})
}

// waitingSince says from when on an order waits, by item.
func (d *decision) waitingSince(s scope.Scope, number string) map[string]time.Time {
	out := map[string]time.Time{}
	for _, sku := range lineSKUs(d.order(s, number), func(order.Line) bool { return true }) {
		var key string
		if _, found := d.state(waitMark(s, number, sku), &key); found {
			if at := sinceOf(s.Book(sku), key); !at.IsZero() {
				out[sku] = at
			}
		}
	}
	return out
}

// waitAnew gives an order whose priority changed its new place in each line it stands in, by the
// time it has waited since.
func (d *decision) waitAnew(o order.Order) {
	for sku, since := range d.waitingSince(o.Scope, o.Number) {
		mark := waitMark(o.Scope, o.Number, sku)
		var was string
		old, found := d.state(mark, &was)
		key := waitKey(o.Scope.Book(sku), o.Number, o.Priority, since)
		if !found || key == was || d.held[mark] != nil {
			continue
		}
		d.held[mark] = true
		if st, found := d.state(was, &waiting{}); found {
			d.out.SetState(was, st, nil)
		}
		st, _ := d.state(key, &waiting{})
		d.out.SetState(mark, old, key)
		d.out.SetState(key, st, waiting{o.Scope, o.Number})
	}
}

// waitsIfIt takes an order out of the lines in which it has nothing to wait for.
func (d *decision) waitsIfIt(s scope.Scope, number string) {
	o := d.order(s, number)
	if d.err != nil {
		return
	}
	for _, sku := range lineSKUs(o, func(order.Line) bool { return true }) {
		if o.Closed() || !hasLine(o, func(l order.Line) bool { return l.SKU == sku && l.Backordered > 0 }) {
			d.waitsNoMore(s, number, sku)
		}
	}
}

// waitsNoMore takes the note back.
func (d *decision) waitsNoMore(s scope.Scope, number, sku string) {
	mark := waitMark(s, number, sku)
	var key string
	old, found := d.state(mark, &key)
	if !found || d.held[mark] != nil { // or noted by this very unit
		return
	}
	d.held[mark] = true
	st, found := d.state(key, &waiting{})
	d.out.SetState(mark, old, nil)
	if found {
		d.out.SetState(key, st, nil)
	}
}

// Topics and types of the backorder service's own work.
const (
	onBackorders = "backorder-work"
	goOnWith     = "backorder.Continue"
)

// goOn is a book whose line is served on, from behind the key After.
type goOn struct {
	inventory.BookKey
	After string `json:"after,omitempty"`
}

// servedAtOnce is how many waiting orders one unit serves.
const servedAtOnce = 32

func (f *Flows) addBackorders() error {
	return f.hub.Add(Route{
		Name: "order.backorder", About: "gives what came in to the orders that wait for it, by priority, then longest waiting first",
		Topics: []string{onInventory, onOrders, onBackorders}, Handle: f.serveBackorders,
		Types: append(takes(inventory.StockReceived{}, inventory.StockPutBack{}, inventory.StockAdjusted{}, inventory.StockStatusChanged{},
			inventory.StockDeallocated{}, inventory.StockReleased{}, inventory.StockPutAway{}, inventory.StockTransferred{}, location.Registered{}, location.Changed{}, location.Unblocked{},
			order.Backordered{}, order.Released{}, order.Changed{}, order.SplitInto{}, order.Cancelled{}), goOnWith),
		Writes: []string{onOrders, onInventory, onBackorders},
	})
}

func (f *Flows) serveBackorders(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	switch e := m.Event.(type) {
	case inventory.StockReceived:
		d.serveWaiting(e.BookKey, "")
	case inventory.StockPutBack:
		d.serveWaiting(e.BookKey, "")
	case inventory.StockAdjusted:
		d.serveWaiting(e.BookKey, "")
	case inventory.StockStatusChanged:
		d.serveWaiting(e.BookKey, "")
	case inventory.StockDeallocated:
		d.serveWaiting(e.BookKey, "")
	case inventory.StockPutAway:
		d.serveWaiting(e.BookKey, "")
	case inventory.StockTransferred: // to where they may be had, perhaps
		d.serveWaiting(e.BookKey, "")
	case inventory.StockReleased:
		// What was promised and found no place finds none a moment later.
		if e.Reason != noPlace {
			d.serveWaiting(e.BookKey, "")
		}
	case location.Registered:
		d.serveFacility(e.Scope)
	case location.Changed:
		d.serveFacility(e.Scope)
	case location.Unblocked:
		d.serveFacility(e.Scope)
	case order.Backordered:
		// A receipt may have been faster than the decision to wait.
		d.serveWaitingOf(e.Head)
	case order.Released:
		d.serveWaitingOf(e.Head)
	case order.Changed: // one that ships whole may be content with less now
		d.serveWaitingOf(e.Head)
	case order.SplitInto:
		d.serveWaitingOf(e.Head)
	case order.Cancelled:
		d.serveWaitingOf(e.Head)
	case nil:
		if m.Type != goOnWith {
			return nil, fault.E(m.route, fault.Invalid, fmt.Errorf("%s is no work of this route", m.Type))
		}
		var g goOn
		if err := m.Decode(&g); err != nil {
			return nil, err
		}
		d.serveWaiting(g.BookKey, g.After)
	}
	return d.done()
}

// serveWaitingOf lets those be served who wait for what an order waits for: it has its turn among
// them, and no sooner.
func (d *decision) serveWaitingOf(h order.Head) {
	o := d.order(h.Scope, h.Order)
	if d.err != nil || o.Workable() != nil {
		return
	}
	for _, sku := range lineSKUs(o, func(l order.Line) bool { return l.Backordered > 0 }) {
		if k := keyOf(o.Scope, sku); d.balance(k.Book(), inventory.ATP) > 0 {
			d.out.Publish(onBackorders, goOnWith, k.Key(), goOn{BookKey: k})
		}
	}
}

// serveWaiting gives what may be promised of a book to those who wait for it, from behind a key.
func (d *decision) serveWaiting(k inventory.BookKey, after string) {
	if d.balance(k.Book(), inventory.ATP) <= 0 || d.err != nil {
		return
	}
	rows, err := d.f.hub.bus.Driver().Scan(d.ctx, journal.TableState, waitPrefix(k.Book()), after, servedAtOnce)
	if err != nil {
		d.fail(err)
		return
	}
	for _, r := range rows {
		var w waiting
		if _, found := d.state(r.Key, &w); !found {
			continue
		}
		d.serveOrder(w.Scope, w.Order)
		if d.err != nil {
			return
		}
	}
	// Those in front may be on hold, or ship whole and wait for another item: the next ones have
	// their turn.
	if len(rows) == servedAtOnce && d.balance(k.Book(), inventory.ATP) > 0 {
		d.out.Publish(onBackorders, goOnWith, k.Key(), goOn{k, rows[len(rows)-1].Key})
	}
}

// serveOrder promises to an order what it waits for and is there now. Releasing and
// promising are one unit, so its place in the line is lost only with its last piece.
func (d *decision) serveOrder(s scope.Scope, number string) {
	o := d.order(s, number)
	if d.err != nil || !o.Exists() {
		return
	}
	s = o.Scope
	defer d.waitsIfIt(s, number)
	if o.Workable() != nil {
		return
	}
	used := map[string]int64{}
	var lines []order.LineQty
	for _, l := range o.Lines {
		if l.Backordered == 0 {
			continue
		}
		book := s.Book(l.SKU)
		n := min(l.Backordered, max(0, d.balance(book, inventory.ATP)-used[book]))
		if n < l.Backordered && o.Policy == order.AllOrNothing {
			return
		}
		if n > 0 && len(lines) < maxLines || n > 0 && o.Policy == order.AllOrNothing {
			lines = append(lines, order.LineQty{Line: l.No, Qty: n})
			used[book] += n
		}
	}
	if len(lines) == 0 || d.err != nil {
		return
	}
	events, err := o.ReleaseBackorder(order.ReleaseBackorder{Lines: lines, Cause: d.m.Type}, d.m.Now)
	d.onOrder(s, number, events, err)
	o = d.order(s, number)
	for _, q := range lines {
		l, _ := o.Line(q.Line)
		k := keyOf(s, l.SKU)
		events, posts, err := inventory.Reserve{BookKey: k, For: inventory.For{Order: number, Line: q.Line}, Qty: q.Qty}.Decide(nil, d.m.Now)
		d.onStock(k, events, posts, err)
	}
	events, err = o.Reserve(order.Reserve{Lines: lines}, d.m.Now)
	d.onOrder(s, number, events, err)
}

func hasLine(o order.Order, is func(order.Line) bool) bool {
	for _, l := range o.Lines {
		if is(l) {
			return true
		}
	}
	return false
}

// serveFacility tries again for every item of a building that somebody waits for: a
// place came into use.
func (d *decision) serveFacility(s scope.Scope) {
	after, last := "", ""
	for range 64 {
		rows, err := d.f.hub.bus.Driver().Scan(d.ctx, journal.TableState, "backorder/"+scope.Join(s.Tenant)+"/", after, 500)
		if err != nil {
			d.fail(err)
			return
		}
		for _, r := range rows {
			after = r.Key
			book := strings.TrimPrefix(r.Key, "backorder/")
			// The book is the part before time and order.
			for range 2 {
				if i := strings.LastIndexByte(book, '/'); i >= 0 {
					book = book[:i]
				}
			}
			if book == last {
				continue
			}
			last = book
			if at, sku, err := scope.ParseBook(book); err == nil && at.Facility == s.Facility {
				d.out.Publish(onBackorders, goOnWith, book, goOn{BookKey: keyOf(at, sku)})
			}
		}
		if len(rows) < 500 {
			return
		}
	}
}
