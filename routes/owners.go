package routes

import (
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/owner"
	"github.com/paklog/hub/core/scope"
)

// ownersKept says that a tenant's owners are master data: from the first one on.
type ownersKept struct {
	First string `json:"first"`
}

func ownersKey(s scope.Scope) string { return "owners/" + scope.Join(s.Tenant) }

// owner is one that may change without harm to what is decided on it.
func (d *decision) owner(s scope.Scope) owner.Owner {
	return peek(d, d.f.owners, owner.StreamOf(s))
}

// ownerKnown refuses goods and orders of an owner that nobody registered, where owners are
// registered at all.
func (d *decision) ownerKnown(op string, s scope.Scope) bool {
	if d.owner(s).Known() || d.err != nil || s.Validate() != nil { // a bad name is told by the command itself
		return d.err == nil
	}
	if _, kept := d.state(ownersKey(s), &ownersKept{}); kept {
		d.fail(missing(op, "owner", "owner "+s.Owner+" is not known: register it first"))
	}
	return d.err == nil
}

// ownerTakes refuses what is new to an owner that is not known, or is blocked.
func (d *decision) ownerTakes(op string, s scope.Scope) bool {
	if d.ownerKnown(op, s) && d.owner(s).Spec.Blocked {
		d.fail(missing(op, "owner", "owner "+s.Owner+" is blocked: nothing new is taken"))
	}
	return d.err == nil
}

// itemRules is an item's spec with what its owner says of all items that say nothing themselves.
func (d *decision) itemRules(s scope.Scope, sku string) item.Spec {
	return d.owner(s).Spec.For(d.itemSeen(s, sku).Spec)
}

// askOwner takes what is about an owner; done is false where the command is not.
func (d *decision) askOwner(a *door.Ask) (got answered, done bool, err error) {
	s := a.Scope
	if c, ok := a.Cmd.(owner.Register); ok && c.Scope != (scope.Scope{}) {
		s = c.Scope
	}
	var events []event.Event
	switch c := a.Cmd.(type) {
	case owner.Register:
		if err := checkOwner(c.Spec); err != nil {
			return answered{}, true, err
		}
		c.Scope = s
		o := load(d, d.f.owners, owner.StreamOf(s))
		if events, err = o.Register(c, d.m.Now); err == nil && !o.Known() {
			old, kept := d.state(ownersKey(s), &ownersKept{})
			if !kept {
				d.out.SetState(ownersKey(s), old, ownersKept{s.Owner})
			}
		}
	case owner.Change:
		if err := checkOwner(c.Spec); err != nil {
			return answered{}, true, err
		}
		events, err = load(d, d.f.owners, owner.StreamOf(s)).Change(c, d.m.Now)
	default:
		return answered{}, false, nil
	}
	add(d, d.f.owners, owner.StreamOf(s), events, err)
	return answered{d.owner(s), len(events) > 0}, true, d.err
}

// checkOwner refuses a strategy of allocation that nobody knows.
func checkOwner(s owner.Spec) error { return checkRotation(item.Spec{Rotation: s.Rotation}) }
