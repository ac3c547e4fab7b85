package routes

import (
	"slices"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scope"
)

// heldAtKey is where the receipts are noted, by their numbers, of which goods are held at a place.
func heldAtKey(k inventory.BookKey, p inventory.Place) string {
	return "heldat/" + k.Book() + "/" + scope.Join(p.Location, p.Lot, p.LPN)
}

// heldReceipts are the receipts of which goods are held at a place, within a decision.
type heldReceipts struct {
	ids   []string
	old   journal.State
	dirty bool
}

func (d *decision) heldAt(k inventory.BookKey, p inventory.Place) *heldReceipts {
	key := heldAtKey(k, p)
	h := d.holds[key]
	if h == nil {
		h = &heldReceipts{}
		h.old, _ = d.state(key, &h.ids)
		enter(&d.holds, key, h)
	}
	return h
}

// keepHeld writes what changed of it, in the order of the keys.
func (d *decision) keepHeld() {
	for _, key := range inOrder(d.holds) {
		switch h := d.holds[key]; {
		case !h.dirty:
		case len(h.ids) > 0:
			d.out.SetState(key, h.old, h.ids)
		case h.old.Data != nil:
			d.out.SetState(key, h.old, nil)
		}
	}
}

// noteHeld keeps which receipts have goods held at a place, once what a receipt says of it was
// decided.
func (d *decision) noteHeld(k inventory.BookKey, p inventory.Place, receipt string) {
	h, is := d.heldAt(k, p), d.receipt(k.Scope, receipt).HeldAt(k.Item, p) > 0
	if d.err != nil || is == slices.Contains(h.ids, receipt) {
		return
	}
	if h.dirty = true; is {
		h.ids = append(slices.Clone(h.ids), receipt)
		return
	}
	h.ids = slices.DeleteFunc(slices.Clone(h.ids), func(id string) bool { return id == receipt })
}

// heldOf is how much of what is held at a place receipts wait for somebody to judge.
func (d *decision) heldOf(k inventory.BookKey, p inventory.Place) int64 {
	var n int64
	for _, id := range d.heldAt(k, p).ids {
		n += d.receipt(k.Scope, id).HeldAt(k.Item, p)
	}
	return n
}

// followHeld lets receipts know where their held goods went, so that they are judged there.
func (d *decision) followHeld(events []event.Event) {
	for _, e := range events {
		e, ok := e.(inventory.StockTransferred)
		if !ok || e.Stage != inventory.Held || d.err != nil {
			continue
		}
		left := e.Qty
		for _, id := range d.heldAt(e.BookKey, e.From).ids {
			moved, its := d.receipt(e.Scope, id).Move(e.Item, e.From, e.To, left, d.m.Now)
			left -= its
			add(d, d.f.receipts, receiving.StreamOf(e.Scope, id), moved, nil)
			d.noteHeld(e.BookKey, e.From, id)
			d.noteHeld(e.BookKey, e.To, id)
		}
	}
}

// isHeld reports whether goods in a stage lie in quarantine, where there is a place for it.
func isHeld(stage string) bool { return stage == inventory.Held || stage == inventory.Damaged }

// mayLie reports whether a place is one for goods that are held back or damaged, or for all others.
func mayLie(l location.Spec, held bool) bool {
	if held {
		return l.Purpose == location.Quarantine
	}
	return stores(l)
}

// shelved reports whether what lies at a place is kept with it.
func shelved(l location.Spec) bool { return stores(l) || l.Purpose == location.Quarantine }

// bad are the goods of a work that belong in quarantine: damaged ones, and those that a receipt holds
// until somebody judges them. What others hold back stays where it is. There is nothing to do for
// those that lie in quarantine.
func (d *decision) bad(w toPutAway, l *takings) []part {
	if d.location(w.Scope, w.Location).Spec.Purpose == location.Quarantine {
		return nil
	}
	var out []part
	for _, g := range w.Goods {
		k, p := keyOf(w.Scope, g.Item), w.place(g)
		for _, stage := range []string{inventory.Held, inventory.Damaged} {
			have := d.balance(k.Book(), p.In(stage).String())
			if stage == inventory.Held {
				have = min(have, d.heldOf(k, p)+l.turned(g))
			}
			out = append(out, d.rest(w, l, g, stage, have)...)
		}
	}
	return out
}

// turned is how much of held goods is on its way that became so in somebody's hands.
func (l takings) turned(g loading) int64 {
	var n int64
	for _, t := range l.Tasks {
		if t.Turned {
			n += takings{Tasks: []taking{t}}.takes(g, inventory.Held)
		}
	}
	return n
}

// rest is what of goods no task takes yet. Tasks for more than there is end.
func (d *decision) rest(w toPutAway, l *takings, g loading, stage string, have int64) []part {
	for have < l.takes(g, stage) && d.recall(w, l, g, stage) {
		continue // it was judged, held back, or moved by hand
	}
	if n := have - l.takes(g, stage); n > 0 && d.err == nil {
		return []part{{g, stage, n}}
	}
	return nil
}
