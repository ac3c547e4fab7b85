package inventory

import (
	"cmp"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
)

// View is what places are chosen from. Its functions may be nil: then the Stock's own
// quantities count, every location is usable, and none is for bulk.
type View struct {
	Stock   Stock
	Balance Balance
	Usable  func(location string) bool // not blocked, and meant to be picked from
	Bulk    func(location string) bool // whole pallets and cases are fetched from there
}

// Why a place was taken.
const (
	BecauseOnly      = "only_place"
	BecauseOldest    = "oldest_receipt"
	BecauseNewest    = "newest_receipt"
	BecauseExpiry    = "earliest_expiry"
	BecauseEmpties   = "empties_place" // all that lies there is taken
	BecauseCovers    = "covers_rest"   // the smallest place that holds the rest
	BecauseMost      = "holds_most"    // no place holds the rest, this one most of it
	BecauseSmallest  = "smallest_rest" // no place is emptied, this one has the smallest rest
	BecauseFullUnits = "full_units"    // whole units of the kind are taken
	SkippedCounting  = "awaits_count"
	SkippedBlocked   = "location_not_usable"
	SkippedLot       = "other_lot"
	SkippedLotHeld   = "lot_held"
	SkippedExpired   = "expired"
	SkippedTooSoon   = "expires_too_soon"
)

// toldSkipped is how many passed-over places a [Why] tells of.
const toldSkipped = 3

// Decide chooses places for promised goods and says of each why. The floors of the
// promise and of each place refuse what a stale view got wrong; then the caller
// decides again on a fresh one. Expired goods are never chosen.
func (c Allocate) Decide(v View, at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Allocate", c.BookKey, at)
	c.Strategy = cmp.Or(c.Strategy, FIFO)
	d.qty("qty", c.Qty)
	d.optional("lot", c.Lot)
	if err := c.MinExpiry.Validate(); err != nil {
		d.bad("min_expiry", "%w", err)
	}
	if err := CheckStrategy(c.Strategy); err != nil {
		d.bad("strategy", "%w", err)
	}
	if d.err != nil {
		return d.done()
	}
	rest, skipped := c.candidates(v, d.post.book, Date(at.UTC().Format(time.DateOnly)))
	considered := len(rest)
	left := c.Qty
	for left > 0 && len(rest) > 0 {
		p := c.next(v, rest, left)
		if considered == 1 && p.because != BecauseFullUnits {
			p.because = BecauseOnly
		}
		sh := &rest[p.at]
		left -= p.take
		d.move(p.take, sh.In(Free), sh.In(Allocated))
		d.post.move(p.take, Promised, Unallocated)
		d.emit(StockAllocated{d.head, c.For, sh.Place, p.take, Why{
			Strategy: c.Strategy, Because: p.because, Considered: considered, Skipped: skipped,
			Expiry: sh.Expiry, Since: sh.Since, UOM: p.uom, MinExpiry: c.MinExpiry, MinExpiryBy: c.MinExpiryBy,
		}})
		if sh.Free -= p.take; sh.Free == 0 {
			rest = slices.Delete(rest, p.at, p.at+1)
		}
	}
	if left > 0 && !c.Partial {
		d.err = fault.At(d.op, fault.Rejected, "qty", &ShortageError{c.Item, c.Qty, c.Qty - left})
	}
	return d.done()
}

// candidates are the shelves that may be taken from, in the order of their age or expiry,
// and the first few that may not.
func (c Allocate) candidates(v View, book string, today Date) ([]Shelf, []Skipped) {
	shelves := slices.Clone(v.Stock.Shelves)
	if v.Balance != nil {
		for i := range shelves {
			shelves[i].Free = v.Balance(book, shelves[i].In(Free).String())
		}
	}
	slices.SortStableFunc(shelves, func(a, b Shelf) int {
		byAge := cmp.Or(a.Since.Compare(b.Since), comparePlaces(a.Place, b.Place))
		switch c.Strategy {
		case FEFO:
			return cmp.Or(cmp.Compare(lastIfNone(a.Expiry), lastIfNone(b.Expiry)), byAge)
		case LIFO:
			return cmp.Or(b.Since.Compare(a.Since), comparePlaces(a.Place, b.Place))
		}
		return byAge
	})
	var usable []Shelf
	var skipped []Skipped
	for _, sh := range shelves {
		if sh.Free <= 0 {
			continue
		}
		if why := c.unfit(sh, v, today); why != "" {
			if len(skipped) < toldSkipped {
				skipped = append(skipped, Skipped{sh.Place, why})
			}
			continue
		}
		usable = append(usable, sh)
	}
	return usable, skipped
}

func lastIfNone(d Date) Date {
	if d == "" {
		return "9999-99-99"
	}
	return d
}

func (c Allocate) unfit(sh Shelf, v View, today Date) string {
	switch {
	case c.Lot != "" && sh.Lot != c.Lot:
		return SkippedLot
	case v.Stock.LotHeld(sh.Lot):
		return SkippedLotHeld
	case sh.Counting:
		return SkippedCounting
	case v.Usable != nil && !v.Usable(sh.Location):
		return SkippedBlocked
	case sh.Expiry != "" && sh.Expiry < today:
		return SkippedExpired
	case c.MinExpiry != "" && sh.Expiry < c.MinExpiry: // none recorded is too soon as well
		return SkippedTooSoon
	}
	return ""
}

// pick is what is taken next: how much of which of the places, and why.
type pick struct {
	at      int
	take    int64
	because string
	uom     string
}

// next chooses among places that all have something and stand in the order of their age.
func (c Allocate) next(v View, rest []Shelf, left int64) pick {
	p := pick{because: BecauseOldest}
	switch c.Strategy {
	case FEFO:
		p.because = BecauseExpiry
	case LIFO:
		p.because = BecauseNewest
	case FullFirst:
		if p.at, p.because = largest(rest, left), BecauseEmpties; p.at < 0 { // every place holds more than is needed
			p.at, p.because = smallest(rest), BecauseCovers
		}
	case FewestPicks:
		if p.at, p.because = covering(rest, left), BecauseCovers; p.at < 0 {
			p.at, p.because = largest(rest, left), BecauseMost
		}
	case PickToClean:
		if p.at, p.because = smallest(rest), BecauseEmpties; rest[p.at].Free > left {
			p.because = BecauseSmallest
		}
	case ByUnit:
		return c.byUnit(v, rest, left)
	}
	p.take = min(left, rest[p.at].Free)
	return p
}

// largest is the place with most of those that hold no more than n; -1 when none does.
func largest(rest []Shelf, n int64) int {
	best := -1
	for i, sh := range rest {
		if sh.Free <= n && (best < 0 || sh.Free > rest[best].Free) {
			best = i
		}
	}
	return best
}

// covering is the place with least of those that hold n; -1 when none does.
func covering(rest []Shelf, n int64) int {
	best := -1
	for i, sh := range rest {
		if sh.Free >= n && (best < 0 || sh.Free < rest[best].Free) {
			best = i
		}
	}
	return best
}

func smallest(rest []Shelf) int { return covering(rest, 0) }

// byUnit takes whole units of the largest kind that the rest still holds, from bulk first,
// and what is smaller than any from pick faces first.
func (c Allocate) byUnit(v View, rest []Shelf, left int64) pick {
	bulk := func(i int) bool { return v.Bulk != nil && v.Bulk(rest[i].Location) }
	for _, u := range (item.Spec{Units: c.Units}).Largest() {
		if u.Factor == 1 || u.Factor > left {
			continue
		}
		best := -1
		for i, sh := range rest {
			if sh.Free >= u.Factor && (best < 0 || bulk(i) && !bulk(best)) {
				best = i
			}
		}
		if best >= 0 {
			return pick{best, min(left, rest[best].Free) / u.Factor * u.Factor, BecauseFullUnits, u.UOM}
		}
	}
	best := 0
	for i := range rest {
		if !bulk(i) && bulk(best) {
			best = i
		}
	}
	p := pick{at: best, take: min(left, rest[best].Free), because: BecauseOldest}
	for _, u := range c.Units {
		if u.Factor == 1 {
			p.uom = u.UOM
		}
	}
	return p
}
