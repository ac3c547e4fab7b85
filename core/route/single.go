package route

// single is [Router.LengthOf] for one block: the programme of solve with the seven
// classes of Ratliff and Rosenthal in variables. Searches that price a million
// sets spend their time here.
func (r *Router) single(s Set) int64 {
	// Edges at neither end, odd at both, at the front only, at the back only, even at both
	// and connected, even at both and not.
	none, odds, front, back, whole, split := int64(0), unreachable, unreachable, unreachable, unreachable, unreachable
	b := r.blocks[0]
	last := -1 // aisle that was added last
	for a := range r.w.Aisles {
		seg := s[a*r.words : (a+1)*r.words]
		depot := a == r.w.Depot.Aisle
		if !depot && empty(seg) {
			continue
		}
		if last >= 0 {
			// Two edges along one cross-aisle or one along each, or two along each.
			two := 2 * int64(a-last) * r.w.AisleToAisle
			front, back = min(front, whole)+two, min(back, whole)+two
			odds, whole, split = odds+two, whole+2*two, split+2*two
		}
		if depot {
			off := 2 * r.w.Depot.Distance
			if r.w.Depot.End == Front {
				none, front, back, split = unreachable, min(none, front)+off, unreachable, min(back, split)+off
			} else {
				none, front, back, split = unreachable, unreachable, min(none, back)+off, min(front, split)+off
			}
			odds, whole = odds+off, whole+off
		}
		c := b.walks(seg)
		stay := min(c[walkNone], c[walkFront], c[walkBack], c[walkBoth])
		open := min(none, front, back, split)
		none, odds, front, back, whole, split =
			min(none+c[walkNone], unreachable),
			min(odds+stay, min(open, whole)+c[walkPass]),
			min(none+c[walkFront], front+min(c[walkNone], c[walkFront])),
			min(none+c[walkBack], back+min(c[walkNone], c[walkBack])),
			min(odds+c[walkPass], whole+stay, open+c[walkDouble]),
			min(none+c[walkBoth], front+min(c[walkBack], c[walkBoth]), back+min(c[walkFront], c[walkBoth]), split+stay)
		last = a
	}
	return min(front, back, whole)
}

func empty(seg []uint64) bool {
	for _, w := range seg {
		if w != 0 {
			return false
		}
	}
	return true
}
