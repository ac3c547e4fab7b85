package routes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/paklog/hub/core/crossref"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/dlq"
	"github.com/paklog/hub/routes/eip"
)

// heldLines is the route that keeps held lines; its letters are theirs.
const heldLines = "order.held_line"

// heldFor is an order line that waits for its item to become known. Event is the message
// that says so, and whose letter it is.
type heldFor struct {
	Scope scope.Scope `json:"scope"`
	Order string      `json:"order"`
	Line  int         `json:"line"`
	Event journal.ID  `json:"event"`
}

func heldPrefix(s scope.Scope, sku string) string {
	return "held-line/" + scope.Join(s.Tenant, s.Owner, sku) + "/"
}

func heldKey(s scope.Scope, sku, number string, line int) string {
	return heldPrefix(s, sku) + scope.Join(number) + fmt.Sprintf("/%d", line)
}

// heldNames are the names by which an item can become known that a line waits for: its own, and every code
// that the sender called it by, a GTIN in all its lengths.
func heldNames(l order.AcceptedLine) []string { return itemNames(l.Item, l.Codes) }

// itemNames are the names of an item: what it is called, then its codes.
func itemNames(name string, codes []item.Code) []string {
	out := []string{name}
	add := func(code string) {
		if code != "" && !slices.Contains(out, code) {
			out = append(out, code)
		}
	}
	for _, c := range append([]item.Code{{Value: name}}, codes...) {
		if g, err := gs1.GTIN14(c.Value); err == nil {
			add(g)
		}
		add(c.Value)
	}
	return out
}

// holdsNoMore takes back what was noted of a held line.
func (d *decision) holdsNoMore(o order.Order, l order.Line) (held heldFor, found bool) {
	for _, name := range heldNames(l.AcceptedLine) {
		key := heldKey(o.Scope, name, o.Number, l.No)
		if old, there := d.state(key, &held); there && d.held[key] == nil {
			d.held[key] = true
			d.out.SetState(key, old, nil)
			found = true
		}
	}
	return held, found
}

// lacks is what the item master has to have for a held line to go on.
func lacks(rec *journal.Record) (dlq.Lack, bool) {
	var e order.LineHeld
	if rec.Type != e.EventType() || json.Unmarshal(rec.Data, &e) != nil {
		return dlq.Lack{}, false
	}
	switch sku, uom := e.Problem.Lacks(); {
	case uom != "":
		return dlq.Lack{Kind: "unit", Owner: e.Owner, Missing: uom, Item: sku, Operation: "change-item"}, true
	case sku != "":
		return dlq.Lack{Kind: "item", Owner: e.Owner, Missing: sku, Operation: "register-item"}, true
	}
	return dlq.Lack{}, false
}

func (f *Flows) addHeldLines() error {
	return f.hub.Add(Route{
		Name: heldLines, About: "opens a letter for each line that nobody understands; a replay, or its item becoming known, lets the line go on",
		Topics: []string{onOrders, onInventory}, Handle: f.heldLine,
		Types: takes(order.LineHeld{}, order.LineReleased{}, order.Cancelled{}, item.Registered{}, item.Changed{}), Parking: Parking{Independent: true},
		Writes: []string{onOrders}, Patterns: []string{eip.NameDeadLetter},
	})
}

// holdLines notes which items the held lines of a new order wait for.
func (d *decision) holdLines(o order.Order) {
	if d.err != nil {
		return
	}
	for i := range d.out.Records {
		r := &d.out.Records[i]
		e, ok := r.Event.(order.LineHeld)
		if !ok {
			continue
		}
		if p := o.Source.Partner; p != "" { // whose letter it will be
			r.Headers = maps.Clone(r.Headers)
			if r.Headers == nil {
				r.Headers = map[string]string{}
			}
			r.Headers["partner"] = p
		}
		l, _ := o.Line(e.Line)
		for _, name := range heldNames(l.AcceptedLine) {
			key := heldKey(o.Scope, name, o.Number, e.Line)
			old, _ := d.state(key, &heldFor{})
			d.out.SetState(key, old, heldFor{o.Scope, o.Number, e.Line, r.ID})
		}
	}
}

// heldLine ends as a letter while the line is not understood. Whoever released the line
// meanwhile, the replay of the letter resolves it.
func (f *Flows) heldLine(ctx context.Context, m *Message) (*Out, error) {
	switch e := m.Event.(type) {
	case item.Registered:
		return f.itemKnown(ctx, m, e.Head)
	case item.Changed:
		return f.itemKnown(ctx, m, e.Head)
	case nil:
		var h item.Head
		if err := m.Decode(&h); err != nil {
			return nil, err
		}
		return f.itemKnown(ctx, m, h)
	case order.LineHeld:
		d := f.decide(ctx, m)
		events, err := d.understand(e.Scope, e.Order, e.Line)
		if err != nil {
			o := d.order(e.Scope, e.Order)
			return nil, fault.At(m.route, fault.Rejected, documentPlace(o.Source.DocType, e.Problem.Place),
				fmt.Errorf("order %s line %d is held: %s", e.Order, e.Line, e.Problem.Text))
		}
		d.onOrder(e.Scope, e.Order, events, nil)
		return d.done()
	case order.LineReleased:
		return f.heldNoMore(ctx, m, e.Head, e.Line)
	case order.Cancelled:
		var lines []int
		for _, l := range e.Lines {
			if l.Qty == 0 { // its quantity was never known
				lines = append(lines, l.Line)
			}
		}
		return f.heldNoMore(ctx, m, e.Head, lines...)
	}
	return m.Out(), nil
}

// heldNoMore closes the letters of lines that somebody released or took out.
func (f *Flows) heldNoMore(ctx context.Context, m *Message, h order.Head, lines ...int) (*Out, error) {
	d := f.decide(ctx, m)
	if len(lines) == 0 {
		return d.done()
	}
	o := d.order(h.Scope, h.Order)
	for _, no := range lines {
		l, _ := o.Line(no)
		if held, found := d.holdsNoMore(o, l); found {
			d.closeLetter(dlq.ID(heldLines, held.Event))
		}
	}
	return d.done()
}

// understand releases a held line whose item is known by now; an error says that it is not.
func (d *decision) understand(s scope.Scope, number string, line int) ([]event.Event, error) {
	o := d.order(s, number)
	l, found := o.Line(line)
	if d.err != nil || !found || !l.Held() {
		return nil, nil //nolint:nilerr // d keeps its error, and done gives it back
	}
	name := l.Item
	if m, crossed := d.meaning(o.Scope.Tenant, o.Source.Partner, crossref.Item, name); crossed {
		name = m.Ours
	}
	return o.ReleaseLine(order.ReleaseLine{Line: line, Item: d.skuOf(o.Scope, name, l.Codes)}, d.known(o.Scope), d.m.Now)
}

// releasedAtOnce is how many lines one unit releases; a timer at once goes on.
const releasedAtOnce = 200

// itemKnown releases the lines that waited for an item, by its name or one of its codes, and closes their
// letters.
func (f *Flows) itemKnown(ctx context.Context, m *Message, h item.Head) (*Out, error) {
	d := f.decide(ctx, m)
	released, more := 0, false
	for _, name := range itemNames(h.SKU, d.item(h.Scope, h.SKU).Spec.Codes) {
		rows, err := f.hub.bus.Driver().Scan(ctx, journal.TableState, heldPrefix(h.Scope, name), "", releasedAtOnce)
		if err != nil {
			return nil, err
		}
		more = more || len(rows) == releasedAtOnce
		for _, r := range rows {
			var held heldFor
			if _, found := d.state(r.Key, &held); !found || d.held[r.Key] != nil || released == releasedAtOnce {
				continue
			}
			events, err := d.understand(held.Scope, held.Order, held.Line)
			if err != nil {
				continue // its unit is not known yet, say
			}
			o := d.order(held.Scope, held.Order)
			l, _ := o.Line(held.Line)
			d.holdsNoMore(o, l)
			d.onOrder(held.Scope, held.Order, events, nil)
			d.closeLetter(dlq.ID(heldLines, held.Event))
			released++
		}
	}
	if released > 0 && more {
		d.out.Timer("more/"+item.StreamOf(h.Scope, h.SKU), m.Key, "held_line.Continue", m.Now, h)
	}
	return d.done()
}

// closeLetter resolves an open letter of this route whose cause is gone.
func (d *decision) closeLetter(id string) {
	if err := d.m.closeLetter(d.ctx, d.out, id); err != nil {
		d.fail(err)
	}
}
