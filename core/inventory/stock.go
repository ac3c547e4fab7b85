package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
)

// Stock is one owner's item in one building as its events tell it: where to
// allocate is chosen from it. The balances of the book are the truth about
// quantities; a Stock may lag behind them.
type Stock struct {
	BookKey
	Shelves []Shelf `json:"shelves,omitempty"` // sorted by place, none empty

	Promised int64 `json:"promised,omitempty"` // soft reserved
	Picked   int64 `json:"picked,omitempty"`   // in totes
	Packed   int64 `json:"packed,omitempty"`   // in cartons
	Staged   int64 `json:"staged,omitempty"`   // in cartons at the dock

	HeldLots []string  `json:"held_lots,omitempty"` // held back everywhere, sorted
	Dates    []LotDate `json:"dates,omitempty"`     // of lots that lie on no shelf, while some goods are in totes and cartons

	Loose []LooseSerial `json:"loose_serials,omitempty"` // in totes and cartons

	In  int64 `json:"in,omitempty"`  // came through the door, adjustments included
	Out int64 `json:"out,omitempty"` // left through it
}

// LotDate is when a lot expires.
type LotDate struct {
	Lot    string `json:"lot"`
	Expiry Date   `json:"expiry"`
}

// Shelf is what lies in one place.
type Shelf struct {
	Place
	Expiry   Date      `json:"expiry,omitempty"`
	Since    time.Time `json:"since,omitzero"` // oldest receipt of what lies here
	Counting bool      `json:"counting,omitempty"`
	Counted  time.Time `json:"counted,omitzero"` // when it was counted last

	Free      int64 `json:"free,omitempty"`
	Allocated int64 `json:"allocated,omitempty"`
	Held      int64 `json:"held,omitempty"`
	Damaged   int64 `json:"damaged,omitempty"`
	Suspect   int64 `json:"suspect,omitempty"`
	Received  int64 `json:"received,omitempty"`

	// Serial numbers of units that are known to lie here, good ones and those that are held or damaged,
	// sorted.
	Serials     []string `json:"serials,omitempty"`
	HeldSerials []string `json:"held_serials,omitempty"`
}

// Total is all that lies in the place.
func (s Shelf) Total() int64 {
	return s.Free + s.Allocated + s.Held + s.Damaged + s.Suspect + s.Received
}

func (s *Shelf) stage(stage string) *int64 {
	switch stage {
	case Free:
		return &s.Free
	case Allocated:
		return &s.Allocated
	case Held:
		return &s.Held
	case Damaged:
		return &s.Damaged
	case Suspect:
		return &s.Suspect
	case Received:
		return &s.Received
	}
	return nil
}

// Free is what nobody was given a place of.
func (s Stock) Free() int64 {
	var n int64
	for i := range s.Shelves {
		n += s.Shelves[i].Free
	}
	return n
}

// AvailableToPromise is what is free and not promised.
func (s Stock) AvailableToPromise() int64 { return s.Free() - s.Promised }

// OnHand is everything in the building, and In - Out at all times.
func (s Stock) OnHand() int64 {
	n := s.Picked + s.Packed + s.Staged
	for i := range s.Shelves {
		n += s.Shelves[i].Total()
	}
	return n
}

// Shelf is what lies in p.
func (s Stock) Shelf(p Place) (Shelf, bool) {
	i, ok := s.find(p)
	if !ok {
		return Shelf{}, false
	}
	return s.Shelves[i], true
}

// LotHeld reports whether a lot is held back everywhere.
func (s Stock) LotHeld(lot string) bool {
	_, held := slices.BinarySearch(s.HeldLots, lot)
	return held && lot != ""
}

func (s Stock) find(p Place) (int, bool) {
	return slices.BinarySearchFunc(s.Shelves, p, func(a Shelf, p Place) int { return comparePlaces(a.Place, p) })
}

func comparePlaces(a, b Place) int {
	return cmp.Or(cmp.Compare(a.Location, b.Location), cmp.Compare(a.Lot, b.Lot), cmp.Compare(a.LPN, b.LPN))
}

// Expires is the expiry recorded for a lot, "" when none is.
func (s Stock) Expires(lot string) Date {
	if lot == "" {
		return ""
	}
	for i := range s.Shelves {
		if s.Shelves[i].Lot == lot && s.Shelves[i].Expiry != "" {
			return s.Shelves[i].Expiry
		}
	}
	for _, d := range s.Dates {
		if d.Lot == lot {
			return d.Expiry
		}
	}
	return ""
}

// leaves keeps the date of a lot whose last goods are taken from a shelf: they may be put back.
func (s *Stock) leaves(sh Shelf) {
	if sh.Lot != "" && sh.Expiry != "" && !slices.ContainsFunc(s.Dates, func(d LotDate) bool { return d.Lot == sh.Lot }) {
		s.Dates = append(slices.Clone(s.Dates), LotDate{sh.Lot, sh.Expiry})
	}
}

// Fold makes a [Stock].
var Fold = event.Fold[Stock]{Kind: "stock", Version: 10, Apply: apply}

func apply(s Stock, e event.Event) (Stock, error) {
	if k, ok := KeyOf(e); !ok {
		return s, event.Unexpected("stock", e)
	} else if s.Item == "" {
		s.BookKey = k
	}
	// The two that a hot item sees most touch no shelf.
	switch e := e.(type) {
	case StockReserved:
		s.Promised += e.Qty
		return s, s.sound()
	case StockReleased:
		s.Promised -= e.Qty
		return s, s.sound()
	}
	s.Shelves = slices.Clone(s.Shelves)
	switch e := e.(type) {
	case StockLotHeld:
		if i, held := slices.BinarySearch(s.HeldLots, e.Lot); !held {
			s.HeldLots = slices.Insert(slices.Clone(s.HeldLots), i, e.Lot)
		}
	case StockLotReleased:
		s.HeldLots = slices.DeleteFunc(slices.Clone(s.HeldLots), func(lot string) bool { return lot == e.Lot })
	case StockReceived:
		s.In += e.Qty
		sh := s.at(e.Place)
		s.put(sh, e.Stage, e.Qty)
		if e.Expiry != "" {
			sh.Expiry = e.Expiry
		}
		if sh.Since.IsZero() || e.At.Before(sh.Since) {
			sh.Since = e.At
		}
		s.come(e.Place, good(e.Stage), e.Serials)
	case StockAllocated:
		s.Promised -= e.Qty
		s.put(s.at(e.Place), Free, -e.Qty)
		s.put(s.at(e.Place), Allocated, e.Qty)
	case StockDeallocated:
		if e.Keep {
			s.Promised += e.Qty
		}
		s.put(s.at(e.Place), Allocated, -e.Qty)
		s.put(s.at(e.Place), Free, e.Qty)
	case StockPicked:
		s.put(s.at(e.Place), Allocated, -e.Qty)
		s.Picked += e.Qty
		s.leave(e.Place, true, e.Serials)
		s.out(e.Serials, e.Tote)
		s.over(e.Place, true)
	case StockShorted:
		s.put(s.at(e.Place), Allocated, -e.Expected)
		s.put(s.at(e.Place), Free, -e.Quarantined)
		s.put(s.at(e.Place), Suspect, e.Missing+e.Quarantined)
		s.Picked += e.Found
		s.over(e.Place, true)
	case StockPutBack:
		s.loose(e.From.Stage, -e.Qty)
		sh := s.at(e.To)
		s.put(sh, cmp.Or(e.Stage, Free), e.Qty)
		if sh.Since.IsZero() {
			sh.Since = e.At
		}
		if sh.Expiry == "" {
			sh.Expiry = s.Expires(sh.Lot)
		}
		s.come(e.To, true, e.Serials)
	case StockSorted: // from one tote to another
		s.out(e.Serials, e.Slot)
	case StockPacked:
		s.Picked -= e.Qty
		s.Packed += e.Qty
		s.out(e.Serials, e.Carton)
	case StockUnpacked:
		s.Packed -= e.Qty
		s.Picked += e.Qty
		s.out(e.Serials, e.Tote)
	case StockStaged:
		s.Packed -= e.Qty
		s.Staged += e.Qty
	case StockShipped:
		if e.Staged != "" {
			s.Staged -= e.Qty
		} else {
			s.Packed -= e.Qty
		}
		s.Out += e.Qty
		s.out(e.Serials, "")
	case StockAdjusted:
		if e.Delta > 0 {
			s.In += e.Delta
		} else {
			s.Out -= e.Delta
		}
		sh := s.at(e.Place)
		s.put(sh, e.Stage, e.Delta)
		sh.Counting = false
		if sh.Since.IsZero() {
			sh.Since = e.At
		}
		if sh.Expiry == "" {
			sh.Expiry = s.Expires(sh.Lot)
		}
		if e.Delta > 0 {
			s.come(e.Place, good(e.Stage), e.Serials)
		} else {
			s.leave(e.Place, good(e.Stage), e.Serials)
			s.over(e.Place, good(e.Stage))
		}
	case StockTransferred:
		stage := cmp.Or(e.Stage, Free)
		s.carry(e.From, e.To, stage, stage, e.Qty)
		s.along(e.From, good(stage), e.To, good(stage), e.Serials)
	case StockPutAway:
		s.carry(e.From, e.To, e.Stage, Free, e.Qty)
		s.along(e.From, good(e.Stage), e.To, true, e.Serials)
	case StockStatusChanged:
		s.put(s.at(e.Place), e.From, -e.Qty)
		s.put(s.at(e.Place), e.To, e.Qty)
		s.along(e.Place, good(e.From), e.Place, good(e.To), e.Serials)
		if e.From == Suspect {
			s.at(e.Place).Counting = false
		}
	case CountRequested:
		s.at(e.Place).Counting = true
	case StockReassigned, ReplenishmentAsked, PutAwayDirected, PutAwayDeferred: // the same goods at the same place
	case StockCounted:
		sh := s.at(e.Place)
		sh.Counting, sh.Counted = e.Unsettled > 0, e.At
	default:
		return s, event.Unexpected("stock", e)
	}
	if err := s.sound(); err != nil {
		return Stock{}, err
	}
	s.Shelves = slices.DeleteFunc(s.Shelves, func(sh Shelf) bool {
		if sh.Total() > 0 {
			return false
		}
		s.leaves(sh)
		return true
	})
	if s.Picked+s.Packed+s.Staged == 0 {
		s.Dates, s.Loose = nil, nil
	}
	return s, nil
}

// at is the shelf of p in a slice that is already s's own.
func (s *Stock) at(p Place) *Shelf {
	i, ok := s.find(p)
	if !ok {
		s.Shelves = slices.Insert(s.Shelves, i, Shelf{Place: p})
	}
	return &s.Shelves[i]
}

// carry moves goods of a stage to where they are in another, or the same, with their age and expiry.
func (s *Stock) carry(from, to Place, stage, then string, qty int64) {
	was := *s.at(from)
	s.put(s.at(from), stage, -qty)
	sh := s.at(to)
	s.put(sh, then, qty)
	if sh.Since.IsZero() || was.Since.Before(sh.Since) {
		sh.Since = was.Since
	}
	if sh.Expiry == "" {
		sh.Expiry = was.Expiry
	}
}

func (s *Stock) put(sh *Shelf, stage string, qty int64) {
	if n := sh.stage(stage); n != nil {
		*n += qty
	}
}

func (s *Stock) loose(stage string, qty int64) {
	switch stage {
	case Picked:
		s.Picked += qty
	case Packed:
		s.Packed += qty
	case Staged:
		s.Staged += qty
	}
}

// sound refuses a state that the floors cannot have let happen.
func (s *Stock) sound() error {
	bad := s.Promised < 0 || s.Picked < 0 || s.Packed < 0 || s.Staged < 0
	for i := range s.Shelves {
		sh := &s.Shelves[i]
		bad = bad || sh.Free < 0 || sh.Allocated < 0 || sh.Held < 0 || sh.Damaged < 0 || sh.Suspect < 0 || sh.Received < 0
	}
	if bad {
		return fault.At("inventory.Apply", fault.Internal, s.Book(), errors.New("a quantity fell below zero"))
	}
	return nil
}

// ShortageError says that stock cannot give what was asked for.
type ShortageError struct {
	Item      string
	Asked     int64
	Available int64
}

func (e *ShortageError) Error() string {
	return fmt.Sprintf("item %s: %d asked for, %d available", e.Item, e.Asked, e.Available)
}
