package route_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/route"
)

// check judges an answer without the code that made it: it walks the takes in their order by
// shortest paths, and counts what they take.
func check(t interface {
	Helper()
	Fatalf(string, ...any)
}, f *floor, p route.Problem, a route.Answer,
) {
	t.Helper()
	have := map[route.Take]int64{}
	for _, s := range p.Stock {
		have[route.Take{Position: s.Position, Article: s.Article}] += s.Qty
	}
	got := make([]int64, len(p.Demand))
	var stops []route.Position
	for _, k := range a.Takes {
		at := route.Take{Position: k.Position, Article: k.Article}
		if have[at] -= k.Qty; have[at] < 0 || k.Qty <= 0 {
			t.Fatalf("%d of article %d taken at %v, which is more than there is", k.Qty, k.Article, k.Position)
		}
		got[k.Article] += k.Qty
		if len(stops) == 0 || stops[len(stops)-1] != k.Position {
			stops = append(stops, k.Position)
		}
	}
	if !slices.Equal(got, p.Demand) {
		t.Fatalf("taken %v, demanded %v", got, p.Demand)
	}
	if walked := f.walk(stops); walked != a.Length {
		t.Fatalf("the stops walked in order are %d long, the answer says %d", walked, a.Length)
	}
	if a.Bound > a.Length {
		t.Fatalf("bound %d is above the length %d", a.Bound, a.Length)
	}
}

func drawProblem(t *rapid.T, articles, places int) route.Problem {
	p := route.Problem{Warehouse: drawWarehouse(t)}
	most := rapid.Int64Range(1, 4).Draw(t, "most")
	have := make([]int64, articles)
	for i := range places {
		s := route.Stock{Position: drawPosition(t, p.Warehouse), Article: rapid.IntRange(0, articles-1).Draw(t, "article"), Qty: rapid.Int64Range(0, most).Draw(t, "qty")}
		if i < articles {
			s.Article = i
		}
		have[s.Article] += s.Qty
		p.Stock = append(p.Stock, s)
	}
	for _, h := range have {
		p.Demand = append(p.Demand, rapid.Int64Range(0, min(h, 6)).Draw(t, "demand"))
	}
	return p
}

// exhaustive is the shortest tour over every subset of the stock that fills the demand.
func exhaustive(f *floor, p route.Problem) int64 {
	best := int64(-1)
	for set := range 1 << len(p.Stock) {
		left := slices.Clone(p.Demand)
		var at []route.Position
		for i, s := range p.Stock {
			if set&(1<<i) != 0 {
				left[s.Article] -= s.Qty
				if !slices.Contains(at, s.Position) {
					at = append(at, s.Position)
				}
			}
		}
		if slices.Max(left) > 0 {
			continue
		}
		if l := f.best(at); best < 0 || l < best {
			best = l
		}
	}
	return best
}

func TestSolveAgreesWithEverySubset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t, rapid.IntRange(1, 4).Draw(t, "articles"), rapid.IntRange(4, 7).Draw(t, "places"))
		f := newFloor(p.Warehouse)
		best := exhaustive(f, p)
		a, err := route.Solve(p, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		check(t, f, p, a)
		if a.Length != best || a.Bound != best {
			t.Fatalf("length %d, bound %d, every subset gives %d", a.Length, a.Bound, best)
		}
		// Whoever stops early still gets a tour, and a bound that holds.
		limit := rapid.Int64Range(0, 3000).Draw(t, "limit")
		early, err := route.Solve(p, 1, func(effort int64) bool { return effort >= limit })
		if err != nil {
			t.Fatal(err)
		}
		check(t, f, p, early)
		if early.Length < best || early.Bound > best {
			t.Fatalf("stopped at %d: length %d, bound %d, best %d", limit, early.Length, early.Bound, best)
		}
	})
}

// Orders of more articles are solved in parts too. Each lies in two places.
func TestSolveOfManyArticlesAgreesWithEveryChoice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const articles = 10
		p := route.Problem{Warehouse: drawWarehouse(t)}
		for a := range articles {
			p.Demand = append(p.Demand, 1)
			for range 2 {
				p.Stock = append(p.Stock, route.Stock{Position: drawPosition(t, p.Warehouse), Article: a, Qty: 1})
			}
		}
		r, err := route.NewRouter(p.Warehouse)
		if err != nil {
			t.Fatal(err)
		}
		best := int64(-1)
		at := make([]route.Position, articles)
		for choice := range 1 << articles {
			for a := range at {
				at[a] = p.Stock[2*a+choice>>a&1].Position
			}
			if l := r.Length(at); best < 0 || l < best {
				best = l
			}
		}
		a, err := route.Solve(p, rapid.Uint64().Draw(t, "seed"), nil)
		if err != nil {
			t.Fatal(err)
		}
		check(t, newFloor(p.Warehouse), p, a)
		if a.Length != best || a.Bound != best {
			t.Fatalf("length %d, bound %d, every choice gives %d", a.Length, a.Bound, best)
		}
	})
}

func TestTheSameSeedAndEffortGiveTheSameAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t, 12, 40)
		seed, limit := rapid.Uint64().Draw(t, "seed"), rapid.Int64Range(0, 40_000).Draw(t, "limit")
		stop := func(effort int64) bool { return effort >= limit }
		a, err := route.Solve(p, seed, stop)
		if err != nil {
			t.Fatal(err)
		}
		b, err := route.Solve(p, seed, stop)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a.Takes, b.Takes) || a.Length != b.Length || a.Bound != b.Bound || a.Effort != b.Effort {
			t.Fatalf("%+v, then %+v", a, b)
		}
		check(t, newFloor(p.Warehouse), p, a)
	})
}

// Quantities too large to be told apart one by one still give a tour and a bound.
func TestLargeDemands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t, 9, 40)
		for i := range p.Stock {
			p.Stock[i].Qty *= 100_000
		}
		for i := range p.Demand {
			p.Demand[i] *= 100_000
		}
		a, err := route.Solve(p, 1, func(effort int64) bool { return effort > 20_000 })
		if err != nil {
			t.Fatal(err)
		}
		check(t, newFloor(p.Warehouse), p, a)
	})
}

func TestProblemsThatAreRefused(t *testing.T) {
	t.Parallel()
	good := func() route.Problem {
		return route.Problem{
			Warehouse: route.Warehouse{Aisles: 3, Cells: 10, AisleToAisle: 3, CellToCell: 1, FrontToCell: 1, BackToCell: 1},
			Demand:    []int64{1, 2},
			Stock:     []route.Stock{{Position: route.Position{Aisle: 1, Cell: 2}, Qty: 1}, {Position: route.Position{Aisle: 2, Cell: 9}, Article: 1, Qty: 2}},
		}
	}
	if _, err := route.Solve(good(), 1, nil); err != nil {
		t.Fatalf("the problem that the others are made of: %v", err)
	}
	for name, c := range map[string]struct {
		spoil func(*route.Problem)
		want  string
	}{
		"no aisles":            {func(p *route.Problem) { p.Warehouse.Aisles = 0 }, "0 aisles"},
		"too many aisles":      {func(p *route.Problem) { p.Warehouse.Aisles = 1 << 20 }, "1048576 aisles"},
		"no cells":             {func(p *route.Problem) { p.Warehouse.Cells = 0 }, "0 cells"},
		"one cell, two blocks": {func(p *route.Problem) { p.Warehouse.Cells, p.Warehouse.Blocks = 1, 2 }, "1 cells"},
		"too many places":      {func(p *route.Problem) { p.Warehouse.Aisles, p.Warehouse.Cells = 9_000, 90_000 }, "at most 10000000 places"},
		"three blocks":         {func(p *route.Problem) { p.Warehouse.Blocks = 3 }, "3 blocks"},
		"negative distance":    {func(p *route.Problem) { p.Warehouse.CellToCell = -1 }, "cell to cell is -1"},
		"distance too large":   {func(p *route.Problem) { p.Warehouse.Depot.Distance = 1 << 40 }, "depot distance"},
		"depot outside":        {func(p *route.Problem) { p.Warehouse.Depot.Aisle = 3 }, "the depot is at aisle 3"},
		"depot at no end":      {func(p *route.Problem) { p.Warehouse.Depot.End = 7 }, "neither front nor back"},
		"stock outside":        {func(p *route.Problem) { p.Stock[0].Cell = 10 }, "stock 0: aisle 1, cell 10 is outside"},
		"stock of no article":  {func(p *route.Problem) { p.Stock[1].Article = 2 }, "stock 1: article 2 has no demand"},
		"negative stock":       {func(p *route.Problem) { p.Stock[0].Qty = -1 }, "quantity -1"},
		"more than there is":   {func(p *route.Problem) { p.Demand[1] = 3 }, "article 1: 3 demanded, and all its positions hold 2"},
		"negative demand":      {func(p *route.Problem) { p.Demand[0] = -1 }, "article 0: -1 demanded"},
	} {
		p := good()
		c.spoil(&p)
		_, err := route.Solve(p, 1, nil)
		if err == nil || fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is stopped by effort is the same on every machine. An effort of 400,000 is some 40 ms.
func TestScatteredStorageAgainstPublishedOptima(t *testing.T) {
	const effort = 400_000
	for _, set := range []struct {
		blocks int
		kind   string
		table  string
		low    bool // some published values lie below every tour that fills the order
	}{
		{1, "unit", "results_SPRP-SS.csv", false}, {1, "varying", "results_SPRP-SS.csv", false},
		{2, "unit", "results_SPRP-SS_two_block.csv", false}, {2, "varying", "results_SPRP-SS_two_block.csv", true},
	} {
		want := published(t, set.table)
		var n, proven, low int
		var sum, worst int64 // of gaps, in 0.01 %
		for i, in := range instances(t, set.blocks, set.kind+"_F2_", set.kind+"_F5_", set.kind+"_F10_") {
			if testing.Short() && i%8 != 0 {
				continue
			}
			a, err := route.Solve(in.Problem, 1, func(spent int64) bool { return spent > effort })
			if err != nil {
				t.Fatal(err)
			}
			check(t, newFloor(in.Problem.Warehouse), in.Problem, a)
			best := want[in.Name] * 2 // the problem counts in halves
			if a.Bound > best && set.low {
				best = a.Bound
				low++
			}
			if a.Bound > best || a.Length < best && !set.low {
				t.Errorf("%s, %d blocks: length %s, bound %s, published %d", in.Name, set.blocks, in.Distance(a.Length), in.Distance(a.Bound), want[in.Name])
			}
			if a.Length == a.Bound {
				proven++
			}
			gap := (a.Length - best) * 10_000 / best
			sum, worst = sum+gap, max(worst, gap)
			n++
		}
		t.Logf("%d blocks, %s: %d instances, %d proven, mean gap %d, worst %d (0.01 %%), %d published too low", set.blocks, set.kind, n, proven, sum/int64(n), worst, low)
		if !set.low && (sum > 50*int64(n) || worst > 500) {
			t.Errorf("%d blocks, %s: the mean gap is to be at most 0.5 %%, the worst 5 %%", set.blocks, set.kind)
		}
	}
}
