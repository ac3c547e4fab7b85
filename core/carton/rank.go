package carton

// fewBoxes is how little it counts that a block is made of few, large boxes, which
// are harder to place later. This and the other weights of the score were chosen
// on BR1 to BR7; the results differ by tenths of a per cent over a wide range.
const fewBoxes = 5

// A candidate is a block for a space and its score: log2 of
//
//	value x touching / surface x used / boxes^(1/fewBoxes)
//
// where touching is the part of its surface that lies on others or the walls, and
// used the part of the space that the block and, beside and above it, sums of
// boxes' sides can fill.
type candidate struct {
	score int32
	block int32
}

// face is a side of a neighbour or wall, in a plane that bounds a space.
type face struct{ from, to, z0, z1 int32 }

// The planes of a space. The opposite of p is p^1.
const (
	lowXPlane = iota
	highXPlane
	lowYPlane
	highYPlane
)

// gather lists what stands around a space by plane.
func (s *search) gather(st *loading, f *space) {
	for i := range s.faces {
		s.faces[i] = s.faces[i][:0]
	}
	if f.x0 == 0 {
		s.faces[lowXPlane] = append(s.faces[lowXPlane], face{f.y0, f.y1, f.z, s.h})
	}
	if f.x1 == s.l {
		s.faces[highXPlane] = append(s.faces[highXPlane], face{f.y0, f.y1, f.z, s.h})
	}
	if f.y0 == 0 {
		s.faces[lowYPlane] = append(s.faces[lowYPlane], face{f.x0, f.x1, f.z, s.h})
	}
	if f.y1 == s.w {
		s.faces[highYPlane] = append(s.faces[highYPlane], face{f.x0, f.x1, f.z, s.h})
	}
	for i := range st.lain {
		k := &st.lain[i]
		if k.z1 <= f.z {
			continue
		}
		if k.y0 < f.y1 && k.y1 > f.y0 {
			if k.x1 == f.x0 {
				s.faces[lowXPlane] = append(s.faces[lowXPlane], face{k.y0, k.y1, k.z, k.z1})
			} else if k.x0 == f.x1 {
				s.faces[highXPlane] = append(s.faces[highXPlane], face{k.y0, k.y1, k.z, k.z1})
			}
		}
		if k.x0 < f.x1 && k.x1 > f.x0 {
			if k.y1 == f.y0 {
				s.faces[lowYPlane] = append(s.faces[lowYPlane], face{k.x0, k.x1, k.z, k.z1})
			} else if k.y0 == f.y1 {
				s.faces[highYPlane] = append(s.faces[highYPlane], face{k.x0, k.x1, k.z, k.z1})
			}
		}
	}
}

// touch is the area of faces that a side of a block touches.
func touch(faces []face, from, to, z0, z1 int32) int64 {
	var sum int64
	for i := range faces {
		f := &faces[i]
		if w, h := min(to, f.to)-max(from, f.from), min(z1, f.z1)-max(z0, f.z0); w > 0 && h > 0 {
			sum += area(w, h)
		}
	}
	return sum
}

// near reports whether a gap is so small that what lies behind it counts as touched.
func near(gap, side int32) bool { return gap*25 <= side }

// worst is below every score.
const worst = -1 << 30

// rank finds the n best blocks for a space, best first, in s.found.
func (s *search) rank(st *loading, f *space, c corner, n int) {
	s.found = s.found[:0]
	fl, fw, fh := f.x1-f.x0, f.y1-f.y0, s.h-f.z
	// No block of a pile has a better score than its largest would have by itself.
	first, most := -1, int32(worst)
	for i := range s.piles {
		p := &s.piles[i]
		left := st.left[p.typ]
		if left == 0 || p.l > fl || p.w > fw || p.h > fh {
			s.tops[i] = worst
			continue
		}
		if boxes := int64(fl/p.l) * int64(fw/p.w) * int64(fh/p.h); int64(left) > boxes {
			left = int32(boxes)
		}
		if s.tops[i] = p.static[left]; s.tops[i] > most {
			first, most = i, s.tops[i]
		}
	}
	s.effort += len(s.piles)
	if first < 0 {
		return
	}
	s.gather(st, f)
	floor := s.try(st, first, f, c, n, worst)
	for i := range s.piles {
		if i != first && s.tops[i] > floor {
			floor = s.try(st, i, f, c, n, floor)
		}
	}
}

// try looks at the blocks of a pile that fit a space and may beat floor, the n-th
// best score so far, which it returns as it is then.
func (s *search) try(st *loading, pile int, f *space, c corner, n int, floor int32) int32 {
	p := &s.piles[pile]
	left := st.left[p.typ]
	fl, fw, fh := f.x1-f.x0, f.y1-f.y0, s.h-f.z
	ny, nz := len(p.ys), len(p.zs)
	topX, topY, topZ := upTo(p.xs, fl/p.l), upTo(p.ys, fw/p.w), upTo(p.zs, fh/p.h)
	// Fewer boxes score less by themselves: where the most that are left to try do
	// not beat floor, none does.
	most := func(boxes int64) int32 { return p.static[min(int64(left), boxes)] }
	for i := topX; i >= 0; i-- {
		upper := most(int64(p.xs[i]) * int64(p.ys[topY]) * int64(p.zs[topZ]))
		if upper <= floor {
			break
		}
		l := p.xs[i] * p.l
		usedL := s.lgLength[l+s.reach[0][fl-l]] - s.lgLength[fl]
		if upper+usedL <= floor {
			continue
		}
		for j := topY; j >= 0; j-- {
			upper := most(int64(p.xs[i]) * int64(p.ys[j]) * int64(p.zs[topZ]))
			if upper <= floor {
				break
			}
			w := p.ys[j] * p.w
			used := usedL + s.lgLength[w+s.reach[1][fw-w]] - s.lgLength[fw]
			if upper+used <= floor {
				continue
			}
			for k := topZ; k >= 0; k-- {
				id := p.ids[(i*ny+j)*nz+k]
				if id < 0 || p.xs[i]*p.ys[j]*p.zs[k] > left {
					continue
				}
				s.effort++
				b := &s.blocks.shapes[id]
				if b.static <= floor { // and so are those of fewer boxes
					break
				}
				score := b.static + used + s.lgLength[b.h+s.reach[2][fh-b.h]] - s.lgLength[fh] - p.whim
				if score <= floor || s.limited && s.tooMuch(st, id) {
					continue
				}
				r := f.at(c, l, w)
				score += lg(s.touching(b, &r, f, c)) - b.lgSurface
				if score <= floor || s.stacked && !s.carried(st, &r, s.blocks.contents[id].weight) {
					if s.spent() {
						return floor
					}
					continue
				}
				floor = s.keep(candidate{score, id}, n)
			}
		}
	}
	return floor
}

// upTo is the place of the largest of rising counts that is not above most.
func upTo(counts []int32, most int32) int {
	i := min(int(most), len(counts)) - 1
	for i >= 0 && counts[i] > most { // some numbers are left out
		i--
	}
	return i
}

// tooMuch reports whether a block is more than the container may still hold.
func (s *search) tooMuch(st *loading, block int32) bool {
	in := &s.blocks.contents[block]
	return in.room > st.room || in.weight > st.weight
}

// keep sorts a candidate in among the n best, and returns the score to beat.
func (s *search) keep(c candidate, n int) int32 {
	at := len(s.found)
	if at < n {
		s.found = append(s.found, c)
	} else {
		at--
	}
	for at > 0 && s.found[at-1].score < c.score {
		s.found[at] = s.found[at-1]
		at--
	}
	s.found[at] = c
	if len(s.found) < n {
		return worst
	}
	return s.found[n-1].score
}

// touching is the surface of a block on floor r, in a corner of space f, that
// touches others or walls: its base, the sides at the corner, and those that come
// near the other end of the space.
func (s *search) touching(b *block, r, f *space, c corner) int64 {
	x, y, z1 := lowXPlane, lowYPlane, f.z+b.h
	if c&highX != 0 {
		x = highXPlane
	}
	if c&highY != 0 {
		y = highYPlane
	}
	base := area(b.l, b.w)
	sum := base + touch(s.faces[x], r.y0, r.y1, f.z, z1) + touch(s.faces[y], r.x0, r.x1, f.z, z1)
	if near(s.h-z1, b.h) {
		sum += base
	}
	if near(f.x1-f.x0-b.l, b.l) {
		sum += touch(s.faces[x^1], r.y0, r.y1, f.z, z1)
	}
	if near(f.y1-f.y0-b.w, b.w) {
		sum += touch(s.faces[y^1], r.x0, r.x1, f.z, z1)
	}
	return sum
}

func area(a, b int32) int64 { return int64(a) * int64(b) }
