package owner_test

import (
	"strings"
	"testing"
	"time"

	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/owner"
	"github.com/paklog/hub/core/scope"
)

var (
	at   = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	acme = owner.Register{
		Scope: scope.Scope{Tenant: "t", Owner: "ACME", Facility: "DC1"},
		Spec:  owner.Spec{Title: "Acme", Rotation: "fefo", ShelfLife: item.ShelfLife{Receive: 60, Ship: 30}},
	}
)

func run(t *testing.T, o owner.Owner, events []event.Event, err error) owner.Owner {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	o, err = owner.Fold.Replay(o, events...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func known(t *testing.T) owner.Owner {
	t.Helper()
	events, err := owner.Owner{}.Register(acme, at)
	return run(t, owner.Owner{}, events, err)
}

func TestAnOwnerIsOneInAllBuildings(t *testing.T) {
	other := acme
	other.Facility = "DC2"
	o := known(t)
	if owner.StreamOf(acme.Scope) != owner.StreamOf(other.Scope) {
		t.Error("an owner has a stream for each building")
	}
	if events, err := o.Register(other, at); err != nil || len(events) != 0 {
		t.Errorf("registered again at another building: %v %v", events, err)
	}
	if o.Status() != owner.StatusActive || (owner.Owner{}).Status() != "" {
		t.Errorf("%q %q", o.Status(), owner.Owner{}.Status())
	}
}

func TestAnOwnerIsChangedOnPurposeAlone(t *testing.T) {
	o, blocked := known(t), acme
	blocked.Spec.Blocked = true
	if events, err := o.Register(blocked, at); len(events) != 0 || fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "owner" {
		t.Errorf("another spec of a known owner: %v %v", events, err)
	}
	blocked.Update = true
	events, err := o.Register(blocked, at)
	if o = run(t, o, events, err); o.Status() != owner.StatusBlocked {
		t.Errorf("%+v", o)
	}
	if events, err := o.Change(owner.Change{Spec: blocked.Spec}, at); err != nil || len(events) != 0 {
		t.Errorf("the same again: %v %v", events, err)
	}
	if _, err := (owner.Owner{}).Change(owner.Change{}, at); fault.KindOf(err) != fault.Rejected {
		t.Errorf("a change of nobody: %v", err)
	}
}

func TestABadOwnerIsRefusedAtItsPlace(t *testing.T) {
	for place, bad := range map[string]func(*owner.Register){
		"tenant":                  func(c *owner.Register) { c.Tenant = "" },
		"owner":                   func(c *owner.Register) { c.Owner = scope.Shared },
		"title":                   func(c *owner.Register) { c.Spec.Title = strings.Repeat("x", 257) },
		"rotation":                func(c *owner.Register) { c.Spec.Rotation = " fefo" },
		"shelf_life.receive_days": func(c *owner.Register) { c.Spec.ShelfLife.Receive = -1 },
		"shelf_life.ship_days":    func(c *owner.Register) { c.Spec.ShelfLife.Ship = 40_000 },
	} {
		c := acme
		bad(&c)
		if _, err := (owner.Owner{}).Register(c, at); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) != place {
			t.Errorf("%s: %v at %q", place, err, fault.PlaceOf(err))
		}
		if place == "tenant" || place == "owner" {
			continue
		}
		if _, err := known(t).Change(owner.Change{Spec: c.Spec}, at); fault.PlaceOf(err) != place {
			t.Errorf("%s: a change: %v", place, err)
		}
	}
}

func TestAnItemSaysMoreThanItsOwner(t *testing.T) {
	own := item.Spec{Rotation: "lifo", Tracking: item.Tracking{Expiry: true}, ShelfLife: item.ShelfLife{Ship: 5}}
	if got := acme.Spec.For(own); got.Rotation != "lifo" || got.ShelfLife != (item.ShelfLife{Receive: 60, Ship: 5}) {
		t.Errorf("%+v", got)
	}
	if got := acme.Spec.For(item.Spec{}); got.Rotation != "fefo" || got.ShelfLife != (item.ShelfLife{}) {
		t.Errorf("what does not expire: %+v", got)
	}
}
