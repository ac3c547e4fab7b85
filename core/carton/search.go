package carton

import (
	"cmp"
	"slices"
)

// search fills one container.
type search struct {
	blocks             blocks
	piles              []pile
	stock              []stock
	l, w, h            int32
	room, weight       int64 // what the container may hold
	goal               int64 // a value that cannot be exceeded
	minSide, minHeight int32 // of what is there: narrower spaces are dropped
	limited            bool  // room or weight are less than the container's
	stacked            bool  // some boxes may not carry everything

	reach    [3][]int32 // by axis and length: the largest sum of sides up to it
	lgLength []int32    // lg of each length

	options Options
	effort  int   // blocks that were looked at, and what making them took
	work    int64 // looks at what lies and what is free, which effort does not count
	most    int64 // of them, 0 for no bound
	done    bool
	cut     bool // the beam left something out
	best    loading

	// scratch
	trial loading
	fresh []space
	faces [4][]face
	found []candidate
	tops  []int32 // by pile
	under []bool
}

// buildEffort is how many looks at blocks take as long as making one.
const buildEffort = 8

// workPerEffort bounds the looks at what lies by the effort: where some thousands of boxes lie,
// those of one block take longer than all else. What is usual needs a hundredth of it.
const workPerEffort = 5_000

// stopEvery is after how many blocks of one loading it is asked whether to stop: only where
// many small boxes are loaded does one take as long.
const stopEvery = 256

func newSearch(box Size, have []stock, o Options) *search {
	s := &search{
		l: int32(box[0]), w: int32(box[1]), h: int32(box[2]), stock: have, options: o,
		room: 1 << 62, weight: 1 << 62, minSide: MaxSide + 1, minHeight: MaxSide + 1,
	}
	for _, k := range have {
		s.goal = addUpTo(s.goal, int64(k.Qty), k.value)
		s.stacked = s.stacked || k.bears != noLimit
		for _, o := range k.orientations() {
			if k.Qty > 0 && o.within(box) {
				s.minSide = min(s.minSide, int32(o[0]), int32(o[1]))
				s.minHeight = min(s.minHeight, int32(o[2]))
			}
		}
	}
	s.most = workPerEffort * int64(o.Effort)
	s.blocks, s.piles = makeBlocks(box, have, o.Seed)
	s.effort = buildEffort * len(s.blocks.shapes)
	s.tops = make([]int32, len(s.piles))
	s.lgLength = make([]int32, max(s.l, s.w, s.h)+1)
	for i := range s.lgLength[1:] {
		s.lgLength[i+1] = lg(int64(i + 1))
	}
	for axis, n := range box {
		s.reach[axis] = reachable(have, box, axis, n)
	}
	return s
}

// reachable is, for each length up to n, the largest sum of the boxes' sides along
// an axis up to it. Each side of a type may be there as often as the type.
func reachable(have []stock, box Size, axis, n int) []int32 {
	can := make([]bool, n+1)
	can[0] = true
	times := make([]int, n+1)
	for _, k := range have {
		var sides []int
		for _, o := range k.orientations() {
			if k.Qty == 0 || !o.within(box) || slices.Contains(sides, o[axis]) {
				continue
			}
			sides = append(sides, o[axis])
			clear(times)
			for i := o[axis]; i <= n; i++ {
				if j := i - o[axis]; !can[i] && can[j] && times[j] < k.Qty {
					can[i], times[i] = true, times[j]+1
				}
			}
		}
	}
	out := make([]int32, n+1)
	for i := 1; i <= n; i++ {
		if out[i] = out[i-1]; can[i] {
			out[i] = int32(i)
		}
	}
	return out
}

// addUpTo is sum + n*each, at most 1<<62.
func addUpTo(sum, n, each int64) int64 {
	if each > 0 && n > (1<<62-sum)/each {
		return 1 << 62
	}
	return sum + n*each
}

func (s *search) begin(st *loading) {
	st.copyFrom(&loading{room: s.room, weight: s.weight})
	st.spaces = append(st.spaces, space{0, 0, s.l, s.w, 0})
	for _, k := range s.stock {
		st.left = append(st.left, int32(k.Qty))
	}
}

// choose is the space to fill next and the corner to fill it from: the one nearest
// to a corner of the floor, and of those above each other the lowest.
func (s *search) choose(st *loading) (int, corner) {
	best, from := 0, corner(0)
	var least, lowest int32
	for i := range st.spaces {
		f := &st.spaces[i]
		dx, dy, c := f.x0, f.y0, corner(0)
		if far := s.l - f.x1; far < dx {
			dx, c = far, highX
		}
		if far := s.w - f.y1; far < dy {
			dy, c = far, c|highY
		}
		if d := dx + dy; i == 0 || d < least || d == least && f.z < lowest {
			best, from, least, lowest = i, c, d, f.z
		}
	}
	return best, from
}

// complete fills a loading to its end with the best block at each step, or until it has to stop.
func (s *search) complete(st *loading) {
	over := false
	for step := 1; len(st.spaces) > 0 && !over; step++ {
		s.work += int64(len(st.spaces) + len(st.lain))
		over = s.spent() || step%stopEvery == 0 && s.options.Stop != nil && s.options.Stop()
		i, c := s.choose(st)
		f := st.spaces[i]
		if s.rank(st, &f, c, 1); len(s.found) == 0 {
			st.spaces = slices.Delete(st.spaces, i, i+1)
			continue
		}
		s.put(st, s.found[0].block, f, c)
	}
	if st.value > s.best.value {
		s.best.copyFrom(st)
	}
	s.done = over || s.best.value >= s.goal || s.options.Effort > 0 && s.effort >= s.options.Effort ||
		s.options.Stop != nil && s.options.Stop()
}

// spent reports whether no more may be looked at.
func (s *search) spent() bool { return s.most > 0 && s.work >= s.most }

// node is a partial loading in the beam, and what completing it came to.
type node struct {
	loading
	completed int64
}

// child is a block that may be laid next on a node of the beam.
type child struct {
	parent    int
	block     int32
	at        space
	corner    corner
	value     int64
	completed int64
}

// beam is one search of a width: of all children of its nodes it keeps, step by
// step, those whose completions hold most.
func (s *search) beam(width int) {
	nodes, next := make([]node, 1, width), make([]node, 0, width)
	s.begin(&nodes[0].loading)
	var kids []child
	for len(nodes) > 0 {
		kids = kids[:0]
		for i := range nodes {
			kids = s.children(kids, i, &nodes[i], width)
		}
		for i := range kids {
			k := &kids[i]
			if k.completed > 0 {
				continue
			}
			s.trial.copyFrom(&nodes[k.parent].loading)
			s.put(&s.trial, k.block, k.at, k.corner)
			s.complete(&s.trial)
			if k.completed = s.trial.value; s.done {
				return
			}
		}
		slices.SortStableFunc(kids, func(a, b child) int {
			return cmp.Or(cmp.Compare(b.completed, a.completed), cmp.Compare(b.value, a.value))
		})
		// An equal completion is nearly always the same loading in another order.
		kids = slices.CompactFunc(kids, func(a, b child) bool { return a.completed == b.completed })
		s.cut = s.cut || len(kids) > width
		next = next[:min(width, len(kids))]
		for i := range next {
			k := &kids[i]
			next[i].copyFrom(&nodes[k.parent].loading)
			s.put(&next[i].loading, k.block, k.at, k.corner)
			next[i].completed = k.completed
		}
		nodes, next = next, nodes
	}
}

// children adds the n best blocks for the next space of a node that can be filled.
// The completion of a node goes on with the first of them.
func (s *search) children(kids []child, parent int, st *node, n int) []child {
	for len(st.spaces) > 0 {
		i, c := s.choose(&st.loading)
		f := st.spaces[i]
		if s.rank(&st.loading, &f, c, n); len(s.found) == 0 {
			st.spaces = slices.Delete(st.spaces, i, i+1)
			continue
		}
		s.cut = s.cut || len(s.found) == n
		for j, found := range s.found {
			k := child{parent: parent, block: found.block, at: f, corner: c, value: st.value + s.blocks.contents[found.block].value}
			if j == 0 {
				k.completed = st.completed
			}
			kids = append(kids, k)
		}
		break
	}
	return kids
}

// widest bounds the memory of a beam.
const widest = 4096

// run searches with ever wider beams.
func (s *search) run() {
	if len(s.blocks.shapes) == 0 || s.goal == 0 {
		return
	}
	for width := 1; !s.done && width <= widest; width = max(width+1, width*3/2) {
		s.cut = false
		if s.beam(width); !s.cut {
			break // everything was tried
		}
	}
}
