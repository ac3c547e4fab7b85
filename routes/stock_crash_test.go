package routes

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/replenish"
	"github.com/paklog/hub/core/reservation"
	"github.com/paklog/hub/core/task"
)

// asked is what a door is asked for.
type asked struct {
	door, id string
	cmd      any
}

// askThrough asks one after the other, with a wait behind each. Where the hub dies it is started
// anew and asked again, under the same key, with the other wait. It reports whether it died.
func (r *rig) askThrough(wait, again time.Duration, asks []asked) (fell bool) {
	r.t.Helper()
	for i, a := range asks {
		ask := door.Ask{Scope: site, ID: a.id, Cmd: a.cmd, Key: &door.Key{Scope: "test", ID: fmt.Sprint(i), Hash: [32]byte{byte(i)}}}
		_, err := r.ask(a.door, ask)
		settle(wait)
		if r.bus.Err() == nil {
			if err != nil {
				r.t.Fatalf("%T: %v", a.cmd, err)
			}
			continue
		}
		fell = true
		r.restart()
		if _, err2 := r.ask(a.door, ask); err2 != nil {
			r.t.Fatalf("%T: first %v, again %v", a.cmd, err, err2)
		}
		settle(again)
	}
	return fell
}

// The process dies after each unit in turn while stock is reserved, robbed, held back, counted
// and replenished; whoever got no answer asks again under his key. The end is the same as that
// of a process that never died.
func TestACrashAfterAnyUnitOfTheStockChangesNothing(t *testing.T) {
	want, died := "", 0
	for n := -1; ; n++ {
		ended := false
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(c *FlowConfig) { c.Steal, c.Wave.Manual, c.Count.Recounts = true, true, 1 })
				r.batch = 1
				r.restart()
				if n >= 0 {
					r.crash(n)
				}
				end := time.Now().Add(3 * time.Hour)
				a := keyOf(site, "A")
				fell := r.askThrough(time.Minute, time.Minute, []asked{
					{door.Master, "A", item.Register{Spec: spec(1)}},
					{door.Master, "B-1", location.Register{Spec: location.Spec{Purpose: location.Bulk}}},
					{door.Master, "P-1", location.Register{Spec: location.Spec{Purpose: location.Pick, Slot: location.Slot{Owner: "acme", Item: "A", Min: 4, Max: 12}}}},
					{door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "B-1"}, Qty: 30}},
					{door.Stock, "R", reservation.Place{ID: "R", BookKey: a, Kind: reservation.Hard, Qty: 4, Priority: 2, Expires: end}},
					{door.Orders, "LOW", urgent("LOW", 1, "A", 26)},
					{door.Orders, "NOW", urgent("NOW", 5, "A", 7)},
					{door.Stock, "C-1", count.Open{BookKey: a, Place: inventory.Place{Location: "P-1"}, ID: "C-1"}},
					{door.Stock, "C-1", count.Tally{Counted: 15, By: "jo"}},
					{door.Stock, "C-1", count.Tally{Counted: 15, By: "al"}},
					{door.Stock, "A", inventory.Quarantine{Place: inventory.Place{Location: "B-1"}, Reason: "leak"}},
					{door.Stock, "P-1", replenish.Start{Location: "P-1", Kind: replenish.TopOff}},
				})
				settle(4 * time.Hour)
				if r.bus.Err() != nil {
					r.restart()
					settle(time.Hour)
				} else {
					ended = n >= 0 && !fell
				}
				r.books("A")
				r.holds([]string{"LOW", "NOW"}, []string{"R"})
				r.noLetters()
				for _, e := range events[task.Created](r) {
					if tk := foldOf(r, task.Fold, e.Stream()); tk.Status == task.StatusOpen && tk.Kind != task.KindPick {
						t.Errorf("a task did not end: %+v", tk)
					}
				}
				got := fmt.Sprintf("LOW %+v NOW %+v R %s %d", r.order("LOW").Totals(), r.order("NOW").Totals(), r.reservation("R").Ended, r.reservation("R").Qty)
				for _, sh := range r.stockOf("A").Shelves {
					got += fmt.Sprintf("; %s free %d allocated %d held %d suspect %d", sh.Location, sh.Free, sh.Allocated, sh.Held, sh.Suspect)
				}
				if want == "" {
					want = got
				} else if got != want {
					t.Errorf("the end is another:\n%s\n%s", got, want)
				}
			})
		})
		if t.Failed() {
			return
		}
		if ended {
			break
		}
		died++
	}
	if died < 20 {
		t.Errorf("it died %d times only: the scenario proves little", died)
	}
	t.Logf("died after each of %d units; %s", died, want)
}
