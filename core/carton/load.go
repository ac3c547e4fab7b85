package carton

// Load fills the container of a problem with as much volume as it finds until it
// is told to stop, or until no more can be had.
func Load(p Problem, o Options) Answer {
	have := make([]stock, len(p.Types))
	for i, t := range p.Types {
		have[i] = stock{Type: t, value: t.Size.Volume(), bears: noLimit}
	}
	s := newSearch(p.Container, have, o)
	bound := min(s.goal, s.volumeBound())
	s.goal = bound
	s.run()
	a := Answer{Volume: s.best.value, Bound: bound, Effort: s.effort}
	for _, g := range s.blocks.layout(&s.best) {
		a.Placements = g.Each(a.Placements)
	}
	return a
}

// volumeBound is what a loading can hold at most: no row of boxes along an axis is
// longer than the largest sum of sides that the container takes.
func (s *search) volumeBound() int64 {
	return Size{int(s.reach[0][s.l]), int(s.reach[1][s.w]), int(s.reach[2][s.h])}.Volume()
}

// Grid is N boxes of a type along each axis, equal and without a gap between them.
type Grid struct {
	Placement // of the first: the one next to the origin
	N         Size
}

// Each adds the boxes of a grid to a list.
func (g Grid) Each(out []Placement) []Placement {
	for z := range g.N[2] {
		for x := range g.N[0] {
			for y := range g.N[1] {
				at := Size{g.At[0] + x*g.Size[0], g.At[1] + y*g.Size[1], g.At[2] + z*g.Size[2]}
				out = append(out, Placement{g.Type, at, g.Size})
			}
		}
	}
	return out
}

// layout is where the boxes of a loading lie.
func (b *blocks) layout(st *loading) []Grid {
	out := make([]Grid, len(st.lain))
	for i, k := range st.lain {
		in := b.contents[k.block]
		out[i] = Grid{Placement{int(b.shapes[k.block].typ), Size{int(k.x0), int(k.y0), int(k.z)}, in.size}, in.n}
	}
	return out
}
