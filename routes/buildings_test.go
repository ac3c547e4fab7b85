package routes

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
)

func TestABuildingThatNobodyKnowsIsRefusedAtEveryDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) { c.Facilities = []string{"west"} })
		defer r.stop()
		mars, west := site, site
		mars.Facility, west.Facility = "mars", "west"
		order := place("SO-1", lines("SKU-1", 1))
		order.Scope = mars
		for name, ask := range map[string]door.Ask{
			door.Orders: {Scope: mars, ID: "SO-1", Cmd: order},
			door.Master: {Scope: mars, ID: "SKU-1", Cmd: item.Register{Spec: item.Spec{Units: []item.Unit{{UOM: "each", Factor: 1}}}}},
			door.Stock:  {Scope: mars, ID: "SKU-1", Cmd: inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 1}},
			door.Waves:  {Scope: mars, ID: "W-1", Cmd: wave.Plan{}},
			door.Floor:  {Scope: mars, ID: "T1-SO-1", Cmd: task.Claim{Worker: "ann"}},
		} {
			_, err := r.ask(name, ask)
			if fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != "facility" || !strings.Contains(err.Error(), `"mars"`) || !strings.Contains(err.Error(), "east, west") {
				t.Errorf("%s: %v", name, err)
			}
		}
		// An order may name it where the door was asked for another.
		if _, err := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: order}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a door asked for one building took an order for another: %v", err)
		}
		if n := len(r.count()); n != 0 {
			t.Errorf("something was written: %v", r.count())
		}

		if _, err := r.ask(door.Master, door.Ask{Scope: west, ID: "P-1", Cmd: location.Register{Spec: location.Spec{Purpose: location.Pick}}}); err != nil {
			t.Errorf("the other building: %v", err)
		}
	})
}
