package carton

// What stands on a box, and on what that carries, counts with its whole weight on
// it, wherever in between it rests: more than any way of spreading it would say.

// carriers marks in s.under what lies under a floor, directly or through others.
func (s *search) carriers(st *loading, r *space) []bool {
	under := append(s.under[:0], make([]bool, len(st.lain))...)
	s.under = under
	if r.z == 0 {
		return under
	}
	// What carries a block was laid before it.
	for i := len(st.lain) - 1; i >= 0; i-- {
		k := &st.lain[i]
		if s.work++; k.z1 > r.z {
			continue
		}
		under[i] = k.carries(r)
		for j := i + 1; j < len(st.lain) && !under[i]; j++ {
			s.work++
			under[i] = under[j] && k.carries(&st.lain[j].space)
		}
	}
	return under
}

func (k *lain) carries(r *space) bool {
	return k.z1 == r.z && k.x0 < r.x1 && k.x1 > r.x0 && k.y0 < r.y1 && k.y1 > r.y0
}

// burden takes a weight from what those under a floor may still carry.
func (s *search) burden(st *loading, r *space, weight int64) {
	for i, under := range s.carriers(st, r) {
		if under && st.bears[i] >= 0 {
			st.bears[i] -= weight
		}
	}
}

// carried reports whether a weight on a floor is not too much for any under it.
func (s *search) carried(st *loading, r *space, weight int64) bool {
	for i, under := range s.carriers(st, r) {
		if under && st.bears[i] >= 0 && st.bears[i] < weight {
			return false
		}
	}
	return true
}
