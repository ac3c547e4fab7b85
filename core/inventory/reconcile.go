package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/paklog/hub/core/fault"
)

// Grain is how finely a snapshot tells places apart. What it does not tell apart is added up.
type Grain struct{ Location, Lot, LPN bool }

func (g Grain) of(p Place) Place {
	if !g.Location {
		p.Location = ""
	}
	if !g.Lot {
		p.Lot = ""
	}
	if !g.LPN {
		p.LPN = ""
	}
	return p
}

// SnapshotLine is what another system believes to lie somewhere.
type SnapshotLine struct {
	BookKey
	Place
	Qty int64
}

// Validate says what is wrong with a line.
func (l SnapshotLine) Validate(g Grain) error {
	const op = "inventory.Snapshot"
	if err := l.BookKey.Validate(); err != nil {
		return fault.Wrap(op, err)
	}
	if g.Location && l.Location == "" {
		return fault.At(op, fault.Invalid, "location", errors.New("is missing"))
	}
	if l.Qty < 0 || l.Qty > MaxQty {
		return fault.At(op, fault.Invalid, "qty", fmt.Errorf("%d is not between 0 and %d", l.Qty, MaxQty))
	}
	return nil
}

// Difference is where two systems disagree. Ours is what lies on shelves here, or is in the
// building where the snapshot names no locations.
type Difference struct {
	BookKey
	Place
	Ours   int64 `json:"ours"`
	Theirs int64 `json:"theirs"`
	// At is the one place that can be set right for it; nil where several, or none, are meant.
	At *Place `json:"at,omitempty"`
	// Booked is what lies there now, and with the difference what should.
	Booked int64 `json:"booked,omitempty"`
}

// Should is what must lie at At for the difference to be none; below zero it cannot be had.
func (d Difference) Should() int64 { return d.Booked + d.Theirs - d.Ours }

// Reconcile compares what lies here with a snapshot, by owner, item and place. What the
// snapshot does not name counts as none there. Differences are in the order of their books
// and places.
func Reconcile(ours []Stock, theirs []SnapshotLine, g Grain) []Difference {
	type at struct {
		book string
		Place
	}
	diffs := map[at]*Difference{}
	places := map[at][]Shelf{}
	find := func(k BookKey, p Place) *Difference {
		key := at{k.Book(), p}
		if diffs[key] == nil {
			diffs[key] = &Difference{BookKey: k, Place: p}
		}
		return diffs[key]
	}
	for _, s := range ours {
		for i := range s.Shelves {
			sh := s.Shelves[i]
			p := g.of(sh.Place)
			find(s.BookKey, p).Ours += sh.Total()
			key := at{s.Book(), p}
			places[key] = append(places[key], sh)
		}
		if n := s.Picked + s.Packed + s.Staged; n > 0 && !g.Location && !g.Lot && !g.LPN {
			find(s.BookKey, Place{}).Ours += n
		}
	}
	for _, l := range theirs {
		find(l.BookKey, g.of(l.Place)).Theirs += l.Qty
	}
	var out []Difference
	for _, key := range slices.SortedFunc(maps.Keys(diffs), func(a, b at) int {
		return cmp.Or(cmp.Compare(a.book, b.book), comparePlaces(a.Place, b.Place))
	}) {
		d := *diffs[key]
		if d.Ours == d.Theirs {
			continue
		}
		switch there := places[key]; {
		case len(there) == 1:
			d.At, d.Booked = &there[0].Place, there[0].Total()
		case len(there) == 0 && g.Location:
			p := d.Place
			d.At = &p
		}
		out = append(out, d)
	}
	return out
}
