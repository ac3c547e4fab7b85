package wave

import (
	"cmp"
	"slices"

	"github.com/paklog/hub/core/route"
)

// legs are the places of some parts by layout, in the building's order of layouts.
func (o *optimizing) legs(a *area, parts []int) (legs map[string][]route.Position, layouts []string) {
	legs = map[string][]route.Position{}
	for _, p := range parts {
		for _, i := range a.parts[p].works {
			if at := o.places[i]; at.layout != "" {
				legs[at.layout] = append(legs[at.layout], at.at)
			}
		}
	}
	for _, y := range o.Building.Layouts {
		if legs[y.Code] != nil {
			layouts = append(layouts, y.Code)
		}
	}
	return legs, layouts
}

// walk measures or makes the ways of some parts, a tour through each layout.
func (o *optimizing) walk(a *area, parts []int, each func(layout string, w route.Warehouse, at []route.Position) (units int64)) (um int64) {
	legs, layouts := o.legs(a, parts)
	for _, code := range layouts {
		y, _ := o.Building.Layout(code)
		w, unit := y.Warehouse(a.zone)
		um += each(code, w, legs[code]) * int64(unit)
	}
	return um
}

// length is that of the shortest tour through some parts.
func (o *optimizing) length(a *area, parts []int) int64 {
	return o.walk(a, parts, func(_ string, w route.Warehouse, at []route.Position) int64 {
		r, err := route.NewRouter(w)
		if err != nil {
			return 0 // no building is registered with a layout that has no ways
		}
		return r.Length(at)
	})
}

func (o *optimizing) sShape(a *area, parts []int) int64 {
	return o.walk(a, parts, func(_ string, w route.Warehouse, at []route.Position) int64 { return route.SShape(w, at) })
}

// tour makes a batch of some parts.
func (o *optimizing) tour(a *area, parts []int) Batch {
	b := Batch{Layout: a.layout, Zone: a.zone, Way: BySequence}
	at := map[place]int{} // the number of the stop at each position
	b.Length = o.walk(a, parts, func(layout string, w route.Warehouse, through []route.Position) int64 {
		r, err := route.NewRouter(w)
		if err != nil {
			return 0
		}
		stops, length := r.Tour(through)
		for _, p := range stops {
			at[place{layout, p}] = len(at)
		}
		b.Way, b.Layout = ByRoute, cmp.Or(b.Layout, layout)
		return length
	})
	var works []int
	for _, p := range parts {
		works = append(works, a.parts[p].works...)
		s := a.parts[p].sums
		b.Lines, b.Units, b.Volume, b.Weight, b.Totes = b.Lines+s.Lines, b.Units+s.Units, b.Volume+s.Volume, b.Weight+s.Weight, b.Totes+s.Totes
	}
	stop := func(i int) int {
		if n, known := at[o.places[i]]; known && o.places[i].layout != "" {
			return n
		}
		return len(at) // what lies nobody knows where comes last
	}
	slices.SortStableFunc(works, func(i, j int) int {
		x, y := &o.Work[i], &o.Work[j]
		return cmp.Or(
			cmp.Compare(stop(i), stop(j)), cmp.Compare(x.At.Sequence, y.At.Sequence), cmp.Compare(x.From.Location, y.From.Location),
			cmp.Compare(o.rank[x.Of], o.rank[y.Of]), cmp.Compare(x.Line, y.Line))
	})
	seen := map[Of]bool{}
	for _, i := range works {
		x := &o.Work[i]
		if !seen[x.Of] {
			seen[x.Of] = true
			b.Orders = append(b.Orders, x.Of)
		}
		if n := len(b.Stops); n == 0 || b.Stops[n-1].Location != x.From.Location {
			b.Stops = append(b.Stops, Stop{Location: x.From.Location})
		}
		s := &b.Stops[len(b.Stops)-1]
		s.Picks = append(s.Picks, Pick{x.Of, x.Line, x.Item, x.From, x.Qty})
	}
	slices.SortStableFunc(b.Orders, func(x, y Of) int { return cmp.Compare(o.rank[x], o.rank[y]) })
	return b
}
