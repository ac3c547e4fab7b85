package routes

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/wave"
)

// inBatches lets waves be picked by a method.
func inBatches(method string) func(*FlowConfig) {
	return func(c *FlowConfig) { c.Wave.Batch.Method = method }
}

// walls registers slots.
func (r *rig) walls(codes ...string) {
	r.t.Helper()
	for _, c := range codes {
		r.must(door.Master, c, location.Register{Spec: location.Spec{Purpose: location.Staging}})
	}
}

// twoZones has A in zone N and B in zone S.
func (r *rig) twoZones() {
	r.t.Helper()
	r.stock("A", 0)
	r.stock("B", 0)
	for code, zone := range map[string]string{"P-A": "N", "P-B": "S"} {
		r.must(door.Master, code, location.Register{Spec: location.Spec{Purpose: location.Pick, Zone: zone}})
	}
	r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-A"}, Qty: 40})
	r.must(door.Stock, "B", inventory.Receive{Place: inventory.Place{Location: "P-B"}, Qty: 40})
}

// pickTasks are the pick tasks that were made.
func (r *rig) pickTasks() []task.Task {
	r.t.Helper()
	var out []task.Task
	for _, e := range events[task.Created](r) {
		if e.Kind == task.KindPick {
			out = append(out, foldOf(r, task.Fold, e.Stream()))
		}
	}
	return out
}

// Each method leads every order to its end, whatever is shorted and cancelled within the batch:
// the others' lines are not touched, and a packing begins once its goods are together.
func TestEachPickMethodShipsWhatWasOrdered(t *testing.T) {
	for _, method := range wave.Methods() {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, inBatches(method))
				r.twoZones()
				for i := range 5 { // a wave
					r.place(fmt.Sprintf("SO-%d", i), "A", i+1, "B", 2)
				}
				settle(time.Hour)
				for i := range 5 {
					r.status(fmt.Sprintf("SO-%d", i), order.StatusShipped)
				}
				n := r.count()
				want := map[string]int{wave.Discrete: 5, wave.BatchPick: 1, wave.Cluster: 1, wave.ZonePick: 2, wave.Bulk: 1}[method]
				if n["task.Created"] != want || n["task.Completed"] != want {
					t.Errorf("%d tasks made, %d completed, want %d", n["task.Created"], n["task.Completed"], want)
				}
				if sorts := n["pick.Put"] > 0; sorts != sorted(method) || method != wave.Discrete && n["pick.Consolidated"] != 5 {
					t.Errorf("%d puts, %d consolidated", n["pick.Put"], n["pick.Consolidated"])
				}
				if n["pack.Opened"] != 5 || n["pack.Completed"] != 5 || r.carrier.standing() != 5 {
					t.Errorf("%d packings opened, %d completed, %d labels", n["pack.Opened"], n["pack.Completed"], r.carrier.standing())
				}
				r.books("A", "B")
				r.once()
				r.noLetters()
				if rows := r.rows("slot/"); len(rows) != 0 {
					t.Errorf("slots that nobody uses are taken: %v", rows)
				}
			})
		})
	}
}

// A lease that has ended is over, whether or not its timer ran: orders leave the task all the same.
func TestOrdersLeaveATaskWhoseLeaseEndedUnseen(t *testing.T) {
	for name, leave := range map[string]func(*rig){
		"by cancelled orders": func(r *rig) {
			for _, number := range []string{"SO-1", "SO-2"} {
				r.must(door.Orders, number, order.Cancel{Reason: "mind"})
			}
		},
		"by a cancelled wave": func(r *rig) {
			r.must(door.Waves, r.pickTasks()[0].Wave, wave.Cancel{Reason: "mind"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byPeople, inBatches(wave.Bulk))
				r.twoZones()
				r.place("SO-1", "A", 3)
				r.place("SO-2", "A", 2)
				settle(time.Minute)
				made := r.pickTasks()
				if len(made) != 1 {
					t.Fatalf("%d tasks", len(made))
				}
				r.hubPause("task.lease", true)
				r.must(door.Floor, made[0].Task, task.Claim{Worker: "jo", Lease: time.Minute})
				settle(2 * time.Minute)
				leave(r)
				settle(2 * time.Minute)
				r.noLetters()
				if got := r.pickTasks()[0]; got.Status != task.StatusCancelled {
					t.Errorf("the task is %s", got.Status)
				}
				r.hubPause("task.lease", false)
				settle(2 * time.Minute)
				r.noLetters()
				r.books("A", "B")
			})
		})
	}
}

// A short within a batch: what another place has is fetched by a task of its own, what none has
// waits for a receipt, the place is counted blind, and the others' lines go their way.
func TestAShortGoesToAnotherPlaceThenWaits(t *testing.T) {
	for _, method := range wave.Methods() {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byPeople, inBatches(method), func(c *FlowConfig) { c.Auto.Pack = true })
				r.twoZones()
				r.stockOnly("A", 1, "P-A2") // the newest: chosen last
				r.walls("W-1", "W-2", "W-3")
				r.place("SO-1", "A", 3, "B", 1)
				r.place("SO-2", "B", 2)
				settle(time.Minute)
				r.workAll("kim", func(l pick.List, st pick.Step) int64 {
					if st.Item == "A" && st.From.Location == "P-A" {
						return 1 // of 3
					}
					return st.Left()
				})
				settle(time.Hour)
				r.status("SO-2", order.StatusShipped)
				one := r.order("SO-1")
				if l, _ := one.Line(1); l.Backordered != 1 || l.Shipped != 2 {
					t.Fatalf("line 1: %+v\n%s", l, r.story())
				}
				if n := r.count(); n["count.Opened"] != 1 || n["order.Shorted"] == 0 {
					t.Errorf("%d counts, %d shorts", n["count.Opened"], n["order.Shorted"])
				}
				r.stockOnly("A", 5, "P-A3")
				settle(time.Minute)
				r.workAll("kim", func(_ pick.List, st pick.Step) int64 { return st.Left() })
				settle(time.Hour)
				r.status("SO-1", order.StatusShipped)
				r.allEnd()
				r.books("A", "B")
				r.noLetters()
			})
		})
	}
}

// One order of a batch is cancelled, or held, before and while it is picked: the others do not
// notice.
func TestOneOrderLeavesABatch(t *testing.T) {
	for _, method := range wave.Methods() {
		for name, after := range map[string]int{"before anything": 0, "when a step is done": 1, "in the middle": 3, "when all but one are": 5} {
			if method == wave.Discrete && after == 5 {
				continue // it is shipped by then
			}
			t.Run(method+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, byPeople, inBatches(method), func(c *FlowConfig) { c.Auto.Pack = true })
					r.twoZones()
					r.walls("W-1", "W-2", "W-3")
					for i := range 3 {
						r.place(fmt.Sprintf("SO-%d", i), "A", 2, "B", 2)
					}
					settle(time.Minute)
					done := 0
					r.workAll("kim", func(_ pick.List, st pick.Step) int64 {
						if done == after {
							r.must(door.Orders, "SO-1", order.Cancel{Reason: "mind"})
							settle(time.Second)
							done++
							return -1 // look again
						}
						done++
						return st.Left()
					})
					settle(time.Hour)
					r.puts() // what was taken for it comes back by work
					r.status("SO-0", order.StatusShipped)
					r.status("SO-1", order.StatusCancelled)
					r.status("SO-2", order.StatusShipped)
					for _, sku := range []string{"A", "B"} {
						if s := foldOf(r, inventory.Fold, keyOf(site, sku).Stream()); s.Out != 4 || s.OnHand() != 36 || s.Free() != 36 {
							t.Errorf("%s: %d out, %d on hand, %d free", sku, s.Out, s.OnHand(), s.Free())
						}
					}
					r.allEnd()
					r.books("A", "B")
					r.noLetters()
				})
			})
		}
	}
}

func TestAHeldOrderLeavesABatchThatNobodyHasBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople, inBatches(wave.Cluster), func(c *FlowConfig) { c.Auto.Pack = true })
		r.twoZones()
		r.place("SO-0", "A", 2)
		r.place("SO-1", "A", 2)
		settle(time.Minute)
		r.must(door.Orders, "SO-1", order.Hold{Reason: "credit"})
		settle(time.Minute)
		all := func(_ pick.List, st pick.Step) int64 { return st.Left() }
		r.workAll("kim", all)
		settle(time.Hour)
		r.status("SO-0", order.StatusShipped)
		r.status("SO-1", order.StatusHeld)
		r.must(door.Orders, "SO-1", order.Release{Reason: "credit"})
		settle(time.Minute)
		r.workAll("kim", all)
		settle(time.Hour)
		r.status("SO-1", order.StatusShipped)
		r.allEnd()
		r.noLetters()
	})
}

func TestTotesAndSlotsAreOneOrdersOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople, inBatches(wave.Cluster))
		r.twoZones()
		r.place("SO-0", "A", 2)
		r.place("SO-1", "A", 2)
		settle(time.Minute)
		a := r.next("kim")
		confirm := func(step int, tote string) error {
			_, err := r.ask(door.Floor, door.Ask{Scope: a.Task.Scope, ID: a.Task.Task, Cmd: pick.Confirm{Step: step, Qty: 1, Tote: tote, Worker: "kim"}})
			return err
		}
		if err := confirm(1, "K-1"); err != nil {
			t.Fatal(err)
		}
		if err := confirm(2, "K-1"); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != "tote" {
			t.Errorf("another order's tote: %v", err)
		}
		if err := confirm(1, "K-3"); err != nil {
			t.Errorf("a second tote of an order: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople, inBatches(wave.Bulk))
		r.twoZones()
		r.walls("W-1", "W-2")
		r.place("SO-0", "A", 2)
		r.place("SO-1", "A", 2)
		settle(time.Minute)
		a := r.next("kim")
		r.must(door.Floor, a.Task.Task, pick.Confirm{Step: 1, Qty: 4, Tote: "BIN", Worker: "kim"}) // for both at once
		if l := foldOf(r, pick.Fold, pick.StreamOf(site, a.Task.Task)); l.Status != pick.StatusCompleted {
			t.Fatalf("%+v", l)
		}
		put := func(c pick.Sort) (pick.Sorted, error) {
			c.Item, c.Tote, c.Worker = "A", "BIN", "kim"
			var out pick.Sorted
			got, err := r.ask(door.Floor, door.Ask{ID: a.Task.Task, Cmd: c})
			if err == nil {
				err = json.Unmarshal(got.Body, &out)
			}
			return out, err
		}
		for name, c := range map[string]struct {
			pick.Sort
			place string
		}{
			"no slot":         {pick.Sort{Qty: 1}, "slot"},
			"a shelf":         {pick.Sort{Qty: 1, Slot: "P-B"}, "slot"},
			"an unknown slot": {pick.Sort{Qty: 1, Slot: "W-9"}, "slot"},
			"none":            {pick.Sort{Slot: "W-1"}, "qty"},
			"for two at once": {pick.Sort{Qty: 3, Slot: "W-1"}, "qty"},
			"for nobody":      {pick.Sort{Qty: 1, Slot: "W-1", Order: "SO-7"}, "qty"},
		} {
			if _, err := put(c.Sort); err == nil || fault.PlaceOf(err) != c.place {
				t.Errorf("%s: place %q: %v", name, fault.PlaceOf(err), err)
			}
		}
		out, err := put(pick.Sort{Qty: 2, Slot: "W-1", Order: "SO-1"})
		if err != nil || !slices.Equal(out.Whole, []string{"SO-1"}) {
			t.Fatalf("%+v, %v", out, err)
		}
		if _, err := put(pick.Sort{Qty: 1, Slot: "W-1"}); fault.PlaceOf(err) != "slot" {
			t.Errorf("another order's slot: %v", err)
		}
		if _, err := put(pick.Sort{Qty: 1, Slot: "W-2"}); err != nil {
			t.Fatal(err)
		}
		if n := r.count(); n["pick.Consolidated"] != 1 {
			t.Errorf("%d are together before their goods are", n["pick.Consolidated"])
		}
		if _, err := put(pick.Sort{Qty: 1, Slot: "W-1", Order: "SO-0"}); fault.PlaceOf(err) != "slot" {
			t.Errorf("a second slot: %v", err)
		}
		if out, err := put(pick.Sort{Qty: 1}); err != nil || !slices.Equal(out.Whole, []string{"SO-0"}) || out.Puts[0].Slot != "W-2" {
			t.Errorf("%+v, %v", out, err)
		}
		settle(time.Minute)
		if n := r.count(); n["pack.Opened"] != 2 {
			t.Errorf("%d packings", n["pack.Opened"])
		}
		r.books("A")
		r.noLetters()
	})
}

// workAll lets a worker do every pick task there is. found says what of a step is there: all
// that is left, less for a short, below 0 to look at the list again.
func (r *rig) workAll(who string, found func(pick.List, pick.Step) int64) {
	r.t.Helper()
	picks := func(c *task.Next) { c.Kinds = []string{task.KindPick} }
	for range 50 {
		a := r.next(who, picks)
		if a.Task == nil {
			return
		}
		r.workOn(who, a.Task.Scope, a.Task.Task, found)
		settle(time.Second)
	}
	r.t.Fatalf("there is always more to do\n%s", r.story())
}

func (r *rig) workOn(who string, s scope.Scope, id string, found func(pick.List, pick.Step) int64) {
	r.t.Helper()
	do := func(cmd any) {
		if _, err := r.ask(door.Floor, door.Ask{Scope: s, ID: id, Cmd: cmd}); err != nil {
			r.t.Fatalf("%+v: %v", cmd, err)
		}
	}
	list := func() pick.List { return foldOf(r, pick.Fold, pick.StreamOf(s, id)) }
	for l := list(); l.Status == pick.StatusOpen; l = list() {
		i := slices.IndexFunc(l.Steps, func(st pick.Step) bool { return st.Left() > 0 })
		st := l.Steps[i]
		tote := "t-" + id
		if l.Method == pick.Cluster {
			tote = "k-" + id + st.Order
		}
		switch n := found(l, st); {
		case n < 0: // and sort what is in the tote, where the list ended by itself
		case n == st.Left():
			do(pick.Confirm{Step: st.No, Qty: n, Tote: tote, Worker: who})
		default:
			do(pick.Short{Step: st.No, Found: n, Tote: tote, Worker: who, Reason: "not_found"})
		}
	}
	l := list()
	if !sorted(l.Method) {
		return
	}
	for _, st := range l.Steps {
		o := r.order(st.Order)
		if x, _ := o.Line(st.Line); st.Picked > st.Put && x.Picked > 0 {
			slot := "W-" + string(st.Order[3]+1)
			do(pick.Sort{Order: st.Order, Item: st.Item, Lot: st.From.Lot, Tote: "t-" + id, Slot: slot, Qty: st.Picked - st.Put, Worker: who})
		}
	}
}

// rows are the states whose keys begin so.
func (r *rig) rows(prefix string) []string {
	r.t.Helper()
	if err := r.bus.Flush(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	rows, err := r.store.Scan(r.t.Context(), "state", prefix, "", 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, x := range rows {
		out = append(out, x.Key)
	}
	return out
}

// allEnd fails where a pick task is open.
func (r *rig) allEnd() {
	r.t.Helper()
	for _, x := range r.pickTasks() {
		if x.Status != task.StatusCompleted && x.Status != task.StatusCancelled {
			r.t.Errorf("task %s is %s: %+v", x.Task, x.Status, x.Steps)
		}
	}
}

// The process dies after each unit in turn while a wave is picked by each method, with a short
// and a cancelled order inside; the callers who got no answer ask again. The end is the same as
// that of a process that never died, and whatever was ordered is shipped, waits, or went back.
// A step that was picked and is told again takes nothing for another order.
func TestAStepOfABatchThatIsToldTwiceIsTakenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople, inBatches(wave.Bulk))
		r.twoZones()
		r.place("SO-0", "A", 2)
		r.place("SO-1", "A", 2)
		settle(time.Minute)
		id := r.next("kim").Task.Task
		r.must(door.Floor, id, pick.Confirm{Step: 1, Qty: 2, Tote: "BIN", Worker: "kim"})
		r.refused(door.Floor, id, pick.Confirm{Step: 1, Qty: 2, Tote: "BIN", Worker: "kim"}, fault.Rejected, "step")
		r.refused(door.Floor, id, pick.Short{Step: 1, Found: 1, Tote: "BIN", Worker: "kim", Reason: "not_found"}, fault.Rejected, "step")
		l := foldOf(r, pick.Fold, pick.StreamOf(site, id))
		if l.Steps[0].Picked != 2 || l.Steps[1].Left() != 2 {
			t.Errorf("%+v", l.Steps)
		}
	})
}

func TestACrashAfterAnyUnitOfABatchChangesNothing(t *testing.T) {
	for _, method := range wave.Methods() {
		t.Run(method, func(t *testing.T) {
			want, died := "", 0
			for n := -1; !t.Failed(); n++ {
				if testing.Short() && n >= 0 {
					n += 9 // every tenth
				}
				ended, got := false, ""
				synctest.Test(t, func(t *testing.T) { got, ended = crashInABatch(t, method, n) })
				if want == "" {
					want = got
				} else if got != want {
					t.Errorf("after %d units the end is another:\n%s\n%s", n, got, want)
				}
				if ended {
					break
				}
				died++
			}
			if least := 40; died < least && !testing.Short() {
				t.Errorf("it died %d times only: the scenario proves little", died)
			}
			t.Logf("died after %d units; %s", died, want)
		})
	}
}

func crashInABatch(t *testing.T, method string, n int) (end string, ended bool) {
	r := newRig(t, byPeople, inBatches(method), func(c *FlowConfig) { c.Auto.Pack = true })
	r.twoZones()
	elapse(time.Second)
	r.stockOnly("A", 10, "P-A2") // where what is missing is found
	r.walls("W-1", "W-2", "W-3")
	r.batch = 1
	r.restart()
	if n >= 0 {
		r.crash(n)
	}
	fell, calls := false, 0
	// ask is a caller who asks again under his key when he got no answer.
	ask := func(name string, a door.Ask) {
		calls++
		a.Key = &door.Key{Scope: "test", ID: fmt.Sprint(calls), Hash: [32]byte{byte(calls)}}
		_, err := r.ask(name, a)
		if r.bus.Err() != nil {
			fell = true
			r.restart()
			_, err = r.ask(name, a)
			if fault.KindOf(err) == fault.Transient && err != nil { // its pick list is made in a moment
				settle(time.Second)
				_, err = r.ask(name, a)
			}
		}
		if err != nil {
			t.Fatalf("%s %s %+v: %v\n%s", name, a.ID, a.Cmd, err, r.story())
		}
	}
	wait := func(d time.Duration) {
		settle(d)
		_ = r.bus.Flush(t.Context()) // may be what the process dies of
		if r.bus.Err() != nil {
			fell = true
			r.restart()
			settle(d)
		}
	}
	for i := range 3 {
		ask(door.Orders, door.Ask{ID: fmt.Sprintf("SO-%d", i), Cmd: place(fmt.Sprintf("SO-%d", i), lines("A", 2, "B", 1))})
	}
	wait(time.Minute)
	gone, missed := false, false
	for range 200 {
		wait(time.Second)
		var open *task.Task
		for _, x := range r.pickTasks() {
			if x.Status == task.StatusOpen || x.Status == task.StatusClaimed {
				open = &x
				break
			}
		}
		if open == nil {
			break
		}
		list := foldOf(r, pick.Fold, pick.StreamOf(open.Scope, open.Task))
		i := slices.IndexFunc(list.Steps, func(st pick.Step) bool { return st.Left() > 0 })
		floor := func(cmd any) { ask(door.Floor, door.Ask{Scope: open.Scope, ID: open.Task, Cmd: cmd}) }
		switch {
		case i < 0:
			t.Fatalf("task %s is %s and has nothing left", open.Task, open.Status)
		case open.Status == task.StatusOpen:
			floor(task.Claim{Worker: "kim", Lease: 20 * time.Hour})
			continue
		}
		st, tote := list.Steps[i], "t-"+open.Task
		if list.Method == pick.Cluster {
			tote = "k-" + open.Task + st.Order
		}
		switch {
		case !missed:
			missed = true
			floor(pick.Short{Step: st.No, Found: 1, Tote: tote, Worker: "kim", Reason: "not_found"})
		case !gone && list.Steps[i].Order != "SO-0":
			gone = true
			ask(door.Orders, door.Ask{ID: "SO-1", Cmd: order.Cancel{Reason: "mind"}})
		default:
			floor(pick.Confirm{Step: st.No, Qty: st.Left(), Tote: tote, Worker: "kim"})
		}
		wait(time.Minute)
	}
	for _, e := range events[pick.Opened](r) {
		for no := range e.Steps {
			wait(time.Second)
			l := foldOf(r, pick.Fold, e.Stream())
			st := l.Steps[no]
			w, _ := r.order(st.Order).Line(st.Line)
			if m := st.Picked - st.Put; sorted(l.Method) && m > 0 && w.Picked > 0 {
				ask(door.Floor, door.Ask{Scope: l.Scope, ID: l.Task, Cmd: pick.Sort{
					Order: st.Order, Item: st.Item, Tote: "t-" + l.Task, Slot: "W-" + string(st.Order[3]+1), Qty: m, Worker: "kim",
				}})
			}
		}
	}
	wait(2 * time.Hour)
	for i := range 3 {
		o := r.order(fmt.Sprintf("SO-%d", i))
		end += fmt.Sprintf("%s %s %+v; ", o.Number, o.Status(), o.Totals())
		if o.Status() != order.StatusShipped && o.Status() != order.StatusCancelled {
			t.Errorf("after %d units %s is %s\n%s", n, o.Number, o.Status(), r.storyOf(o.Number))
		}
	}
	for _, sku := range []string{"A", "B"} {
		s := foldOf(r, inventory.Fold, keyOf(site, sku).Stream())
		end += fmt.Sprintf("%s %d out %d on hand; ", sku, s.Out, s.OnHand())
	}
	end += fmt.Sprintf("%d labels, %d slots taken", r.carrier.standing(), len(r.rows("slot/")))
	r.allEnd()
	r.books("A", "B")
	r.once()
	r.noLetters()
	return end, n >= 0 && !fell && r.bus.Err() == nil
}
