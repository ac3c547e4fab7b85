package custom

import (
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
)

// Facility is a building as it is registered.
type Facility struct {
	Code string `json:"facility,omitempty"`
	FacilitySpec
}

// FacilitySpec is what may change about a building.
type FacilitySpec struct {
	Title    string   `json:"title,omitempty"`
	TimeZone string   `json:"time_zone,omitempty" doc:"IANA; UTC where it is left out"`
	Zones    []Zone   `json:"zones,omitempty" maxItems:"1000" nullable:"false"`
	Aisles   []Aisle  `json:"aisles,omitempty" maxItems:"5000" nullable:"false"`
	Layouts  []Layout `json:"layouts,omitempty" maxItems:"100" nullable:"false" doc:"how the aisles lie, for the ways that pickers walk"`
	Slotting []Rule   `json:"slotting,omitempty" maxItems:"500" nullable:"false" doc:"the first rule that fits an item says where it lies"`
}

// Zone is a part of a building.
type Zone struct {
	Code        string    `json:"zone"`
	Title       string    `json:"title,omitempty"`
	StorageType string    `json:"storage_type,omitempty"`
	Capacity    *Capacity `json:"capacity,omitempty" doc:"of each location that names none"`
}

// Aisle lies in a zone.
type Aisle struct {
	Code     string    `json:"aisle"`
	Zone     string    `json:"zone,omitempty"`
	Capacity *Capacity `json:"capacity,omitempty" doc:"of each location that names none"`
}

// Layout is how some aisles lie: side by side in the order of the list, between a front
// cross-aisle and a back one, with two blocks a third in the middle.
type Layout struct {
	Code         string   `json:"layout"`
	Aisles       []string `json:"aisles" minItems:"1" maxItems:"5000" nullable:"false" doc:"from one side to the other"`
	Cells        int      `json:"cells" minimum:"1" maximum:"100000" doc:"places along an aisle, of both its sides"`
	Blocks       int      `json:"blocks,omitempty" minimum:"1" maximum:"2" doc:"1"`
	AisleToAisle int64    `json:"aisle_to_aisle_um" minimum:"0"`
	CellToCell   int64    `json:"cell_to_cell_um" minimum:"0"`
	FrontToCell  int64    `json:"front_to_cell_um,omitempty" minimum:"0" doc:"from the middle of the cross-aisle to the first cell"`
	BackToCell   int64    `json:"back_to_cell_um,omitempty" minimum:"0"`
	MiddleToCell int64    `json:"middle_to_cell_um,omitempty" minimum:"0" doc:"two blocks only"`
	Depots       []Depot  `json:"depots" minItems:"1" maxItems:"1000" nullable:"false" doc:"one of them without a zone"`
}

// Depot is where pickers start and end.
type Depot struct {
	Zone     string `json:"zone,omitempty" doc:"for who works in it alone"`
	Aisle    string `json:"aisle"`
	End      string `json:"end,omitempty" enum:"front,back"`
	Distance int64  `json:"distance_um,omitempty" minimum:"0" doc:"off the cross-aisle"`
}

func (l Layout) spec() facility.Layout {
	out := facility.Layout{
		Code: l.Code, Aisles: l.Aisles, Cells: l.Cells, Blocks: l.Blocks, AisleToAisle: measure.Length(l.AisleToAisle),
		CellToCell: measure.Length(l.CellToCell), FrontToCell: measure.Length(l.FrontToCell), BackToCell: measure.Length(l.BackToCell),
		MiddleToCell: measure.Length(l.MiddleToCell),
	}
	for _, d := range l.Depots {
		out.Depots = append(out.Depots, facility.Depot{Zone: d.Zone, Aisle: d.Aisle, End: d.End, Distance: measure.Length(d.Distance)})
	}
	return out
}

func layoutOf(l facility.Layout) Layout {
	out := Layout{
		Code: l.Code, Aisles: l.Aisles, Cells: l.Cells, Blocks: l.Blocks, AisleToAisle: int64(l.AisleToAisle), CellToCell: int64(l.CellToCell),
		FrontToCell: int64(l.FrontToCell), BackToCell: int64(l.BackToCell), MiddleToCell: int64(l.MiddleToCell),
	}
	for _, d := range l.Depots {
		out.Depots = append(out.Depots, Depot{Zone: d.Zone, Aisle: d.Aisle, End: d.End, Distance: int64(d.Distance)})
	}
	return out
}

// Rule says where items of a kind lie. What it leaves out fits every item.
type Rule struct {
	Rule        string   `json:"rule" doc:"its name"`
	Owner       string   `json:"owner,omitempty"`
	Class       string   `json:"class,omitempty" enum:"A,B,C"`
	StorageType string   `json:"storage_type,omitempty"`
	Zones       []string `json:"zones,omitempty" nullable:"false" doc:"best first"`
	Purposes    []string `json:"purposes,omitempty" nullable:"false" doc:"pick, bulk; best first"`
}

// Spec is the spec in core's words.
func (f *FacilitySpec) Spec() facility.Spec {
	s := facility.Spec{Title: f.Title, TimeZone: f.TimeZone}
	for _, z := range f.Zones {
		s.Zones = append(s.Zones, facility.Zone{Code: z.Code, Title: z.Title, StorageType: z.StorageType, Capacity: z.Capacity.measure()})
	}
	for _, a := range f.Aisles {
		s.Aisles = append(s.Aisles, facility.Aisle{Code: a.Code, Zone: a.Zone, Capacity: a.Capacity.measure()})
	}
	for _, l := range f.Layouts {
		s.Layouts = append(s.Layouts, l.spec())
	}
	for _, r := range f.Slotting {
		s.Slotting = append(s.Slotting, facility.Rule(r))
	}
	return s
}

// Register is the command that the building means.
func (f *Facility) Register(s scope.Scope) facility.Register {
	return facility.Register{Scope: within(s, "", f.Code).Building(), Spec: f.Spec()}
}

// FacilityOf is a building as an import of it would read.
func FacilityOf(f facility.Facility) Facility {
	out := Facility{Code: f.Scope.Facility, FacilitySpec: FacilitySpec{Title: f.Spec.Title, TimeZone: f.Spec.TimeZone}}
	for _, z := range f.Spec.Zones {
		out.Zones = append(out.Zones, Zone{z.Code, z.Title, z.StorageType, capacityOf(z.Capacity)})
	}
	for _, a := range f.Spec.Aisles {
		out.Aisles = append(out.Aisles, Aisle{a.Code, a.Zone, capacityOf(a.Capacity)})
	}
	for _, l := range f.Spec.Layouts {
		out.Layouts = append(out.Layouts, layoutOf(l))
	}
	for _, r := range f.Spec.Slotting {
		out.Slotting = append(out.Slotting, Rule(r))
	}
	return out
}

// LocationOf is a place as an import of it would read.
func LocationOf(l location.Location) Location {
	s := l.Spec
	out := Location{Facility: l.Scope.Facility, Code: l.Code, LocationSpec: LocationSpec{
		Purpose: s.Purpose, Zone: s.Zone, Aisle: s.Aisle, Bay: s.Bay, Level: s.Level, Cell: s.Cell, Sequence: s.Sequence,
		StorageType: s.StorageType, Capacity: capacityOf(s.Capacity), Mix: s.Mix,
	}}
	if s.Slot != (location.Slot{}) {
		slot := Slot(s.Slot)
		out.Slot = &slot
	}
	if l.Status == location.StatusBlocked {
		out.Blocked = l.Reason
	}
	return out
}

func capacityOf(c location.Capacity) *Capacity {
	if c == (location.Capacity{}) {
		return nil
	}
	return &Capacity{c.Units, c.Volume, int64(c.Weight), c.LPNs}
}

// ItemOf is an item as an import of it would read.
func ItemOf(i item.Item) Item {
	s := i.Spec
	out := Item{Owner: i.Scope.Owner, Facility: i.Scope.Facility, SKU: i.SKU, ItemSpec: ItemSpec{
		Description: s.Description, StorageType: s.StorageType, Status: s.Status, Class: s.Class, Rotation: s.Rotation, Inspect: s.Inspect,
	}}
	for _, u := range s.Units {
		x := Unit{UOM: u.UOM, Factor: u.Factor, Weight: int64(u.Weight)}
		if !u.Dims.Zero() {
			x.Dims = &Dims{int64(u.Dims.Length), int64(u.Dims.Width), int64(u.Dims.Height)}
		}
		out.Units = append(out.Units, x)
	}
	if s.Tracking != (item.Tracking{}) {
		t := Tracking(s.Tracking)
		out.Tracking = &t
	}
	for _, c := range s.Codes {
		out.Codes = append(out.Codes, Code(c))
	}
	if s.ShelfLife != (item.ShelfLife{}) {
		l := Life(s.ShelfLife)
		out.ShelfLife = &l
	}
	if p := s.Packing; p != (item.Packing{}) {
		out.Packing = &Packing{Upright: p.Upright, Fragile: p.Fragile, Bears: int64(p.Bears), Segregation: p.Segregation}
	}
	return out
}
