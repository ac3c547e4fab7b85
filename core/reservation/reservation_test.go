package reservation_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/reservation"
	"github.com/paklog/hub/core/scope"
)

var (
	at  = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	key = inventory.BookKey{Scope: scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}, Item: "MUG"}
)

func good() reservation.Place {
	return reservation.Place{BookKey: key, ID: "R-1", Kind: reservation.Hard, Qty: 5, Expires: at.Add(time.Hour)}
}

func placed(t testing.TB) reservation.Reservation {
	return next(t, reservation.Reservation{}, func(r reservation.Reservation) ([]event.Event, error) {
		return r.Place(good(), []reservation.Piece{{Place: inventory.Place{Location: "A"}, Qty: 3}, {Place: inventory.Place{Location: "B"}, Qty: 2}}, at)
	})
}

func next(t testing.TB, r reservation.Reservation, f func(reservation.Reservation) ([]event.Event, error)) reservation.Reservation {
	t.Helper()
	evs, err := f(r)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = reservation.Fold.Replay(r, evs...); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestItEndsWithItsLastPiece(t *testing.T) {
	r := next(t, placed(t), func(r reservation.Reservation) ([]event.Event, error) {
		return r.Reduce(reservation.Reduce{Qty: 4, Reason: reservation.Consumed, Order: "SO-1"}, at)
	})
	if r.Qty != 1 || len(r.Pieces) != 1 || r.Pieces[0].Location != "B" || r.Status() != "held" {
		t.Fatalf("%+v", r)
	}
	for _, early := range []time.Time{at, r.Expires.Add(-1)} {
		if evs, err := r.Expire(early); len(evs) != 0 || err != nil {
			t.Errorf("expired at %s: %v, %v", early, evs, err)
		}
	}
	late := next(t, r, func(r reservation.Reservation) ([]event.Event, error) {
		return r.Extend(reservation.Extend{Expires: at.Add(2 * time.Hour)}, at)
	})
	if evs, _ := late.Expire(at.Add(time.Hour)); len(evs) != 0 {
		t.Error("an extended one ended at its old end")
	}
	end := next(t, r, func(r reservation.Reservation) ([]event.Event, error) { return r.Expire(r.Expires) })
	if end.Qty != 0 || len(end.Pieces) != 0 || end.Status() != reservation.Expired {
		t.Errorf("%+v", end)
	}
	if evs, err := end.Expire(at.Add(24 * time.Hour)); len(evs) != 0 || err != nil {
		t.Errorf("ended twice: %v, %v", evs, err)
	}
	if evs, err := placed(t).Place(good(), nil, at); len(evs) != 0 || err != nil {
		t.Errorf("the same again: %v, %v", evs, err)
	}
}

func TestReservationsAreRefusedWithPlace(t *testing.T) {
	for place, change := range map[string]func(*reservation.Place){
		"item":        func(c *reservation.Place) { c.Item = "" },
		"reservation": func(c *reservation.Place) { c.ID = "" },
		"reference":   func(c *reservation.Place) { c.Reference = " x" },
		"kind":        func(c *reservation.Place) { c.Kind = "firm" },
		"qty":         func(c *reservation.Place) { c.Qty = 0 },
		"priority":    func(c *reservation.Place) { c.Priority = 10 },
		"lot":         func(c *reservation.Place) { c.Kind, c.Lot = "", "L1" },
		"expires":     func(c *reservation.Place) { c.Expires = at },
	} {
		c := good()
		change(&c)
		if evs, err := (reservation.Reservation{}).Place(c, nil, at); len(evs) != 0 || fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v, %v", place, evs, err)
		}
	}
	r := placed(t)
	other := good()
	other.Qty = 4
	end := next(t, r, func(r reservation.Reservation) ([]event.Event, error) {
		return r.Reduce(reservation.Reduce{Reason: reservation.Released}, at)
	})
	for name, do := range map[string]func() ([]event.Event, error){
		"another of the name": func() ([]event.Event, error) { return r.Place(other, nil, at) },
		"more than it holds":  func() ([]event.Event, error) { return r.Reduce(reservation.Reduce{Qty: 6, Reason: "x"}, at) },
		"less than nothing":   func() ([]event.Event, error) { return r.Reduce(reservation.Reduce{Qty: -1, Reason: "x"}, at) },
		"an ended one":        func() ([]event.Event, error) { return end.Reduce(reservation.Reduce{Reason: "x"}, at) },
		"extending an ended":  func() ([]event.Event, error) { return end.Extend(reservation.Extend{Expires: at.Add(time.Hour)}, at) },
		"one that is not":     func() ([]event.Event, error) { return reservation.Reservation{}.Extend(reservation.Extend{}, at) },
	} {
		if evs, err := do(); len(evs) != 0 || fault.KindOf(err) != fault.Rejected {
			t.Errorf("%s: %v, %v", name, evs, err)
		}
	}
	if _, err := r.Extend(reservation.Extend{Expires: at.Add(reservation.MaxTerm + 1)}, at); fault.PlaceOf(err) != "expires" {
		t.Errorf("for ever: %v", err)
	}
	if _, err := r.Reduce(reservation.Reduce{}, at); fault.PlaceOf(err) != "reason" {
		t.Errorf("no reason: %v", err)
	}
	if _, err := reservation.Fold.Replay(r, reservation.Reduced{Qty: 6}); fault.KindOf(err) != fault.Internal {
		t.Errorf("more than was held: %v", err)
	}
}

// What is held and what was taken is what was placed, whatever is taken in whatever order.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pieces []reservation.Piece
		c := good()
		c.Qty = 0
		for i := range rapid.IntRange(1, 4).Draw(t, "pieces") {
			p := reservation.Piece{Place: inventory.Place{Location: string(rune('A' + i))}, Qty: rapid.Int64Range(1, 9).Draw(t, "qty")}
			pieces, c.Qty = append(pieces, p), c.Qty+p.Qty
		}
		evs, err := reservation.Reservation{}.Place(c, pieces, at)
		if err != nil {
			t.Fatal(err)
		}
		r, _ := reservation.Fold.Replay(reservation.Reservation{}, evs...)
		var taken int64
		for r.Qty > 0 {
			evs, err := r.Reduce(reservation.Reduce{Qty: rapid.Int64Range(-1, r.Qty+1).Draw(t, "take"), Reason: "x"}, at)
			if err != nil {
				continue
			}
			e := evs[0].(reservation.Reduced)
			var there int64
			for _, p := range e.Pieces {
				there += p.Qty
			}
			if r, err = reservation.Fold.Replay(r, evs...); err != nil || there != e.Qty {
				t.Fatalf("%+v: %v", e, err)
			}
			var left int64
			for _, p := range r.Pieces {
				left += p.Qty
			}
			if taken += e.Qty; taken+r.Qty != c.Qty || left != r.Qty {
				t.Fatalf("%d taken, %d left, %d at places, of %d", taken, r.Qty, left, c.Qty)
			}
		}
	})
}
