package routes

import (
	"fmt"

	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/gs1"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/scope"
)

// docked is what a building knows of a carton or pallet by its number alone: whose it is,
// and what it stands on and goes with. It changes in one unit with those.
type docked struct {
	Owner    string `json:"owner"`
	Order    string `json:"order,omitempty"` // "" is a pallet
	Pack     string `json:"pack,omitempty"`
	Pallet   string `json:"pallet,omitempty"`
	Load     string `json:"load,omitempty"`
	Manifest string `json:"manifest,omitempty"`
}

type heldDocked struct {
	docked
	old   journal.State
	dirty bool
}

func dockKey(s scope.Scope, sscc string) string {
	return "carton/" + scope.Join(s.Tenant, s.Facility, sscc)
}

// docked is a carton's state; keep it with changed. One that was never opened has no owner.
func (d *decision) docked(s scope.Scope, sscc string) *heldDocked {
	key := dockKey(s, sscc)
	if c := d.docks[key]; c != nil {
		return c
	}
	c := &heldDocked{}
	c.old, _ = d.stored(key)
	d.decoded(key, c.old, &c.docked)
	enter(&d.docks, key, c)
	return c
}

func (c *heldDocked) changed() { c.dirty = true }

// keepDocks writes the states that changed, in the order of their keys so that a re-run
// makes the same unit.
func (d *decision) keepDocks() {
	for _, key := range inOrder(d.docks) {
		if c := d.docks[key]; c.dirty {
			d.out.SetState(key, c.old, c.docked)
		}
	}
}

// number notes whose carton it is.
func (d *decision) number(s scope.Scope, sscc, order, pack string) {
	if d.err != nil {
		return
	}
	c := d.docked(s, sscc)
	c.docked.Owner, c.docked.Order, c.docked.Pack = s.Owner, order, pack
	c.changed()
}

// carton finds a carton by its number, and the scope of its owner.
func (d *decision) carton(s scope.Scope, sscc string) (*heldDocked, scope.Scope, bool) {
	const op = "routes.Carton"
	if err := gs1.CheckSSCC(sscc); err != nil {
		d.fail(fault.At(op, fault.Invalid, "carton", err))
		return nil, s, false
	}
	c := d.docked(s, sscc)
	if d.err == nil && c.Order == "" {
		d.fail(fault.At(op, fault.Rejected, "carton", fmt.Errorf("there is no carton %s in %s", sscc, s.Facility)))
	}
	s.Owner = c.Owner
	return c, s, d.err == nil
}
