// Package reservation holds stock back for a purpose that is no order yet: a cart, a quote,
// a customer who will call. It ends by itself.
//
// A soft reservation is a promise of a quantity; a hard one has places. Either is stock that
// nobody else is promised, and its postings are those of package inventory.
package reservation

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/scope"
)

// Kinds of reservations.
const (
	Soft = "soft" // a quantity
	Hard = "hard" // with places
)

// MaxTerm is the longest that a reservation lasts.
const MaxTerm = 400 * 24 * time.Hour

// Piece is a quantity at a place.
type Piece struct {
	inventory.Place
	Qty int64 `json:"qty"`
}

// Place holds Qty back until Expires. Strategy and MinExpiry choose the places of a hard one.
type Place struct {
	inventory.BookKey
	ID        string
	Kind      string // "" is Soft
	Qty       int64
	Priority  int // 0 to 9, as of orders
	Expires   time.Time
	Reference string
	Lot       string
	MinExpiry inventory.Date
}

// Extend moves the end.
type Extend struct{ Expires time.Time }

// Reduce takes Qty out of it, 0 for all. Order is who gets it, "" where it is free again.
type Reduce struct {
	Qty    int64
	Reason string
	Order  string
	By     string
}

// Reasons of a reduction. Others may be given.
const (
	Expired  = "expired"
	Released = "released"
	Consumed = "consumed" // by the order that it was for
)

// Head is what every event of a reservation begins with.
type Head struct {
	inventory.BookKey
	ID string    `json:"reservation"`
	At time.Time `json:"at"`
}

// Stream is the stream of the reservation.
func (h Head) Stream() string { return StreamOf(h.Scope, h.ID) }

// Key orders messages about the reservation.
func (h Head) Key() string { return streamOf(h.Scope, h.ID).Key() }

func streamOf(s scope.Scope, id string) scope.Stream {
	return scope.Stream{Kind: "reservation", Tenant: s.Tenant, Owner: s.Owner, ID: id, Facility: s.Facility}
}

// StreamOf is the stream of a reservation.
func StreamOf(s scope.Scope, id string) string { return streamOf(s, id).String() }

// Placed says what is held back, and where for a hard one.
type Placed struct {
	Head
	Kind      string    `json:"kind"`
	Qty       int64     `json:"qty"`
	Priority  int       `json:"priority,omitempty"`
	Expires   time.Time `json:"expires"`
	Reference string    `json:"reference,omitempty"`
	Pieces    []Piece   `json:"pieces,omitempty"`
}

// Extended moves the end.
type Extended struct {
	Head
	Expires time.Time `json:"expires"`
}

// Reduced says what is no longer held back; with the last of it the reservation ends.
type Reduced struct {
	Head
	Qty    int64   `json:"qty"`
	Pieces []Piece `json:"pieces,omitempty"`
	Reason string  `json:"reason"`
	Order  string  `json:"order,omitempty"`
	By     string  `json:"by,omitempty"`
}

// EventType implements [event.Event].
func (Placed) EventType() string { return "stock.ReservationPlaced" }

// EventType implements [event.Event].
func (Extended) EventType() string { return "stock.ReservationExtended" }

// EventType implements [event.Event].
func (Reduced) EventType() string { return "stock.ReservationReduced" }

// Reservation is the state of one. The zero Reservation does not exist.
type Reservation struct {
	inventory.BookKey
	ID        string    `json:"reservation"`
	Kind      string    `json:"kind"`
	Qty       int64     `json:"qty"` // still held back
	Priority  int       `json:"priority,omitempty"`
	Expires   time.Time `json:"expires,omitzero"`
	Reference string    `json:"reference,omitempty"`
	Pieces    []Piece   `json:"pieces,omitempty"`
	Ended     string    `json:"ended,omitempty"` // why, once nothing is left
}

// Known reports whether it was ever placed.
func (r Reservation) Known() bool { return r.ID != "" }

// Status is where it stands: held, or why it ended.
func (r Reservation) Status() string {
	if r.Qty > 0 {
		return "held"
	}
	return r.Ended
}

// Fold makes a [Reservation].
var Fold = event.Fold[Reservation]{Kind: "reservation", Version: 1, Apply: apply}

func apply(r Reservation, e event.Event) (Reservation, error) {
	switch e := e.(type) {
	case Placed:
		return Reservation{
			BookKey: e.BookKey, ID: e.ID, Kind: e.Kind, Qty: e.Qty, Priority: e.Priority, Expires: e.Expires,
			Reference: e.Reference, Pieces: e.Pieces,
		}, nil
	case Extended:
		r.Expires = e.Expires
		return r, nil
	case Reduced:
		r.Qty -= e.Qty
		r.Pieces = minus(r.Pieces, e.Pieces)
		if r.Qty < 0 {
			return Reservation{}, fault.At("reservation.Apply", fault.Internal, r.ID, errors.New("more was taken than was held back"))
		}
		if r.Qty == 0 {
			r.Ended = e.Reason
		}
		return r, nil
	}
	return r, event.Unexpected("reservation", e)
}

// minus is what is left of the pieces, in a new slice.
func minus(pieces, taken []Piece) []Piece {
	out := slices.Clone(pieces)
	for _, t := range taken {
		for i := range out {
			if out[i].Place == t.Place {
				n := min(out[i].Qty, t.Qty)
				out[i].Qty -= n
				t.Qty -= n
			}
		}
	}
	return slices.DeleteFunc(out, func(p Piece) bool { return p.Qty == 0 })
}

// Place holds back. Pieces are what stock gave a hard one; that their sum is Qty is the
// caller's to see to. The same again is no event, another one of the name is Rejected.
func (r Reservation) Place(c Place, pieces []Piece, at time.Time) ([]event.Event, error) {
	const op = "reservation.Place"
	if err := c.Validate(at); err != nil {
		return nil, err
	}
	if c.Kind == "" {
		c.Kind = Soft
	}
	if r.Known() {
		if r.BookKey == c.BookKey && r.Kind == c.Kind && r.Reference == c.Reference && r.Qty == c.Qty && r.Expires.Equal(c.Expires) {
			return nil, nil
		}
		return nil, fault.At(op, fault.Rejected, "reservation", fmt.Errorf("reservation %s exists (%s) and differs: take another name, or extend it", c.ID, r.Status()))
	}
	return []event.Event{Placed{Head{c.BookKey, c.ID, at.UTC()}, c.Kind, c.Qty, c.Priority, c.Expires.UTC(), c.Reference, slices.Clone(pieces)}}, nil
}

// Validate says what is wrong with the command.
func (c Place) Validate(at time.Time) error {
	const op = "reservation.Place"
	bad := func(place, format string, a ...any) error {
		return fault.At(op, fault.Invalid, place, fmt.Errorf(format, a...))
	}
	if err := c.BookKey.Validate(); err != nil {
		return fault.Wrap(op, err)
	}
	if err := scope.CheckPart(c.ID); err != nil {
		return bad("reservation", "%w", err)
	}
	if c.Reference != "" {
		if err := scope.CheckPart(c.Reference); err != nil {
			return bad("reference", "%w", err)
		}
	}
	switch {
	case c.Kind != "" && c.Kind != Soft && c.Kind != Hard:
		return bad("kind", "%q is neither %s nor %s", c.Kind, Soft, Hard)
	case c.Qty < 1 || c.Qty > inventory.MaxQty:
		return bad("qty", "%d is not between 1 and %d", c.Qty, inventory.MaxQty)
	case c.Priority < 0 || c.Priority > 9:
		return bad("priority", "%d is not between 0 and 9", c.Priority)
	case c.Kind != Hard && (c.Lot != "" || c.MinExpiry != ""):
		return bad("lot", "a soft reservation has no places: ask for kind %s", Hard)
	}
	return checkTerm(op, c.Expires, at)
}

func checkTerm(op string, end, at time.Time) error {
	if !end.After(at) || end.Sub(at) > MaxTerm {
		return fault.At(op, fault.Invalid, "expires", fmt.Errorf("%s is not within %d days from now", end.UTC().Format(time.RFC3339), int(MaxTerm/(24*time.Hour))))
	}
	return nil
}

func (r Reservation) held(op string) error {
	switch {
	case !r.Known():
		return fault.At(op, fault.Rejected, "reservation", errors.New("there is no such reservation"))
	case r.Qty == 0:
		return fault.At(op, fault.Rejected, "reservation", fmt.Errorf("reservation %s has ended (%s): place a new one", r.ID, r.Ended))
	}
	return nil
}

func (r Reservation) head(at time.Time) Head { return Head{r.BookKey, r.ID, at.UTC()} }

// Extend moves the end, be it nearer; the same end is no event.
func (r Reservation) Extend(c Extend, at time.Time) ([]event.Event, error) {
	const op = "reservation.Extend"
	if err := r.held(op); err != nil {
		return nil, err
	}
	if err := checkTerm(op, c.Expires, at); err != nil {
		return nil, err
	}
	if r.Expires.Equal(c.Expires) {
		return nil, nil
	}
	return []event.Event{Extended{r.head(at), c.Expires.UTC()}}, nil
}

// Expire ends it where its end has come; before, and after another end, it is no event.
func (r Reservation) Expire(at time.Time) ([]event.Event, error) {
	if r.Qty == 0 || at.Before(r.Expires) {
		return nil, nil
	}
	return r.Reduce(Reduce{Reason: Expired}, at)
}

// Reduce takes from it; of a hard one the pieces in their order.
func (r Reservation) Reduce(c Reduce, at time.Time) ([]event.Event, error) {
	const op = "reservation.Reduce"
	if err := r.held(op); err != nil {
		return nil, err
	}
	if err := scope.CheckPart(c.Reason); err != nil {
		return nil, fault.At(op, fault.Invalid, "reason", err)
	}
	if c.Qty == 0 {
		c.Qty = r.Qty
	}
	if c.Qty < 0 || c.Qty > r.Qty {
		return nil, fault.At(op, fault.Rejected, "qty", fmt.Errorf("%d asked for, reservation %s holds %d", c.Qty, r.ID, r.Qty))
	}
	var pieces []Piece
	left := c.Qty
	for _, p := range r.Pieces {
		if n := min(left, p.Qty); n > 0 {
			pieces = append(pieces, Piece{p.Place, n})
			left -= n
		}
	}
	return []event.Event{Reduced{r.head(at), c.Qty, pieces, c.Reason, c.Order, c.By}}, nil
}
