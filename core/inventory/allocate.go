package inventory

import (
	"cmp"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
)

// View is what places are chosen from. Balance and Usable may be nil: then the
// Stock's own quantities count, and every location is usable.
type View struct {
	Stock   Stock
	Balance Balance
	Usable  func(location string) bool // not blocked, and meant to be picked from
}

// Why a place was taken.
const (
	BecauseOnly     = "only_place"
	BecauseOldest   = "oldest_receipt"
	BecauseExpiry   = "earliest_expiry"
	BecauseEmpties  = "empties_place" // all that lies there is taken
	BecauseCovers   = "covers_rest"   // the smallest place that holds the rest
	SkippedCounting = "awaits_count"
	SkippedBlocked  = "location_not_usable"
	SkippedLot      = "other_lot"
	SkippedExpired  = "expired"
	SkippedTooSoon  = "expires_too_soon"
)

// toldSkipped is how many passed-over places a [Why] tells of.
const toldSkipped = 3

// Decide chooses places for promised goods and says of each why. The floors of the
// promise and of each place refuse what a stale view got wrong; then the caller
// decides again on a fresh one. Expired goods are never chosen.
func (c Allocate) Decide(v View, at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Allocate", c.BookKey, at)
	if c.Strategy == "" {
		c.Strategy = FIFO
	}
	d.qty("qty", c.Qty)
	d.optional("lot", c.Lot)
	if err := c.MinExpiry.Validate(); err != nil {
		d.bad("min_expiry", "%w", err)
	}
	if c.Strategy != FIFO && c.Strategy != FEFO && c.Strategy != FullFirst {
		d.bad("strategy", "%q is not %s, %s or %s", c.Strategy, FIFO, FEFO, FullFirst)
	}
	if d.err != nil {
		return d.done()
	}
	usable, skipped := c.candidates(v, d.post.book, Date(at.UTC().Format(time.DateOnly)))
	left := c.Qty
	for rest := usable; left > 0 && len(rest) > 0; rest = rest[1:] {
		because := c.next(rest, left)
		sh := rest[0]
		if len(usable) == 1 {
			because = BecauseOnly
		}
		take := min(left, sh.Free)
		left -= take
		d.move(take, sh.In(Free), sh.In(Allocated))
		d.post.move(take, Promised, Unallocated)
		d.emit(StockAllocated{d.head, c.For, sh.Place, take, Why{c.Strategy, because, len(usable), skipped}})
	}
	if left > 0 && !c.Partial {
		d.err = fault.At(d.op, fault.Rejected, "qty", &ShortageError{c.Item, c.Qty, c.Qty - left})
	}
	return d.done()
}

// candidates are the shelves that may be taken from, oldest or soonest to expire
// first, and the first few that may not.
func (c Allocate) candidates(v View, book string, today Date) ([]Shelf, []Skipped) {
	shelves := slices.Clone(v.Stock.Shelves)
	if v.Balance != nil {
		for i := range shelves {
			shelves[i].Free = v.Balance(book, shelves[i].In(Free).String())
		}
	}
	slices.SortStableFunc(shelves, func(a, b Shelf) int {
		byAge := cmp.Or(a.Since.Compare(b.Since), comparePlaces(a.Place, b.Place))
		if c.Strategy != FEFO {
			return byAge
		}
		return cmp.Or(cmp.Compare(lastIfNone(a.Expiry), lastIfNone(b.Expiry)), byAge)
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

// next brings the shelf to be taken from to the front of rest and says why it is
// that one.
func (c Allocate) next(rest []Shelf, left int64) string {
	switch c.Strategy {
	case FEFO:
		return BecauseExpiry
	case FIFO:
		return BecauseOldest
	}
	best, because := -1, BecauseEmpties
	for i, sh := range rest {
		if sh.Free <= left && (best < 0 || sh.Free > rest[best].Free) {
			best = i
		}
	}
	if best < 0 { // every place holds more than is needed
		best, because = 0, BecauseCovers
		for i, sh := range rest {
			if sh.Free < rest[best].Free {
				best = i
			}
		}
	}
	sh := rest[best]
	copy(rest[1:best+1], rest[:best])
	rest[0] = sh
	return because
}
