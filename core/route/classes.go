package route

// A partial tour covers the aisles up to some point. What the rest of the tour
// must know of it is its class: at each cross-aisle whether the last node there
// has no edge, an even or an odd number of them, and which of those nodes are
// connected. Ratliff and Rosenthal list 7 classes for one block, Roodbergen and de
// Koster 25 for two; here they are derived, by adding edges from nothing.

// How a block of an aisle is walked.
const (
	walkNone   = iota // not at all
	walkPass          // once, from end to end
	walkDouble        // there and back, from end to end
	walkFront         // from the front, to the farthest place and back
	walkBack          // the same from the back
	walkBoth          // from both ends, leaving out the largest gap
	walks
)

const (
	maxNodes   = 3  // cross-aisles of two blocks
	maxClasses = 32 // 7 and 25 are used
)

// Degrees of a node.
const (
	zero = iota
	even
	odd
)

// class is one equivalence class. Component numbers are those of the first node
// of each component; a node without edges has its own.
type class struct {
	degree, component [maxNodes]uint8
	done              bool // all edges lie behind, and are connected
}

// move is one way from class to class: by a walk through a block, or by a number of edges
// along a cross-aisle.
type move struct{ from, to, by uint8 }

// moves are those of one element of the warehouse, by from.
type moves struct {
	list  []move
	walks [walks][]move      // by what they are by
	ends  [maxClasses]uint16 // in list, by from
}

// of are the moves from one class.
func (m *moves) of(class uint8) []move {
	if class == 0 {
		return m.list[:m.ends[0]]
	}
	return m.list[m.ends[class-1]:m.ends[class]]
}

func (m *moves) add(v move) {
	m.list = append(m.list, v)
	m.walks[v.by] = append(m.walks[v.by], v)
	m.ends[v.from] = uint16(len(m.list))
}

// table holds all moves between the classes of k cross-aisles.
type table struct {
	classes int
	start   uint8
	done    uint8
	walk    [maxNodes - 1]moves // by block
	cross   [maxNodes]moves     // by cross-aisle, to the next aisle
}

// tables by the number of blocks.
var tables = [...]*table{1: makeTable(2), 2: makeTable(3)}

func makeTable(k int) *table {
	t := &table{}
	id := map[class]uint8{}
	var all []class
	number := func(c class) uint8 {
		n, seen := id[c]
		if !seen {
			n = uint8(len(all))
			id[c] = n
			all = append(all, c)
		}
		return n
	}
	none := class{}
	for i := range k {
		none.component[i] = uint8(i)
	}
	t.start = number(none)
	for i := 0; i < len(all); i++ {
		c, from := all[i], uint8(i)
		for b := range k - 1 {
			for by := range uint8(walks) {
				if to, ok := c.walked(k, b, by); ok {
					t.walk[b].add(move{from, number(to), by})
				}
			}
		}
		for n := range k {
			for by := range uint8(3) {
				to, ok := c.crossed(k, n, by)
				if !ok {
					continue
				}
				t.cross[n].add(move{from, number(to), by})
			}
		}
	}
	none.done = true
	t.done = id[none]
	t.classes = len(all)
	return t
}

// walked is the class after walking the block between nodes b and b+1.
func (c class) walked(k, b int, by uint8) (class, bool) {
	if by == walkNone {
		return c, true
	}
	if c.done {
		return class{}, false
	}
	touch := func(n int, odds bool) {
		switch {
		case odds && c.degree[n] == odd:
			c.degree[n] = even
		case odds:
			c.degree[n] = odd
		case c.degree[n] == zero:
			c.degree[n] = even
		}
	}
	if by != walkBack {
		touch(b, by == walkPass)
	}
	if by != walkFront {
		touch(b+1, by == walkPass)
	}
	if by == walkPass || by == walkDouble {
		old, other := c.component[b], c.component[b+1]
		for n := range k {
			if c.component[n] == other {
				c.component[n] = old
			}
		}
	}
	return c.canonical(k), true
}

// crossed is the class after the node of cross-aisle n is left behind for its
// neighbour in the next aisle, with by edges between the two.
func (c class) crossed(k, n int, by uint8) (class, bool) {
	if c.done {
		return c, by == 0
	}
	if (c.degree[n] == odd) != (by == 1) {
		return class{}, false // a node that is left behind must be even
	}
	switch by {
	case 1:
		return c, true // odd as before, connected as before
	case 2:
		// Edges from a node that has no others are a dead end without a place.
		return c, c.degree[n] != zero
	}
	if c.degree[n] == zero {
		return c, true
	}
	others, connected := false, false
	for m := range k {
		if m != n && c.degree[m] != zero {
			others = true
			connected = connected || c.component[m] == c.component[n]
		}
	}
	if others && !connected {
		return class{}, false // its component would be cut off
	}
	c.degree[n] = zero
	c.component[n] = maxNodes // of its own
	c.done = !others
	return c.canonical(k), true
}

func (c class) canonical(k int) class {
	var number [maxNodes + 1]uint8
	for i := range number {
		number[i] = maxNodes
	}
	for n := range k {
		if c.degree[n] == zero {
			c.component[n] = uint8(n)
			continue
		}
		old := c.component[n]
		if number[old] == maxNodes {
			number[old] = uint8(n)
		}
		c.component[n] = number[old]
	}
	return c
}
