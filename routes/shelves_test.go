package routes

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/putaway"
	"github.com/paklog/hub/routes/eip"
)

// rooms is what an index knows of the building: what stands in it by place.
func (r *rig) rooms(x *shelfIndex) map[string]putaway.Place {
	r.t.Helper()
	var empty, shared []*putaway.Place
	looks := r.looks.Add(1)
	name := fmt.Sprint("door.look", looks)
	if err := r.hub.Add(Route{Name: name, About: "looks at shelves", Patterns: []string{eip.NameRequestReply}, Handle: func(ctx context.Context, m *Message) (*Out, error) {
		d := r.flows.decide(ctx, m)
		empty, shared = x.room(d, site, d.facility(site).Spec, false, nil)
		return m.Out(), d.err
	}}); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.hub.Call(r.t.Context(), name, nil); err != nil {
		r.t.Fatal(err)
	}
	out := map[string]putaway.Place{}
	for _, p := range empty {
		out["empty "+p.Location] = *p
	}
	for _, p := range shared {
		out["shared "+p.Location] = *p
	}
	return out
}

// knowsItsShelves holds what is remembered of places against what stands on the disk.
func (r *rig) knowsItsShelves() {
	r.t.Helper()
	if got, want := r.rooms(&r.flows.shelves), r.rooms(&shelfIndex{}); !maps.EqualFunc(got, want, func(a, b putaway.Place) bool { return reflect.DeepEqual(a, b) }) {
		r.t.Errorf("the index knows %v\nthe disk has %v", got, want)
	}
}

// What becomes of places is seen by who looks for room next: new ones, others by their zone, those
// that are blocked, filled, emptied, and moved along the walk.
func TestTheIndexOfShelvesFollowsWhatBecomesOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.dock("A")
		spec := func(at int64) location.Spec {
			return location.Spec{Purpose: location.Pick, Zone: "Z", Sequence: at}
		}
		r.must(door.Master, "P-1", location.Register{Spec: spec(1)})
		r.must(door.Master, "P-2", location.Register{Spec: spec(2)})
		r.knowsItsShelves() // which builds it
		for _, step := range []struct {
			name string
			door string
			id   string
			cmd  any
		}{
			{"a new place", door.Master, "P-3", location.Register{Spec: spec(3)}},
			{"its zone's storage type", door.Master, "east", facility.Register{Spec: facility.Spec{Zones: []facility.Zone{{Code: "Z", StorageType: "cold"}}}}},
			{"another place on the walk", door.Master, "P-1", location.Change{Spec: spec(9)}},
			{"goods come", door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-2"}, Qty: 5}},
			{"blocked", door.Master, "P-3", location.Block{Reason: "ice"}},
			{"no place of storage any more", door.Master, "P-1", location.Change{Spec: location.Spec{Purpose: location.Dock}}},
			{"unblocked", door.Master, "P-3", location.Unblock{}},
		} {
			t.Log(step.name)
			r.must(step.door, step.id, step.cmd)
			settle(time.Minute)
			r.knowsItsShelves()
		}
		if n := len(r.rooms(&r.flows.shelves)); n != 2 {
			t.Errorf("%d places of storage are known, want 2", n)
		}
		r.restart()
		r.knowsItsShelves()
		r.noLetters()
	})
}
