package routes

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/returns"
	"github.com/paklog/hub/core/scope"
)

// returned is what returns take of an order's lines: what is back or on its way back. Whoever takes
// more writes it, so that two never take the same.
type returned struct {
	Claims []returnClaim `json:"claims"`
}

type returnClaim struct {
	Line   int    `json:"line"`
	Return string `json:"return"`
	Qty    int64  `json:"qty"`
}

func returnedKey(s scope.Scope, number string) string { return "returned/" + order.KeyOf(s, number) }

func (d *decision) returnOf(s scope.Scope, id string) returns.Return {
	return load(d, d.f.returns, returns.StreamOf(s, id))
}

// askReturn takes what is about returns; done is false where the command is not.
func (d *decision) askReturn(a *door.Ask) (got answered, done bool, err error) {
	s, id := a.Scope, a.ID
	var events []event.Event
	switch c := a.Cmd.(type) {
	case returns.Authorize:
		r := d.returnOf(s, id)
		c.Scope, c.ID = s, id
		if scope.CheckPart(c.Order) == nil && !d.order(s, c.Order).Exists() && d.err == nil {
			d.fail(missing(door.Receipts, "order", "order "+c.Order+" is not known: what comes back of it is received blind, with a reason"))
		}
		c.Left = d.mayReturn(s, c.Order)
		events, err = r.Authorize(c, d.m.Now)
	case returns.Receive:
		events, err = d.receiveReturn(s, id, c, a.Actor)
	case returns.Dispose:
		c.By = cmp.Or(c.By, a.Actor)
		c.Stage = func(code string) string { return d.goodStage(s, code) }
		events, err = d.returnOf(s, id).Dispose(c, d.m.Now)
	case returns.Close:
		c.By = cmp.Or(c.By, a.Actor)
		events, err = d.returnOf(s, id).Close(c, d.m.Now)
	case returns.Cancel:
		c.By = cmp.Or(c.By, a.Actor)
		events, err = d.returnOf(s, id).Cancel(c, d.m.Now)
	default:
		return answered{}, false, nil
	}
	d.returnOf(s, id)
	add(d, d.f.returns, returns.StreamOf(s, id), events, err)
	for _, e := range events {
		d.bookReturn(e)
	}
	if len(events) > 0 {
		d.claimReturn(d.returnOf(s, id))
	}
	return answered{d.returnOf(s, id), len(events) > 0}, true, d.err
}

// receiveReturn takes what came. One that nobody authorized is of an order where it names one that
// is known, and of no line otherwise.
func (d *decision) receiveReturn(s scope.Scope, id string, c returns.Receive, actor string) ([]event.Event, error) {
	r := d.returnOf(s, id)
	c.By = cmp.Or(c.By, actor)
	if l, ok := r.Line(c.Line); ok {
		c.Item = cmp.Or(c.Item, l.Item)
	}
	number, blind := r.Order, r.Blind && !r.Unknown
	if !r.Known() && c.Blind != nil {
		b := *c.Blind
		b.Scope, b.ID, number = s, id, b.Order
		b.Unknown = b.Order == "" || !d.order(s, b.Order).Exists()
		blind, c.Blind = !b.Unknown, &b
	}
	if blind && d.err == nil {
		c.Left = d.mayReturn(s, number)
		for _, l := range d.order(s, number).Lines {
			if _, left := c.Left(l.No); l.SKU == c.Item && (c.OrderLine == 0 || left >= c.Qty) {
				if c.OrderLine = l.No; left >= c.Qty {
					break
				}
			}
		}
	}
	if d.err != nil {
		return nil, d.err
	}
	return r.Receive(c, d.m.Now)
}

// mayReturn says what of an order's lines was shipped and is neither back nor on its way back.
func (d *decision) mayReturn(s scope.Scope, number string) func(int) (string, int64) {
	return func(no int) (string, int64) {
		if number == "" {
			return "", 0
		}
		l, ok := d.order(s, number).Line(no)
		if !ok || d.err != nil {
			return "", 0
		}
		var was returned
		d.state(returnedKey(s, number), &was)
		left := l.Shipped
		for _, c := range was.Claims {
			if c.Line == no {
				left -= c.Qty
			}
		}
		return l.SKU, max(0, left)
	}
}

// claimReturn notes what a return takes of its order.
func (d *decision) claimReturn(r returns.Return) {
	if r.Order == "" || r.Unknown || d.err != nil {
		return
	}
	var was returned
	key := returnedKey(r.Scope, r.Order)
	old, _ := d.state(key, &was)
	claims := slices.DeleteFunc(slices.Clone(was.Claims), func(c returnClaim) bool { return c.Return == r.ID })
	for _, l := range d.order(r.Scope, r.Order).Lines {
		if n := r.Claims()[l.No]; n > 0 {
			claims = append(claims, returnClaim{l.No, r.ID, n})
		}
	}
	slices.SortStableFunc(claims, func(a, b returnClaim) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Return, b.Return))
	})
	if !slices.Equal(claims, was.Claims) {
		d.out.SetState(key, old, returned{claims})
	}
}

// bookReturn moves the stock that an event of a return is about, in the same unit.
func (d *decision) bookReturn(e event.Event) {
	switch e := e.(type) {
	case returns.Received:
		d.bringIn(inventory.Receive{
			BookKey: keyOf(e.Scope, e.Item), Place: e.Place, Stage: inventory.Held, Qty: e.Qty, Expiry: e.Expiry, From: inventory.Return,
			Reference: e.ID, Serials: e.Serials,
		})
	case returns.Disposed:
		k := keyOf(e.Scope, e.Item)
		if e.Stage == inventory.Held || d.lacks(k, e.In(inventory.Held), e.Qty, false) {
			return
		}
		if e.Stage == "" {
			events, posts, err := inventory.Adjust{
				BookKey: k, Place: e.Place, Stage: inventory.Held, Delta: -e.Qty, Reason: e.To, By: e.By, Serials: e.Serials,
				Kept: d.serialsKept(k, e.Serials, inventory.Held), Tracking: d.itemSeen(k.Scope, k.Item).Spec.Tracking,
			}.Decide(d.m.Now)
			d.onStock(k, events, posts, err)
			return
		}
		today := inventory.Date(d.m.Now.UTC().Format(time.DateOnly))
		if sh, ok := d.stock(k).Shelf(e.Place); ok && sh.Expiry != "" && sh.Expiry < today {
			d.fail(missing(door.Receipts, "to", fmt.Sprintf("lot %s of item %s expired on %s: it cannot be sold again", e.Lot, e.Item, sh.Expiry)))
			return
		}
		serials, kept := d.serialsMeant(k, e.Serials, e.Qty, inventory.Held, e.Stage)
		events, posts, err := inventory.ChangeStatus{
			BookKey: k, Place: e.Place, From: inventory.Held, To: e.Stage, Qty: e.Qty, Reason: e.To, By: e.By, Serials: serials, Kept: kept,
		}.Decide(d.m.Now)
		d.onStock(k, events, posts, err)
		d.restage(events)
	}
}
