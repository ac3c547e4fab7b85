package routes

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/journal"
	truckload "github.com/paklog/hub/core/load"
	"github.com/paklog/hub/core/manifest"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pallet"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/tracking"
	"github.com/paklog/hub/edi/x12/x12gen"
)

// confirming is a rig whose carrier's cartons have left when told.
func confirming(t *testing.T, when string, change ...func(*FlowConfig)) *rig {
	return newRig(t, append([]func(*FlowConfig){func(c *FlowConfig) { c.Carriers[0].Confirm = when }}, change...)...)
}

// cartons are the numbers of an order's closed cartons.
func (r *rig) cartons(number string) []string {
	var out []string
	for _, e := range events[pack.CartonClosed](r) {
		if e.Order == number {
			out = append(out, e.Carton)
		}
	}
	return out
}

func (r *rig) atDock(id string, cmd any) error {
	_, err := r.ask(door.Dock, door.Ask{ID: id, Cmd: cmd, Actor: "jo"})
	return err
}

// does fails the test where the dock does not.
func (r *rig) does(id string, cmds ...any) {
	r.t.Helper()
	for _, cmd := range cmds {
		if err := r.atDock(id, cmd); err != nil {
			r.t.Fatalf("%s %T: %v", id, cmd, err)
		}
	}
}

// wont fails the test where the dock does, or says so of another place.
func (r *rig) wont(place, id string, cmd any) {
	r.t.Helper()
	if err := r.atDock(id, cmd); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != place {
		r.t.Errorf("%s %+v: %v at %q, expected a refusal at %q", id, cmd, err, fault.PlaceOf(err), place)
	}
}

// pallet builds a pallet of cartons and closes it.
func (r *rig) pallet(cartons ...string) string {
	r.t.Helper()
	before := len(events[pallet.Built](r))
	r.does("", pallet.Build{Limits: pallet.Limits{Tare: 20 * measure.Kilogram}})
	id := events[pallet.Built](r)[before].Pallet
	for _, c := range cartons {
		r.does(id, pallet.Stack{Carton: pallet.Carton{SSCC: c}})
	}
	r.does(id, pallet.Close{})
	return id
}

// shippedOf is what all confirmations of an order say has left.
func (r *rig) shippedOf(number string) (confirmations int, qty int64) {
	for _, e := range events[ship.Confirmed](r) {
		if e.Order == number {
			if e.Supplement != confirmations {
				r.t.Errorf("confirmation %d calls itself %d", confirmations, e.Supplement)
			}
			confirmations++
			for _, l := range e.Lines {
				qty += l.Qty
			}
		}
	}
	return confirmations, qty
}

// Cartons leave when the day's manifest is closed: at the hour, where the building stands,
// or by hand; one that is labelled after that goes on the next day's.
func TestCartonsLeaveWithTheManifest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := confirming(t, AtManifest, func(c *FlowConfig) { c.Carriers[0].Closes = 18 * time.Hour })
		r.must(door.Master, "east", facility.Register{Spec: facility.Spec{Title: "East", TimeZone: "America/New_York"}})
		r.stock("A", 20, "P-1")
		r.place("SO-1", "A", 2)
		settle(time.Minute)
		r.status("SO-1", order.StatusPacked)
		opened := events[manifest.Opened](r)
		if len(opened) != 1 || opened[0].Carrier != "ups" || len(events[manifest.Added](r)) != 1 {
			t.Fatalf("%+v", opened)
		}
		id := opened[0].Manifest
		r.wont("manifest", "ups-none", manifest.Close{})
		r.does(id, manifest.Close{By: "jo"}, manifest.Close{})
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		r.place("SO-2", "A", 3)
		settle(time.Minute)
		r.status("SO-2", order.StatusPacked)
		// synctest begins at midnight UTC, which is 19:00 the day before in New York: the first manifest
		// is of the next working evening, whose day is over with it.
		if o := events[manifest.Opened](r); len(o) != 2 || o[0].Day != "2000-01-01" || o[1].Day != "2000-01-02" || id != "ups-GND-20000101" {
			t.Fatalf("%+v", o)
		}
		elapse(46*time.Hour + 50*time.Minute)
		r.status("SO-2", order.StatusPacked)
		settle(15 * time.Minute) // past 23:00 UTC
		r.status("SO-2", order.StatusShipped)
		if c := events[manifest.Closed](r); len(c) != 2 || c[1].Reason != closedAtEnd || len(c[1].Cartons) != 1 || c[1].Weight == 0 || c[1].Orders != 1 || c[1].Service != "GND" {
			t.Errorf("%+v", c)
		}
		r.books("A")
		r.once()
		r.noLetters()
	})
}

// However late a hub reads that a truck has left: the goods left with the truck.
func TestWhatLeftIsConfirmedAsOfWhenItLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := confirming(t, AtManifest)
		r.stock("A", 20, "P-1")
		r.place("SO-1", "A", 2)
		settle(time.Minute)
		for _, late := range []string{"ship.depart", "ship.leave"} {
			if err := r.hub.Pause(t.Context(), late, "test"); err != nil {
				t.Fatal(err)
			}
		}
		r.does(events[manifest.Opened](r)[0].Manifest, manifest.Close{})
		for _, late := range []string{"ship.depart", "ship.leave"} {
			settle(time.Hour)
			r.status("SO-1", order.StatusPacked)
			if err := r.hub.Resume(t.Context(), late, "test"); err != nil {
				t.Fatal(err)
			}
		}
		settle(time.Minute)
		at := events[manifest.Closed](r)[0].At
		if s, c := events[order.Shipped](r), events[ship.Confirmed](r); len(s) != 1 || len(c) != 1 || !s[0].At.Equal(at) || !c[0].At.Equal(at) {
			t.Errorf("the manifest closed at %s; %+v, %+v", at, s, c)
		}
		r.books("A")
		r.once()
		r.noLetters()
	})
}

// A carton that comes after its order was confirmed is a second confirmation of it alone.
func TestALateCartonOfAManifestIsASupplement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := confirming(t, AtManifest, func(c *FlowConfig) { c.Auto.Pack = false })
		r.stock("A", 20, "P-1")
		r.place("SO-1", "A", 5)
		settle(time.Minute)
		const id = "P1-SO-1"
		tote := r.packing(id).Left[0].Tote
		half := func(n int64) pack.CloseCarton {
			return pack.CloseCarton{Box: "S", Contents: []pack.Content{{Line: 1, Item: "A", Tote: tote, Qty: n}}}
		}
		r.must(door.Floor, id, half(3))
		settle(time.Minute)
		// Its manifest leaves while the rest is still on the bench.
		r.does(events[manifest.Opened](r)[0].Manifest, manifest.Close{})
		settle(time.Minute)
		r.status("SO-1", order.StatusPartiallyShipped)
		r.must(door.Floor, id, half(2))
		settle(time.Minute)
		r.does(events[manifest.Opened](r)[1].Manifest, manifest.Close{})
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		if n, qty := r.shippedOf("SO-1"); n != 2 || qty != 5 {
			t.Errorf("%d confirmations of %d", n, qty)
		}
		for _, e := range events[ship.Confirmed](r) {
			if len(e.Cartons) != 1 {
				t.Errorf("a confirmation names %d cartons", len(e.Cartons))
			}
		}
		r.books("A")
		r.once()
		r.noLetters()
	})
}

// Cartons leave with the truck that they are scanned into, alone or on pallets, and with no
// other.
func TestCartonsLeaveWithTheLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := confirming(t, AtLoad)
		r.stock("A", 100, "P-1")
		for i := range 4 {
			r.place(fmt.Sprintf("SO-%d", i+1), "A", 2)
		}
		settle(time.Minute)
		c := make([]string, 4)
		for i := range c {
			c[i] = r.cartons(fmt.Sprintf("SO-%d", i+1))[0]
		}
		p := r.pallet(c[0], c[1])
		var paper ship.CartonPaper
		if err := json.Unmarshal(r.must(door.Prints, p, ship.PrintCarton{}).Body, &paper); err != nil || len(paper.Contents) != 1 ||
			paper.Contents[0].Qty != 4 || paper.To.Name != "Jo Doe" || paper.Order != "" || paper.Weight <= 20*measure.Kilogram {
			t.Errorf("label of a pallet: %+v %v", paper, err)
		}
		plan := truckload.Plan{Carrier: "ups", Trailer: "TR-7", Stops: []truckload.Stop{{No: 1, Code: "RNO"}, {No: 2, Code: "SFO"}}}
		r.wont("carrier", "L-0", truckload.Plan{Carrier: "nobody"})
		r.does("L-1", plan)
		r.does("L-2", truckload.Plan{Carrier: "ups"})
		r.wont("load", "L-1", truckload.Plan{Carrier: "ups"})
		r.wont("sscc", "L-1", truckload.Assign{SSCC: "106141412345678908"})
		r.wont("sscc", "L-1", truckload.Assign{SSCC: c[0]}) // stands on a pallet
		r.does("L-1", truckload.Assign{SSCC: p, Stop: 1}, truckload.Assign{SSCC: p, Stop: 1}, truckload.Assign{SSCC: c[2], Stop: 2})
		r.wont("stop", "L-1", truckload.Assign{SSCC: c[2], Stop: 1})
		r.wont("sscc", "L-2", truckload.Assign{SSCC: c[2]})
		r.does("L-2", truckload.Assign{SSCC: c[3]})
		r.wont("load", "L-1", truckload.Seal{Seal: "S-1"}) // nothing was scanned
		r.wont("sscc", "L-1", truckload.Scan{SSCC: c[3]})  // of another load
		r.wont("sscc", "L-1", truckload.Scan{SSCC: c[1]})  // on a pallet
		r.wont("carton", p, pallet.Stack{Carton: pallet.Carton{SSCC: c[2]}})
		r.wont("pallet", p, pallet.Break{})
		r.does("L-1", truckload.Scan{SSCC: p}, truckload.Scan{SSCC: c[2]}, truckload.Scan{SSCC: c[2]})
		r.wont("load", "L-1", truckload.Depart{})
		r.must(door.Orders, "SO-3", order.Hold{Reason: "credit"})
		r.does("L-1", truckload.Seal{Seal: "S-1"})
		r.wont("load", "L-1", truckload.Unassign{SSCC: p})
		r.wont("load", p, pallet.Unstack{Carton: c[0]})
		r.wont("sscc", "L-1", truckload.Depart{}) // an order of it is on hold
		r.must(door.Orders, "SO-3", order.Release{})
		settle(time.Minute)
		r.does("L-1", truckload.Depart{}, truckload.Depart{})
		settle(time.Minute)
		for i, want := range []order.Status{order.StatusShipped, order.StatusShipped, order.StatusShipped, order.StatusPacked} {
			r.status(fmt.Sprintf("SO-%d", i+1), want)
		}
		if d := events[truckload.Departed](r); len(d) != 1 || len(d[0].Cartons) != 3 || d[0].Cartons[0].Pallet != p || d[0].Seal != "S-1" {
			t.Errorf("%+v", d)
		}
		r.wont("load", "L-1", truckload.Cancel{Reason: "late"})
		r.does("L-2", truckload.Cancel{Reason: "broken down"})
		r.does("L-3", truckload.Plan{Carrier: "ups"}, truckload.Assign{SSCC: c[3]}, truckload.Scan{SSCC: c[3]}, truckload.Seal{Seal: "S"}, truckload.Unseal{Reason: "look"}, truckload.Seal{Seal: "T"}, truckload.Depart{})
		settle(time.Minute)
		r.status("SO-4", order.StatusShipped)
		r.books("A")
		r.once()
		r.noLetters()
	})
}

// An order that ships whole or not at all does not go in parts: not on a manifest, and not
// with a truck.
func TestAnOrderThatShipsWholeLeavesWhole(t *testing.T) {
	for _, when := range []string{AtManifest, AtLoad} {
		t.Run(when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := confirming(t, when, func(c *FlowConfig) { c.Auto.Pack = false })
				r.stock("A", 20, "P-1")
				p := place("SO-1", lines("A", 5))
				p.Policy = order.AllOrNothing
				r.must(door.Orders, "SO-1", p)
				settle(time.Minute)
				const id = "P1-SO-1"
				tote := r.packing(id).Left[0].Tote
				for i, n := range []int64{3, 2} {
					r.must(door.Floor, id, pack.CloseCarton{Box: "S", Contents: []pack.Content{{Line: 1, Item: "A", Tote: tote, Qty: n}}})
					settle(time.Minute)
					if added := len(events[manifest.Added](r)); added != 2*i {
						t.Errorf("%d cartons of it are on the manifest after carton %d", added, i+1)
					}
					if i == 0 && when == AtLoad {
						c := r.cartons("SO-1")[0]
						r.does("L-1", truckload.Plan{Carrier: "ups"}, truckload.Assign{SSCC: c}, truckload.Scan{SSCC: c}, truckload.Seal{Seal: "S"})
						r.wont("load", "L-1", truckload.Depart{})
					}
				}
				if when == AtLoad {
					c := r.cartons("SO-1")[1]
					r.wont("load", "L-1", truckload.Depart{}) // all is packed, and a carton is not in it
					r.does("L-1", truckload.Unseal{Reason: "one more"}, truckload.Assign{SSCC: c}, truckload.Scan{SSCC: c}, truckload.Seal{Seal: "S"}, truckload.Depart{})
				} else {
					r.does(events[manifest.Opened](r)[0].Manifest, manifest.Close{})
				}
				settle(time.Minute)
				r.status("SO-1", order.StatusShipped)
				if n, qty := r.shippedOf("SO-1"); n != 1 || qty != 5 {
					t.Errorf("%d confirmations of %d", n, qty)
				}
				r.books("A")
				r.once()
				r.noLetters()
			})
		})
	}
}

// TestCancelledAtTheDock: after each step an order is cancelled and everything undone, or the
// cancellation is refused with where the carton is.
func TestCancelledAtTheDock(t *testing.T) {
	seal := []any{truckload.Seal{Seal: "S"}}
	for _, c := range []struct {
		name    string
		when    string
		pallet  bool
		load    []any // after it was assigned
		close   bool  // the manifest
		refused bool
	}{
		{name: "packed and labelled", when: AtManifest},
		{name: "on a pallet", when: AtManifest, pallet: true},
		{name: "on a pallet, for a load", when: AtLoad, pallet: true, load: []any{}},
		{name: "planned for a load", when: AtLoad, load: []any{}},
		{name: "in the truck", when: AtLoad, load: []any{"scan"}},
		{name: "in the truck, on a pallet", when: AtLoad, pallet: true, load: []any{"scan"}},
		{name: "behind the seal", when: AtLoad, load: append([]any{"scan"}, seal...), refused: true},
		{name: "behind the seal, on a pallet", when: AtLoad, pallet: true, load: append([]any{"scan"}, seal...), refused: true},
		{name: "on a manifest that is closed, of goods that go by truck", when: AtLoad, close: true},
		{name: "on a manifest that is closed", when: AtManifest, close: true, refused: true},
		{name: "gone with the truck", when: AtLoad, load: append([]any{"scan"}, append(seal, truckload.Depart{})...), refused: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := confirming(t, c.when)
				r.stock("A", 20, "P-1")
				r.place("SO-1", "A", 2)
				r.place("SO-2", "A", 2)
				settle(time.Minute)
				one, two := r.cartons("SO-1")[0], r.cartons("SO-2")[0]
				unit := one
				if c.pallet {
					unit = r.pallet(one, two)
				}
				if c.load != nil {
					r.does("L-1", truckload.Plan{Carrier: "ups"}, truckload.Assign{SSCC: unit})
					if !c.pallet {
						r.does("L-1", truckload.Assign{SSCC: two})
					}
					for _, cmd := range c.load {
						if cmd == "scan" {
							r.does("L-1", truckload.Scan{SSCC: unit})
							if !c.pallet {
								r.does("L-1", truckload.Scan{SSCC: two})
							}
							continue
						}
						r.does("L-1", cmd)
					}
				}
				if c.close {
					r.does(events[manifest.Opened](r)[0].Manifest, manifest.Close{})
				}
				_, err := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: order.Cancel{Reason: "customer"}})
				settle(time.Hour)
				if c.refused {
					if fault.KindOf(err) != fault.Rejected {
						t.Fatalf("cancelled: %v", err)
					}
				} else if err != nil {
					t.Fatal(err)
				}
				if c.load != nil && !c.refused || len(c.load) == 2 {
					// The other order leaves all the same; what was behind the seal leaves with it.
					if !c.pallet && !c.refused && len(c.load) == 0 {
						r.does("L-1", truckload.Scan{SSCC: two})
					}
					if c.pallet && !c.refused {
						r.does(unit, pallet.Close{})
						r.does("L-1", truckload.Scan{SSCC: unit})
					}
					if !c.refused {
						r.does("L-1", truckload.Seal{Seal: "S"})
					}
					r.does("L-1", truckload.Depart{})
				}
				if c.when == AtManifest && !c.close {
					r.does(events[manifest.Opened](r)[0].Manifest, manifest.Close{})
				}
				if c.when == AtLoad && c.load == nil {
					r.does("L-9", truckload.Plan{Carrier: "ups"}, truckload.Assign{SSCC: two}, truckload.Scan{SSCC: two}, truckload.Seal{Seal: "S"}, truckload.Depart{})
				}
				settle(time.Hour)
				if !c.refused {
					r.status("SO-1", order.StatusCancelled)
					if n := r.carrier.orders["SO-1"]; n != 1 || r.carrier.voided != 1 {
						t.Errorf("%d labels sold, %d given back", n, r.carrier.voided)
					}
					if s := r.stockOf("A"); s.Packed > 2 || s.Free()+s.Packed+s.Out != 20 {
						t.Errorf("%+v", s)
					}
				} else {
					r.status("SO-1", order.StatusShipped)
				}
				r.status("SO-2", order.StatusShipped)
				for _, e := range events[manifest.Closed](r) {
					for _, x := range e.Cartons {
						if x.SSCC == one && !c.refused && !c.close {
							t.Error("the cancelled carton is on a closed manifest")
						}
					}
				}
				r.books("A")
				r.once()
				r.noLetters()
			})
		})
	}
}

// Between the cancellation and the route that unpacks for it a carton looks as if it could leave.
func TestNothingCancelledLeavesBeforeItIsUnpacked(t *testing.T) {
	for _, when := range []string{AtLoad, AtManifest} {
		t.Run(when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := confirming(t, when)
				r.stock("A", 20, "P-1")
				r.hubPause("ship.manifest", true)
				r.place("SO-1", "A", 2)
				r.place("SO-2", "A", 2)
				settle(time.Minute)
				one, two := r.cartons("SO-1")[0], r.cartons("SO-2")[0]
				r.hubPause("order.cancel", true)
				r.must(door.Orders, "SO-1", order.Cancel{Reason: "customer"})
				r.hubPause("ship.manifest", false)
				settle(time.Minute)
				p := r.pallet(two)
				r.refused(door.Dock, p, pallet.Stack{Carton: pallet.Carton{SSCC: one}}, fault.Rejected, "carton")
				r.does("L-1", truckload.Plan{Carrier: "ups"}, truckload.Assign{SSCC: p})
				r.refused(door.Dock, "L-1", truckload.Assign{SSCC: one}, fault.Rejected, "sscc")
				for _, x := range events[manifest.Added](r) {
					if x.Carton.SSCC == one {
						t.Error("the cancelled carton is on a manifest")
					}
				}
				r.does("L-1", truckload.Scan{SSCC: p}, truckload.Seal{Seal: "S"}, truckload.Depart{})
				if when == AtManifest {
					r.does(events[manifest.Opened](r)[0].Manifest, manifest.Close{})
				}
				settle(time.Hour)
				r.hubPause("order.cancel", false)
				settle(time.Hour)
				r.status("SO-1", order.StatusCancelled)
				r.status("SO-2", order.StatusShipped)
				if n := r.carrier.orders["SO-1"]; n != 1 || r.carrier.voided != 1 {
					t.Errorf("%d labels sold, %d given back", n, r.carrier.voided)
				}
				r.books("A")
				r.once()
				r.noLetters()
			})
		})
	}
}

// hubPause pauses a route, or lets it go on.
func (r *rig) hubPause(route string, pause bool) {
	r.t.Helper()
	do := r.hub.Resume
	if pause {
		do = r.hub.Pause
	}
	if err := do(r.t.Context(), route, "test"); err != nil {
		r.t.Fatal(err)
	}
}

// Pallets refuse what does not go on them.
func TestPalletsAtTheDock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := confirming(t, AtLoad, func(c *FlowConfig) { c.Auto.Pack = false })
		r.stock("A", 20, "P-1")
		r.place("SO-1", "A", 4)
		settle(time.Minute)
		const id = "P1-SO-1"
		r.must(door.Floor, id, pack.OpenCarton{Box: "S"})
		open := r.packing(id).Begun[0].Carton
		r.does("", pallet.Build{Limits: pallet.Limits{MaxWeight: 600 * measure.Gram, Tare: 100 * measure.Gram}})
		p := events[pallet.Built](r)[0].Pallet
		r.wont("carton", p, pallet.Stack{Carton: pallet.Carton{SSCC: open}})
		r.wont("pallet", p, pallet.Close{})
		r.must(door.Floor, id, pack.Scan{Item: "A", Qty: 1})
		r.must(door.Floor, id, pack.Close{})
		r.does(p, pallet.Stack{Carton: pallet.Carton{SSCC: open}}, pallet.Stack{Carton: pallet.Carton{SSCC: open}})
		if _, err := r.ask(door.Floor, door.Ask{ID: id, Cmd: pack.Reopen{Carton: open}}); fault.KindOf(err) != fault.Rejected {
			t.Errorf("a carton on a pallet is opened: %v", err)
		}
		r.must(door.Floor, id, pack.OpenCarton{Box: "S"})
		second := r.packing(id).Begun[0].Carton
		r.must(door.Floor, id, pack.Scan{Item: "A", Qty: 3})
		r.must(door.Floor, id, pack.Close{})
		r.wont("carton", p, pallet.Stack{Carton: pallet.Carton{SSCC: second}}) // too heavy
		r.does("", pallet.Build{})
		q := events[pallet.Built](r)[1].Pallet
		r.wont("carton", q, pallet.Stack{Carton: pallet.Carton{SSCC: open}}) // stands on p
		r.wont("pallet", "106141412345678908", pallet.Close{})
		r.does(p, pallet.Break{Reason: "tipped"}, pallet.Break{})
		r.wont("pallet", p, pallet.Stack{Carton: pallet.Carton{SSCC: open}})
		r.does(q, pallet.Stack{Carton: pallet.Carton{SSCC: open}}, pallet.Unstack{Carton: open})
		r.wont("carton", q, pallet.Unstack{Carton: open})
		r.noLetters()
	})
}

// A hold takes a carton off the open manifest, and its release puts it on again.
func TestAHoldKeepsCartonsOffTheManifest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := confirming(t, AtManifest)
		r.stock("A", 20, "P-1")
		r.place("SO-1", "A", 2)
		r.place("SO-2", "A", 2)
		settle(time.Minute)
		r.must(door.Orders, "SO-1", order.Hold{Reason: "credit"})
		settle(time.Minute)
		r.does(events[manifest.Opened](r)[0].Manifest, manifest.Close{})
		settle(time.Minute)
		r.status("SO-2", order.StatusShipped)
		r.must(door.Orders, "SO-1", order.Release{})
		settle(time.Minute)
		r.does(events[manifest.Opened](r)[1].Manifest, manifest.Close{})
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		r.books("A")
		r.once()
		r.noLetters()
	})
}

// The process dies after each unit from the first label to the truck's departure.
func TestACrashAfterAnyUnitOfTheDockChangesNothing(t *testing.T) {
	died := 0
	for n := 0; ; n++ {
		ended := false
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := confirming(t, AtLoad)
				r.stock("A", 20, "P-1")
				r.place("SO-1", "A", 2)
				r.place("SO-2", "A", 3)
				settle(time.Minute)
				one, two := r.cartons("SO-1")[0], r.cartons("SO-2")[0]
				r.batch = 1
				r.restart()
				r.crash(n)
				p := ""
				for i, step := range []func() (string, any){
					func() (string, any) { return "", pallet.Build{} },
					func() (string, any) { return p, pallet.Stack{Carton: pallet.Carton{SSCC: one}} },
					func() (string, any) { return p, pallet.Close{} },
					func() (string, any) { return "L-1", truckload.Plan{Carrier: "ups"} },
					func() (string, any) { return "L-1", truckload.Assign{SSCC: p} },
					func() (string, any) { return "L-1", truckload.Assign{SSCC: two} },
					func() (string, any) { return "L-1", truckload.Scan{SSCC: p} },
					func() (string, any) { return "L-1", truckload.Scan{SSCC: two} },
					func() (string, any) { return "L-1", truckload.Seal{Seal: "S"} },
					func() (string, any) { return "L-1", truckload.Depart{} },
				} {
					id, cmd := step()
					ask := door.Ask{ID: id, Cmd: cmd, Key: &door.Key{Scope: "test", ID: fmt.Sprint(i), Hash: [32]byte{byte(i)}}}
					if _, err := r.ask(door.Dock, ask); err != nil {
						if r.bus.Err() == nil {
							t.Fatalf("%T: %v", cmd, err)
						}
						r.restart()
						if _, again := r.ask(door.Dock, ask); again != nil {
							t.Fatalf("%T: first %v, again %v", cmd, err, again)
						}
					}
					if p == "" {
						p = events[pallet.Built](r)[0].Pallet
					}
				}
				settle(10 * time.Minute)
				if ended = r.bus.Err() == nil && r.order("SO-2").Status() == order.StatusShipped; r.bus.Err() != nil {
					ended = false
					r.restart()
					settle(time.Hour)
				}
				for i, qty := range []int64{2, 3} {
					number := fmt.Sprintf("SO-%d", i+1)
					r.status(number, order.StatusShipped)
					if c, got := r.shippedOf(number); c != 1 || got != qty {
						t.Errorf("%s: %d confirmations of %d", number, c, got)
					}
				}
				if len(events[pallet.Built](r)) != 1 || len(events[truckload.Departed](r)) != 1 {
					t.Error("something was done twice")
				}
				r.books("A")
				r.once()
				r.noLetters()
			})
		})
		if t.Failed() {
			return
		}
		if ended && n > 14 {
			break
		}
		died++
	}
	t.Logf("died after each of %d units", died)
}

// TestBothAdvicesOfAnOrderAddUp: an order whose cartons leave in two parts is told in two 945s,
// the first saying what follows, the second under a number of its own and naming the late carton alone;
// together they tell what left. So do two 856s.
func TestBothAdvicesOfAnOrderAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, box := ediRig(t, func(p *Partner) { p.ShipNotice = ByBoth })
		r.cfg.Carriers[0].Confirm = AtManifest
		r.cfg.Auto.Pack = false
		r.restart()
		text, orders := generated(t, x12gen.Config{Seed: 1, Sets: 1, MostLine: 1})
		r.drop("940.edi", text)
		settle(time.Minute)
		id := "P1-" + orders[0].Number
		left := r.packing(id).Left
		if len(left) != 1 || left[0].Qty < 2 {
			t.Fatalf("there is too little to pack in parts: %+v", left)
		}
		total := left[0].Qty
		for i, n := range []int64{total - 1, 1} {
			c := left[0]
			c.Qty = n
			r.must(door.Floor, id, pack.CloseCarton{Box: "S", Contents: []pack.Content{c}})
			settle(time.Minute)
			r.does(events[manifest.Opened](r)[i].Manifest, manifest.Close{})
			settle(time.Minute)
		}
		r.status(orders[0].Number, order.StatusShipped)
		advices := box.sets(t, "945")
		if len(advices) != 2 {
			t.Fatalf("%d 945s", len(advices))
		}
		var shipped int64
		for i, a := range advices {
			var ordered int64
			if got := len(elements(a, "MAN", 2)); got != 1 {
				t.Errorf("945 %d names %d cartons", i+1, got)
			}
			for j, unit := range elements(a, "W12", 5) {
				factor := map[string]int64{"EA": 1, "CA": 6, "PK": 2}[unit]
				n, err := strconv.ParseInt(elements(a, "W12", 3)[j], 10, 64)
				m, err2 := strconv.ParseInt(elements(a, "W12", 2)[j], 10, 64)
				if factor == 0 || err != nil || err2 != nil {
					t.Fatal(unit, err, err2)
				}
				shipped += n * factor
				ordered += m * factor
			}
			// What was open before each: the difference of the first follows, and is ordered in the second.
			if want := []int64{total, 1}[i]; ordered != want {
				t.Errorf("945 %d tells %d as ordered, %d were open", i+1, ordered, want)
			}
			if status := elements(a, "W12", 1); status[0] != []string{"BP", "CC"}[i] {
				t.Errorf("945 %d says %q of the line", i+1, status)
			}
			number := elements(a, "W06", 4)[0]
			if number != []string{orders[0].Number, orders[0].Number + "-1"}[i] {
				t.Errorf("945 %d is of shipment %s", i+1, number)
			}
			if notices := box.sets(t, "856"); len(notices) != 2 || elements(notices[i], "BSN", 2)[0] != number || len(elements(notices[i], "MAN", 2)) != 1 || elements(notices[i], "SN1", 8)[0] != []string{"BP", "AC"}[i] {
				t.Errorf("%d 856s", len(notices))
			}
			marks := slices.DeleteFunc(elements(a, "N9", 2), func(v string) bool { return !strings.HasPrefix(v, "SUPPLEMENT") })
			if i == 0 && len(marks) != 0 || i == 1 && !slices.Equal(marks, []string{"SUPPLEMENT 1"}) {
				t.Errorf("945 %d is marked %q", i+1, marks)
			}
		}
		if shipped != total {
			t.Errorf("both tell %d, and %d left", shipped, total)
		}
		r.once()
		r.noLetters()
	})
}

// What stands on a pallet is found where the pallet is, until the truck has it.
func TestPalletsAreTracked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := confirming(t, AtLoad)
		r.stock("A", 20, "P-1")
		r.place("SO-1", "A", 2)
		r.place("SO-2", "A", 2)
		settle(time.Minute)
		one, two := r.cartons("SO-1")[0], r.cartons("SO-2")[0]
		p := r.pallet(one, two)
		settle(time.Second)
		lpn := func(id string) tracking.LPN { return foldOf(r, tracking.Fold, tracking.StreamOf(site, id)) }
		if l := lpn(one); l.Last.Parent != p || l.Ended != "" || !slices.Contains(lpn(p).Children, one) {
			t.Errorf("%+v on %+v", l, lpn(p))
		}
		r.does(p, pallet.Unstack{Carton: two}, pallet.Close{})
		settle(time.Second)
		if l := lpn(two); l.Last.Parent != "" || slices.Contains(lpn(p).Children, two) {
			t.Errorf("%+v beside %+v", l, lpn(p))
		}
		r.does("L-1", truckload.Plan{Carrier: "ups"}, truckload.Assign{SSCC: p}, truckload.Scan{SSCC: p}, truckload.Seal{Seal: "S"}, truckload.Depart{})
		settle(time.Minute)
		if lpn(p).Ended == "" || lpn(one).Ended == "" || lpn(two).Ended != "" {
			t.Errorf("after the truck left: %+v %+v %+v", lpn(p), lpn(one), lpn(two))
		}
		r.noLetters()
	})
}

// A manifest that is full stays as it is until the day ends, and the next carton goes on another
// of the same day.
func TestAFullManifestHasAnotherBesideIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := confirming(t, AtManifest)
		r.stock("A", 20, "P-1")
		r.place("SO-1", "A", 2)
		settle(time.Minute)
		first := events[manifest.Opened](r)[0]
		m := foldOf(r, manifest.Fold, first.Stream())
		u := &journal.Unit{}
		for n := len(m.Cartons); n < manifest.MaxCartons; n++ {
			sscc, err := pack.Numbering{Prefix: "0999999", Serial: int64(n)}.SSCC()
			if err != nil {
				t.Fatal(err)
			}
			rec, err := r.hub.eventRecord(manifest.Added{Head: m.Head, Carton: manifest.Carton{Owner: "acme", Order: "NONE", SSCC: sscc, Tracking: "1Z" + sscc}})
			if err != nil {
				t.Fatal(err)
			}
			rec.ID = journal.ID{1}.Child("test", "added", n)
			u.Records = append(u.Records, rec)
		}
		if ref, err := r.bus.Submit(t.Context(), u); ref != nil || err != nil {
			t.Fatal(ref, err)
		}
		r.place("SO-2", "A", 2)
		settle(time.Minute)
		opened := events[manifest.Opened](r)
		if len(opened) != 2 || opened[1].Day != first.Day || opened[1].Manifest == first.Manifest || len(events[manifest.Closed](r)) != 0 {
			t.Fatalf("%+v", opened)
		}
		settle(25 * time.Hour)
		if n := len(events[manifest.Closed](r)); n != 2 {
			t.Errorf("%d closed at the day's end", n)
		}
		r.status("SO-1", order.StatusShipped)
		r.status("SO-2", order.StatusShipped)
		r.once()
		r.noLetters()
	})
}
