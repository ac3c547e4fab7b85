package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
)

// Settle makes the books of one place agree with what was counted there: everything on the
// shelf, goods with an order's name on them included, and nothing in totes or cartons.
type Settle struct {
	BookKey
	Place
	Counted int64
	Count   string // the count that it ends, "" for none
	Reason  string
	By      string
	// Good is the stage of good goods there, "" is [Free]: what is found after all becomes so.
	Good string
	// Tracking is what the item demands: which serial number is missing, no count says.
	Tracking item.Tracking
}

// Decide writes off what is missing and books what is too much. Suspect goods are what a
// count is for: they are found again, or written off first. Then free goods are written
// off, as far as nobody was promised them, then received, damaged and held ones. What would still be
// missing is spoken for: it is told as unsettled, and the place stays out of use.
func (c Settle) Decide(balance Balance, at time.Time) ([]event.Event, []journal.Posting, error) {
	d := decide("Settle", c.BookKey, at)
	d.place("", c.Place)
	d.part("reason", c.Reason)
	d.optional("count", c.Count)
	if c.Counted < 0 || c.Counted > MaxQty {
		d.bad("counted", "%d is not between 0 and %d", c.Counted, MaxQty)
	}
	good := cmp.Or(c.Good, Free)
	if good != Free && good != Received {
		d.bad("good", "%q is not %s or %s", good, Free, Received)
	}
	if d.err != nil {
		return d.done()
	}
	have := func(stage string) int64 { return max(0, balance(d.post.book, c.In(stage).String())) }
	free, suspect, held, damaged, received := have(Free), have(Suspect), have(Held), have(Damaged), have(Received)
	booked := free + suspect + held + damaged + received + have(Allocated)
	// missing counts what is not there; found are suspect goods that are.
	missing := booked - c.Counted
	if missing != 0 && c.Tracking.Serial {
		d.err = fault.At(d.op, fault.Rejected, "counted", fmt.Errorf("%d are booked, and item %s is tracked by serial number: adjust by those that are missing or too many", booked, c.Item))
		return d.done()
	}
	if found := min(suspect, suspect-missing); found > 0 {
		d.move(found, c.In(Suspect), c.In(good))
		if good == Free {
			d.post.free(found)
		}
		d.emit(StockStatusChanged{d.head, c.Place, Suspect, good, found, c.Reason, c.By, nil})
		suspect -= found
	}
	adjust := func(stage string, delta int64) {
		if delta > 0 {
			d.post.move(delta, World(Adjustment), c.In(stage).String())
		} else {
			d.post.move(-delta, c.In(stage).String(), World(Adjustment))
		}
		if stage == Free {
			d.post.free(delta)
		}
		d.emit(StockAdjusted{d.head, c.Place, stage, delta, c.Reason, c.By, nil})
	}
	if missing < 0 {
		adjust(good, -missing)
		missing = 0
	}
	for _, x := range [...]struct {
		stage string
		most  int64
	}{{Suspect, suspect}, {Free, max(0, min(free, balance(d.post.book, ATP)))}, {Received, received}, {Damaged, damaged}, {Held, held}} {
		if n := min(missing, x.most); n > 0 {
			adjust(x.stage, -n)
			missing -= n
		}
	}
	d.emit(StockCounted{d.head, c.Place, c.Count, booked, c.Counted, missing, c.By})
	return d.done()
}

// Quarantine holds free and received goods back, or gives held ones free again: all of a lot,
// of a location or of an LPN, wherever they lie. What is empty is not asked for; at least one of
// the three must be. AtDock says where what is released is to be put away first: nil is nowhere.
// With Serials as many units are meant as are named. Lasting holds back what comes in of the lot
// later, too, until a lasting release: no other frees goods of such a lot.
type Quarantine struct {
	BookKey
	Place
	AtDock  func(location string) bool
	Lasting bool
	Release bool
	Reason  string
	By      string
	Serials []string
	Kept    Kept
}

// Matches reports whether goods at p are meant.
func (c Quarantine) Matches(p Place) bool {
	return (c.Location == "" || c.Location == p.Location) && (c.Lot == "" || c.Lot == p.Lot) && (c.LPN == "" || c.LPN == p.LPN)
}

// Decide moves what is meant. Free goods of the item that were promised to orders stay free,
// wherever they lie: the floor of [ATP] holds, and left says how many of those meant are so.
func (c Quarantine) Decide(s Stock, balance Balance, at time.Time) (events []event.Event, posts []journal.Posting, left int64, err error) {
	d := decide("Quarantine", c.BookKey, at)
	if (c.Place == Place{}) {
		d.bad("lot", "say what is meant: a lot, a location or an LPN")
	}
	d.optional("location", c.Location)
	d.optional("lot", c.Lot)
	d.optional("lpn", c.LPN)
	d.part("reason", c.Reason)
	if c.Lasting && (c.Lot == "" || c.Location != "" || c.LPN != "") {
		d.bad("lot", "only a whole lot is held back everywhere")
	}
	if d.err != nil {
		return nil, nil, 0, d.err
	}
	wasHeld := s.LotHeld(c.Lot)
	most := max(0, balance(d.post.book, ATP))
	if c.Release {
		most = MaxQty
	}
	// A whole lot may be in totes and cartons, or only come: it is meant all the same.
	meant, named := c.Lasting && c.Release == wasHeld, c.Serials
	wanted := MaxQty
	if len(named) > 0 {
		wanted = int64(len(named))
	}
	change := func(p Place, from, to string, qty int64) {
		wanted -= qty
		var serials []string
		if n := min(int(qty), len(named)); n > 0 {
			serials, named = named[:n], named[n:]
		}
		d.serialsFrom(serials, qty, false, c.Kept.on(from), SerialOn(to))
		d.move(qty, p.In(from), p.In(to))
		d.emit(StockStatusChanged{d.head, p, from, to, qty, c.Reason, c.By, slices.Clone(serials)})
	}
	for _, sh := range s.Shelves {
		if !c.Matches(sh.Place) {
			continue
		}
		meant = true
		if c.Release && !c.Lasting && s.LotHeld(sh.Lot) && sh.Held > 0 {
			d.err = lotIsHeld(d.op, c.Item, sh.Lot)
			break
		}
		from, to := Free, Held
		if n := min(balance(d.post.book, sh.In(Received).String()), wanted); n > 0 && !c.Release {
			change(sh.Place, Received, Held, n)
		}
		if c.Release {
			if from, to = Held, Free; c.AtDock != nil && c.AtDock(sh.Location) {
				to = Received
			}
		}
		n := max(0, balance(d.post.book, sh.In(from).String()))
		take := min(n, most, wanted)
		left += n - take
		if !c.Release {
			left += max(0, balance(d.post.book, sh.In(Allocated).String()))
		}
		if take == 0 {
			continue
		}
		most -= take
		change(sh.Place, from, to, take)
		switch {
		case !c.Release:
			d.post.free(-take)
		case to == Free:
			d.post.free(take)
		}
	}
	if len(c.Serials) > 0 {
		left = 0 // no other is meant
	}
	if len(named) > 0 && meant {
		d.bad("serials", "has %d serial numbers more than units that may be moved", len(named))
	}
	if !meant {
		d.err = fault.At(d.op, fault.Rejected, "lot", &ShortageError{c.Item, 1, 0})
	}
	switch h := (StockLotHeld{d.head, c.Lot, c.Reason, c.By}); {
	case !c.Lasting || c.Release != wasHeld || len(c.Serials) > 0:
	case c.Release:
		d.out = slices.Insert(d.out, 0, event.Event(StockLotReleased(h)))
	default:
		d.out = slices.Insert(d.out, 0, event.Event(h))
	}
	events, posts, err = d.done()
	return events, posts, left, err
}

func lotIsHeld(op, item, lot string) error {
	return fault.At(op, fault.Rejected, "lot", fmt.Errorf("lot %s of item %s is held back everywhere: release the whole lot first", lot, item))
}

// KeepHeld holds back what an event has brought to a shelf of a lot that is held back everywhere.
// Where somebody freed goods of it that were held, that is Rejected.
func KeepHeld(s Stock, e event.Event, by string, at time.Time) ([]event.Event, []journal.Posting, error) {
	c := ChangeStatus{From: Free, To: Held, Reason: SkippedLotHeld, By: by}
	switch e := e.(type) {
	case StockReceived:
		c.BookKey, c.Place, c.From, c.Qty, c.Serials = e.BookKey, e.Place, e.Stage, e.Qty, e.Serials
	case StockPutBack:
		c.BookKey, c.Place, c.From, c.Qty, c.Serials = e.BookKey, e.To, cmp.Or(e.Stage, Free), e.Qty, e.Serials
	case StockDeallocated:
		if c.BookKey, c.Place, c.Qty = e.BookKey, e.Place, e.Qty; e.Keep {
			return nil, nil, nil // promised to the line, which is given others
		}
	case StockAdjusted:
		c.BookKey, c.Place, c.From, c.Qty, c.Serials = e.BookKey, e.Place, e.Stage, e.Delta, e.Serials
	case StockStatusChanged:
		c.BookKey, c.Place, c.From, c.Qty, c.Serials = e.BookKey, e.Place, e.To, e.Qty, e.Serials
		if e.From == Held && s.LotHeld(e.Lot) && (e.To == Free || e.To == Received) {
			return nil, nil, lotIsHeld("inventory.KeepHeld", e.Item, e.Lot)
		}
	}
	if c.Qty <= 0 || c.From != Free && c.From != Received || !s.LotHeld(c.Lot) {
		return nil, nil, nil
	}
	return c.Decide(at)
}

// Reassign gives allocated goods another purpose where they lie. Nothing moves and no
// account does: who holds what is the business of the orders on both sides.
type Reassign struct {
	BookKey
	Place
	From, To                 For
	Qty                      int64
	Reason                   string
	FromPriority, ToPriority int
}

// Decide says so.
func (c Reassign) Decide(at time.Time) ([]event.Event, error) {
	d := decide("Reassign", c.BookKey, at)
	d.qty("qty", c.Qty)
	d.place("", c.Place)
	d.part("reason", c.Reason)
	if c.From == c.To {
		d.bad("to", "is whom the goods are for already")
	}
	if d.err != nil {
		return nil, d.err
	}
	d.emit(StockReassigned{d.head, c.Place, c.From, c.To, c.Qty, c.Reason, c.FromPriority, c.ToPriority})
	return d.out, nil
}
