package route

// trail turns the edges of a tour into the order in which they are walked: an
// Euler circuit from the depot, by Hierholzer's method. Its nodes are the
// cross-aisles at each of the router's aisles.
type trail struct {
	by    []uint8
	edges []edge
	heads []int // by node, the last of its half edges, or -1
	halfs []half
	path  []visit
	stack []visit
}

// edge runs from node a to node b past the cells [lo, hi) of a segment. One that returns
// to where it came from has a == b, and meets its cells on the way in.
type edge struct {
	a, b   int
	aisle  int
	block  int
	lo, hi int
	falls  bool // from the back: cells are met in falling order
	used   bool
}

type half struct{ edge, next int }

type visit struct{ node, edge int }

// walk lists the places of s in the order of the tour that the router has just found.
func (t *trail) walk(r *Router, s Set) []Position {
	t.by = r.way(t.by)
	k := len(r.blocks) + 1
	t.edges, t.halfs, t.heads = t.edges[:0], t.halfs[:0], t.heads[:0]
	for range len(r.aisles) * k {
		t.heads = append(t.heads, -1)
	}
	depot, at := 0, 0
	for i, a := range r.aisles {
		if a == r.w.Depot.Aisle {
			depot = i*k + r.w.depotNode()
		}
		for b := range r.blocks {
			t.addWalk(r, s, i*k+b, edge{aisle: a, block: b, hi: r.blocks[b].cells}, t.by[at])
			at++
		}
		if a == r.w.Depot.Aisle {
			at++ // the way to the depot
		}
		for n := range k {
			for range t.by[at] {
				t.add(edge{a: i*k + n, b: (i+1)*k + n})
			}
			at++
		}
	}
	t.circuit(depot)
	return t.places(r, s)
}

func (t *trail) add(e edge) {
	n := len(t.edges)
	t.edges = append(t.edges, e)
	for _, node := range [2]int{e.a, e.b} {
		t.halfs = append(t.halfs, half{n, t.heads[node]})
		t.heads[node] = len(t.halfs) - 1
	}
}

// addWalk adds the edges of a block that lies between node and the one after it.
func (t *trail) addWalk(r *Router, s Set, node int, e edge, by uint8) {
	front, back := e, e
	front.a, front.b = node, node
	back.a, back.b, back.falls = node+1, node+1, true
	through := e
	through.a, through.b = node, node+1
	switch by {
	case walkPass:
		t.add(through)
	case walkDouble:
		t.add(through)
		through.hi = 0 // the way back meets nothing new
		t.add(through)
	case walkFront:
		t.add(front)
	case walkBack:
		t.add(back)
	case walkBoth:
		before, gap := -1, 0
		each(r.segment(s, e.aisle, e.block), func(c int) {
			if before >= 0 && c-before > gap {
				gap = c - before
				front.hi, back.lo = c, c
			}
			before = c
		})
		t.add(front)
		t.add(back)
	}
}

// circuit fills path with a closed walk over all edges, last visit first.
func (t *trail) circuit(from int) {
	t.path, t.stack = t.path[:0], append(t.stack[:0], visit{from, -1})
	for len(t.stack) > 0 {
		top := t.stack[len(t.stack)-1]
		h := t.heads[top.node]
		for h >= 0 && t.edges[t.halfs[h].edge].used {
			h = t.halfs[h].next
		}
		if h < 0 {
			t.heads[top.node] = -1
			t.path = append(t.path, top)
			t.stack = t.stack[:len(t.stack)-1]
			continue
		}
		t.heads[top.node] = t.halfs[h].next
		e := &t.edges[t.halfs[h].edge]
		e.used = true
		t.stack = append(t.stack, visit{e.a + e.b - top.node, t.halfs[h].edge})
	}
}

// places reads the path from its end, which is the depot.
func (t *trail) places(r *Router, s Set) []Position {
	var stops []Position
	node := t.path[len(t.path)-1].node
	for i := len(t.path) - 2; i >= 0; i-- {
		v := t.path[i]
		e := t.edges[v.edge]
		from := len(stops)
		first := r.blocks[e.block].first
		each(r.segment(s, e.aisle, e.block), func(c int) {
			if c >= e.lo && c < e.hi {
				stops = append(stops, Position{e.aisle, first + c})
			}
		})
		if e.falls || e.a != e.b && node == e.b {
			for l, h := from, len(stops)-1; l < h; l, h = l+1, h-1 {
				stops[l], stops[h] = stops[h], stops[l]
			}
		}
		node = v.node
	}
	return stops
}
