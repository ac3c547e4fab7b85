package facility

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/scope"
)

// Register makes a building known. The same again is no event; another spec is Rejected
// unless the command says that it may be changed.
func (f Facility) Register(c Register, at time.Time) ([]event.Event, error) {
	const op = "facility.Register"
	s := c.Scope.Building()
	if err := s.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := c.Spec.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	switch {
	case !f.Known():
		return []event.Event{Registered{Head{s, at.UTC()}, c.Spec}}, nil
	case f.Spec.equal(c.Spec):
		return nil, nil
	case c.Update:
		return f.Change(Change{c.Spec}, at)
	}
	return nil, fault.At(op, fault.Rejected, "facility", fmt.Errorf("facility %s is registered with other properties: change it instead", s.Facility))
}

// Change replaces the spec; the same spec again is no event.
func (f Facility) Change(c Change, at time.Time) ([]event.Event, error) {
	const op = "facility.Change"
	if !f.Known() {
		return nil, fault.At(op, fault.Rejected, "facility", errors.New("facility is not registered"))
	}
	if err := c.Spec.Validate(); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if f.Spec.equal(c.Spec) {
		return nil, nil
	}
	return []event.Event{Changed{Head{f.Scope, at.UTC()}, c.Spec}}, nil
}

// equal takes an empty list for none.
func (s Spec) equal(t Spec) bool {
	return s.Title == t.Title && s.TimeZone == t.TimeZone && slices.Equal(s.Zones, t.Zones) && slices.Equal(s.Aisles, t.Aisles) &&
		slices.EqualFunc(s.Layouts, t.Layouts, Layout.equal) &&
		slices.EqualFunc(s.Slotting, t.Slotting, func(a, b Rule) bool {
			return a.Rule == b.Rule && a.Owner == b.Owner && a.Class == b.Class && a.StorageType == b.StorageType &&
				slices.Equal(a.Zones, b.Zones) && slices.Equal(a.Purposes, b.Purposes)
		})
}

// Validate says what is wrong with a spec, with its place.
func (s Spec) Validate() error {
	const op = "facility.Spec"
	var first error
	bad := func(place, format string, a ...any) {
		if first == nil {
			first = fault.At(op, fault.Invalid, place, fmt.Errorf(format, a...))
		}
	}
	optional := func(place, v string) {
		if err := scope.CheckPart(v); v != "" && err != nil {
			bad(place, "%w", err)
		}
	}
	for _, n := range [...]struct {
		place     string
		have, max int
	}{{"zones", len(s.Zones), MaxZones}, {"aisles", len(s.Aisles), MaxAisles}, {"layouts", len(s.Layouts), MaxLayouts}, {"slotting", len(s.Slotting), MaxRules}} {
		if n.have > n.max {
			bad(n.place, "has %d entries, at most %d are allowed", n.have, n.max)
		}
	}
	optional("title", s.Title)
	// The names of zones of time are the system's to know; this is their shape.
	if s.TimeZone != "" && (len(s.TimeZone) > 64 || strings.ContainsAny(s.TimeZone, " \\") || strings.HasPrefix(s.TimeZone, "/")) {
		bad("time_zone", "%.64q is not an IANA name like America/New_York", s.TimeZone)
	}
	seen := map[string]bool{}
	named := func(place, code string) {
		if err := scope.CheckPart(code); err != nil {
			bad(place, "%w", err)
		} else if seen[code] {
			bad(place, "%q is given twice", code)
		}
		seen[code] = true
	}
	capacity := func(place string, c location.Capacity) {
		if err := c.Validate(); err != nil {
			bad(place+fault.PlaceOf(err), "%w", errors.Unwrap(err))
		}
	}
	for i, z := range s.Zones {
		named(fmt.Sprintf("zones[%d].zone", i), z.Code)
		optional(fmt.Sprintf("zones[%d].title", i), z.Title)
		optional(fmt.Sprintf("zones[%d].storage_type", i), z.StorageType)
		capacity(fmt.Sprintf("zones[%d].", i), z.Capacity)
	}
	zones := seen
	known := func(place, zone string) {
		if !zones[zone] {
			bad(place, "%q is no zone of the building: there are %s", zone, list(s.Zones))
		}
	}
	seen = map[string]bool{}
	for i, a := range s.Aisles {
		named(fmt.Sprintf("aisles[%d].aisle", i), a.Code)
		if a.Zone != "" {
			known(fmt.Sprintf("aisles[%d].zone", i), a.Zone)
		}
		capacity(fmt.Sprintf("aisles[%d].", i), a.Capacity)
	}
	seen = map[string]bool{}
	taken := map[string]string{}
	for i, l := range s.Layouts {
		at := fmt.Sprintf("layouts[%d]", i)
		named(at+".layout", l.Code)
		if err := l.validate(s, at, taken); err != nil && first == nil {
			first = err
		}
	}
	seen = map[string]bool{}
	for i, r := range s.Slotting {
		at := func(f string) string { return fmt.Sprintf("slotting[%d].%s", i, f) }
		named(at("rule"), r.Rule)
		optional(at("owner"), r.Owner)
		optional(at("storage_type"), r.StorageType)
		if c := r.Class; c != "" && c != "A" && c != "B" && c != "C" {
			bad(at("class"), "%q is not A, B or C", c)
		}
		for _, z := range r.Zones {
			known(at("zones"), z)
		}
		for _, p := range r.Purposes {
			if p != location.Pick && p != location.Bulk {
				bad(at("purposes"), "%q is neither %s nor %s", p, location.Pick, location.Bulk)
			}
		}
	}
	return first
}

// list names the first few zones.
func list(zones []Zone) string {
	const most = 10
	var names []string
	for i, z := range zones {
		if i == most {
			names = append(names, fmt.Sprintf("%d more", len(zones)-most))
			break
		}
		names = append(names, z.Code)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// Places says why a location cannot be where it says, or nil. A building without zones, or
// without aisles, leaves their names free.
func (s Spec) Places(l location.Spec) error {
	const op = "facility.Places"
	a, found := s.Aisle(l.Aisle)
	switch {
	case l.Aisle != "" && len(s.Aisles) > 0 && !found:
		return fault.At(op, fault.Rejected, "aisle", fmt.Errorf("the building has no aisle %q: add it to the facility first", l.Aisle))
	case found && a.Zone != "" && l.Zone != "" && a.Zone != l.Zone:
		return fault.At(op, fault.Rejected, "zone", fmt.Errorf("aisle %s lies in zone %s, not %s", a.Code, a.Zone, l.Zone))
	}
	z, found := s.Zone(l.Zone)
	switch {
	case l.Zone != "" && len(s.Zones) > 0 && !found:
		return fault.At(op, fault.Rejected, "zone", fmt.Errorf("the building has no zone %q: there are %s", l.Zone, list(s.Zones)))
	case found && z.StorageType != "" && l.StorageType != "" && z.StorageType != l.StorageType:
		return fault.At(op, fault.Rejected, "storage_type", fmt.Errorf("zone %s is for %s, not %s", z.Code, z.StorageType, l.StorageType))
	}
	return nil
}
