package routes

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
)

// stages are where the flow stands when some routes are paused: the last row has nothing
// left to cancel.
var stages = []struct {
	name   string
	paused []string
	status order.Status
	script []answer
	voided int
}{
	{"reserved", []string{"order.allocate"}, order.StatusReserved, nil, 0},
	{"allocated", []string{"wave.plan"}, order.StatusAllocated, nil, 0},
	{"waved, no task yet", []string{"task"}, order.StatusWaved, nil, 0},
	{"task without a list", []string{"pick"}, order.StatusWaved, nil, 0},
	{"list opened, nothing picked", []string{"auto.pick"}, order.StatusWaved, nil, 0},
	{"picked", []string{"pack"}, order.StatusPicked, nil, 0},
	{"packing proposed", []string{"auto.pack"}, order.StatusPicked, nil, 0},
	{"label asked for", []string{"label.choose"}, order.StatusPacked, nil, 0},
	{"label command waits", []string{"out.ups"}, order.StatusPacked, nil, 0},
	{"label bought, answer lost", nil, order.StatusPacked, []answer{losesAnswer}, 1},
	{"label bought", []string{"ship.confirm"}, order.StatusPacked, nil, 1},
}

func TestCancelAtEveryStageUndoesWhatWasDone(t *testing.T) {
	for _, c := range stages {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(cfg *FlowConfig) { cfg.Carriers[0].ResolveAfter = time.Hour })
				r.stock("A", 5, "P-1", "P-2")
				r.stock("B", 5, "P-3")
				r.carrier.next(c.script...)
				for _, p := range c.paused {
					if err := r.hub.Pause(t.Context(), p, "test"); err != nil {
						t.Fatal(err)
					}
				}
				r.place("SO-1", "A", 7, "B", 2)
				if c.script != nil {
					settle(11 * time.Second) // the label is asked about a second after its answer was lost
				} else {
					settle(time.Minute)
				}
				if c.script != nil {
					// Where the answer is lost, the carrier is asked and tells: nothing is lost at this stage.
					t.Logf("status %s, %d labels", r.order("SO-1").Status(), r.carrier.standing())
				} else {
					r.status("SO-1", c.status)
				}
				_, err := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: order.Cancel{Reason: "customer"}})
				for _, p := range c.paused {
					if err := r.hub.Resume(t.Context(), p, "test"); err != nil {
						t.Fatal(err)
					}
				}
				settle(3 * time.Hour)
				if err != nil {
					if c.script == nil || r.order("SO-1").Status() != order.StatusShipped {
						t.Fatal(err)
					}
					return
				}
				r.status("SO-1", order.StatusCancelled)
				if n := r.carrier.standing(); n != 0 {
					t.Errorf("%d labels stand", n)
				}
				if r.carrier.voided < c.voided {
					t.Errorf("%d labels voided, want %d at least", r.carrier.voided, c.voided)
				}
				for sku, want := range map[string]int64{"A": 10, "B": 5} {
					s := foldOf(r, inventory.Fold, keyOf(site, sku).Stream())
					if s.AvailableToPromise() != want || s.Picked+s.Packed > 0 {
						t.Errorf("%s: %d available, %d picked, %d packed; want all %d back", sku, s.AvailableToPromise(), s.Picked, s.Packed, want)
					}
				}
				r.books("A", "B")
				r.noLetters()
				if n := r.count(); n["wave.Planned"] > 0 && n["wave.Completed"] != n["wave.Planned"] {
					t.Errorf("%d waves planned, %d completed", n["wave.Planned"], n["wave.Completed"])
				}
				// What went back can be had again.
				r.place("SO-2", "A", 10, "B", 5)
				settle(time.Minute)
				r.status("SO-2", order.StatusShipped)
			})
		})
	}
}

func TestCancellingOneLineLetsTheOthersGoOn(t *testing.T) {
	for _, c := range stages {
		if c.script != nil {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.stock("A", 5, "P-1", "P-2")
				r.stock("B", 5, "P-3")
				for _, p := range c.paused {
					if err := r.hub.Pause(t.Context(), p, "test"); err != nil {
						t.Fatal(err)
					}
				}
				r.place("SO-1", "A", 7, "B", 2)
				settle(time.Minute)
				r.must(door.Orders, "SO-1", order.Cancel{Reason: "customer", Lines: []int{1}})
				settle(time.Minute)
				for _, p := range c.paused {
					if err := r.hub.Resume(t.Context(), p, "test"); err != nil {
						t.Fatal(err)
					}
				}
				settle(10 * time.Minute)
				o := r.order("SO-1")
				if o.Status() != order.StatusShipped || o.Lines[0].Cancelled != 7 || o.Lines[1].Shipped != 2 {
					t.Fatalf("%s %+v\n%s", o.Status(), o.Lines, r.story())
				}
				r.books("A", "B")
				r.once()
				r.noLetters()
			})
		})
	}
}

// A carton that has its label and holds two lines, of which one is cancelled while its order
// waits for another carton, leaves with the other line alone.
func TestACartonThatIsReadyLeavesWithWhatIsLeftInIt(t *testing.T) {
	for _, line := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, func(c *FlowConfig) { c.Auto.Pack = false })
			r.stock("A", 5, "P-1")
			r.stock("B", 5, "P-3")
			r.place("SO-1", "A", 4, "B", 2)
			settle(time.Minute)
			const id = "P1-SO-1"
			tote := r.packing(id).Left[0].Tote
			pack1 := func(of ...pack.Content) {
				for i := range of {
					of[i].Tote = tote
				}
				r.must(door.Floor, id, pack.CloseCarton{Box: "S", Contents: of})
			}
			pack1(pack.Content{Line: 1, Item: "A", Qty: 1}, pack.Content{Line: 2, Item: "B", Qty: 1})
			settle(time.Minute)
			if err := r.hub.Pause(t.Context(), "label.choose", "test"); err != nil {
				t.Fatal(err)
			}
			pack1(pack.Content{Line: 1, Item: "A", Qty: 3}, pack.Content{Line: 2, Item: "B", Qty: 1})
			settle(time.Minute)
			r.must(door.Orders, "SO-1", order.Cancel{Reason: "customer", Lines: []int{line}})
			settle(time.Minute)
			if err := r.hub.Resume(t.Context(), "label.choose", "test"); err != nil {
				t.Fatal(err)
			}
			settle(10 * time.Minute)
			gone, left := r.order("SO-1").Lines[line-1], r.order("SO-1").Lines[2-line]
			if gone.Shipped != 0 || left.Shipped != left.Ordered || len(events[ship.Confirmed](r)) != 1 {
				t.Fatalf("line %d: %+v, %+v\n%s", line, gone, left, r.story())
			}
			r.books("A", "B")
			r.once()
			r.noLetters()
		})
	}
}

func TestAHoldStopsTheWorkAndItsReleaseLetsItGoOn(t *testing.T) {
	for _, c := range stages {
		if c.script != nil {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.stock("A", 5, "P-1")
				for _, p := range c.paused {
					if err := r.hub.Pause(t.Context(), p, "test"); err != nil {
						t.Fatal(err)
					}
				}
				r.place("SO-1", "A", 2)
				settle(time.Minute)
				r.must(door.Orders, "SO-1", order.Hold{Reason: order.HoldFraud, By: "jo"})
				for _, p := range c.paused {
					if err := r.hub.Resume(t.Context(), p, "test"); err != nil {
						t.Fatal(err)
					}
				}
				settle(time.Hour)
				r.status("SO-1", order.StatusHeld)
				if s := r.order("SO-1").Totals().Shipped; s != 0 {
					t.Errorf("%d shipped while on hold", s)
				}
				r.must(door.Orders, "SO-1", order.Release{By: "jo"})
				settle(time.Hour)
				r.status("SO-1", order.StatusShipped)
				r.books("A")
				r.once()
				r.noLetters()
			})
		})
	}
}

func TestALineOfAnUnknownItemWaitsInALetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 5, "P-1")
		r.place("SO-1", "A", 1, "NEW", 2)
		settle(time.Minute)
		l := r.letters()
		if len(l) != 1 || l[0].Route != heldLines || l[0].Place != "lines[1].item" || !strings.Contains(l[0].Cause, `"NEW"`) {
			t.Fatalf("letters %+v", l)
		}
		if o := r.order("SO-1"); o.Lines[0].Shipped != 1 {
			t.Errorf("the line that is understood did not ship: %+v", o.Lines[0])
		}
		// Replayed before anything changed, it is the same letter again.
		if err := r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "jo"); err != nil {
			t.Fatal(err)
		}
		settle(time.Second)
		if l := r.letters(); len(l) != 1 || len(l[0].Attempts) != 2 {
			t.Fatalf("letters %+v", l)
		}
		r.stock("NEW", 5, "P-2")
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		r.noLetters()
		r.once()
	})
}

func TestARejectedOrderComesBackByItsLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		whole := place("SO-1", lines("NEW", 1))
		whole.Policy = order.AllOrNothing
		sender := Route{Name: "test.sender", About: "sends an order", Handle: func(_ context.Context, m *Message) (*Out, error) { return m.Out().Place(whole), nil }}
		if err := r.hub.Add(sender); err != nil {
			t.Fatal(err)
		}
		if _, err := r.hub.Call(t.Context(), "test.sender", nil); err != nil {
			t.Fatal(err)
		}
		settle(time.Second)
		r.status("SO-1", order.StatusRejected)
		l := r.letters()
		if len(l) != 1 || l[0].Place != "lines[0].item" || l[0].Kind != "rejected" {
			t.Fatalf("letters %+v", l)
		}
		r.stock("NEW", 1, "P-1")
		if err := r.hub.Desk().Replay(t.Context(), l[0].ID, l[0].Opening, "jo"); err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		if o := r.order("SO-1"); o.Parties.ShipTo.Name != "Jo Doe" {
			t.Errorf("the parties got lost: %+v", o.Parties)
		}
		r.noLetters()
	})
}

// byHand is a floor without automatic workers: one wave with one task of the order.
func byHand(t *testing.T, change ...func(*FlowConfig)) (*rig, string) {
	r := newRig(t, append(change, func(c *FlowConfig) { c.Auto = AutoConfig{} })...)
	r.stock("A", 3, "P-1", "P-2")
	r.place("SO-1", "A", 2)
	settle(time.Minute)
	return r, "T1-SO-1"
}

func TestALeaseThatEndsGivesTheTaskToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, id := byHand(t)
		r.must(door.Floor, id, task.Claim{Worker: "ann", Lease: time.Minute})
		if _, err := r.ask(door.Floor, door.Ask{ID: id, Cmd: task.Claim{Worker: "bob", Lease: time.Minute}}); fault.KindOf(err) != fault.Rejected {
			t.Fatalf("bob's claim: %v", err)
		}
		r.must(door.Floor, id, task.Renew{Worker: "ann", Claim: 1, Lease: 2 * time.Minute})
		settle(90 * time.Second)
		if s := foldOf(r, task.Fold, task.StreamOf(site, id)); s.Worker != "ann" {
			t.Fatalf("a renewed lease ended early: %+v", s)
		}
		settle(time.Minute)
		if s := foldOf(r, task.Fold, task.StreamOf(site, id)); s.Status != task.StatusOpen {
			t.Fatalf("the lease did not end: %+v", s)
		}
		if _, err := r.ask(door.Floor, door.Ask{ID: id, Cmd: pick.Confirm{Step: 1, Qty: 2, Tote: "T", Worker: "ann"}}); fault.KindOf(err) != fault.Rejected {
			t.Fatalf("ann picks without a lease: %v", err)
		}
		r.must(door.Floor, id, task.Claim{Worker: "bob", Lease: time.Minute})
		r.must(door.Floor, id, pick.Confirm{Step: 1, Qty: 1, Tote: "T", Worker: "bob"})
		if _, err := r.ask(door.Floor, door.Ask{ID: id, Cmd: task.Complete{Worker: "bob", Claim: 2}}); fault.KindOf(err) != fault.Rejected {
			t.Fatalf("a task with an open step was completed: %v", err)
		}
		r.must(door.Floor, id, pick.Confirm{Step: 1, Qty: 1, Tote: "T", Worker: "bob"})
		settle(time.Second)
		closing := pack.CloseCarton{Box: "S", Contents: []pack.Content{{Line: 1, Item: "A", Tote: "T", Qty: 2}}, Packer: "cy"}
		r.must(door.Floor, "P1-SO-1", closing)
		settle(time.Hour)
		r.status("SO-1", order.StatusShipped)
		r.books("A")
		r.once()
		r.noLetters()
	})
}

func TestAShortIsFetchedElsewhereOrWaitsOrIsClosed(t *testing.T) {
	for _, c := range []struct {
		name    string
		shorts  string
		want    order.Status
		shipped int64
		then    func(order.Line) int64
	}{
		{"another place has it", order.Wait, order.StatusShipped, 2, func(order.Line) int64 { return 0 }},
		{"nobody has it and it waits", order.Wait, order.StatusPartiallyShipped, 1, func(l order.Line) int64 { return l.Backordered - 1 }},
		{"nobody has it and it is closed", order.Close, order.StatusShipped, 1, func(l order.Line) int64 { return l.Short - 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, id := byHand(t, func(cfg *FlowConfig) { cfg.Shorts = c.shorts })
				if c.shipped == 1 {
					r.must(door.Stock, "A", inventory.Adjust{Place: inventory.Place{Location: "P-2"}, Stage: inventory.Free, Delta: -3, Reason: "lost"})
				}
				r.must(door.Floor, id, task.Claim{Worker: "ann", Lease: time.Hour})
				r.must(door.Floor, id, pick.Short{Step: 1, Found: 1, Tote: "T", Worker: "ann", Reason: "not_found"})
				settle(time.Minute)
				if r.count()["count.Requested"] != 1 {
					t.Error("no count was asked for")
				}
				contents := []pack.Content{{Line: 1, Item: "A", Tote: "T", Qty: 1}}
				if c.shipped == 2 {
					r.must(door.Floor, "T2-SO-1", task.Claim{Worker: "bob", Lease: time.Hour})
					r.must(door.Floor, "T2-SO-1", pick.Confirm{Step: 1, Qty: 1, Tote: "U", Worker: "bob"})
					settle(time.Second)
					contents = append(contents, pack.Content{Line: 1, Item: "A", Tote: "U", Qty: 1})
				}
				r.must(door.Floor, "P1-SO-1", pack.CloseCarton{Box: "S", Contents: contents, Packer: "cy"})
				settle(time.Minute)
				o := r.order("SO-1")
				if o.Status() != c.want || o.Lines[0].Shipped != c.shipped || c.then(o.Lines[0]) != 0 {
					t.Fatalf("%s %+v\n%s", o.Status(), o.Lines[0], r.story())
				}
				if o.InWave != "" || r.count()["wave.Completed"] != 1 {
					t.Errorf("the order is still in wave %q", o.InWave)
				}
				r.books("A")
				r.once()
				r.noLetters()
			})
		})
	}
}

func TestALateCartonIsASupplement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 2, "P-1")
		r.place("SO-1", "A", 5)
		settle(time.Minute)
		r.status("SO-1", order.StatusPartiallyShipped)
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 3})
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		if n := r.count()["ship.Confirmed"]; n != 2 {
			t.Errorf("%d confirmations, want 2", n)
		}
		r.once()
		r.noLetters()
	})
}

func TestACancelledWaveGivesItsOrdersBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, id := byHand(t)
		r.must(door.Waves, "W-000001", wave.Cancel{Reason: "fire drill"})
		settle(time.Minute)
		if s := foldOf(r, task.Fold, task.StreamOf(site, id)).Status; s != task.StatusCancelled {
			t.Errorf("its task is %s", s)
		}
		if o := r.order("SO-1"); o.InWave != "W-000002" {
			t.Fatalf("the order is in wave %q\n%s", o.InWave, r.story())
		}
		r.books("A")
		r.noLetters()
	})
}

func TestDoorsHoldTheirPromises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 10, "P-1")
		key := &door.Key{Scope: "http/test", ID: "k1", Hash: [32]byte{1}}
		first, err := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: place("SO-1", lines("A", 1)), Key: key, Actor: "jo"})
		if err != nil || !first.Created {
			t.Fatalf("%+v %v", first, err)
		}
		again, err := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: place("SO-1", lines("A", 1)), Key: key})
		if err != nil || !again.Repeat || !again.Created || string(again.Body) != string(first.Body) {
			t.Errorf("the same key again: %+v %v", again, err)
		}
		other := *key
		other.Hash = [32]byte{2}
		_, err = r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: place("SO-1", lines("A", 2)), Key: &other})
		if e, ok := errors.AsType[*door.ReusedError](err); !ok || e.Key.ID != "k1" || fault.KindOf(err) != fault.Rejected {
			t.Errorf("the same key with another body: %v", err)
		}
		same, err := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: place("SO-1", lines("A", 1))})
		if err != nil || same.Created || same.Repeat {
			t.Errorf("the same order again: %+v %v", same, err)
		}
		_, err = r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: place("SO-1", lines("A", 2))})
		if e, ok := errors.AsType[*door.ConflictError](err); !ok || len(e.Differences) != 1 || e.Differences[0].Place != "lines[0].qty" {
			t.Errorf("another order under the number: %v", err)
		}
		for name, bad := range map[string]door.Ask{
			"command of another door": {ID: "SO-9", Cmd: item.Register{}},
			"negative quantity":       {ID: "SO-9", Cmd: place("SO-9", lines("A", -1))},
			"no lines":                {ID: "SO-9", Cmd: place("SO-9", nil)},
		} {
			if _, err := r.ask(door.Orders, bad); fault.KindOf(err) != fault.Invalid || fault.PlaceOf(err) == "" {
				t.Errorf("%s: %v at %q", name, err, fault.PlaceOf(err))
			}
		}
		for name, bad := range map[string]any{
			"item nobody knows":     inventory.Receive{BookKey: keyOf(site, "NONE"), Place: inventory.Place{Location: "P-1"}, Qty: 1},
			"location nobody knows": inventory.Receive{Place: inventory.Place{Location: "NOWHERE"}, Qty: 1},
			"more than there is":    inventory.Adjust{Place: inventory.Place{Location: "P-1"}, Stage: inventory.Free, Delta: -11, Reason: "lost"},
		} {
			if _, err := r.ask(door.Stock, door.Ask{ID: "A", Cmd: bad}); fault.KindOf(err) != fault.Rejected {
				t.Errorf("%s: %v", name, err)
			}
		}
		settle(time.Minute)
		if n := r.count(); n["order.Accepted"] != 1 || n["command.Done"] != 4 {
			t.Errorf("%d orders, %d acts told", n["order.Accepted"], n["command.Done"])
		}
	})
}

func TestWhoWaitsIsServedInTurnAndCancelledCleanly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 0, "P-1")
		r.place("SO-1", "A", 2, "A", 3) // two lines of one item
		settle(time.Second)
		r.place("SO-2", "A", 4)
		settle(time.Second)
		whole := place("SO-3", lines("A", 5))
		whole.Policy = order.AllOrNothing
		r.must(door.Orders, "SO-3", whole)
		settle(time.Second)
		r.must(door.Orders, "SO-1", order.Cancel{Reason: "customer"})
		r.status("SO-1", order.StatusCancelled)
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 3})
		settle(time.Minute)
		if o := r.order("SO-2"); o.Lines[0].Shipped != 3 || o.Lines[0].Backordered != 1 {
			t.Fatalf("who waited longest got %+v", o.Lines[0])
		}
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 5})
		settle(time.Minute)
		r.status("SO-2", order.StatusShipped)
		r.status("SO-3", order.StatusBackordered) // four are there, it wants five
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 1})
		settle(time.Minute)
		r.status("SO-3", order.StatusShipped)
		left, err := r.store.Scan(t.Context(), journal.TableState, "backorder/", "", 10)
		if err != nil || len(left) > 0 {
			t.Errorf("still waiting: %v %v", left, err)
		}
		r.books("A")
		r.noLetters()
	})
}

// Promised goods lie where nobody may pick: the order waits until the place is open again.
func TestABlockedPlaceIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 5, "P-1")
		r.must(door.Master, "P-1", location.Block{Reason: "flood"})
		r.place("SO-1", "A", 2)
		settle(time.Minute)
		r.status("SO-1", order.StatusBackordered)
		r.must(door.Master, "P-1", location.Unblock{})
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		r.books("A")
		r.noLetters()
	})
}

// TestAWaveNumberThatAPersonTookStopsNoPlanning plans by hand under the number that is next.
func TestAWaveNumberThatAPersonTookStopsNoPlanning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("WIDGET", 100, "P-1")
		r.place("SO-1", "WIDGET", 1)
		settle(time.Second)
		r.must(door.Waves, "W-000001", wave.Plan{Strategy: "order", Orders: []wave.Order{{Owner: site.Owner, Order: "SO-1", Lines: 1, Units: 1}}})
		r.must(door.Waves, "W-000001", wave.Release{By: "jo"})
		r.place("SO-2", "WIDGET", 1)
		settle(time.Minute)
		r.place("SO-3", "WIDGET", 1)
		settle(time.Minute)
		r.noLetters()
		for _, number := range []string{"SO-1", "SO-2", "SO-3"} {
			r.status(number, order.StatusShipped)
		}
	})
}
