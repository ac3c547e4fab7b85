package routes

import (
	"context"
	"errors"
	"testing"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
)

// between runs a door whose first run lets another door decide in its middle: what it reads before
// and what it reads after are of two moments. It reports how often the first was run.
func between(t *testing.T, before, after, other func(d *decision)) (runs int, answer error) {
	door := func(h *Hub, do func(*decision)) func(context.Context, *Message) (*Out, error) {
		f := &Flows{hub: h, items: NewAggregate(item.Fold, h.reg), stocks: NewAggregate(inventory.Fold, h.reg)}
		return func(ctx context.Context, m *Message) (*Out, error) {
			d := f.decide(ctx, m)
			do(d)
			return d.done()
		}
	}
	inBubble(t, func(h *Hub) error {
		return errors.Join(
			h.Add(Route{Name: "first", Handle: door(h, func(d *decision) {
				before(d)
				if runs++; runs == 1 {
					if _, err := h.Call(d.ctx, "other", nil); err != nil {
						t.Error(err)
					}
				}
				after(d)
			})}),
			h.Add(Route{Name: "other", Handle: door(h, other)}),
		)
	}, func(t *testing.T, w *bare) {
		_, answer = w.hub.Call(t.Context(), "first", nil)
	})
	return runs, answer
}

// Whoever reads a state, lets it change, and reads it again to write it has decided on the old one.
func TestAStateIsReadOnceInARun(t *testing.T) {
	var n, end int
	add := func(d *decision) {
		var was int
		old, _ := d.state("count", &was)
		d.out.SetState("count", old, was+1)
	}
	runs, err := between(t,
		func(d *decision) { n = 0; d.state("count", &n) },
		func(d *decision) {
			old, _ := d.state("count", new(int))
			d.out.SetState("count", old, n+1)
			end = n + 1
		}, add)
	if runs != 2 || end != 2 || err != nil {
		t.Errorf("%d runs, and %d stands there: %v", runs, end, err)
	}
}

func told(d *decision, update bool) {
	events, err := d.item(site, "A").Register(item.Register{Scope: site, SKU: "A", Update: update, Spec: item.Spec{
		Description: map[bool]string{true: "new", false: "old"}[update], Units: []item.Unit{{UOM: item.Each, Factor: 1}},
	}}, d.m.Now)
	add(d, d.f.items, item.StreamOf(site, "A"), events, err)
}

// What was only looked at is depended on once something is decided from it.
func TestALookThatIsDecidedOnBindsTheUnit(t *testing.T) {
	for name, after := range map[string]func(*decision){
		"loaded":  func(d *decision) { d.item(site, "A"); d.out.SetState("seen", journal.State{}, 1) },
		"decided": func(d *decision) { told(d, true) },
		"refused": func(d *decision) {
			if !d.item(site, "A").Known() {
				d.fail(fault.E("x", fault.Rejected, errors.New("unknown")))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			runs, err := between(t,
				func(d *decision) { d.itemSeen(site, "A") }, after,
				func(d *decision) { told(d, false) })
			if runs != 2 || err != nil {
				t.Errorf("%d runs: %v", runs, err)
			}
		})
	}
	runs, err := between(t, // and one that is not leaves all as it is
		func(d *decision) { d.itemSeen(site, "A") },
		func(d *decision) { d.out.SetState("seen", journal.State{}, 1) },
		func(d *decision) { told(d, false) })
	if runs != 1 || err != nil {
		t.Errorf("%d runs: %v", runs, err)
	}
}

// What lies on a shelf is looked at after the shelf, also where the item was looked at before.
func TestAShelfIsReadBeforeWhatLiesThere(t *testing.T) {
	k := keyOf(site, "A")
	var lies int
	_, err := between(t,
		func(d *decision) { d.stock(k) },
		func(d *decision) {
			lies = len(d.lying(d.shelf(site, "S-1"), ownItem{site.Owner, "A"}))
			d.out.SetState("seen", journal.State{}, 1)
		},
		func(d *decision) {
			h := d.shelf(site, "S-1")
			h.Items, h.dirty = append(h.Items, ownItem{site.Owner, "A"}), true
			c := inventory.Receive{BookKey: k, Place: inventory.Place{Location: "S-1"}, Stage: inventory.Free, Qty: 2}
			events, posts, err := c.Decide(inventory.Stock{}, d.m.Now)
			d.fail(err)
			AppendAll(d.out, events)
			d.out.Post(posts...)
		})
	if lies != 1 || err != nil {
		t.Errorf("%d lie there: %v", lies, err)
	}
}
