package inventory

import (
	"fmt"
	"strings"
	"time"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/scope"
)

// BookKey is one owner's item in one building: what a stock book is kept for.
type BookKey struct {
	scope.Scope
	Item string `json:"item"`
}

// Book is the posting book of the key.
func (k BookKey) Book() string { return k.Scope.Book(k.Item) }

// Stream is the stock stream of the key.
func (k BookKey) Stream() string { return "stock/" + k.Book() }

// Key orders messages about the key.
func (k BookKey) Key() string { return k.Book() }

// Validate refuses a key that cannot be a name.
func (k BookKey) Validate() error {
	if err := k.Scope.Validate(); err != nil {
		return err
	}
	if err := scope.CheckPart(k.Item); err != nil {
		return fault.At("inventory.BookKey", fault.Invalid, "item", err)
	}
	return nil
}

// Stages of goods. Free goods may be allocated; the others are spoken for, on
// their way, or not to be sold.
const (
	Free      = "free"
	Allocated = "allocated" // still in its location, hard reserved
	Picked    = "picked"    // in a tote, on the way to packing
	Packed    = "packed"    // in a closed carton
	Staged    = "staged"    // in a closed carton at the dock
	Held      = "held"      // quality hold, quarantine
	Damaged   = "damaged"
	Suspect   = "suspect"  // a picker did not find it: a count decides
	Received  = "received" // at the dock, and not promised before it is put away
)

// Account is where goods are: stage, location, lot and LPN (tote or carton) of
// one book. Its balance may never fall below zero.
type Account struct {
	Stage    string `json:"stage"`
	Location string `json:"location,omitempty"`
	Lot      string `json:"lot,omitempty"`
	LPN      string `json:"lpn,omitempty"`
}

func (a Account) String() string { return scope.Join(a.Stage, a.Location, a.Lot, a.LPN) }

// ParseAccount is the inverse of [Account.String]. Accounts that are not places
// of goods (see [ATP], [Promised], [Unallocated], [World]) are refused.
func ParseAccount(name string) (Account, error) {
	p, err := scope.Split(name)
	if err != nil {
		return Account{}, err
	}
	if len(p) != 4 || !physical(p[0]) {
		return Account{}, fault.At("inventory.ParseAccount", fault.Invalid, name, fmt.Errorf("is not stage/location/lot/lpn"))
	}
	return Account{p[0], p[1], p[2], p[3]}, nil
}

func physical(stage string) bool {
	switch stage {
	case Free, Allocated, Picked, Packed, Staged, Held, Damaged, Suspect, Received:
		return true
	}
	return false
}

// Accounts of a book that are not places. At all times
//
//	balance(ATP) + balance(Promised) + balance(Unallocated) = 0
//	-balance(Unallocated) = sum of the balances of all free accounts
//
// so what is promised is always covered by goods that nobody else was given.
const (
	ATP         = "atp"         // available to promise, floor 0: this is what cannot be oversold
	Promised    = "promised"    // soft reserved, not yet allocated; floor 0
	Unallocated = "unallocated" // mirror of the free goods, without floor
)

// World is the account on the other side of the door: goods come from it and
// leave to it. It has no floor.
func World(why string) string { return scope.Join("world", why) }

// SerialState is the account of one serial-numbered unit for where it is. At all times its
// four accounts sum to zero: it is on a shelf, good or not, or out (in a tote or carton), or
// away. The floors let it come in once, leave a shelf once and leave the building once, whoever
// says so, and nobody pick one that is not good.
func SerialState(where, serial string) string { return scope.Join(where, serial) }

// Where a serial-numbered unit is.
const (
	SerialShelf = "serial"
	SerialHeld  = "serial-held" // on a shelf, and held or damaged; books older than this have those under SerialShelf
	SerialOut   = "serial-out"
	SerialAway  = "serial-away" // not in the building: floor -1, for it is here once at most
)

// IsSerial reports whether an account is that of a serial-numbered unit: its amounts are no
// goods of their own.
func IsSerial(account string) bool {
	where, _, _ := strings.Cut(account, "/")
	return where == SerialShelf || where == SerialHeld || where == SerialOut || where == SerialAway
}

// SerialOn is where a serial-numbered unit is that lies on a shelf in a stage.
func SerialOn(stage string) string {
	if stage == Held || stage == Damaged {
		return SerialHeld
	}
	return SerialShelf
}

// Why goods cross the door.
const (
	Supplier   = "supplier"
	Customer   = "customer"
	Adjustment = "adjustment"
	Opening    = "opening"
	Return     = "return"
)

// Balance is the balance of an account as far as the caller knows it. It serves
// choices only and may be stale: floors are checked where the postings are applied.
type Balance func(book, account string) int64

// Place is where goods lie on a shelf.
type Place struct {
	Location string `json:"location"`
	Lot      string `json:"lot,omitempty"`
	LPN      string `json:"lpn,omitempty"`
}

// In is the account of the place for a stage.
func (p Place) In(stage string) Account { return Account{stage, p.Location, p.Lot, p.LPN} }

// Date is a calendar day, "2006-01-02"; "" is none. Days compare as strings.
type Date string

// Validate refuses what is not a day of the calendar.
func (d Date) Validate() error {
	if d == "" {
		return nil
	}
	if _, err := time.Parse(time.DateOnly, string(d)); err != nil {
		return fmt.Errorf("%q is not a day like 2026-11-23", string(d))
	}
	return nil
}

// Plus is the day so many days later; "" stays "".
func (d Date) Plus(days int) Date {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return d
	}
	return Date(t.AddDate(0, 0, days).Format(time.DateOnly))
}

// postings collects the postings of one book.
type postings struct {
	book string
	out  []journal.Posting
}

func (p *postings) move(qty int64, from, to string) {
	p.out = append(p.out,
		journal.Posting{Book: p.book, Account: from, Amount: -qty, Floor: floor(from)},
		journal.Posting{Book: p.book, Account: to, Amount: qty, Floor: floor(to)})
}

// free moves qty of free goods in (or, negative, out) as seen by the promises.
func (p *postings) free(qty int64) {
	if qty > 0 {
		p.move(qty, Unallocated, ATP)
	} else if qty < 0 {
		p.move(-qty, ATP, Unallocated)
	}
}

func floor(account string) int64 {
	if strings.HasPrefix(account, SerialAway+"/") {
		return -1
	}
	if account == Unallocated || len(account) > 6 && account[:6] == "world/" {
		return journal.NoFloor
	}
	return 0
}
