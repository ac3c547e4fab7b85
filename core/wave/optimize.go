package wave

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/batch"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/route"
)

// Optimize decides in which batches the wave is picked. Work that is not of an open order of
// the wave is Rejected. A released wave that has its batches is no event.
func (w Wave) Optimize(c Optimize, at time.Time) ([]event.Event, error) {
	const op = "wave.Optimize"
	if err := w.must(op, StatusPlanned, StatusReleased); err != nil {
		return nil, err
	}
	if w.Status == StatusReleased && w.Batching.Method != "" {
		return nil, nil
	}
	c.Method = cmp.Or(c.Method, Discrete)
	if !slices.Contains(Methods(), c.Method) {
		return nil, fault.At(op, fault.Invalid, "method", fmt.Errorf("%q is none of %s", c.Method, strings.Join(Methods(), ", ")))
	}
	if err := c.Limits.allow(Limits{}); err != nil {
		return nil, fault.Wrap(op, err)
	}
	o := optimizing{Optimize: c, rank: map[Of]int{}}
	for i, m := range w.Orders {
		if m.Outcome == "" {
			o.rank[Of{m.Owner, m.Order.Order}] = i
		}
	}
	for i, x := range c.Work {
		bad := func(f, format string, a ...any) error {
			return fault.At(op, fault.Rejected, fmt.Sprintf("work[%d].%s", i, f), fmt.Errorf(format, a...))
		}
		if _, open := o.rank[x.Of]; !open {
			return nil, bad("order", "order %s is not open in wave %s", x.Order, w.ID)
		}
		if x.Qty < 1 || x.Qty > maxShare || x.Volume < 0 || x.Volume > maxShare || x.Weight < 0 || int64(x.Weight) > maxShare {
			return nil, bad("qty", "%d pieces of %d mm3 and %d mg: give 1 to %d, none below 0", x.Qty, x.Volume, x.Weight, maxShare)
		}
	}
	o.out = Batched{Head: w.head(at), Method: c.Method, Seed: c.Seed, Solver: SolvedExact}
	o.run()
	return []event.Event{o.out}, nil
}

// optimizing is one run of Optimize.
type optimizing struct {
	Optimize
	rank   map[Of]int // of the wave's open orders
	out    Batched
	places []place // of each work
}

// place is where a work lies in the building, as far as anybody has said.
type place struct {
	layout string
	at     route.Position
}

// area is a part of the work that is batched for itself.
type area struct {
	layout, zone string
	parts        []part
}

// part is work that one picker takes together: what an order has in an area, or in bulk
// picking what all orders have of an article in one place.
type part struct {
	rank  int // the least of its orders'
	works []int
	sums  Limits
}

func (o *optimizing) run() {
	o.places = make([]place, len(o.Work))
	var unplaced string
	for i, x := range o.Work {
		layout, at, known := o.Building.Position(x.At)
		o.places[i] = place{layout, at}
		if !known {
			unplaced = cmp.Or(unplaced, x.From.Location)
			o.out.Unplaced++
		}
	}
	if unplaced != "" {
		o.because("%d places, %s for one, have no cell in a layout of the building: they are walked by their sequence", o.out.Unplaced, unplaced)
	}
	areas := o.areas()
	total := 0
	for i := range areas {
		total += len(areas[i].parts)
	}
	for i := range areas {
		o.batch(&areas[i], o.Effort*int64(len(areas[i].parts))/int64(total))
	}
	slices.SortStableFunc(o.out.Batches, func(a, b Batch) int { return cmp.Compare(o.first(a.Orders), o.first(b.Orders)) })
	for i := range o.out.Batches {
		o.out.Batches[i].No = i + 1
	}
}

// because notes why not everything is by route and solver.
func (o *optimizing) because(format string, a ...any) {
	why := fmt.Sprintf(format, a...)
	if o.out.Because != "" {
		why = o.out.Because + "; " + why
	}
	o.out.Because = why
}

func (o *optimizing) first(orders []Of) int {
	first := len(o.rank)
	for _, of := range orders {
		first = min(first, o.rank[of])
	}
	return first
}

// areas divide the work. Discrete picking does not: an order is one tour, wherever it lies.
func (o *optimizing) areas() []area {
	type key struct {
		layout, zone string
		wall         int
	}
	type bin struct {
		area int
		of   Of
		item string
		at   string
	}
	keys := map[key]int{}
	bins := map[bin]int{}
	var areas []area
	walls := o.walls()
	for _, i := range o.sorted() {
		x := &o.Work[i]
		var k key
		if o.Method != Discrete {
			k.layout = o.places[i].layout
		}
		switch o.Method {
		case ZonePick:
			k.zone = x.At.Zone
		case Bulk:
			k.wall = walls[x.Of]
		}
		a, seen := keys[k]
		if !seen {
			a = len(areas)
			keys[k] = a
			areas = append(areas, area{layout: k.layout, zone: k.zone})
		}
		b := bin{area: a, of: x.Of}
		if o.Method == Bulk {
			b = bin{area: a, of: Of{Owner: x.Owner}, item: x.Item, at: x.From.Location}
		}
		p, seen := bins[b]
		if !seen {
			p = len(areas[a].parts)
			bins[b] = p
			areas[a].parts = append(areas[a].parts, part{rank: o.rank[x.Of]})
		}
		q := &areas[a].parts[p]
		q.works = append(q.works, i)
		q.rank = min(q.rank, o.rank[x.Of])
		q.sums.Lines++
		q.sums.Units += x.Qty
		q.sums.Volume += x.Volume
		q.sums.Weight += x.Weight
	}
	for i := range areas {
		for j := range areas[i].parts {
			if p := &areas[i].parts[j]; o.Method != Bulk {
				p.sums.Orders, p.sums.Totes = 1, 1
				if o.ToteVolume > 0 {
					p.sums.Totes = max(1, (p.sums.Volume+o.ToteVolume-1)/o.ToteVolume)
				}
			}
		}
	}
	return areas
}

// sorted are the works in the wave's order.
func (o *optimizing) sorted() []int {
	all := make([]int, len(o.Work))
	for i := range all {
		all[i] = i
	}
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(o.rank[o.Work[a].Of], o.rank[o.Work[b].Of]) })
	return all
}

// walls are the put walls that orders are sorted into, as many orders each as the limit says.
func (o *optimizing) walls() map[Of]int {
	walls := map[Of]int{}
	for _, i := range o.sorted() {
		of := o.Work[i].Of
		if _, seen := walls[of]; !seen && o.Limits.Orders > 0 {
			walls[of] = len(walls) / int(o.Limits.Orders)
		} else if !seen {
			walls[of] = 0
		}
	}
	return walls
}

// batch puts an area's parts into batches.
func (o *optimizing) batch(a *area, effort int64) {
	var groups [][]int // of parts
	var rest []int     // that may share a batch
	for i := range a.parts {
		if o.Method == Discrete || o.Limits.allow(a.parts[i].sums) != nil {
			groups = append(groups, []int{i})
		} else {
			rest = append(rest, i)
		}
	}
	baseline := slices.Concat(groups, o.firstCome(a, rest))
	bound := int64(0)
	for _, g := range groups {
		bound += o.length(a, g)
	}
	switch {
	case len(rest) == 0:
	case a.layout == "":
		groups = baseline
		o.solved(SolvedFirst)
	default:
		solved, least, err := o.solve(a, rest, effort)
		if err != nil {
			o.because("layout %s: %s", a.layout, fault.Reason(err))
			solved, least = o.firstCome(a, rest), o.length(a, rest)
			o.solved(SolvedFirst)
		}
		groups = append(groups, solved...)
		bound += least
	}
	o.out.Bound += bound
	for _, g := range groups {
		o.out.Batches = append(o.out.Batches, o.tour(a, g))
		o.out.Total += o.out.Batches[len(o.out.Batches)-1].Length
	}
	for _, g := range baseline {
		o.out.Baseline += o.sShape(a, g)
	}
}

// solved notes the solver that knew least.
func (o *optimizing) solved(by string) {
	if o.out.Solver != SolvedFirst {
		o.out.Solver = by
	}
}

// firstCome fills one batch after the other, as orders come.
func (o *optimizing) firstCome(a *area, parts []int) [][]int {
	var groups [][]int
	var sum Limits
	for _, p := range parts {
		next := sum.plus(a.parts[p].sums)
		if len(groups) == 0 || o.Limits.allow(next) != nil {
			groups = append(groups, nil)
			next = a.parts[p].sums
		}
		sum = next
		groups[len(groups)-1] = append(groups[len(groups)-1], p)
	}
	return groups
}

// solve asks package batch. The least length is in um.
func (o *optimizing) solve(a *area, parts []int, effort int64) (groups [][]int, least int64, err error) {
	y, _ := o.Building.Layout(a.layout)
	w, unit := y.Warehouse(a.zone)
	w.Blocks = max(w.Blocks, 1)
	in := batch.Instance{Warehouse: w, Capacity: int(o.Limits.Lines)}
	if o.Limits.Lines == 0 {
		in.Capacity = len(o.Work)
	}
	bounded := []func(Limits) int64{
		func(l Limits) int64 { return l.Orders }, func(l Limits) int64 { return l.Units }, func(l Limits) int64 { return l.Volume },
		func(l Limits) int64 { return int64(l.Weight) }, func(l Limits) int64 { return l.Totes },
	}
	bounded = slices.DeleteFunc(bounded, func(of func(Limits) int64) bool { return of(o.Limits) == 0 })
	for _, of := range bounded {
		in.Limits = append(in.Limits, of(o.Limits))
	}
	for _, p := range parts {
		x := batch.Order{ID: fmt.Sprint(p)}
		for _, i := range a.parts[p].works {
			x.Lines = append(x.Lines, o.places[i].at)
		}
		for _, of := range bounded {
			x.Loads = append(x.Loads, of(a.parts[p].sums))
		}
		in.Orders = append(in.Orders, x)
	}
	got, err := batch.Solve(&in, uint64(o.Seed), func(e int64) bool { return e >= effort })
	if err != nil {
		return nil, 0, err
	}
	o.solved(SolvedBatch)
	o.out.Effort += got.Effort
	for _, b := range got.Batches {
		g := make([]int, len(b.Orders))
		for i, at := range b.Orders {
			g[i] = parts[at]
		}
		groups = append(groups, g)
	}
	return groups, got.Bound * int64(unit), nil
}
