package routes

import (
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/tracking"
)

// lpnEmptied is why a carton is known no more whose goods were all put back.
const lpnEmptied = "emptied"

// waits notes that goods wait in a tote, a slot or a carton to be put back.
func (d *decision) waits(k inventory.BookKey, in string) {
	if h, own := d.shelf(k.Scope, in), (ownItem{k.Owner, k.Item}); !slices.Contains(h.Items, own) {
		h.Items, h.dirty = append(slices.Clone(h.Items), own), true
	}
}

// waitsStill forgets, after some were put away, what waits there no more.
func (d *decision) waitsStill(s scope.Scope, in string) {
	if shelved(d.location(s, in).Spec) || d.err != nil {
		return
	}
	h := d.shelf(s, in)
	left := slices.DeleteFunc(slices.Clone(h.Items), func(x ownItem) bool { return len(d.lying(h, x)) == 0 })
	if len(left) < len(h.Items) {
		h.Items, h.dirty = left, true
	}
}

// leftTote forgets what waits no more in totes and cartons that these events took goods from.
func (d *decision) leftTote(events []event.Event) {
	for _, e := range events {
		switch e := e.(type) {
		case inventory.StockTransferred:
			d.waitsStill(e.Scope, e.From.Location)
		case inventory.StockAdjusted:
			d.waitsStill(e.Scope, e.Location)
		}
	}
}

// liesThere refuses stock of an item, or in a place, that nobody registered, unless some of it waits
// there to be put away: in a tote or a carton.
func (d *decision) liesThere(k inventory.BookKey, code string) bool {
	if scope.CheckPart(code) == nil && k.Validate() == nil && !d.location(k.Scope, code).Known() &&
		slices.Contains(d.shelf(k.Scope, code).Items, ownItem{k.Owner, k.Item}) {
		return d.err == nil
	}
	return d.stocked(k, code)
}

// emptyTote refuses to begin a pick with a tote in which goods wait to be put back. Those that come to
// wait in it while the pick goes on were taken by the same picker.
func (d *decision) emptyTote(l pick.List, tote string) bool {
	if slices.ContainsFunc(l.Steps, func(st pick.Step) bool { return st.Picked > 0 }) || tote == "" {
		return d.err == nil
	}
	if of := d.shelf(l.Scope, tote).Items; len(of) > 0 && d.err == nil {
		d.fail(missing("routes.Pick", "tote", "item "+of[0].Item+" in tote "+tote+" is to be put back first: take another"))
	}
	return d.err == nil
}

// emptied lets a tote be no order's any more from which all goods of a cancelled order were put back.
// A carton is no more.
func (d *decision) emptied(s scope.Scope, id string, at time.Time) {
	l := d.lpn(s, id)
	if d.err != nil || l.Ref == "" || l.Ended != "" || len(d.shelf(s, id).Items) > 0 {
		return
	}
	o := d.order(s, l.Ref)
	if d.err != nil || o.Status() != order.StatusCancelled {
		return
	}
	if l.Kind == tracking.KindCarton {
		d.endLPN(s, id, tracking.End{Reason: lpnEmptied, Seen: at})
		return
	}
	events, err := l.Clear(d.m.Now)
	d.onLPN(s, id, events, err)
}
