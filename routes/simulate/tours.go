package simulate

import (
	"cmp"
	"maps"
	"slices"

	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
)

// allotted is a place that an order's line has goods at.
type allotted struct {
	line int
	item string
	at   inventory.Place
}

// allot keeps what each order has a place for and nobody has fetched.
func (c *checker) allot(h inventory.Head, of inventory.For, at inventory.Place, n int64) {
	if of.Order == "" {
		return
	}
	key := streamOf(h.Scope, h.Owner, of.Order)
	all, x := c.allots[key], allotted{of.Line, h.Item, at}
	if all == nil {
		all = map[allotted]int64{}
		c.allots[key] = all
	}
	if all[x] += n; all[x] == 0 {
		delete(all, x)
	}
	if len(all) == 0 {
		delete(c.allots, key)
	}
}

// toFetch is what the orders of a wave have places for and no task fetches yet.
func (c *checker) toFetch(e wave.Batched) map[string]map[allotted]int64 {
	left := map[string]map[allotted]int64{}
	for of := range c.waves[e.Stream()] {
		left[of] = maps.Clone(c.allots[of])
	}
	for _, t := range c.tasks {
		if t.kind != task.KindPick {
			continue
		}
		for i, st := range t.steps {
			of := streamOf(t.head.Scope, cmp.Or(st.Owner, t.head.Owner), cmp.Or(st.Order, t.head.Order))
			if all, x := left[of], (allotted{st.Line, st.Item, st.From}); all[x] > 0 && t.left[i] > 0 {
				if all[x] -= t.left[i]; all[x] <= 0 {
					delete(all, x)
				}
			}
		}
	}
	return left
}

// batched holds the tours of a wave against the building and against what is to be fetched for its
// orders: each quantity is on one tour, and a tour is as long as the way along its stops.
func (c *checker) batched(e wave.Batched) {
	b, laid := c.buildings[e.Facility]
	for _, wrong := range e.Check(b, func(code string) (location.Spec, bool) {
		at, known := c.places[location.StreamOf(e.Scope, code)]
		return at, known && laid && c.r.cfg.Fork == nil // whose history others wrote, at the same time
	}) {
		c.fails("%s", wrong)
	}
	left := c.toFetch(e)
	for i := range e.Batches {
		c.stops(e, &e.Batches[i], left)
	}
	for _, of := range slices.Sorted(maps.Keys(left)) {
		for x, n := range left[of] {
			c.fails("wave %s: %d of %s at %s for line %d of %s are on no tour", e.Wave, n, x.item, x.at.Location, x.line, of)
		}
	}
}

// stops takes what a tour fetches from what its orders have left.
func (c *checker) stops(e wave.Batched, b *wave.Batch, left map[string]map[allotted]int64) {
	for _, s := range b.Stops {
		for _, p := range s.Picks {
			of, x := streamOf(e.Scope, p.Owner, p.Order), allotted{p.Line, p.Item, p.From}
			if left[of][x] < p.Qty {
				c.fails("wave %s: batch %d takes %d of %s at %s for line %d of %s, which has %d there", e.Wave, b.No, p.Qty, p.Item, s.Location, p.Line, of, left[of][x])
				return
			}
			if left[of][x] -= p.Qty; left[of][x] == 0 {
				delete(left[of], x)
			}
		}
	}
}
