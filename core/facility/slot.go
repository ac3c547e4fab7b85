package facility

import (
	"cmp"
	"slices"

	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
)

// Candidate is a location with what of the item lies there now.
type Candidate struct {
	Location string
	Status   string
	Spec     location.Spec
	Have     int64
}

// Advice is a location for an item, best first, with the reasons as data.
type Advice struct {
	Location string `json:"location"`
	Zone     string `json:"zone,omitempty"`
	Purpose  string `json:"purpose"`
	Rule     string `json:"rule,omitempty"` // the slotting rule, "" when none fits
	Because  string `json:"because"`
	Room     int64  `json:"room"` // units of the item that still fit, -1 is no bound
}

// Why a location is advised.
const (
	BecauseSlot   = "its_slot"       // the location is the item's own
	BecauseJoins  = "joins_stock"    // the item lies there already
	BecauseRule   = "preferred_zone" // by the slotting rule
	BecauseNoRule = "no_rule"
)

// Slot ranks the locations that may take an item: its own slot, where it lies already, then
// by the first rule that fits, by the walk. What is blocked, full, another item's or of
// another storage type is left out.
func (s Spec) Slot(it item.Item, candidates []Candidate) []Advice {
	rule := s.RuleFor(it)
	type ranked struct {
		Advice
		tier, zone, purpose int
		walk                int64
	}
	var out []ranked
	for _, c := range candidates {
		l := s.Effective(c.Spec)
		if c.Status != location.StatusActive || l.Purpose != location.Pick && l.Purpose != location.Bulk {
			continue
		}
		if err := Fits(it, l); err != nil {
			continue
		}
		room := Room(it.Spec, l.Capacity, c.Have)
		if room == 0 {
			continue
		}
		r := ranked{Advice: Advice{Location: c.Location, Zone: l.Zone, Purpose: l.Purpose, Rule: rule.Rule, Room: room}, walk: l.Sequence}
		z, inZones := index(rule.Zones, l.Zone)
		p, inPurposes := index(rule.Purposes, l.Purpose)
		switch {
		case l.Slot.Given():
			r.tier, r.Because = 0, BecauseSlot
		case c.Have > 0:
			r.tier, r.Because = 1, BecauseJoins
		case rule.Rule == "":
			r.tier, r.Because = 2, BecauseNoRule
		case inZones && inPurposes:
			r.tier, r.Because, r.zone, r.purpose = 2, BecauseRule, z, p
		default:
			continue // the rule wants it elsewhere
		}
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.tier, b.tier), cmp.Compare(a.zone, b.zone), cmp.Compare(a.purpose, b.purpose),
			cmp.Compare(a.walk, b.walk), cmp.Compare(a.Location, b.Location))
	})
	list := make([]Advice, len(out))
	for i, r := range out {
		list[i] = r.Advice
	}
	return list
}

// index is where v stands in the order of preference; an empty list takes all alike.
func index(list []string, v string) (int, bool) {
	if len(list) == 0 {
		return 0, true
	}
	i := slices.Index(list, v)
	return i, i >= 0
}

// RuleFor is the first that fits the item; the zero Rule when none does.
func (s Spec) RuleFor(it item.Item) Rule {
	for _, r := range s.Slotting {
		if (r.Owner == "" || r.Owner == it.Scope.Owner) && (r.Class == "" || r.Class == it.Spec.Class) &&
			(r.StorageType == "" || r.StorageType == it.Spec.StorageType) {
			return r
		}
	}
	return Rule{}
}

// Room is how many of the item's smallest unit still fit beside have of them, by units,
// volume and weight; -1 is no bound. What lies there of other items is not known here.
func Room(it item.Spec, c location.Capacity, have int64) int64 {
	room := int64(-1)
	bound := func(n int64) {
		n = max(0, n-have)
		if room < 0 || n < room {
			room = n
		}
	}
	if c.Units > 0 {
		bound(c.Units)
	}
	u := it.Largest()
	if len(u) == 0 {
		return room
	}
	each := u[len(u)-1]
	if v := Volume(each.Dims); c.Volume > 0 && v > 0 {
		bound(c.Volume / v)
	}
	if c.Weight > 0 && each.Weight > 0 {
		bound(int64(c.Weight / each.Weight))
	}
	return room
}

// Volume is in mm3, rounded up: a thing never takes less room than it has.
func Volume(d measure.Dims) int64 {
	mm := func(l measure.Length) int64 {
		return (int64(l) + int64(measure.Millimetre) - 1) / int64(measure.Millimetre)
	}
	return mm(d.Length) * mm(d.Width) * mm(d.Height)
}
