package batch

import (
	"cmp"
	"slices"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/route"
)

// Answer is a way to batch an instance. No way is shorter than Bound; where Length
// equals it, the answer is proven best.
type Answer struct {
	Batches       []Batch
	Length, Bound int64
	Effort        int64 // spent, as stop counts it
}

// Batch is a tour: orders of the instance, by their place in it, and the places to
// stop at in the order of the walk.
type Batch struct {
	Orders []int
	Stops  []route.Position
	Length int64
}

// GapPPM is by how much at most the answer is above the best, in millionths of the bound.
func (a Answer) GapPPM() int64 {
	if a.Length == a.Bound {
		return 0
	}
	return (a.Length - a.Bound) * 1_000_000 / max(1, a.Bound)
}

// ownEffort ends a solve that nobody stops: some seconds.
const ownEffort = 20_000_000

// Solve looks for the shortest way to batch in until it is proven best or stop says
// yes; a nil stop ends after an effort of some seconds. Annealing makes plans, column
// generation proves a bound, and as far as what lies between is small enough all of it
// is searched. The same seed and the same efforts give the same answer.
//
// An instance that [Instance.Check] refuses is Rejected.
func Solve(in *Instance, seed uint64, stop route.Stop) (Answer, error) {
	const op = "batch.Solve"
	if err := in.Check(); err != nil {
		return Answer{}, fault.Wrap(op, err)
	}
	if stop == nil {
		stop = func(effort int64) bool { return effort >= ownEffort }
	}
	router, err := route.NewRouter(in.Warehouse)
	if err != nil {
		return Answer{}, fault.Wrap(op, err)
	}
	if len(in.Orders) == 0 {
		return Answer{}, nil
	}
	s := newSearch(newFloor(in, router), seed, stop)
	best, bound := s.solve()
	a := Answer{Bound: bound, Effort: s.effort}
	for _, g := range best.groups {
		if len(g.orders) == 0 {
			continue
		}
		b := Batch{Orders: slices.Sorted(slices.Values(g.orders))}
		var at []route.Position
		for _, o := range b.Orders {
			at = append(at, in.Orders[o].Lines...)
		}
		b.Stops, b.Length = router.Tour(at)
		a.Length += b.Length
		a.Batches = append(a.Batches, b)
	}
	slices.SortFunc(a.Batches, func(x, y Batch) int { return x.Orders[0] - y.Orders[0] })
	return a, nil
}

// maxGenerated is how many orders column generation is tried for.
const maxGenerated = 256

// solve alternates annealing and column generation.
func (s *search) solve() (*plan, int64) {
	best := s.start()
	bound := s.plain()
	if best.total <= bound {
		return best, bound
	}
	take := func(p *plan) {
		if p.total < best.total {
			best = p
		}
	}
	// Temperatures go by how long a tour is.
	tour := max(1, best.total<<10/int64(len(best.groups)-1))
	hot, warm, cold := max(3, tour/50), max(2, tour/100), max(1, tour/1000)
	take(s.anneal(best.clone(), 10_000*s.n, hot, cold))
	if s.n > maxGenerated {
		for run := 1; !s.stopped; run++ {
			take(s.anneal(best.clone(), 10_000*s.n*run, warm, cold))
		}
		return best, bound
	}
	if s.stopped {
		return best, bound
	}
	g := newGeneration(s, best)
	var t *tree
	annealed, given, again := s.effort, false, int64(0)
	settle := func() {
		bound = max(bound, t.bound)
		if t.best != nil {
			take(t.best)
		}
		given = len(t.open) == 0
	}
	for run := 0; !s.stopped && best.total > bound; {
		if !given && s.effort >= again && s.effort < 2*annealed {
			switch {
			case t != nil:
				t.step(best.total)
				settle()
			case !g.done:
				g.step()
				bound = max(bound, g.bound)
			default:
				if t = g.grow(best.total); t != nil {
					settle()
				} else if !g.cut() {
					again = 2 * s.effort
				}
			}
			continue
		}
		before := s.effort
		run++
		from, temp := best.clone(), warm
		if run%3 == 0 {
			from, temp = s.start(), hot
		}
		take(s.anneal(from, 20_000*s.n, temp, cold))
		annealed += s.effort - before
	}
	return best, bound
}

// plain is a bound without much thought: the tour through everything, or, where that is more,
// what the longest orders ask for. Those that are as long as some length fill a number of
// batches at least, each of which is then as long.
func (s *search) plain() int64 {
	all := make([]uint64, s.stride)
	long := make([]int64, s.n)
	perm := make([]int, s.n)
	for i := range s.n {
		or(all, s.of(i))
		long[i], perm[i] = s.length(s.of(i)), i
	}
	slices.SortStableFunc(perm, func(a, b int) int { return cmp.Compare(long[b], long[a]) })
	sums := make([]int64, len(s.limits))
	lines, batches, bound := 0, 0, int64(0)
	for _, i := range perm {
		lines += s.load[i]
		need := (lines + s.capacity - 1) / s.capacity
		for k, limit := range s.limits {
			sums[k] += s.loads[i*len(s.limits)+k]
			need = max(need, int((sums[k]+limit-1)/limit))
		}
		for ; batches < need; batches++ {
			bound += long[i]
		}
	}
	return max(s.length(all), bound)
}
