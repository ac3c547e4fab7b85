// Package putaway decides where goods that came in are put, and says why there and why not
// elsewhere. What is under way to a place counts as lying there.
package putaway

import (
	"cmp"
	"math"
	"slices"

	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
)

// Why a place is taken.
const (
	BecauseSlot   = "its_slot"   // it is the item's own pick face, filled first, up to its most
	BecauseLot    = "joins_lot"  // the same lot lies there
	BecauseItem   = "joins_item" // the item lies there
	BecauseEmpty  = "empty"      // nothing lies there: the nearest such by the walk
	BecauseShares = "shares"     // others lie there, and may
)

// Why a place is not.
const (
	Blocked     = "blocked"
	NotStorage  = "not_storage"  // it is no place that goods are picked from
	OthersSlot  = "others_slot"  // the pick face of another item
	StorageType = "storage_type" // cold, flammable, ...: the item is stored as another
	OtherItem   = "other_item"   // it takes one item at a time
	OtherLot    = "other_lot"    // it takes one lot at a time
	Segregated  = "segregated"   // what lies there must not lie beside it
	ByRule      = "slotting_rule"
	FullSlot    = "full_slot" // the face has its most
	FullUnits   = "full_units"
	FullVolume  = "full_volume"
	FullWeight  = "full_weight"
	FullLPNs    = "full_lpns"
	ForHeld     = "for_held_goods" // it takes what is held back or damaged
	NotForHeld  = "not_for_held"   // and it does not
)

// Why goods stay where they are.
const (
	NoPlace  = "no_place"  // the building has none for them
	NoRoom   = "no_room"   // none of the places that were looked at takes them
	MixedLPN = "mixed_lpn" // of what stands on one LPN a part is held back
)

// Goods are of one item and lot, loose or on an LPN.
type Goods struct {
	Item item.Item
	Lot  string
	LPN  string
	Qty  int64
	Held bool // held back or damaged: they lie in quarantine
}

// Place is a location as it stands. Spec is what holds for it, see facility.Spec.Effective, and
// Lying what lies there or is on its way.
type Place struct {
	Location string
	Status   string
	Spec     location.Spec
	Lying    []Goods
}

// Ask is what is decided on: goods that come from a place at From on the walk, the slotting rule
// that fits them, and the places that are looked at. Whole goods stand on one LPN and go to one
// place together; others may be parted. HasFace says that the item has a pick face: what that
// does not take goes to bulk first.
type Ask struct {
	Goods   []Goods
	Whole   bool
	HasFace bool
	From    int64
	Rule    facility.Rule
	Places  []Place
}

// Step is what goes to one place: Qty of the goods, all of them where they are whole.
type Step struct {
	Location string
	Qty      int64
	Why      inventory.WhyThere
}

// mostRefused bounds how many places a reason names that were passed over.
const mostRefused = 5

// Plan is where the goods go, the best place first, and how many find none. Goods go to the
// item's own face up to its most, to where they lie already, to the nearest empty place, and
// beside others where they may, in this order; by the rule's zones and purposes within each.
func Plan(a Ask) (steps []Step, left int64) {
	for _, g := range a.Goods {
		left += g.Qty
	}
	if left == 0 {
		return nil, 0
	}
	places := make([]*Place, len(a.Places))
	for i := range places {
		places[i] = &a.Places[i]
	}
	list := rank(a, places)
	var refused []inventory.Skipped
	for _, r := range list {
		if left == 0 {
			break
		}
		room, why := a.room(r)
		if room == 0 {
			if len(refused) < mostRefused {
				refused = append(refused, inventory.Skipped{Place: inventory.Place{Location: r.Location}, Why: why})
			}
			continue
		}
		n := left
		if room > 0 {
			n = min(n, room)
		}
		left -= n
		steps = append(steps, Step{r.Location, n, inventory.WhyThere{
			Because: r.because, Rule: a.Rule.Rule, Room: room, Considered: len(list), Refused: slices.Clone(refused),
		}})
	}
	return steps, left
}

// room is how many of all goods a place takes: all or none where they are whole.
func (a Ask) room(r ranked) (int64, string) {
	if held := a.Goods[0].Held; !held && (r.because == BecauseEmpty || r.because == BecauseShares) {
		if _, in := prefer(a.Rule.Zones, r.Spec.Zone); !in {
			return 0, ByRule
		}
		if _, in := prefer(a.Rule.Purposes, r.Spec.Purpose); !in {
			return 0, ByRule
		}
	}
	if !a.Whole {
		return Room(a.Goods[0], *r.Place)
	}
	return a.all(*r.Place)
}

// all is whether all of the goods fit together.
func (a Ask) all(p Place) (int64, string) {
	if why, _ := All(a.Goods, p); why != "" {
		return 0, why
	}
	n := int64(0)
	for _, g := range a.Goods {
		n += g.Qty
	}
	return n, ""
}

// All says why goods do not fit into a place together, "" where they do, and how many still would of
// the first that do not.
func All(goods []Goods, p Place) (why string, room int64) {
	p.Lying = slices.Clone(p.Lying)
	for _, g := range goods {
		room, why := Room(g, p)
		if room >= 0 && room < g.Qty {
			return cmp.Or(why, FullUnits), room
		}
		p.Lying = append(p.Lying, g)
	}
	return "", 0
}

// Stay is why goods of which a plan left some stay where they are, with the first places that take
// none, or no more, and why.
func Stay(a Ask) (because string, refused []inventory.Skipped) {
	places := make([]*Place, len(a.Places))
	for i := range places {
		places[i] = &a.Places[i]
	}
	for _, r := range rank(a, places) {
		if _, why := a.room(r); why != "" && len(refused) < mostRefused {
			refused = append(refused, inventory.Skipped{Place: inventory.Place{Location: r.Location}, Why: why})
		}
	}
	if len(a.Places) == 0 {
		return NoPlace, nil
	}
	return NoRoom, refused
}

type ranked struct {
	*Place
	because       string
	tier          int
	zone, purpose int
	far           int64
}

// rank orders places, the best first.
func rank(a Ask, places []*Place) []ranked {
	purposes := a.Rule.Purposes
	if len(purposes) == 0 && a.HasFace {
		purposes = []string{location.Bulk, location.Pick}
	}
	out := make([]ranked, len(places))
	for i, p := range places {
		r := ranked{Place: p, far: max(p.Spec.Sequence-a.From, a.From-p.Spec.Sequence)}
		r.because, r.tier = standing(a.Goods, p)
		if r.tier > 0 {
			r.zone, _ = prefer(a.Rule.Zones, p.Spec.Zone)
			r.purpose, _ = prefer(purposes, p.Spec.Purpose)
		}
		out[i] = r
	}
	slices.SortFunc(out, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.tier, b.tier), cmp.Compare(a.zone, b.zone), cmp.Compare(a.purpose, b.purpose),
			cmp.Compare(a.far, b.far), cmp.Compare(a.Location, b.Location))
	})
	return out
}

// Nearest are places in the order in which a plan would look at them, the first of them alone where
// there are more than most.
func Nearest(a Ask, places []*Place, most int) []*Place {
	list := rank(a, places)
	out := make([]*Place, min(most, len(list)))
	for i := range out {
		out[i] = list[i].Place
	}
	return out
}

// standing is how a place stands to the goods.
func standing(goods []Goods, p *Place) (because string, tier int) {
	if s := p.Spec.Slot; s.Given() && slices.ContainsFunc(goods, func(g Goods) bool { return owns(s, g) }) {
		return BecauseSlot, 0
	}
	because, tier = BecauseEmpty, 3
	for _, x := range p.Lying {
		for _, g := range goods {
			switch same := same(x, g); {
			case same && x.Lot == g.Lot:
				return BecauseLot, 1
			case same:
				because, tier = BecauseItem, 2
			case tier == 3:
				because, tier = BecauseShares, 4
			}
		}
	}
	return because, tier
}

func owns(s location.Slot, g Goods) bool {
	return s.Item == g.Item.SKU && s.Owner == g.Item.Scope.Owner
}

func same(a, b Goods) bool {
	return a.Item.SKU == b.Item.SKU && a.Item.Scope.Owner == b.Item.Scope.Owner
}

// prefer is where v stands in the order of preference; an empty list takes all alike.
func prefer(list []string, v string) (int, bool) {
	if len(list) == 0 {
		return 0, true
	}
	if i := slices.Index(list, v); i >= 0 {
		return i, true
	}
	return len(list), false
}

// Room is how many of the goods a place takes, whatever their quantity; -1 is no bound, and of 0
// and every bound it says what sets it.
func Room(g Goods, p Place) (int64, string) {
	switch {
	case p.Status != location.StatusActive:
		return 0, Blocked
	case g.Held && p.Spec.Purpose != location.Quarantine:
		return 0, NotForHeld
	case !g.Held && p.Spec.Purpose == location.Quarantine:
		return 0, ForHeld
	case !g.Held && p.Spec.Purpose != location.Pick && p.Spec.Purpose != location.Bulk:
		return 0, NotStorage
	case p.Spec.Slot.Given() && !owns(p.Spec.Slot, g):
		return 0, OthersSlot
	}
	if want, has := g.Item.Spec.StorageType, p.Spec.StorageType; want != "" && has != "" && want != has {
		return 0, StorageType
	}
	if why := beside(g, p); why != "" {
		return 0, why
	}
	return fits(g, p)
}

// beside says why goods may not lie beside what lies there.
func beside(g Goods, p Place) string {
	for _, x := range p.Lying {
		switch {
		case p.Spec.Mix != "" && !same(x, g):
			return OtherItem
		case p.Spec.Mix == location.OneLot && x.Lot != g.Lot:
			return OtherLot
		case x.Item.Spec.Packing.Segregation != g.Item.Spec.Packing.Segregation:
			return Segregated
		}
	}
	return ""
}

// fits is the least of the bounds that a place has. A unit whose size or weight nobody knows takes
// none of either.
func fits(g Goods, p Place) (int64, string) {
	room, why := int64(-1), ""
	bound := func(n int64, by string) {
		if n = max(0, n); room < 0 || n < room {
			room, why = n, by
		}
	}
	var units, volume, weight, mine int64
	lpns := map[string]bool{}
	for _, x := range p.Lying {
		each := smallest(x.Item)
		units += x.Qty
		volume = plus(volume, x.Qty, facility.Volume(each.Dims))
		weight = plus(weight, x.Qty, int64(each.Weight))
		if x.LPN != "" {
			lpns[x.LPN] = true
		}
		if same(x, g) {
			mine += x.Qty
		}
	}
	each, c := smallest(g.Item), p.Spec.Capacity
	if s := p.Spec.Slot; s.Given() && s.Max > 0 {
		bound(s.Max-mine, FullSlot)
	}
	if c.Units > 0 {
		bound(c.Units-units, FullUnits)
	}
	if v := facility.Volume(each.Dims); c.Volume > 0 && v > 0 {
		bound((c.Volume-volume)/v, FullVolume)
	}
	if c.Weight > 0 && each.Weight > 0 {
		bound((int64(c.Weight)-weight)/int64(each.Weight), FullWeight)
	}
	if c.LPNs > 0 && g.LPN != "" && !lpns[g.LPN] && int64(len(lpns)) >= c.LPNs {
		bound(0, FullLPNs)
	}
	return room, why
}

func smallest(it item.Item) item.Unit {
	u, _ := it.Unit("")
	return u
}

// plus is sum and n times each, or the most that there is: a place that holds so much is full.
func plus(sum, n, each int64) int64 {
	if each > 0 && n > (math.MaxInt64-sum)/each {
		return math.MaxInt64
	}
	return sum + n*each
}
