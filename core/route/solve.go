package route

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/fault"
)

// Stop is asked now and then with the effort spent so far, counted in elementary
// steps of the programmes and so the same on every machine. Once it says yes the best
// answer found is returned. nil never stops.
type Stop func(effort int64) bool

// Take is what is taken at one place.
type Take struct {
	Position
	Article int
	Qty     int64
}

// Answer is a tour: what is taken in the order of the walk. No tour that fills the demand
// is shorter than Bound; where Length equals it, the answer is proven best.
type Answer struct {
	Takes         []Take
	Length, Bound int64
	Effort        int64
}

// Solve finds at which places to take what is demanded, and the tour, together.
// Lagrangian multipliers pay for each unit and give a bound; a labelled programme
// over the aisles then looks for better tours within the gap, at first few at a time and at
// last all of them, which proves the best; between, parts of the best tour, drawn by
// the seed, are solved anew. The same seed, and a stop at the same effort, give the same answer.
//
// A problem that [Problem.Check] refuses, or that is too large to be laid out, is Rejected.
func Solve(p Problem, seed uint64, stop Stop) (Answer, error) {
	const op = "route.Solve"
	if err := p.Check(); err != nil {
		return Answer{}, fault.Wrap(op, err)
	}
	r, err := NewRouter(p.Warehouse)
	if err != nil {
		return Answer{}, fault.Wrap(op, err)
	}
	s := newScatter(p, r, stop)
	if s.places == 0 {
		return Answer{}, nil
	}
	if s.forced() {
		return s.answer(s.length), nil
	}
	if err := s.layOut(); err != nil {
		return Answer{}, fault.At(op, fault.Rejected, "problem", err)
	}
	s.solve(seed)
	return s.answer(s.bound), nil
}

// item is what a place holds of an article, capped to what is demanded.
type item struct {
	article int
	qty     int64
}

// place is a position with what is wanted there.
type place struct {
	Position
	items []item
	must  bool
}

// scatter is one problem being solved. Articles are those with a demand.
type scatter struct {
	p      Problem
	r      *Router
	stop   Stop
	effort int64
	ended  bool

	names  []int   // the problem's article of each of ours
	demand []int64 // by article
	at     []place // by aisle and cell
	places int

	best   []int // indexes of the places of the best tour
	length int64
	bound  int64
	grain  int64 // every length is a multiple of it

	// Workspace of offer.
	surplus []int64
	set     Set
	kept    []int
	offered int64 // length of what was offered last

	layout
	multipliers
	memory memory
}

func newScatter(p Problem, r *Router, stop Stop) *scatter {
	s := &scatter{p: p, r: r, stop: stop, grain: grain(p.Warehouse, r.blocks)}
	mine := make([]int, len(p.Demand))
	for a, d := range p.Demand {
		mine[a] = -1
		if d > 0 {
			mine[a] = len(s.names)
			s.names = append(s.names, a)
			s.demand = append(s.demand, d)
		}
	}
	stock := slices.Clone(p.Stock)
	slices.SortFunc(stock, func(a, b Stock) int {
		return cmp.Or(cmp.Compare(a.Aisle, b.Aisle), cmp.Compare(a.Cell, b.Cell), cmp.Compare(a.Article, b.Article))
	})
	for _, k := range stock {
		a := mine[k.Article]
		if a < 0 || k.Qty == 0 {
			continue
		}
		if n := len(s.at); n == 0 || s.at[n-1].Position != k.Position {
			s.at = append(s.at, place{Position: k.Position})
		}
		last := &s.at[len(s.at)-1]
		if n := len(last.items); n > 0 && last.items[n-1].article == a {
			last.items[n-1].qty = min(s.demand[a], last.items[n-1].qty+k.Qty)
		} else {
			last.items = append(last.items, item{a, min(s.demand[a], k.Qty)})
		}
	}
	s.places = len(s.at)
	return s
}

// grain is the largest number that divides the length of every tour: each part of
// it is walked twice, or once there and once elsewhere back.
func grain(w Warehouse, blocks []block) int64 {
	g := gcd(w.AisleToAisle, w.Depot.Distance)
	for _, b := range blocks {
		g = gcd(gcd(g, b.length), gcd(b.front, gcd(b.back, b.step)))
	}
	return max(2*g, 1)
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// spend counts effort and reports whether the search is to end.
func (s *scatter) spend(n int) bool {
	s.effort += int64(n)
	if !s.ended && s.stop != nil {
		s.ended = s.stop(s.effort)
	}
	return s.ended
}

// forced starts with a tour that drops the places farthest from the depot, as far as they
// can be spared. It reports whether none could, so that nothing is left to decide.
func (s *scatter) forced() bool {
	all := make([]int, len(s.at))
	for i := range all {
		all[i] = i
	}
	off := func(i int) int { return max(s.at[i].Aisle-s.r.w.Depot.Aisle, s.r.w.Depot.Aisle-s.at[i].Aisle) }
	slices.SortStableFunc(all, func(a, b int) int { return cmp.Compare(off(b), off(a)) })
	s.length = unreachable
	s.surplus = make([]int64, len(s.demand))
	s.set = make(Set, len(s.r.scratch))
	s.offer(all)
	return len(s.best) == len(all)
}

// offer takes a choice of places that fills the demand for the best if it is
// shorter, once the first of them that can be spared are dropped.
func (s *scatter) offer(chosen []int) {
	for a, d := range s.demand {
		s.surplus[a] = -d
	}
	for _, i := range chosen {
		for _, it := range s.at[i].items {
			s.surplus[it.article] += it.qty
		}
	}
	clear(s.set)
	s.kept = s.kept[:0]
	for _, i := range chosen {
		if s.spare(i) {
			for _, it := range s.at[i].items {
				s.surplus[it.article] -= it.qty
			}
			continue
		}
		s.kept = append(s.kept, i)
		s.r.Add(s.set, s.at[i].Position)
	}
	s.offered = s.r.LengthOf(s.set)
	if s.offered < s.length {
		s.length, s.best = s.offered, append(s.best[:0], s.kept...)
	}
	s.effort += int64(len(chosen))
}

func (s *scatter) spare(i int) bool {
	for _, it := range s.at[i].items {
		if s.surplus[it.article] < it.qty {
			return false
		}
	}
	return true
}

// answer takes from the places of the best tour, the fullest first.
func (s *scatter) answer(bound int64) Answer {
	at := make([]Position, len(s.best))
	for n, i := range s.best {
		at[n] = s.at[i].Position
	}
	stops, length := s.r.Tour(at)
	order := map[Position]int{}
	for n, p := range stops {
		order[p] = n
	}
	var takes []Take
	for _, i := range s.best {
		for _, it := range s.at[i].items {
			takes = append(takes, Take{s.at[i].Position, it.article, it.qty})
		}
	}
	slices.SortStableFunc(takes, func(a, b Take) int { return cmp.Compare(b.Qty, a.Qty) })
	left := slices.Clone(s.demand)
	kept := takes[:0]
	for _, t := range takes {
		if t.Qty = min(t.Qty, left[t.Article]); t.Qty > 0 {
			left[t.Article] -= t.Qty
			t.Article = s.names[t.Article]
			kept = append(kept, t)
		}
	}
	slices.SortStableFunc(kept, func(a, b Take) int {
		return cmp.Or(cmp.Compare(order[a.Position], order[b.Position]), cmp.Compare(a.Article, b.Article))
	})
	return Answer{Takes: kept, Length: length, Bound: min(bound, length), Effort: s.effort}
}

// roundUp is the least multiple of the grain that is not below v/scale.
func (s *scatter) roundUp(v, scale int64) int64 {
	if v <= 0 {
		return 0
	}
	unit := s.grain * scale
	return (v + unit - 1) / unit * s.grain
}

var errTooLarge = fmt.Errorf("it has more ways to walk an aisle than %d: split the order into tours", maxConfigs)
