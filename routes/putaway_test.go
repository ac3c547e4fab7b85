package routes

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/putaway"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/task"
	"github.com/paklog/hub/core/tracking"
)

// shelves are places of storage by their codes, each for so many units; 0 is no bound.
func (r *rig) shelves(purpose string, of ...any) {
	r.t.Helper()
	for i := 0; i < len(of); i += 2 {
		code := of[i].(string)
		r.must(door.Master, code, location.Register{Spec: location.Spec{
			Purpose: purpose, Sequence: int64(i + 1), Capacity: location.Capacity{Units: int64(of[i+1].(int))},
		}})
	}
}

// putAways are the put-away tasks that are open or claimed, in the order they were made.
func (r *rig) putAways() []task.Task {
	r.t.Helper()
	var out []task.Task
	for _, e := range events[task.Created](r) {
		if t := foldOf(r, task.Fold, e.Stream()); t.Kind == task.KindPutAway && (t.Status == task.StatusOpen || t.Status == task.StatusClaimed) {
			out = append(out, t)
		}
	}
	return out
}

func (r *rig) claimed(id string) putaway.Put {
	r.t.Helper()
	r.must(door.Floor, id, task.Claim{Worker: "jo", Lease: time.Hour})
	return putaway.Put{Worker: "jo", Claim: foldOf(r, task.Fold, task.StreamOf(site, id)).Claims}
}

func (r *rig) comes(receipt, sku string, qty int64) {
	r.t.Helper()
	r.must(door.Receipts, receipt, receiving.Receive{Item: sku, Qty: qty, Place: inventory.Place{Location: "DOCK"}})
	settle(time.Second)
}

func TestGoodsArePutAwayWhereTheyAreDirected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.dock("A", "B")
		r.shelves(location.Bulk, "B-1", 8, "B-2", 50)
		r.must(door.Master, "F-1", location.Register{Spec: location.Spec{Purpose: location.Pick, Slot: location.Slot{Owner: "acme", Item: "A", Min: 2, Max: 5}}})
		r.place("SO-1", "A", 4)
		settle(time.Second)
		r.comes("R-1", "A", 20)
		if o := r.order("SO-1").Totals(); o.Backordered != 4 {
			t.Fatalf("an order has what lies at the dock: %+v", o)
		}
		tasks := r.putAways()
		if len(tasks) != 3 || tasks[0].Steps[0].To.Location != "F-1" || tasks[0].Steps[0].Qty != 5 || tasks[1].Steps[0].Qty != 8 || tasks[2].Steps[0].Qty != 7 {
			t.Fatalf("%+v", tasks)
		}
		why := events[inventory.PutAwayDirected](r)
		if len(why) != 3 || why[0].Why.Because != putaway.BecauseSlot || why[2].To != "B-2" || why[2].Why.Because != putaway.BecauseEmpty {
			t.Errorf("%+v", why)
		}
		first := r.claimed(tasks[0].Task)
		r.refused(door.Floor, tasks[0].Task, task.Complete{Worker: "jo", Claim: first.Claim}, fault.Rejected, "task")
		for place, change := range map[string]func(*putaway.Put){
			"location": func(c *putaway.Put) { c.Location = "" },
			"reason":   func(c *putaway.Put) { c.Location = "B-2" },
			"qty":      func(c *putaway.Put) { c.Location, c.Qty = "F-1", 6 },
		} {
			c := first
			change(&c)
			r.refused(door.Floor, tasks[0].Task, c, fault.Invalid, place)
		}
		late := first
		late.Location, late.Claim = "F-1", 7
		r.refused(door.Floor, tasks[0].Task, late, fault.Rejected, "claim")
		first.Location = "F-1"
		r.must(door.Floor, tasks[0].Task, first)
		if again := r.must(door.Floor, tasks[0].Task, first); again.Created {
			t.Error("it was put away twice")
		}
		settle(time.Second)
		if o := r.order("SO-1").Totals(); o.Allocated != 4 {
			t.Errorf("the order that waited has none: %+v", o)
		}
		// Elsewhere than was planned: it must take them, and what is on its way there counts.
		second := r.claimed(tasks[1].Task)
		for code, place := range map[string]string{"DOCK": "location", "NONE": "location", "F-1": "qty"} {
			c := second
			c.Location, c.Reason = code, "nearer"
			r.refused(door.Floor, tasks[1].Task, c, fault.Rejected, place)
		}
		second.Location, second.Reason, second.Qty = "B-2", "aisle blocked", 3
		r.must(door.Floor, tasks[1].Task, second)
		settle(time.Second)
		told := events[inventory.StockPutAway](r)
		if x := told[len(told)-1]; x.Planned != "B-1" || x.Reason != "aisle blocked" || x.Qty != 3 || x.By != "jo" {
			t.Errorf("%+v", x)
		}
		// The five that stayed at the dock are directed anew: the item lies in B-2 now.
		tasks = r.putAways()
		var left int64
		for _, x := range tasks {
			left += x.Steps[0].Qty
		}
		if left != 12 || len(tasks) != 2 {
			t.Errorf("%d left in %+v", left, tasks)
		}
		for _, x := range tasks {
			c := r.claimed(x.Task)
			c.Location = x.Steps[0].To.Location
			r.must(door.Floor, x.Task, c)
		}
		settle(time.Minute)
		if _, at := r.stockOf("A").Shelf(inventory.Place{Location: "DOCK"}); at || r.stockOf("A").OnHand() != 20 || len(r.putAways()) != 0 {
			t.Errorf("%+v", r.stockOf("A"))
		}
		r.books("A")
		r.noLetters()
	})
}

func TestAPalletGoesToOnePlaceOnceNothingOnItIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.dock("A")
		inspected := spec(200 * measure.Gram)
		inspected.Inspect = true
		r.must(door.Master, "B", item.Register{Spec: inspected})
		r.shelves(location.Bulk, "B-1", 9, "B-2", 10)
		c := expects("A", 6, "B", 4)
		c.Lines[0].LPN, c.Lines[1].LPN = "P-1", "P-1"
		r.must(door.Receipts, "ASN-1", c)
		r.must(door.Receipts, "ASN-1", receiving.Arrive{Dock: "DOCK"})
		r.must(door.Receipts, "ASN-1", receiving.ReceiveLPN{LPN: "P-1"})
		settle(time.Minute)
		if tasks := r.putAways(); len(tasks) != 0 {
			t.Fatalf("a pallet of which a part is held is put away: %+v", tasks)
		}
		r.must(door.Receipts, "ASN-1", receiving.Judge{Line: 2, Pass: true, Reason: "sampled", By: "al"})
		settle(time.Minute)
		tasks := r.putAways()
		if len(tasks) != 1 || len(tasks[0].Steps) != 2 || tasks[0].Steps[0].To.Location != "B-2" {
			t.Fatalf("%+v\n%s", tasks, r.story())
		}
		// What comes meanwhile finds the room taken.
		r.refused(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "B-2"}, Qty: 1}, fault.Rejected, "qty")
		put := r.claimed(tasks[0].Task)
		put.Location, put.Qty = "B-2", 1
		r.refused(door.Floor, tasks[0].Task, put, fault.Invalid, "qty")
		put.Qty = 0
		r.must(door.Floor, tasks[0].Task, put)
		settle(time.Minute)
		for _, sku := range []string{"A", "B"} {
			if sh := r.stockOf(sku).Shelves; len(sh) != 1 || sh[0].Location != "B-2" || sh[0].LPN != "P-1" || sh[0].Free == 0 {
				t.Errorf("%+v", sh)
			}
		}
		r.books("A", "B")
		r.noLetters()
	})
}

func TestAPalletThatIsBroughtToAShelfIsPutAwayByThat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.dock("A")
		r.shelves(location.Bulk, "B-1", 9, "B-2", 10)
		r.must(door.Master, "DOCK-2", location.Register{Spec: location.Spec{Purpose: location.Dock}})
		c := expects("A", 6)
		c.Lines[0].LPN = "P-1"
		r.must(door.Receipts, "ASN-1", c)
		r.must(door.Receipts, "ASN-1", receiving.Arrive{Dock: "DOCK"})
		r.must(door.Receipts, "ASN-1", receiving.ReceiveLPN{LPN: "P-1"})
		settle(time.Minute)
		for i, to := range []string{"DOCK-2", "B-2"} {
			if tasks := r.putAways(); len(tasks) != 1 || tasks[0].Steps[0].From.Location != []string{"DOCK", "DOCK-2"}[i] {
				t.Fatalf("before %s: %+v", to, tasks)
			}
			r.must(door.Tracking, "P-1", tracking.Place{Sighting: tracking.Sighting{Position: tracking.Position{Location: to}}})
			settle(time.Minute)
		}
		if sh := r.stockOf("A").Shelves; len(r.putAways()) != 0 || len(sh) != 1 || sh[0].Location != "B-2" || sh[0].Free != 6 {
			t.Errorf("%+v, %+v", r.putAways(), sh)
		}
		// The room that the tasks held is free again.
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "B-1"}, Qty: 9})
		r.books("A")
		r.noLetters()
	})
}

func TestOrdersWaitForGoodGoodsOnShelves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, atDock := range []bool{false, true} {
			r := newRig(t, still, func(c *FlowConfig) { c.Receiving.PromiseAtDock = atDock })
			r.dock("A")
			r.shelves(location.Pick, "P-1", 0)
			r.place("SO-1", "A", 3)
			settle(time.Minute)
			for _, as := range []string{receiving.Damaged, receiving.OnHold} {
				r.must(door.Receipts, "R-1", receiving.Receive{Item: "A", Qty: 5, Place: inventory.Place{Location: "DOCK"}, Condition: as, Reason: "wet"})
			}
			settle(time.Minute)
			if o := r.order("SO-1").Totals(); o.Backordered != 3 {
				t.Fatalf("promised what is not good: %+v", o)
			}
			r.comes("R-1", "A", 2)
			want := int64(0)
			if atDock {
				want = 2
			}
			if got := r.stockOf("A").AvailableToPromise(); got != want {
				t.Errorf("%d may be promised at the dock, expected %d", got, want)
			}
			for _, x := range r.putAways() {
				c := r.claimed(x.Task)
				c.Location = "P-1"
				r.must(door.Floor, x.Task, c)
			}
			settle(time.Minute)
			if o := r.order("SO-1").Totals(); o.Allocated != 2 {
				t.Errorf("at the dock %v: %+v", atDock, o)
			}
			r.must(door.Receipts, "R-1", receiving.Judge{Line: 1, Pass: true, Reason: "dry", By: "al"})
			settle(time.Minute)
			for _, x := range r.putAways() {
				c := r.claimed(x.Task)
				c.Location = "P-1"
				r.must(door.Floor, x.Task, c)
			}
			settle(time.Minute)
			if o := r.order("SO-1").Totals(); o.Allocated != 3 {
				t.Errorf("at the dock %v: %+v", atDock, o)
			}
			r.books("A")
			r.noLetters()
			r.stop()
		}
	})
}

func TestPutAwaysThatComeToNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.dock("A")
		r.comes("R-1", "A", 6)
		if n := len(r.putAways()); n != 0 {
			t.Fatalf("%d tasks to nowhere", n)
		}
		// A place comes into use: they are looked for again after a while.
		r.shelves(location.Bulk, "B-1", 4, "B-2", 4)
		settle(2 * waitsForRoom)
		tasks := r.putAways()
		if len(tasks) != 2 {
			t.Fatalf("%+v", tasks)
		}
		// The lot is held back: nobody walks for it. Released it is directed anew.
		r.must(door.Stock, "A", inventory.Quarantine{Place: inventory.Place{Location: "DOCK"}, Reason: "recall"})
		settle(time.Minute)
		if n := len(r.putAways()); n != 0 {
			t.Errorf("%d tasks for what is held", n)
		}
		r.must(door.Stock, "A", inventory.Quarantine{Place: inventory.Place{Location: "DOCK"}, Reason: "passed", Release: true})
		settle(time.Minute)
		if n := len(r.putAways()); n != 2 || r.stockOf("A").AvailableToPromise() != 0 {
			t.Errorf("%d tasks, %+v", n, r.stockOf("A"))
		}
		// The planned place is blocked: the worker finds another, or nobody does.
		tasks = r.putAways()
		r.must(door.Master, "B-1", location.Block{Reason: "leak"})
		c := r.claimed(tasks[0].Task)
		c.Location = "B-1"
		r.refused(door.Floor, tasks[0].Task, c, fault.Rejected, "location")
		r.noLetters()
	})
}

// However many come at once, no place gets more than fits, and nothing is put away twice.
func TestNoPlaceIsFilledTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still, func(c *FlowConfig) { c.Auto.Pick = true })
		skus := []string{"A", "B", "C", "D"}
		r.dock(skus...)
		r.shelves(location.Bulk, "B-1", 7, "B-2", 5, "B-3", 9, "B-4", 30)
		done := make(chan error)
		n := 0
		for i := range 6 {
			for _, sku := range skus {
				n++
				go func() {
					_, err := r.ask(door.Receipts, door.Ask{ID: "R-" + sku, Cmd: receiving.Receive{
						Item: sku, Qty: 3, Place: inventory.Place{Location: "DOCK"}, Entry: fmt.Sprint(i),
					}})
					done <- err
				}()
				n++
				go func() { // and goods that are put where they fit by hand
					_, err := r.ask(door.Stock, door.Ask{ID: sku, Cmd: inventory.Receive{Place: inventory.Place{Location: fmt.Sprintf("B-%d", 1+i%4)}, Qty: 2}})
					if fault.KindOf(err) == fault.Rejected {
						err = nil
					}
					done <- err
				}()
			}
		}
		for range n {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		settle(time.Hour)
		lies := map[string]int64{}
		var dock, all int64
		for _, sku := range skus {
			for _, sh := range r.stockOf(sku).Shelves {
				lies[sh.Location] += sh.Total()
				all += sh.Total()
			}
			if got := r.receipt("R-" + sku); got.Lines[0].Good != 18 {
				t.Errorf("%+v", got)
			}
		}
		dock = lies["DOCK"]
		for code, most := range map[string]int64{"B-1": 7, "B-2": 5, "B-3": 9, "B-4": 30} {
			if lies[code] > most {
				t.Errorf("%d lie in %s, where %d fit", lies[code], code, most)
			}
		}
		// 72 came to the dock; what found no place waits there, and each place is as full as it can be.
		if all < 72 || dock != all-51 || len(r.putAways()) != 0 {
			t.Errorf("%v, %d in all, %d tasks", lies, all, len(r.putAways()))
		}
		if told := events[inventory.StockPutAway](r); !slices.ContainsFunc(told, func(e inventory.StockPutAway) bool { return e.By == worker }) {
			t.Error("nothing was put away")
		}
		r.books(skus...)
		r.noLetters()
	})
}

// Two who bring goods to the last room of a place, and have both looked before either is written:
// one of them looks again and is refused.
func TestTheLastRoomIsTakenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.dock("A", "B")
		r.shelves(location.Bulk, "B-1", 5)
		for _, sku := range []string{"A", "B"} {
			r.must(door.Stock, sku, inventory.Receive{Place: inventory.Place{Location: "B-1"}, Qty: 1})
		}
		var looked sync.WaitGroup
		looked.Add(2)
		var runs atomic.Int64
		err := r.hub.Add(Route{Name: "test.bring", Handle: func(ctx context.Context, m *Message) (*Out, error) {
			d := r.flows.decide(ctx, m)
			d.bringIn(inventory.Receive{BookKey: keyOf(site, m.Value.(string)), Place: inventory.Place{Location: "B-1"}, Qty: 3})
			if runs.Add(1) <= 2 {
				looked.Done()
				looked.Wait()
			}
			return d.done()
		}})
		if err != nil {
			t.Fatal(err)
		}
		settle(time.Second)
		done := make(chan error)
		for _, sku := range []string{"A", "B"} {
			go func() {
				_, err := r.hub.Call(context.Background(), "test.bring", sku)
				done <- err
			}()
		}
		refused := 0
		for range 2 {
			if err := <-done; fault.KindOf(err) == fault.Rejected && err != nil {
				refused++
			} else if err != nil {
				t.Error(err)
			}
		}
		if n := r.stockOf("A").OnHand() + r.stockOf("B").OnHand(); n != 5 || refused != 1 || runs.Load() != 3 {
			t.Errorf("%d lie there, %d were refused, in %d runs", n, refused, runs.Load())
		}
	})
}
