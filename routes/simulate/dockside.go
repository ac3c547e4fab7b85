package simulate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/label"
	truckload "github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pallet"
	"github.com/paklog/hub/core/scan"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/routes"
)

// dockside is what stands at the dock, and the people who send it off: twice a day, half an hour
// before a cut-off.
type dockside struct {
	f         *floor
	manifests map[string]manifest.Head // that are open, by stream
	labelled  []labelled               // that no truck has taken
	trucks    int
	mover     *worker // who brings pallets to the dock
}

type labelled struct{ carrier, owner, order, sscc string }

// trucksLeave is when the day's two trucks are loaded.
var trucksLeave = []time.Duration{15*time.Hour + 30*time.Minute, 22 * time.Hour}

// How long before the end the last truck leaves, and customers change their minds no more: what
// that makes others wait for is done in between.
const (
	lastTruck  = 10 * time.Minute
	lastChange = 4 * time.Hour
)

func newDockside(f *floor) *dockside {
	return &dockside{f: f, mover: &worker{f: f, name: "dock"}, manifests: map[string]manifest.Head{}}
}

// leaves is when cartons of a connection have left.
func (r *run) leaves(carrier string) string {
	if r.confirms == nil {
		r.confirms = map[string]string{}
		for _, c := range r.flows().Carriers {
			r.confirms[c.Name] = c.Confirm
		}
	}
	return cmp.Or(r.confirms[carrier], routes.AtLabel)
}

// plan puts the trucks of some days on the agenda, and one more that takes what is left at the end.
func (d *dockside) plan(midnight time.Time, days int) {
	for day := range days {
		for _, at := range trucksLeave {
			if t := midnight.AddDate(0, 0, day).Add(at); t.After(d.f.r.now) {
				d.f.r.agenda.add(t, d.send)
			}
		}
	}
	d.f.r.agenda.add(d.f.r.end().Add(-lastTruck), d.send)
}

// sees follows what comes to the dock and leaves it.
func (d *dockside) sees(e event.Event) {
	gone := func(sscc string) {
		d.labelled = slices.DeleteFunc(d.labelled, func(l labelled) bool { return l.sscc == sscc })
	}
	switch e := e.(type) {
	case manifest.Opened:
		d.manifests[e.Stream()] = e.Head
	case manifest.Closed:
		delete(d.manifests, e.Stream())
	case label.Bought:
		if d.f.r.leaves(e.Carrier) == routes.AtLoad {
			d.labelled = append(d.labelled, labelled{e.Carrier, e.Owner, e.Order, e.Carton})
		}
	case label.Voided:
		gone(e.Carton)
	case ship.Confirmed:
		for _, c := range e.Cartons {
			gone(c.Carton)
		}
	}
}

// send closes the manifests for the trucks that are about to leave, and loads as many as are needed
// for what leaves with its load.
func (d *dockside) send() {
	for _, key := range slices.Sorted(maps.Keys(d.manifests)) {
		h := d.manifests[key]
		d.f.may(door.Dock, h.Scope, h.Manifest, manifest.Close{By: "dock"})
	}
	var of []labelled
	for _, l := range d.labelled {
		if l.carrier == d.labelled[0].carrier && !d.f.onHold(l.stream(d.f)) {
			of = append(of, l)
		}
	}
	if len(of) == 0 {
		return
	}
	flows := d.f.r.flows()
	for some := range slices.Chunk(of, mostInTruck) {
		d.trucks++
		t := &truck{
			d: d, id: fmt.Sprintf("%s-truck-%d", flows.Facility, d.trucks), carrier: of[0].carrier, cartons: some,
			at: scope.Scope{Tenant: flows.Tenant, Owner: scope.Shared, Facility: flows.Facility},
		}
		t.begin()
	}
}

func (l labelled) stream(f *floor) string {
	flows := f.r.flows()
	return order.StreamOf(scope.Scope{Tenant: flows.Tenant, Owner: l.owner, Facility: flows.Facility}, l.order)
}

// truck is one that is being loaded: some cartons on a pallet, the others loose.
type truck struct {
	d       *dockside
	at      scope.Scope
	id      string
	carrier string
	cartons []labelled
	pallet  string
	on      []string // units that are in it
	again   bool     // it was unsealed once
}

// mostOnPallet is how many cartons go on the pallet, and mostInTruck how many are loaded by one crew
// in the half hour that is left before the cut-off.
const (
	mostOnPallet = 12
	mostInTruck  = 60
)

// does asks the dock's door and reports whether it said yes.
func (t *truck) does(id string, cmd any) bool { return t.d.f.ask(door.Dock, t.at, id, cmd) == nil }

// then goes on in a moment.
func (t *truck) then(do func()) {
	f := t.d.f
	f.r.agenda.add(f.r.now.Add(time.Duration(5+f.rng.IntN(20))*time.Second), do)
}

func (t *truck) begin() {
	if !t.does(t.id, truckload.Plan{Load: t.id, Carrier: t.carrier, By: "dock"}) {
		t.d.f.r.fail("load %s cannot be planned", t.id)
		return
	}
	if n := len(t.cartons) / 2; n > 1 {
		body, err := t.d.f.answer(door.Dock, t.at, "", pallet.Build{By: "dock"})
		var p pallet.Pallet
		if err == nil {
			err = json.Unmarshal(body, &p)
		}
		if err != nil {
			t.d.f.r.fail("building a pallet: %v", err)
			return
		}
		t.pallet = p.Pallet
		t.then(func() { t.stack(0, min(n, mostOnPallet)) })
		return
	}
	t.then(func() { t.load(0) })
}

// stack puts cartons on the pallet. Of what is refused, for its order was cancelled meanwhile, say,
// nothing goes there.
func (t *truck) stack(i, n int) {
	if i < n {
		t.does(t.pallet, pallet.Stack{Carton: pallet.Carton{SSCC: t.cartons[i].sscc}, By: "dock"})
		t.then(func() { t.stack(i+1, n) })
		return
	}
	if t.d.f.one(4) {
		t.does(t.pallet, pallet.Unstack{Carton: t.cartons[0].sscc, By: "dock", Reason: "crushed"})
	}
	if !t.does(t.pallet, pallet.Close{By: "dock"}) || !t.take(t.pallet) {
		t.does(t.pallet, pallet.Break{By: "dock", Reason: "does not go"})
		t.pallet = ""
		n = 0
	} else if t.d.f.r.cfg.Fork == nil {
		if err := t.d.mover.scanned(scan.Scan{Do: scan.Move, Code: t.pallet, Place: dock}); err != nil {
			t.d.f.r.fail("pallet %s is not moved to the dock: %v", t.pallet, err)
		}
	}
	t.then(func() { t.load(n) })
}

// take assigns a unit and scans it in. One that may not go stays.
func (t *truck) take(sscc string) bool {
	if !t.does(t.id, truckload.Assign{SSCC: sscc, By: "dock"}) {
		return false
	}
	if t.does(t.id, truckload.Scan{SSCC: sscc, By: "dock"}) {
		t.on = append(t.on, sscc)
		return true
	}
	t.does(t.id, truckload.Unassign{SSCC: sscc, By: "dock", Reason: "may not go"})
	return false
}

// load takes in the loose cartons, seals and departs.
func (t *truck) load(i int) {
	if i < len(t.cartons) {
		t.take(t.cartons[i].sscc)
		t.then(func() { t.load(i + 1) })
		return
	}
	t.then(t.depart)
}

// depart seals the truck and lets it go. What keeps it, parts of orders that ship whole, is taken
// out once; a truck that is kept still goes empty.
func (t *truck) depart() {
	if t.does(t.id, truckload.Seal{Seal: "S" + t.id, By: "dock"}) && t.does(t.id, truckload.Depart{By: "driver"}) {
		return
	}
	t.does(t.id, truckload.Unseal{Reason: "may not go", By: "dock"})
	if !t.again {
		t.again = true
		for _, l := range t.cartons {
			if o := t.d.f.r.check.orders[l.stream(t.d.f)]; o == nil || o.all || t.d.f.onHold(l.stream(t.d.f)) {
				t.does(t.pallet, pallet.Unstack{Carton: l.sscc, By: "dock", Reason: "may not go"})
				t.does(t.id, truckload.Unassign{SSCC: l.sscc, By: "dock", Reason: "may not go"})
			}
		}
		t.then(t.depart)
		return
	}
	t.does(t.id, truckload.Cancel{Reason: "may not go", By: "dock"})
	t.does(t.pallet, pallet.Break{Reason: "may not go", By: "dock"})
}
