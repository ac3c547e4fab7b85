package facility

import (
	"slices"

	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
)

// Walk is how far a picker goes through places in the order given: from the depot of his zone
// and back to it, between two places by the shortest way. What lies in several layouts is a tour
// through each, one after the other; a place that lies in none adds nothing.
//
// Package route makes tours; this measures them, and shares nothing with it.
func (s Spec) Walk(zone string, places []location.Spec) measure.Length {
	var um measure.Length
	var tour []mark
	layout := ""
	end := func() {
		if y, known := s.Layout(layout); known {
			um += y.tour(zone, tour)
		}
		tour = tour[:0]
	}
	for _, p := range places {
		code, at, known := s.Position(p)
		if !known {
			continue
		}
		if code != layout {
			end()
			layout = code
		}
		y, _ := s.Layout(code)
		tour = append(tour, mark{at.Aisle, y.along(at.Cell)})
	}
	end()
	return um
}

// Between is the shortest way between two places, if they lie in one layout.
func (s Spec) Between(a, b location.Spec) (um measure.Length, known bool) {
	x, from, _ := s.Position(a)
	y, to, known := s.Position(b)
	l, _ := s.Layout(y)
	if !known || x != y {
		return 0, false
	}
	return l.between(mark{from.Aisle, l.along(from.Cell)}, mark{to.Aisle, l.along(to.Cell)}), true
}

// mark is a point in an aisle: how far it is from the front cross-aisle.
type mark struct {
	aisle int
	um    measure.Length
}

// along is how far a cell, from 0, lies from the front cross-aisle.
func (l Layout) along(cell int) measure.Length {
	um := l.FrontToCell + measure.Length(cell)*l.CellToCell
	if half := l.Cells / 2; l.Blocks == 2 && cell >= half {
		um += 2*l.MiddleToCell - l.CellToCell
	}
	return um
}

// crossings are how far the cross-aisles lie from the front one.
func (l Layout) crossings() []measure.Length {
	out := []measure.Length{0, l.along(l.Cells-1) + l.BackToCell}
	if l.Blocks == 2 {
		out = append(out, l.along(l.Cells/2)-l.MiddleToCell)
	}
	return out
}

// between is the shortest way between two points.
func (l Layout) between(a, b mark) measure.Length {
	if a.aisle == b.aisle {
		return apart(a.um, b.um)
	}
	by := l.crossings()
	for i, at := range by {
		by[i] = apart(a.um, at) + apart(at, b.um)
	}
	return measure.Length(apart(a.aisle, b.aisle))*l.AisleToAisle + slices.Min(by)
}

func (l Layout) tour(zone string, marks []mark) measure.Length {
	if len(marks) == 0 {
		return 0
	}
	d := l.depot(zone)
	at := mark{aisle: slices.Index(l.Aisles, d.Aisle)}
	if d.End == Back {
		at.um = l.along(l.Cells-1) + l.BackToCell
	}
	um := 2 * d.Distance
	last := at
	for _, m := range append(slices.Clone(marks), at) {
		um += l.between(last, m)
		last = m
	}
	return um
}

func apart[N int | measure.Length](a, b N) N { return max(a-b, b-a) }
