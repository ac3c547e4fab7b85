package wave

import (
	"fmt"

	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/location"
)

// Check holds tours against themselves and the building, and says what is wrong: a tour is as
// long as the way along its stops, takes what it says for whom it says, and all of them together
// are as long as the event says and no shorter than its bound. at is where a place lies; of a tour
// to a place that it does not know, the way is not measured.
func (e Batched) Check(b facility.Spec, at func(code string) (location.Spec, bool)) []string {
	var out []string
	wrong := func(format string, a ...any) {
		out = append(out, fmt.Sprintf("wave %s: ", e.Wave)+fmt.Sprintf(format, a...))
	}
	var total int64
	for i := range e.Batches {
		x := &e.Batches[i]
		total += x.Length
		x.check(wrong)
		places, known := make([]location.Spec, len(x.Stops)), true
		for j, s := range x.Stops {
			spec, ok := at(s.Location)
			places[j], known = spec, known && ok
		}
		if um := int64(b.Walk(x.Zone, places)); known && um != x.Length {
			wrong("batch %d says %d um and its stops are %d um apart, there and back", x.No, x.Length, um)
		}
	}
	if total != e.Total || e.Bound > e.Total {
		wrong("its batches are %d um long, it says %d and that none are below %d", total, e.Total, e.Bound)
	}
	return out
}

// check counts what a tour takes.
func (b *Batch) check(wrong func(format string, a ...any)) {
	orders := map[Of]bool{}
	var units int64
	for _, s := range b.Stops {
		for _, p := range s.Picks {
			if p.From.Location != s.Location || p.Qty < 1 {
				wrong("batch %d takes %d of %s at %s, where it stands at %s", b.No, p.Qty, p.Item, p.From.Location, s.Location)
			}
			orders[p.Of] = true
			units += p.Qty
		}
	}
	for _, of := range b.Orders {
		if !orders[of] {
			wrong("batch %d names order %s and fetches nothing for it", b.No, of.Order)
		}
	}
	if len(orders) != len(b.Orders) || units != b.Units {
		wrong("batch %d says %d units of %d orders, its stops have %d of %d", b.No, b.Units, len(b.Orders), units, len(orders))
	}
}
