package restshop

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/shop"
	"github.com/paklog/hub/transforms/mapping"
)

// mostPage is how many orders a page may have.
const mostPage = 1000

// Work is the work of an answer about one order. A success without an order in it is half an answer.
func (c *Connector) Work(answer []byte) (w shop.Work, err error) {
	const op = "restshop.Work"
	v, err := mapping.Value(answer)
	if err != nil {
		return w, fault.Wrap(op, err)
	}
	order, err := c.sheet.Eval("read.order", map[string]any{"answer": v})
	if err == nil && order == nil {
		err = fault.At(op, fault.Transient, "read.order", errors.New("the answer has no order in it"))
	}
	if err != nil {
		return w, fault.Wrap(op, err)
	}
	w, err = c.work(order)
	return w, fault.Wrap(op, err)
}

// Page is a page of what changed. after is the cursor that it was asked for with.
func (c *Connector) Page(answer []byte, since, after string) (p shop.Page, err error) {
	const op = "restshop.Page"
	v, err := mapping.Value(answer)
	if err != nil {
		return p, fault.Wrap(op, err)
	}
	orders, err := c.sheet.Eval("changed.orders", map[string]any{"answer": v})
	if err != nil {
		return p, fault.Wrap(op, err)
	}
	list, ok := mapping.Items(orders)
	if !ok || len(list) > mostPage {
		return p, fault.At(op, fault.Invalid, "changed.orders", fmt.Errorf("it is no list of at most %d orders", mostPage))
	}
	for i, one := range list {
		w, err := c.work(one)
		if err == nil {
			p.Work = append(p.Work, w)
			continue
		}
		u := shop.Unread{ID: w.ID, Updated: w.Updated}
		if u.ID == "" {
			u.Why = fmt.Sprintf("order %d of a page: %s", i+1, err)
		}
		p.Unread = append(p.Unread, u)
	}
	if p.Next, err = c.Text("changed.next", map[string]any{"answer": v, "since": since, "after": after}); err != nil {
		return p, fault.Wrap(op, err)
	}
	if p.Next != "" && (p.Next == after || len(list) == 0) {
		return p, fault.At(op, fault.Transient, "changed.next", errors.New("the shop gives the same page again, or goes on behind an empty one"))
	}
	return p, nil
}

// Total is how many orders changed in all, as a page says.
func (c *Connector) Total(answer []byte) (n int, err error) {
	v, err := mapping.Value(answer)
	if err != nil {
		return 0, err
	}
	raw, err := c.sheet.Make("changed.total", map[string]any{"answer": v})
	if raw == nil || err != nil {
		return 0, err
	}
	return n, json.Unmarshal(raw, &n)
}

// mostID is how long a shop's id of an order may be, in bytes.
const mostID = 255

// work reads one order. Its id and time are there beside an error, where they could be read.
func (c *Connector) work(of any) (w shop.Work, err error) {
	const op = "restshop.work"
	values := map[string]any{"order": of}
	id, err := c.Text("id", values)
	if err == nil && id == "" {
		err = errors.New("the order has no id")
	}
	if err != nil {
		return w, fault.At(op, fault.Invalid, "id", err)
	}
	if len(id) > mostID {
		return w, fault.At(op, fault.Invalid, "id", fmt.Errorf("it has %d bytes, at most %d are allowed", len(id), mostID))
	}
	number := url.PathEscape(id)
	w.ID = WorkID(id)
	at, err := c.Text("updated", values)
	if err != nil {
		return w, err
	}
	updated, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return w, fault.At(op, fault.Invalid, "updated", fmt.Errorf("order %s: %w", id, err))
	}
	w.Updated = updated.UTC()
	made, err := c.sheet.Make("work", values)
	if err != nil {
		return w, err
	}
	var d document
	if made != nil {
		if err := json.Unmarshal(made, &d); err != nil {
			return w, fault.At(op, fault.Invalid, "work", err)
		}
	}
	w.State, w.Location, w.Hold = shop.State(d.State), d.Location, d.Hold
	w.Order = d.Order.Place(scope.Scope{}, order.Source{})
	ref := func(of string) string { return number + "/" + url.PathEscape(of) }
	seen := map[string]bool{}
	for i := range w.Order.Lines {
		l := &w.Order.Lines[i]
		if l.Ref == "" || seen[l.Ref] || l.Item == "" || l.Qty < 1 {
			return w, fault.At(op, fault.Invalid, fmt.Sprintf("work.order.lines[%d]", i), fmt.Errorf("order %s: a line needs an item, a quantity and a ref of its own", id))
		}
		seen[l.Ref] = true
		l.Ref = ref(l.Ref)
	}
	for i, l := range d.Done {
		if l.Qty < 0 || l.Ref == "" {
			return w, fault.At(op, fault.Invalid, fmt.Sprintf("work.done[%d]", i), fmt.Errorf("order %s: %d of %q", id, l.Qty, l.Ref))
		}
		if l.Qty > 0 {
			w.Done = append(w.Done, shop.LineQty{Ref: ref(l.Ref), Qty: l.Qty})
		}
	}
	states := []shop.State{shop.Open, shop.Asked, shop.Held, shop.Withdrawn, shop.Cancelled, shop.Closed}
	switch {
	case !slices.Contains(states, w.State):
		return w, fault.At(op, fault.Invalid, "work.state", fmt.Errorf("order %s: %q is none of open, asked, held, withdrawn, cancelled, closed", id, d.State))
	case w.Order.Number == "" || strings.TrimSpace(w.Order.Number) != w.Order.Number:
		return w, fault.At(op, fault.Invalid, "work.order.number", fmt.Errorf("order %s: its number is %q", id, w.Order.Number))
	case len(w.Order.Lines) == 0 && w.State != shop.Cancelled && w.State != shop.Closed:
		return w, fault.At(op, fault.Invalid, "work.order.lines", fmt.Errorf("order %s asks for nothing", id))
	}
	return w, nil
}

// Levels reads what the shop says of its stock.
func (c *Connector) Levels(answer []byte, location string) (out []Level, err error) {
	const op = "restshop.Levels"
	v, err := mapping.Value(answer)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	raw, err := c.sheet.Make("levels.list", map[string]any{"answer": v, "location": location})
	if raw == nil || err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fault.At(op, fault.Invalid, "levels.list", err)
	}
	return out, nil
}

// Set is a level that is to be said, and what it was.
type Set struct {
	Level
	Was int64
}

// SetBody is the body by which levels are set.
func (c *Connector) SetBody(key, location string, set []Set) (json.RawMessage, error) {
	list := make([]any, len(set))
	for i, s := range set {
		list[i] = map[string]any{"item": s.Item, "on_hand": s.OnHand, "was": s.Was, "version": s.Version}
	}
	return c.Body("set.body", map[string]any{"location": location, "key": key, "levels": list})
}

// About is the work that a webhook hints at; "" is none.
func (c *Connector) About(body []byte) (string, error) {
	v, err := mapping.Value(body)
	if err != nil {
		return "", err
	}
	id, err := c.Text("hook.id", map[string]any{"body": v})
	if id == "" || err != nil {
		return "", err
	}
	if len(id) > mostID {
		return "", fault.At("restshop.About", fault.Invalid, "id", fmt.Errorf("it has %d bytes, at most %d are allowed", len(id), mostID))
	}
	return WorkID(id), nil
}
