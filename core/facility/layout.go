package facility

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/route"
	"github.com/paklog/hub/core/scope"
)

// MaxLayouts is how many layouts a building may have.
const MaxLayouts = 100

// Ends of an aisle at which a depot can stand.
const (
	Front = "front"
	Back  = "back"
)

// Layout is how some aisles lie: side by side in the order of the list, all of one length,
// between a front cross-aisle and a back one; with two blocks a third lies in the middle. An
// aisle is in one layout at most, and may be of any zone. Cells are the places along an
// aisle, of both its sides; a location names its own as [location.Spec] Cell.
//
// Between the cells of a location and the cross-aisles pickers walk along the middle of
// the aisle: see package route.
type Layout struct {
	Code         string         `json:"layout"`
	Aisles       []string       `json:"aisles"`
	Cells        int            `json:"cells"`
	Blocks       int            `json:"blocks,omitempty"` // 1, which 0 is too, or 2
	AisleToAisle measure.Length `json:"aisle_to_aisle_um"`
	CellToCell   measure.Length `json:"cell_to_cell_um"`
	FrontToCell  measure.Length `json:"front_to_cell_um,omitempty"` // from the middle of the cross-aisle to the first cell
	BackToCell   measure.Length `json:"back_to_cell_um,omitempty"`
	MiddleToCell measure.Length `json:"middle_to_cell_um,omitempty"` // two blocks only
	Depots       []Depot        `json:"depots"`
}

// Depot is where pickers start and end, off the cross-aisle at one end of an aisle. One of
// a layout names no zone; one that does is for those who work in that zone alone.
type Depot struct {
	Zone     string         `json:"zone,omitempty"`
	Aisle    string         `json:"aisle"`
	End      string         `json:"end,omitempty"` // Front, which "" is too, or Back
	Distance measure.Length `json:"distance_um,omitempty"`
}

// Layout is the layout of that code.
func (s Spec) Layout(code string) (Layout, bool) {
	i := slices.IndexFunc(s.Layouts, func(l Layout) bool { return l.Code == code })
	if i < 0 {
		return Layout{}, false
	}
	return s.Layouts[i], true
}

// Position is where a location lies in which layout; false where nobody has said.
func (s Spec) Position(l location.Spec) (layout string, at route.Position, known bool) {
	if l.Cell == 0 || l.Aisle == "" {
		return "", route.Position{}, false
	}
	for i := range s.Layouts {
		y := &s.Layouts[i]
		if a := slices.Index(y.Aisles, l.Aisle); a >= 0 && l.Cell <= y.Cells {
			return y.Code, route.Position{Aisle: a, Cell: l.Cell - 1}, true
		}
	}
	return "", route.Position{}, false
}

// Warehouse is the layout for who works in a zone, "" for any, as package route takes it. Its
// distances are in units of unit, the largest that leaves them whole.
func (l Layout) Warehouse(zone string) (w route.Warehouse, unit measure.Length) {
	depot := l.depot(zone)
	for _, d := range [...]measure.Length{l.AisleToAisle, l.CellToCell, l.FrontToCell, l.BackToCell, l.MiddleToCell, depot.Distance} {
		for a := max(d, -d); a != 0; {
			unit, a = a, unit%a
		}
	}
	unit = max(unit, 1)
	w = route.Warehouse{
		Aisles: len(l.Aisles), Cells: l.Cells, Blocks: l.Blocks,
		AisleToAisle: int64(l.AisleToAisle / unit), CellToCell: int64(l.CellToCell / unit),
		FrontToCell: int64(l.FrontToCell / unit), BackToCell: int64(l.BackToCell / unit), MiddleToCell: int64(l.MiddleToCell / unit),
		Depot: route.Depot{Aisle: slices.Index(l.Aisles, depot.Aisle), Distance: int64(depot.Distance / unit)},
	}
	if depot.End == Back {
		w.Depot.End = route.Back
	}
	return w, unit
}

// depot is where who works in a zone starts.
func (l Layout) depot(zone string) Depot {
	depot := Depot{}
	for _, d := range l.Depots {
		if d.Zone == zone || d.Zone == "" && depot.Aisle == "" {
			depot = d
		}
	}
	return depot
}

func (l Layout) equal(m Layout) bool {
	return slices.Equal(l.Aisles, m.Aisles) && slices.Equal(l.Depots, m.Depots) && l.Code == m.Code && l.Cells == m.Cells && l.Blocks == m.Blocks && l.AisleToAisle == m.AisleToAisle &&
		l.CellToCell == m.CellToCell && l.FrontToCell == m.FrontToCell && l.BackToCell == m.BackToCell && l.MiddleToCell == m.MiddleToCell
}

// validate says what is wrong with the layout at a place of its building.
func (l Layout) validate(s Spec, place string, taken map[string]string) error {
	const op = "facility.Layout"
	bad := func(at, format string, a ...any) error {
		return fault.At(op, fault.Invalid, place+at, fmt.Errorf(format, a...))
	}
	for i, a := range l.Aisles {
		at := fmt.Sprintf(".aisles[%d]", i)
		if err := scope.CheckPart(a); err != nil {
			return bad(at, "%w", err)
		}
		if _, known := s.Aisle(a); !known && len(s.Aisles) > 0 {
			return bad(at, "the building has no aisle %q", a)
		}
		if other, twice := taken[a]; twice {
			return bad(at, "aisle %s is in layout %s already", a, other)
		}
		taken[a] = l.Code
	}
	zones := map[string]bool{}
	for i, d := range l.Depots {
		at := fmt.Sprintf(".depots[%d]", i)
		switch {
		case !slices.Contains(l.Aisles, d.Aisle):
			return bad(at+".aisle", "%q is no aisle of the layout", d.Aisle)
		case d.End != "" && d.End != Front && d.End != Back:
			return bad(at+".end", "%q is neither %s nor %s", d.End, Front, Back)
		case zones[d.Zone]:
			return bad(at+".zone", "%q has two depots", cmp.Or(d.Zone, "any zone"))
		}
		if d.Zone != "" {
			if _, known := s.Zone(d.Zone); !known {
				return bad(at+".zone", "%q is no zone of the building: there are %s", d.Zone, list(s.Zones))
			}
		}
		zones[d.Zone] = true
	}
	if !zones[""] {
		return bad(".depots", "none is for every zone: say where a picker starts, in a depot without a zone")
	}
	for _, d := range l.Depots {
		w, _ := l.Warehouse(d.Zone)
		if err := w.Check(); err != nil {
			return bad("", "%w", errors.Unwrap(err))
		}
	}
	return nil
}
