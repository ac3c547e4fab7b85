// Package replenish decides what goods move from bulk to a pick face, and says why.
package replenish

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
)

// Kinds of replenishment.
const (
	MinMax    = "min_max"   // below its least the face is filled up
	Demand    = "demand"    // the face must hold what is asked for
	TopOff    = "top_off"   // filled up while there is time, whatever it holds
	Emergency = "emergency" // a picker stood before an empty face
)

// Kinds are all of them.
func Kinds() []string { return []string{MinMax, Demand, TopOff, Emergency} }

// Priority is that of a kind's task, 0 to 9.
func Priority(kind string) int {
	switch kind {
	case Emergency:
		return 9
	case Demand:
		return 7
	case MinMax:
		return 4
	}
	return 1
}

// Moved ends the task of a replenishment: how much of each step was brought to the face, in
// their order; none said is all. What is less than asked for lets the source be counted.
type Moved struct {
	Worker string
	Claim  int
	Moved  []int64
}

// Start asks for a replenishment by hand.
type Start struct {
	Location string
	Kind     string
	Wanted   int64
}

// Face is a pick face of an item as it stands. Coming is on its way to it.
type Face struct {
	Location string
	Slot     location.Slot
	Coming   int64
}

// Ask is what is decided on: a face, the stock, and which locations goods may be fetched
// from. Wanted is what is asked for of a demand.
type Ask struct {
	Kind   string
	Face   Face
	Stock  inventory.Stock
	Units  []item.Unit
	Wanted int64
	Source func(location string) bool
}

// Why says why goods move, as data.
type Why struct {
	Kind   string `json:"kind"`
	Have   int64  `json:"have"` // free in the face
	Coming int64  `json:"coming,omitempty"`
	Min    int64  `json:"min,omitempty"`
	Max    int64  `json:"max,omitempty"`
	Wanted int64  `json:"wanted,omitempty"`
}

// Move is what to fetch from one place, in whole units where the source has them. UOM is the
// smallest that is handled for it.
type Move struct {
	From   inventory.Place
	Qty    int64
	UOM    string
	Expiry inventory.Date
}

// Plan is what to fetch for the face and why; no moves where it needs nothing, or nothing is
// to be had. It is fetched from as many places as it takes: goods that expire first are fetched
// first, then the oldest, of each place in the largest whole unit that fits. A face that would
// get none for that is filled with pieces, and a demand is met in whatever units it takes. What
// has expired stays where it is.
func Plan(a Ask, at time.Time) ([]Move, Why, error) {
	const op = "replenish.Plan"
	if !slices.Contains(Kinds(), a.Kind) {
		return nil, Why{}, fault.At(op, fault.Invalid, "kind", fmt.Errorf("%q is none of %v", a.Kind, Kinds()))
	}
	if !a.Face.Slot.Given() {
		return nil, Why{}, fault.At(op, fault.Rejected, "location", fmt.Errorf("location %s is the slot of no item: give it one with its least and most first", a.Face.Location))
	}
	if a.Wanted < 0 || a.Wanted > inventory.MaxQty {
		return nil, Why{}, fault.At(op, fault.Invalid, "wanted", fmt.Errorf("%d is not between 0 and %d", a.Wanted, inventory.MaxQty))
	}
	slot := a.Face.Slot
	why := Why{Kind: a.Kind, Coming: a.Face.Coming, Min: slot.Min, Max: slot.Max, Wanted: a.Wanted}
	var sources []inventory.Shelf
	today := inventory.Date(at.UTC().Format(time.DateOnly))
	for _, sh := range a.Stock.Shelves {
		switch {
		case sh.Location == a.Face.Location:
			why.Have += sh.Free
		case sh.Free > 0 && !sh.Counting && (sh.Expiry == "" || sh.Expiry >= today) && a.Source(sh.Location):
			sources = append(sources, sh)
		}
	}
	need := slot.Max - why.Have - why.Coming
	switch a.Kind {
	case MinMax:
		if why.Have+why.Coming >= slot.Min {
			need = 0
		}
	case Demand:
		need = a.Wanted - why.Have - why.Coming
	}
	slices.SortStableFunc(sources, func(a, b inventory.Shelf) int {
		last := func(d inventory.Date) inventory.Date { return cmp.Or(d, "9999-99-99") }
		return cmp.Or(cmp.Compare(last(a.Expiry), last(b.Expiry)), a.Since.Compare(b.Since), cmp.Compare(a.Location, b.Location))
	})
	moves := make([]Move, len(sources))
	took := false
	for _, whole := range []bool{true, false} {
		if !whole && took && a.Kind != Demand {
			break
		}
		for i, sh := range sources {
			m := &moves[i]
			qty, uom := fetch(a.Units, min(need, sh.Free-m.Qty), whole, a.Kind == Demand)
			if qty > 0 {
				*m = Move{sh.Place, m.Qty + qty, uom, sh.Expiry}
				need -= qty
				took = true
			}
		}
	}
	return slices.DeleteFunc(moves, func(m Move) bool { return m.Qty == 0 }), why, nil
}

// fetch is how much of n is fetched from one place, and in which unit: the largest that fits and,
// where all of it is wanted, what it leaves in smaller ones; whole stops above the smallest.
func fetch(units []item.Unit, n int64, whole, all bool) (qty int64, uom string) {
	if n <= 0 {
		return 0, ""
	}
	for _, p := range (item.Spec{Units: units}).Split(n) {
		if whole && len(units) > 1 && p.UOM == smallest(units) {
			break
		}
		u := units[slices.IndexFunc(units, func(u item.Unit) bool { return u.UOM == p.UOM })]
		if qty, uom = qty+p.Qty*u.Factor, p.UOM; !all {
			break
		}
	}
	return qty, uom
}

func smallest(units []item.Unit) string {
	i := slices.IndexFunc(units, func(u item.Unit) bool { return u.Factor == 1 })
	if i < 0 {
		return ""
	}
	return units[i].UOM
}

// DoneBy is whose hands did it.
func (c Moved) DoneBy() string { return c.Worker }
