package route

import (
	"math/bits"
	"slices"
)

// unreachable is far above every length. Two of them still fit into an int64.
const unreachable = int64(1) << 60

// Router finds shortest tours through all of the places given, exactly. It owns
// its workspace and so belongs to one goroutine; a Length allocates nothing.
//
// An aisle without places is passed by: a walk through it could be moved to the
// next aisle on one of the two sides without making the tour longer.
type Router struct {
	w       Warehouse
	t       *table
	blocks  []block
	words   int // of a segment
	scratch Set
	aisles  []int
	steps   []step
	reached [][maxClasses]int64 // before each step, and after the last
	trail   trail
}

// step is one element of the warehouse in the order in which the programme adds them: a block of an
// aisle, or the part of a cross-aisle that leads to the next aisle. cost is by what
// a [move] is by.
type step struct {
	moves *moves
	cost  [walks]int64
}

// NewRouter refuses a warehouse that [Warehouse.Check] refuses.
func NewRouter(w Warehouse) (*Router, error) {
	if err := w.Check(); err != nil {
		return nil, err
	}
	r := &Router{w: w, t: tables[w.blocks()], blocks: w.makeBlocks()}
	for _, b := range r.blocks {
		r.words = max(r.words, (b.cells+63)>>6)
	}
	r.scratch = make(Set, w.Aisles*len(r.blocks)*r.words)
	return r, nil
}

// Length is the length of the shortest tour from the depot through all the
// positions, which must be inside the warehouse, and back. Without positions it is 0.
func (r *Router) Length(at []Position) int64 {
	clear(r.scratch)
	for _, p := range at {
		r.Add(r.scratch, p)
	}
	return r.LengthOf(r.scratch)
}

// LengthOf is [Router.Length] of a set.
func (r *Router) LengthOf(s Set) int64 {
	if empty(s) {
		return 0
	}
	if len(r.blocks) == 1 {
		return r.single(s)
	}
	r.plan(s)
	return r.solve()
}

// Tour is the shortest tour's length and its stops as the picker meets them, each
// place once.
func (r *Router) Tour(at []Position) (stops []Position, length int64) {
	clear(r.scratch)
	for _, p := range at {
		r.Add(r.scratch, p)
	}
	if empty(r.scratch) {
		return nil, 0
	}
	r.plan(r.scratch)
	length = r.solve()
	return r.trail.walk(r, r.scratch), length
}

// plan lays out the steps for a set that is not empty.
func (r *Router) plan(s Set) {
	r.aisles = r.aisles[:0]
	per := len(r.blocks) * r.words
	for a := range r.w.Aisles {
		if a == r.w.Depot.Aisle || !empty(s[a*per:(a+1)*per]) {
			r.aisles = append(r.aisles, a)
		}
	}
	r.steps = r.steps[:0]
	for i, a := range r.aisles {
		for b := range r.blocks {
			r.steps = append(r.steps, step{&r.t.walk[b], r.blocks[b].walks(r.segment(s, a, b))})
		}
		r.steps = r.appendCross(r.steps, i)
	}
}

// appendCross adds the steps from the i-th aisle to the next: the way to the
// depot, if it is here, and the cross-aisles.
func (r *Router) appendCross(steps []step, i int) []step {
	if r.aisles[i] == r.w.Depot.Aisle {
		// The depot is a place like others, beside a block instead of in it.
		off := step{&r.t.walk[0], [walks]int64{unreachable, unreachable, unreachable, unreachable, unreachable, unreachable}}
		if r.w.Depot.End == Front {
			off.cost[walkFront] = 2 * r.w.Depot.Distance
		} else {
			off.moves = &r.t.walk[len(r.blocks)-1]
			off.cost[walkBack] = 2 * r.w.Depot.Distance
		}
		steps = append(steps, off)
	}
	cost := [walks]int64{0, unreachable, unreachable, unreachable, unreachable, unreachable}
	if i+1 < len(r.aisles) {
		cost[1] = int64(r.aisles[i+1]-r.aisles[i]) * r.w.AisleToAisle
		cost[2] = 2 * cost[1]
	}
	for n := range len(r.blocks) + 1 {
		steps = append(steps, step{&r.t.cross[n], cost})
	}
	return steps
}

// walks is what each way to walk a block costs if it must reach the cells of seg.
func (b block) walks(seg []uint64) [walks]int64 {
	first, last, gap := -1, -1, 0
	for i, w := range seg {
		for ; w != 0; w &= w - 1 {
			c := i<<6 + bits.TrailingZeros64(w)
			if last >= 0 {
				gap = max(gap, c-last)
			} else {
				first = c
			}
			last = c
		}
	}
	cost := [walks]int64{walkPass: b.length, walkDouble: 2 * b.length, walkFront: unreachable, walkBack: unreachable, walkBoth: unreachable}
	if first < 0 {
		return cost
	}
	cost[walkNone] = unreachable
	cost[walkFront] = 2 * b.fromFront(last)
	cost[walkBack] = 2 * b.fromBack(first)
	if first < last {
		cost[walkBoth] = 2 * (b.length - int64(gap)*b.step)
	}
	return cost
}

// A reached class is kept as one number: what it costs, above the class that it was
// reached from and what by. The least of two numbers is then the cheaper way, without a
// branch that no processor can predict.
const (
	wayBits  = 8
	byBits   = 3
	farthest = int64(1) << 53 // above every length, and twice it still leaves wayBits
)

// solve runs the steps and returns the tour's length.
func (r *Router) solve() int64 {
	r.reached = slices.Grow(r.reached[:0], len(r.steps)+1)[:len(r.steps)+1]
	now := &r.reached[0]
	for i := range now {
		now[i] = farthest << wayBits
	}
	now[r.t.start] = 0
	for i := range r.steps {
		s, next := &r.steps[i], &r.reached[i+1]
		for c := range next {
			next[c] = farthest << wayBits
		}
		for by, cost := range s.cost {
			if cost >= unreachable {
				continue
			}
			for _, m := range s.moves.walks[by] {
				to := m.to & (maxClasses - 1)
				next[to] = min(next[to], (now[m.from&(maxClasses-1)]>>wayBits+cost)<<wayBits|int64(m.from)<<byBits|int64(by))
			}
		}
		now = next
	}
	return now[r.t.done] >> wayBits
}

// way is by what each step was taken.
func (r *Router) way(by []uint8) []uint8 {
	by = slices.Grow(by[:0], len(r.steps))[:len(r.steps)]
	at := r.t.done
	for i := len(r.steps) - 1; i >= 0; i-- {
		v := r.reached[i+1][at]
		by[i], at = uint8(v&(1<<byBits-1)), uint8(v>>byBits&(maxClasses-1))
	}
	return by
}

func fill(costs *[maxClasses]int64) {
	for i := range costs {
		costs[i] = unreachable
	}
}
