package routes

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/crew"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/task"
)

// Where less is counted than orders were given, the place is out of use until their goods are picked
// or given back, and is counted again then: it never stays so without an open count.
func TestAPlaceThatIsNotSettledIsCountedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		orders []int // of 10 that are booked
		found  int64
		end    func(*rig)
		then   int64 // what the second count finds
	}{
		"given back": {[]int{6}, 4, func(r *rig) { r.must(door.Orders, "SO-0", order.Cancel{Reason: "mind"}) }, 4},
		"picked":     {[]int{6, 3}, 8, func(r *rig) { r.workAll("kim", func(_ pick.List, st pick.Step) int64 { return st.Left() }) }, 0},
		"one picked, one short": {[]int{6, 3}, 7, func(r *rig) {
			r.workAll("kim", func(_ pick.List, st pick.Step) int64 { return min(st.Left(), 4) })
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byPeople)
				r.stock("A", 10, "P-1")
				at := inventory.Place{Location: "P-1"}
				var allocated int64
				for i, n := range c.orders {
					r.place(fmt.Sprintf("SO-%d", i), "A", n)
					allocated += int64(n)
				}
				settle(time.Minute)
				r.must(door.Stock, "A", inventory.Settle{Place: at, Counted: min(c.found, allocated-1), Reason: "count"})
				sh, _ := r.stockOf("A").Shelf(at)
				if !sh.Counting || sh.Allocated != allocated || sh.Free != 0 {
					t.Fatalf("%+v", sh)
				}
				c.end(r)
				settle(time.Minute)
				open := events[count.Opened](r)
				if len(open) == 0 {
					t.Fatalf("nobody is asked to count\n%s", r.story())
				}
				id := open[len(open)-1].ID
				if sh, there := r.stockOf("A").Shelf(at); there && sh.Counting {
					r.refused(door.Stock, id, count.Cancel{Reason: "mistake"}, fault.Rejected, "count")
				}
				r.must(door.Stock, id, count.Tally{Counted: c.then, By: "ann"})
				settle(time.Minute)
				if sh, there := r.stockOf("A").Shelf(at); there && (sh.Counting || sh.Suspect+sh.Allocated > 0 || sh.Free != c.then) {
					t.Errorf("%+v", sh)
				}
				r.books("A")
				r.noLetters()
			})
		})
	}
}

// A place that somebody found short is counted by another, where another is enrolled, and is not what
// he is given next.
func TestAShortIsNotSettledByWhoReportedIt(t *testing.T) {
	for name, enrolled := range map[string][]string{"two": {"kim", "jo"}, "one": {"kim"}, "nobody": nil, "another left": {"kim", "old"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, id := byHand(t)
				for _, w := range enrolled {
					r.must(door.Master, w, crew.Register{})
				}
				if slices.Contains(enrolled, "old") {
					r.must(door.Master, "old", crew.Retire{Reason: "left"})
				}
				r.must(door.Floor, id, task.Claim{Worker: "kim", Lease: time.Hour})
				r.must(door.Floor, id, pick.Short{Step: 1, Found: 0, Worker: "kim", Reason: "not_found"})
				settle(time.Minute)
				opened := events[count.Opened](r)
				if len(opened) != 1 || opened[0].Reporter != "kim" {
					t.Fatalf("%+v", opened)
				}
				counts := func(who string) bool {
					return r.next(who, func(c *task.Next) { c.Kinds = []string{task.KindCount} }).Task != nil
				}
				tally := count.Tally{Counted: 1, By: "kim"}
				if len(enrolled) == 2 && enrolled[1] == "jo" {
					if counts("kim") {
						t.Error("he is sent to count what he found short")
					}
					r.refused(door.Stock, opened[0].ID, tally, fault.Rejected, "by")
					if !counts("jo") {
						t.Error("nobody else is sent")
					}
					tally.By = "jo"
				}
				r.must(door.Stock, opened[0].ID, tally)
				settle(time.Minute)
				if got := events[count.Settled](r); len(got) != 1 {
					t.Errorf("%+v", got)
				}
				r.books("A")
				r.noLetters()
			})
		})
	}
}
