package ship_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
)

var postageAt = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func askPostage() ship.AskPostage {
	p := validParcel()
	return ship.AskPostage{
		Scope: scope.Scope{Tenant: "t", Owner: "acme", Facility: "east"}, ID: "P-1", Weight: measure.Kilogram,
		Parties: ship.PostageParties{From: p.From, To: p.To},
	}
}

func sold(tracking string) ship.BoughtPostage {
	return ship.BoughtPostage{Connection: "ups", Service: "03", Tracking: tracking, Shipment: "S-" + tracking}
}

func postageAfter(t interface{ Fatal(...any) }, p ship.Postage, events []event.Event, err error) ship.Postage {
	if err == nil {
		p, err = ship.PostageFold.Replay(p, events...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPostageRefusesWhatFitsNothing(t *testing.T) {
	t.Parallel()
	for place, spoil := range map[string]func(*ship.AskPostage){
		"weight_mg":  func(c *ship.AskPostage) { c.Weight = 0 },
		"to.country": func(c *ship.AskPostage) { c.Parties.To.Country = "usa" },
		"from.city":  func(c *ship.AskPostage) { c.Parties.From.City = "" },
		"format":     func(c *ship.AskPostage) { c.Format = "EPL" },
		"postage":    func(c *ship.AskPostage) { c.ID = "" },
	} {
		c := askPostage()
		spoil(&c)
		if _, err := (ship.Postage{}).Ask(c, postageAt); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v", place, err)
		}
	}
	if _, err := (ship.Postage{}).Void(ship.VoidPostage{Reason: "x"}, postageAt); fault.KindOf(err) != fault.Rejected || err == nil {
		t.Errorf("of what was never asked for: %v", err)
	}
	var p ship.Postage
	events, err := p.Ask(askPostage(), postageAt)
	p = postageAfter(t, p, events, err)
	if _, err := p.Void(ship.VoidPostage{}, postageAt); fault.KindOf(err) != fault.Invalid || err == nil {
		t.Errorf("without a reason: %v", err)
	}
	p = postageAfter(t, p, p.Refuse("ups", "no", postageAt), nil)
	if _, err := p.Void(ship.VoidPostage{Reason: "x"}, postageAt); fault.KindOf(err) != fault.Rejected || err == nil {
		t.Errorf("of what nobody sold: %v", err)
	}
	if _, err := p.Buy(sold("1Z1"), postageAt); fault.KindOf(err) != fault.Rejected || err == nil {
		t.Errorf("sold after it was refused: %v", err)
	}
}

// Whatever comes in whatever order, a postage has one label at most, what is said twice is said once,
// and what it says last is where it stands.
func TestAPostageHasOneLabelAtMost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var p ship.Postage
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			var events []event.Event
			var err error
			before := p
			step := rapid.IntRange(0, 5).Draw(t, "step")
			n := rapid.SampledFrom([]string{"1Z1", "1Z2"}).Draw(t, "label")
			act := func() {
				switch step {
				case 0:
					events, err = p.Ask(askPostage(), postageAt)
				case 1:
					events, err = p.Buy(sold(n), postageAt)
				case 2:
					events, err = p.Refuse("ups", "no", postageAt), nil
				case 3:
					events, err = p.Void(ship.VoidPostage{Reason: "x"}, postageAt)
				case 4:
					events, err = p.Voided(n, postageAt), nil
				case 5:
					events, err = p.Keep(n, "scanned", postageAt), nil
				}
			}
			act()
			if err != nil {
				continue
			}
			if p, err = ship.PostageFold.Replay(p, events...); err != nil {
				t.Fatal(err)
			}
			act()
			if len(events) > 0 && err == nil && step != 3 {
				t.Fatalf("step %d again is an event again: %+v", step, events)
			}
			if before.Tracking != "" && p.Tracking != before.Tracking {
				t.Fatalf("label %s became %s", before.Tracking, p.Tracking)
			}
			if (p.Status == ship.PostageIsBought) && p.Tracking == "" || p.Status == ship.PostageIsRefused && p.Tracking != "" {
				t.Fatalf("it is %s with label %q", p.Status, p.Tracking)
			}
		}
	})
}
