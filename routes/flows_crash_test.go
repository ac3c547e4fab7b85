package routes

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/order"
)

// errKilled is what the journal says once its process is gone.
var errKilled = errors.New("killed")

// crash lets n more units through, then writes nothing any more: what the process still
// does is lost with it.
func (r *rig) crash(n int) {
	r.store.SetHook(func(b *journal.Batch) ([]*journal.Refusal, error) {
		if n < len(b.Units) {
			n = 0
			return nil, errKilled
		}
		n -= len(b.Units)
		return nil, nil
	})
}

// restart is another process on what the journal held.
func (r *rig) restart() {
	r.t.Helper()
	r.end()
	if err := <-r.ended; err != nil && r.bus.Err() == nil {
		r.t.Errorf("the hub ended with %v on a sound journal", err)
	}
	_ = r.bus.Close(context.Background()) // the journal is broken, and says so
	store, err := r.store.Reopen(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	r.store = store
	r.start()
}

// The process dies after each unit of the flow in turn, and another goes on: the end is
// the same, and the carrier sold one label. Each unit is a write of its own here.
func TestACrashAfterAnyUnitChangesNothing(t *testing.T) {
	afterEachUnit(t, 20, func(t *testing.T, n int) (ended bool) {
		r := newRig(t, func(c *FlowConfig) { c.Auto.ShortOneIn = 2 })
		r.stock("A", 3, "P-1", "P-2")
		r.carrier.next(losesAnswer)
		r.batch = 1
		r.restart()
		r.crash(n)
		p := place("SO-1", lines("A", 2))
		_, err := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: p})
		settle(10 * time.Minute)
		ended = r.bus.Err() == nil
		if !ended {
			r.restart()
			// The caller who got no answer asks again.
			if _, again := r.ask(door.Orders, door.Ask{ID: "SO-1", Cmd: p}); again != nil {
				t.Fatalf("first %v, again %v", err, again)
			}
			settle(time.Hour)
		}
		r.status("SO-1", order.StatusShipped)
		if r.carrier.standing() != 1 || r.carrier.orders["SO-1"] != 1 {
			t.Errorf("%d labels stand, %d were sold", r.carrier.standing(), r.carrier.orders["SO-1"])
		}
		if s := foldOf(r, inventory.Fold, keyOf(site, "A").Stream()); s.Out != 2 {
			t.Errorf("%d left", s.Out)
		}
		r.books("A")
		r.once()
		r.noLetters()
		return ended
	})
}

func TestAHotItemIsSoldAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("HOT", 10, "P-1")
		for i := range 1100 { // more than a stream grows between two snapshots
			r.must(door.Stock, "HOT", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: int64(1 + i%3)})
		}
		settle(time.Minute)
		if row, err := r.store.Row(t.Context(), journal.TableSnapshot, inventory.BookKey{Scope: site, Item: "HOT"}.Stream()); err != nil || row == nil {
			t.Fatalf("there is no snapshot to begin with: %v", err)
		}
		r.restart()
		r.place("SO-1", "HOT", 2)
		settle(time.Minute)
		r.noLetters()
		r.status("SO-1", order.StatusShipped)
	})
}

// afterEachUnit runs a scenario whose process dies after n units, for each n until it ends alive; with -short
// for each seventh. It must have died so often at least, or it proves little.
func afterEachUnit(t *testing.T, least int, scenario func(t *testing.T, n int) (ended bool)) {
	t.Helper()
	died, stride := 0, 1
	if testing.Short() {
		least, stride = 1, 7
	}
	for ended := false; ; died++ {
		n := died * stride
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { ended = scenario(t, n) })
		})
		if t.Failed() {
			return
		}
		if ended {
			break
		}
	}
	if died < least {
		t.Errorf("it died %d times only: the scenario proves little", died)
	}
	t.Logf("died %d times, after each %d units", died, stride)
}
