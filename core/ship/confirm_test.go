package ship_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
)

var (
	confirmAt = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	dock      = scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}
)

func sscc(i int) string {
	s, err := pack.Numbering{Prefix: "0614141", Serial: int64(i)}.SSCC()
	if err != nil {
		panic(err)
	}
	return s
}

func carton(i int, qty int64) ship.ManifestCarton {
	return ship.ManifestCarton{Carton: ship.Manifested{
		Carton: sscc(i), Carrier: "ups", Tracking: fmt.Sprint("1Z", i), Weight: measure.Kilogram,
		Contents: []pack.Content{{Line: 1, Item: "X", Qty: qty}, {Line: 2, Item: "Y", Lot: "L", Qty: 1}},
	}}
}

func shipment(t *testing.T, s ship.Shipment, evs []event.Event, err error) ship.Shipment {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	s, err = ship.ConfirmFold.Replay(s, evs...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func planned(t *testing.T, cartons ...int) ship.Shipment {
	c := ship.PlanShipment{Scope: dock, Shipment: "SO-1", Order: "SO-1", Shorts: []ship.ShortLine{{Line: 1, Item: "X", Qty: 2}}}
	for _, i := range cartons {
		c.Cartons = append(c.Cartons, sscc(i))
	}
	evs, err := ship.Shipment{}.Plan(c, confirmAt)
	return shipment(t, ship.Shipment{}, evs, err)
}

func TestConfirmedWhenAllCartonsAreManifested(t *testing.T) {
	s := planned(t, 1, 2)
	evs, err := s.Manifest(carton(1, 3), confirmAt)
	if err != nil || len(evs) != 1 {
		t.Fatalf("confirmed with a carton missing: %v, %v", evs, err)
	}
	s = shipment(t, s, evs, nil)
	if evs, err := s.Manifest(carton(1, 3), confirmAt); err != nil || len(evs) != 0 {
		t.Fatalf("the same carton again: %v, %v", evs, err)
	}
	if _, err := s.Manifest(carton(1, 4), confirmAt); fault.KindOf(err) != fault.Rejected {
		t.Fatalf("the same carton with another content: %v", err)
	}
	evs, err = s.Manifest(carton(2, 4), confirmAt)
	if err != nil || len(evs) != 2 {
		t.Fatalf("%v, %v", evs, err)
	}
	c := evs[1].(ship.Confirmed)
	want := []ship.ConfirmedLine{{Line: 1, Item: "X", Qty: 7}, {Line: 2, Item: "Y", Lot: "L", Qty: 2}}
	if fmt.Sprint(c.Lines) != fmt.Sprint(want) || c.Supplement != 0 || len(c.Cartons) != 2 || len(c.Shorts) != 1 || c.Weight != 2*measure.Kilogram {
		t.Fatalf("%+v", c)
	}
	s = shipment(t, s, evs, nil)

	// A carton that comes late is told of, by itself, and the shorts not again.
	evs, err = s.Manifest(carton(3, 1), confirmAt)
	if err != nil || len(evs) != 2 {
		t.Fatalf("late carton: %v, %v", evs, err)
	}
	if c = evs[1].(ship.Confirmed); c.Supplement != 1 || len(c.Cartons) != 1 || len(c.Shorts) != 0 {
		t.Fatalf("late carton: %+v", c)
	}
	s = shipment(t, s, evs, nil)
	if _, err := s.Drop(ship.DropCarton{Carton: sscc(3), Reason: "x"}, confirmAt); fault.KindOf(err) != fault.Rejected {
		t.Errorf("a carton was dropped that has left: %v", err)
	}
}

func TestDroppingTheLastOneConfirmsTheOthers(t *testing.T) {
	s := planned(t, 1, 2)
	evs, err := s.Manifest(carton(1, 3), confirmAt)
	s = shipment(t, s, evs, err)
	evs, err = s.Drop(ship.DropCarton{Carton: sscc(2), Reason: "unpacked"}, confirmAt)
	if err != nil || len(evs) != 2 || len(evs[1].(ship.Confirmed).Cartons) != 1 {
		t.Fatalf("%v, %v", evs, err)
	}
	s = planned(t, 1)
	evs, err = s.Drop(ship.DropCarton{Carton: sscc(1), Reason: "cancelled"}, confirmAt)
	if err != nil || len(evs) != 1 {
		t.Fatalf("a shipment of nothing was confirmed: %v, %v", evs, err)
	}
	if evs, err := shipment(t, s, evs, nil).Drop(ship.DropCarton{Carton: sscc(1), Reason: "cancelled"}, confirmAt); err != nil || len(evs) != 0 {
		t.Errorf("dropped twice: %v, %v", evs, err)
	}
}

// TestEachCartonIsConfirmedOnce plans, manifests and drops in any order.
func TestEachCartonIsConfirmedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s ship.Shipment
		told := map[string]int{}
		for range 30 {
			i := rapid.IntRange(1, 6).Draw(t, "carton")
			var evs []event.Event
			var err error
			switch rapid.IntRange(0, 3).Draw(t, "do") {
			case 0:
				evs, err = s.Plan(ship.PlanShipment{Scope: dock, Shipment: "S", Order: "O", Cartons: []string{sscc(i)}}, confirmAt)
			case 1, 2:
				evs, err = s.Manifest(carton(i, 1), confirmAt)
			case 3:
				evs, err = s.Drop(ship.DropCarton{Carton: sscc(i), Reason: "x"}, confirmAt)
			}
			if err != nil {
				if len(evs) != 0 {
					t.Fatalf("%v, %v", evs, err)
				}
				continue
			}
			if s, err = ship.ConfirmFold.Replay(s, evs...); err != nil {
				t.Fatal(err)
			}
			for n, e := range evs {
				c, ok := e.(ship.Confirmed)
				if !ok {
					continue
				}
				if n != len(evs)-1 || c.Supplement != s.Confirmations-1 || len(c.Cartons) == 0 {
					t.Fatalf("%+v after %d confirmations", c, s.Confirmations)
				}
				for _, m := range c.Cartons {
					if told[m.Carton]++; told[m.Carton] > 1 {
						t.Fatalf("carton %s was told of twice", m.Carton)
					}
				}
			}
			// Never silent: what is ready only waits for something.
			if len(s.Ready) > 0 && len(s.Waiting) == 0 {
				t.Fatalf("%d cartons left and nobody was told", len(s.Ready))
			}
		}
	})
}

func TestConfirmRefuses(t *testing.T) {
	s := planned(t, 1)
	plan := ship.PlanShipment{Scope: dock, Shipment: "SO-1", Order: "SO-1", Cartons: []string{sscc(1)}}
	for name, c := range map[string]struct {
		place string
		do    func() ([]event.Event, error)
	}{
		"no cartons": {"cartons", func() ([]event.Event, error) { p := plan; p.Cartons = nil; return ship.Shipment{}.Plan(p, confirmAt) }},
		"no SSCC": {"cartons[0]", func() ([]event.Event, error) {
			p := plan
			p.Cartons = []string{"1"}
			return ship.Shipment{}.Plan(p, confirmAt)
		}},
		"named twice": {"cartons[1]", func() ([]event.Event, error) {
			p := plan
			p.Cartons = []string{sscc(1), sscc(1)}
			return ship.Shipment{}.Plan(p, confirmAt)
		}},
		"no order":      {"order", func() ([]event.Event, error) { p := plan; p.Order = ""; return ship.Shipment{}.Plan(p, confirmAt) }},
		"another order": {"order", func() ([]event.Event, error) { p := plan; p.Order = "SO-2"; return s.Plan(p, confirmAt) }},
		"unplanned":     {"shipment", func() ([]event.Event, error) { return ship.Shipment{}.Manifest(carton(1, 1), confirmAt) }},
		"empty carton": {"contents", func() ([]event.Event, error) {
			c := carton(1, 1)
			c.Carton.Contents = nil
			return s.Manifest(c, confirmAt)
		}},
		"nothing in it": {"contents[0].qty", func() ([]event.Event, error) { return s.Manifest(carton(1, 0), confirmAt) }},
		"misread": {"carton", func() ([]event.Event, error) {
			c := carton(1, 1)
			c.Carton.Carton = "006141410000000010"
			return s.Manifest(c, confirmAt)
		}},
		"no reason": {"reason", func() ([]event.Event, error) { return s.Drop(ship.DropCarton{Carton: sscc(1)}, confirmAt) }},
	} {
		if evs, err := c.do(); len(evs) != 0 || err == nil || fault.PlaceOf(err) != c.place {
			t.Errorf("%s: %v, place %q: %v", name, evs, fault.PlaceOf(err), err)
		}
	}
	if evs, err := s.Plan(plan, confirmAt); err != nil || len(evs) != 0 {
		t.Errorf("planned again: %v, %v", evs, err)
	}
}
