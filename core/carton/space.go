package carton

// A space is a free rectangle at one height that is borne everywhere. Where every
// box is fully supported nothing is hollow, so what is free is free to the top: a
// loading is known by the rectangles, as large as they can be, at each height.
type space struct{ x0, y0, x1, y1, z int32 }

func (f *space) covers(b *space) bool {
	return f.z == b.z && f.x0 <= b.x0 && f.y0 <= b.y0 && f.x1 >= b.x1 && f.y1 >= b.y1
}

// A corner of a space: bit 0 is set at the high x side, bit 1 at the high y side.
type corner uint8

const (
	highX corner = 1 << iota
	highY
)

// at is the floor that a block of l by w takes in the corner of a space.
func (f space) at(c corner, l, w int32) space {
	r := space{f.x0, f.y0, f.x0 + l, f.y0 + w, f.z}
	if c&highX != 0 {
		r.x0, r.x1 = f.x1-l, f.x1
	}
	if c&highY != 0 {
		r.y0, r.y1 = f.y1-w, f.y1
	}
	return r
}

// lain is a block in its place.
type lain struct {
	space       // its floor
	z1    int32 // its top
	block int32
}

// loading is a partial loading: what is free, what lies, what is left.
type loading struct {
	spaces []space
	lain   []lain
	bears  []int64 // what each of lain may still carry, where that is limited
	left   []int32 // boxes by type
	value  int64
	room   int64 // volume that may still be taken, where that is limited
	weight int64 // and weight
}

func (s *loading) copyFrom(o *loading) {
	s.spaces = append(s.spaces[:0], o.spaces...)
	s.lain = append(s.lain[:0], o.lain...)
	s.bears = append(s.bears[:0], o.bears...)
	s.left = append(s.left[:0], o.left...)
	s.value, s.room, s.weight = o.value, o.room, o.weight
}

// put lays a block into the corner of a space and cuts what is free.
func (s *search) put(st *loading, bi int32, f space, c corner) {
	b, in := &s.blocks.shapes[bi], &s.blocks.contents[bi]
	r := f.at(c, b.l, b.w)
	if s.stacked {
		s.burden(st, &r, in.weight)
		st.bears = append(st.bears, in.bears)
	}
	st.lain = append(st.lain, lain{r, f.z + b.h, bi})
	st.value += in.value
	st.room -= in.room
	st.weight -= in.weight
	st.left[b.typ] -= b.count

	fresh := s.fresh[:0]
	kept := st.spaces[:0]
	for _, f := range st.spaces {
		if f.z != r.z || f.x0 >= r.x1 || f.x1 <= r.x0 || f.y0 >= r.y1 || f.y1 <= r.y0 {
			kept = append(kept, f)
			continue
		}
		if r.x0-f.x0 >= s.minSide {
			fresh = append(fresh, space{f.x0, f.y0, r.x0, f.y1, f.z})
		}
		if f.x1-r.x1 >= s.minSide {
			fresh = append(fresh, space{r.x1, f.y0, f.x1, f.y1, f.z})
		}
		if r.y0-f.y0 >= s.minSide {
			fresh = append(fresh, space{f.x0, f.y0, f.x1, r.y0, f.z})
		}
		if f.y1-r.y1 >= s.minSide {
			fresh = append(fresh, space{f.x0, r.y1, f.x1, f.y1, f.z})
		}
	}
	st.spaces = kept
	for i := range fresh {
		st.spaces = addLargest(st.spaces, fresh[i])
	}
	s.fresh = fresh
	if r.z += b.h; s.h-r.z >= s.minHeight && in.bears != nothing {
		s.addTop(st, r)
	}
}

// addLargest adds f unless a space covers it, and drops those that it covers.
func addLargest(in []space, f space) []space {
	for i := range in {
		if in[i].covers(&f) {
			return in
		}
	}
	n := 0
	for i := range in {
		if !f.covers(&in[i]) {
			in[n] = in[i]
			n++
		}
	}
	return append(in[:n], f)
}

// mostJoins bounds the work of one top; what is not joined is not lost.
const mostJoins = 24

// addTop adds the top of a block, joined with what is as high beside it.
func (s *search) addTop(st *loading, t space) {
	queue := append(s.fresh[:0], t)
	for q := 0; q < len(queue) && q < mostJoins; q++ {
		a := queue[q]
		for i := range st.spaces {
			b := &st.spaces[i]
			if b.z != a.z || b.x0 > a.x1 || b.x1 < a.x0 || b.y0 > a.y1 || b.y1 < a.y0 {
				continue
			}
			if y0, y1 := max(a.y0, b.y0), min(a.y1, b.y1); y1-y0 >= s.minSide {
				if m := (space{min(a.x0, b.x0), y0, max(a.x1, b.x1), y1, a.z}); !b.covers(&m) && !a.covers(&m) {
					queue = append(queue, m)
				}
			}
			if x0, x1 := max(a.x0, b.x0), min(a.x1, b.x1); x1-x0 >= s.minSide {
				if m := (space{x0, min(a.y0, b.y0), x1, max(a.y1, b.y1), a.z}); !b.covers(&m) && !a.covers(&m) {
					queue = append(queue, m)
				}
			}
		}
		st.spaces = addLargest(st.spaces, a)
	}
	s.fresh = queue
}
