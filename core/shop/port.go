package shop

import (
	"context"
	"time"
)

// Shop is the port to one shop: one connection of the configuration, one token, one set of
// limits. Adapters implement it and pass core/shop/shoptest. All methods may be called from
// several goroutines.
//
// No method tries twice: it makes one attempt and classifies what happened as a
// [github.com/paklog/hub/core/fault.Kind], as [github.com/paklog/hub/core/ship.Carrier] does.
// Unknown comes from Ship alone.
type Shop interface {
	// Read is the work that an id of the shop stands for as it is now: of an order all its parts, of
	// a part that part. None is a thing that the shop does not have, or that asks for no work. It
	// changes nothing and may be repeated.
	Read(ctx context.Context, id string) ([]Work, error)

	// Changed is a page of the work that changed at since or later, oldest change first; after is
	// the Next of the page before, "" for the first. It changes nothing and may be repeated. Work
	// that changes meanwhile may come twice or in the next walk: walk again from a little before.
	Changed(ctx context.Context, since time.Time, after string) (Page, error)

	// Ship tells what left, which writes to buyers and takes stock out of the shop's books. Only the
	// effect executor calls it. Unknown means that the shop may have taken it: ask Shipped first.
	Ship(ctx context.Context, s Shipment) (id string, err error)

	// Shipped answers "did it happen?" for a Ship of s that is Unknown.
	Shipped(ctx context.Context, s Shipment) (id string, found bool, err error)
}

// Page is a page of changed work. Next is "" behind the last. Unread is work that cannot be expressed:
// reading it by itself says why.
type Page struct {
	Work   []Work
	Unread []Unread
	Next   string
}

// Unread is a work that changed, and was not understood. Updated is zero where that cannot be read
// either. Where not even ID can, Why says what is wrong.
type Unread struct {
	ID      string
	Updated time.Time
	Why     string
}

// Answerer is the port to a shop that wants answers about its work. An answer that was given
// already is no error, so a lost one is Transient and is given again.
type Answerer interface {
	Answer(ctx context.Context, a Answer) error
}

// Stockist is the port to a shop whose stock we keep.
type Stockist interface {
	// Levels is what the shop says of items at a place. Items that it does not stock there are left out.
	Levels(ctx context.Context, location string, items []string) ([]Level, error)

	// SetLevels makes the shop say what set says. It reads first and writes only where the shop has
	// not changed its mind since: where it has, or the answer was lost, the error is Transient, and
	// calling again is safe. Items that the shop does not stock are left out and named in skipped.
	SetLevels(ctx context.Context, key string, set []Level) (skipped []string, err error)
}

// Counter is the port to a shop that can say how many orders changed at since or later.
type Counter interface {
	Count(ctx context.Context, since time.Time) (int, error)
}

// Checker is the port to a shop that is asked whether everything is set up for us. It changes nothing.
type Checker interface {
	Check(ctx context.Context, want Wanted) []Finding
}

// Wanted is what a connection wants of a shop.
type Wanted struct {
	Locations []string      // its places, by the shop's own names
	Stock     bool          // its stock is set
	Hooks     string        // the path that webhooks come to
	Poll      time.Duration // within which what no webhook tells is found
}

// Finding is something that a person should know or mend.
type Finding struct {
	Place string `json:"place"`
	Text  string `json:"text"`
	Stops bool   `json:"stops"` // nothing works until it is mended
}
