package facility_test

import (
	"testing"

	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/route"
)

// laid is a building with a layout of its two aisles.
func laid() facility.Spec {
	s := spec()
	s.Layouts = []facility.Layout{{
		Code: "HALL", Aisles: []string{"09", "01"}, Cells: 10, AisleToAisle: 4500 * measure.Millimetre, CellToCell: 900 * measure.Millimetre,
		FrontToCell: 1350 * measure.Millimetre, Depots: []facility.Depot{{Aisle: "01", End: facility.Back, Distance: 1800 * measure.Millimetre}, {Zone: "FAST", Aisle: "09"}},
	}}
	return s
}

func TestLayoutsAreRefusedWithPlace(t *testing.T) {
	if err := laid().Validate(); err != nil {
		t.Fatal(err)
	}
	for place, change := range map[string]func(s *facility.Spec, l *facility.Layout){
		"layouts[0].layout":          func(_ *facility.Spec, l *facility.Layout) { l.Code = "" },
		"layouts[0].aisles[1]":       func(_ *facility.Spec, l *facility.Layout) { l.Aisles[1] = "77" },
		"layouts[1].aisles[0]":       func(s *facility.Spec, l *facility.Layout) { s.Layouts = append(s.Layouts, *l); s.Layouts[1].Code = "B" },
		"layouts[1].layout":          func(s *facility.Spec, l *facility.Layout) { s.Layouts = append(s.Layouts, *l) },
		"layouts[0].depots":          func(_ *facility.Spec, l *facility.Layout) { l.Depots = l.Depots[1:] },
		"layouts[0].depots[0].aisle": func(_ *facility.Spec, l *facility.Layout) { l.Depots[0].Aisle = "77" },
		"layouts[0].depots[0].end":   func(_ *facility.Spec, l *facility.Layout) { l.Depots[0].End = "middle" },
		"layouts[0].depots[1].zone":  func(_ *facility.Spec, l *facility.Layout) { l.Depots[1].Zone = "HOT" },
		"layouts[0].depots[2].zone":  func(_ *facility.Spec, l *facility.Layout) { l.Depots = append(l.Depots, l.Depots[0]) },
		"layouts[0]":                 func(_ *facility.Spec, l *facility.Layout) { l.Cells = 0 },
		"layouts":                    func(s *facility.Spec, _ *facility.Layout) { s.Layouts = make([]facility.Layout, facility.MaxLayouts+1) },
	} {
		s := laid()
		change(&s, &s.Layouts[0])
		if err := s.Validate(); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: place %q: %v", place, fault.PlaceOf(err), err)
		}
	}
	f := known(t)
	evs, err := f.Change(facility.Change{Spec: laid()}, at)
	if err != nil || len(evs) != 1 {
		t.Fatalf("%v, %v", evs, err)
	}
	if f, err = facility.Fold.Replay(f, evs...); err != nil {
		t.Fatal(err)
	}
	if evs, err := f.Change(facility.Change{Spec: laid()}, at); err != nil || len(evs) != 0 {
		t.Errorf("the same layout again: %v, %v", evs, err)
	}
	other := laid()
	other.Layouts[0].BackToCell++
	if evs, err := f.Change(facility.Change{Spec: other}, at); err != nil || len(evs) != 1 {
		t.Errorf("another layout: %v, %v", evs, err)
	}
}

func TestWhereALocationLies(t *testing.T) {
	s := laid()
	for name, c := range map[string]struct {
		at    location.Spec
		want  route.Position
		known bool
	}{
		"first of the second aisle":     {location.Spec{Aisle: "01", Cell: 1}, route.Position{Aisle: 1, Cell: 0}, true},
		"last of the first":             {location.Spec{Aisle: "09", Cell: 10}, route.Position{Aisle: 0, Cell: 9}, true},
		"no cell":                       {location.Spec{Aisle: "09"}, route.Position{}, false},
		"no aisle":                      {location.Spec{Cell: 3}, route.Position{}, false},
		"beyond the end of the aisle":   {location.Spec{Aisle: "09", Cell: 11}, route.Position{}, false},
		"an aisle that is in no layout": {location.Spec{Aisle: "05", Cell: 1}, route.Position{}, false},
	} {
		if layout, got, known := s.Position(c.at); known != c.known || got != c.want || (layout != "") != known {
			t.Errorf("%s: %s %v %v", name, layout, got, known)
		}
	}
	// All distances are multiples of 450 mm, which leaves them whole and small.
	w, unit := s.Layouts[0].Warehouse("SLOW")
	if unit != 450*measure.Millimetre || w.AisleToAisle != 10 || w.CellToCell != 2 || w.FrontToCell != 3 || w.Depot != (route.Depot{Aisle: 1, End: route.Back, Distance: 4}) {
		t.Errorf("%s: %+v", "any zone", w)
	}
	if w, _ := s.Layouts[0].Warehouse("FAST"); w.Depot != (route.Depot{Aisle: 0, End: route.Front}) {
		t.Errorf("the zone's own depot: %+v", w.Depot)
	}
}
