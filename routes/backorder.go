package routes

import (
	"context"
	"fmt"
	"strings"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
)

// waiting is an order that waits for an item. Its key sorts by book, then by time, so
// that who waits longest is served first.
type waiting struct {
	Scope scope.Scope `json:"scope"`
	Order string      `json:"order"`
}

func waitPrefix(book string) string { return "backorder/" + book + "/" }

// wait notes that an order waits for an item, once.
func (d *decision) wait(s scope.Scope, number, sku string) {
	book := s.Book(sku)
	mark := fmt.Sprintf("waits/%s/%s", book, scope.Join(number))
	var key string
	old, found := d.state(mark, &key)
	if found || d.err != nil || d.held[mark] != nil {
		return
	}
	d.held[mark] = true
	key = fmt.Sprintf("%s%016x/%s", waitPrefix(book), d.m.Now.UnixNano(), scope.Join(number))
	st, _ := d.state(key, &waiting{})
	d.out.SetState(mark, old, key)
	d.out.SetState(key, st, waiting{s, number})
}

// waitsNoMore takes the note back.
func (d *decision) waitsNoMore(s scope.Scope, number, sku string) {
	mark := fmt.Sprintf("waits/%s/%s", s.Book(sku), scope.Join(number))
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

type goOn struct {
	inventory.BookKey
}

// servedAtOnce is how many waiting orders one unit serves.
const servedAtOnce = 32

func (f *Flows) addBackorders() error {
	return f.hub.Add(Route{
		Name: "order.backorder", About: "gives what came in to the orders that wait for it, longest waiting first",
		Topics: []string{onInventory, onOrders, onBackorders}, Handle: f.serveBackorders,
		Types: append(takes(inventory.StockReceived{}, inventory.StockPutBack{}, inventory.StockAdjusted{}, inventory.StockStatusChanged{},
			inventory.StockDeallocated{}, inventory.StockReleased{}, location.Registered{}, location.Changed{}, location.Unblocked{},
			order.Backordered{}, order.Released{}), goOnWith),
		Writes: []string{onOrders, onInventory, onBackorders},
	})
}

func (f *Flows) serveBackorders(ctx context.Context, m *Message) (*Out, error) {
	d := f.decide(ctx, m)
	switch e := m.Event.(type) {
	case inventory.StockReceived:
		d.serveWaiting(e.BookKey)
	case inventory.StockPutBack:
		d.serveWaiting(e.BookKey)
	case inventory.StockAdjusted:
		d.serveWaiting(e.BookKey)
	case inventory.StockStatusChanged:
		d.serveWaiting(e.BookKey)
	case inventory.StockDeallocated:
		d.serveWaiting(e.BookKey)
	case inventory.StockReleased:
		// What was promised and found no place finds none a moment later.
		if e.Reason != noPlace {
			d.serveWaiting(e.BookKey)
		}
	case location.Registered:
		d.serveFacility(e.Scope)
	case location.Changed:
		d.serveFacility(e.Scope)
	case location.Unblocked:
		d.serveFacility(e.Scope)
	case order.Backordered:
		// A receipt may have been faster than the decision to wait.
		d.serveOrder(e.Scope, e.Order)
	case order.Released:
		d.serveOrder(e.Scope, e.Order)
	case nil:
		if m.Type != goOnWith {
			return nil, fault.E(m.route, fault.Invalid, fmt.Errorf("%s is no work of this route", m.Type))
		}
		var g goOn
		if err := m.Decode(&g); err != nil {
			return nil, err
		}
		d.serveWaiting(g.BookKey)
	}
	return d.done()
}

// serveWaiting gives what may be promised of a book to those who wait for it.
func (d *decision) serveWaiting(k inventory.BookKey) {
	if d.balance(k.Book(), inventory.ATP) <= 0 || d.err != nil {
		return
	}
	rows, err := d.f.hub.bus.Driver().Scan(d.ctx, journal.TableState, waitPrefix(k.Book()), "", servedAtOnce)
	if err != nil {
		d.fail(err)
		return
	}
	served := false
	for _, r := range rows {
		var w waiting
		if _, found := d.state(r.Key, &w); !found {
			continue
		}
		served = d.serveOrder(w.Scope, w.Order) || served
		if d.err != nil {
			return
		}
	}
	// Only when something was given is there more to do: orders that ship whole may stand
	// in front and wait for another item.
	if len(rows) == servedAtOnce && served && d.balance(k.Book(), inventory.ATP) > 0 {
		d.out.Publish(onBackorders, goOnWith, k.Key(), goOn{k})
	}
}

// serveOrder promises to an order what it waits for and is there now. Releasing and
// promising are one unit, so its place in the line is lost only with its last piece.
func (d *decision) serveOrder(s scope.Scope, number string) (served bool) {
	o := d.order(s, number)
	if d.err != nil || !o.Exists() {
		return false
	}
	s = o.Scope
	defer func() {
		o := d.order(s, number)
		if d.err != nil {
			return
		}
		for _, sku := range lineSKUs(o, func(order.Line) bool { return true }) {
			if !o.Closed() && hasLine(o, func(l order.Line) bool { return l.SKU == sku && l.Backordered > 0 }) {
				continue
			}
			d.waitsNoMore(s, number, sku)
		}
	}()
	if o.Workable() != nil {
		return false
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
			return false
		}
		if n > 0 && len(lines) < maxLines || n > 0 && o.Policy == order.AllOrNothing {
			lines = append(lines, order.LineQty{Line: l.No, Qty: n})
			used[book] += n
		}
	}
	if len(lines) == 0 || d.err != nil {
		return false
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
	return d.err == nil
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
				d.out.Publish(onBackorders, goOnWith, book, goOn{keyOf(at, sku)})
			}
		}
		if len(rows) < 500 {
			return
		}
	}
}
