package routes

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/task"
)

// Whoever has goods in hand that are recalled goes on with them: to where such goods lie, or back to
// where he took them, and is told so where he scans the shelf that they were for.
func TestGoodsInHandThatBecomeOthersAreBroughtElsewhere(t *testing.T) {
	lot := inventory.Place{Lot: "J1"}
	dock := inventory.Place{Location: "DOCK", Lot: "J1"}
	hold := func(r *rig) { r.must(door.Stock, "A", inventory.Quarantine{Place: lot, Reason: "recall"}) }
	release := func(r *rig) {
		r.must(door.Stock, "A", inventory.Quarantine{Place: lot, Reason: "fine", Release: true})
	}
	for name, c := range map[string]struct {
		quarantine bool
		lpn        string
		unclaimed  bool
		lapses     bool
		meanwhile  func(*rig)
		to         string // where the goods in hand go, "" where the task ends
		says       string
		held, free int64 // of the five, once all is done
		at         string
	}{
		"to quarantine":            {quarantine: true, meanwhile: hold, to: "Q-1", says: "these goods are held since you took them: bring them to Q-1", held: 5, at: "Q-1"},
		"a pallet to quarantine":   {quarantine: true, lpn: "PAL-1", meanwhile: hold, to: "Q-1", says: "bring them to Q-1", held: 5, at: "Q-1"},
		"back where there is none": {meanwhile: hold, to: "DOCK", says: "bring them to DOCK", held: 5, at: "DOCK"},
		"back where a part is damaged": {quarantine: true, meanwhile: func(r *rig) {
			r.must(door.Stock, "A", inventory.ChangeStatus{Place: dock, From: inventory.Received, To: inventory.Damaged, Qty: 2, Reason: "wet"})
		}, to: "DOCK", says: "a part of these goods changed since you took them: bring them to DOCK", free: 3, at: "B-1"},
		"to a shelf after all":               {quarantine: true, meanwhile: func(r *rig) { hold(r); settle(time.Second); release(r) }, to: "B-1", free: 5, at: "B-1"},
		"back, and nobody has them any more": {lapses: true, meanwhile: hold, held: 5, at: "DOCK"},
		"nobody has them in hand":            {quarantine: true, unclaimed: true, meanwhile: hold, held: 5, at: "DOCK"},
		"they are gone": {quarantine: true, meanwhile: func(r *rig) {
			r.must(door.Stock, "A", inventory.Adjust{Place: dock, Stage: inventory.Received, Delta: -5, Reason: "stolen"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, byPeople)
				tracked := spec(1)
				tracked.Tracking.Lot = true
				r.must(door.Master, "A", item.Register{Spec: tracked})
				r.shelves(location.Dock, "DOCK", 0)
				r.shelves(location.Bulk, "B-1", 0)
				if c.quarantine {
					r.shelves(location.Quarantine, "Q-1", 0)
				}
				from := dock
				from.LPN = c.lpn
				r.must(door.Receipts, "R-1", receiving.Receive{Item: "A", Qty: 5, Place: from})
				settle(time.Minute)
				id := r.putAways()[0].Task
				put := r.claimed(id)
				if c.unclaimed {
					r.must(door.Floor, id, task.Release{Worker: "jo", Claim: put.Claim, Reason: "called_away"})
				}
				c.meanwhile(r)
				settle(time.Minute)
				is := foldOf(r, task.Fold, task.StreamOf(site, id))
				switch {
				case c.lapses:
					settle(2 * time.Hour)
					if is := foldOf(r, task.Fold, task.StreamOf(site, id)); is.Status != task.StatusCancelled {
						t.Errorf("somebody is to bring goods from %s to %s: %s", is.Steps[0].From.Location, is.Steps[0].To.Location, is.Status)
					}
				case c.to == "":
					if is.Status != task.StatusCancelled {
						t.Errorf("%+v", is)
					}
					r.refused(door.Floor, id, put, fault.Rejected, "task")
				default:
					if is.Status != task.StatusClaimed || is.Worker != "jo" || is.Steps[0].To.Location != c.to {
						t.Fatalf("%+v\n%s", is, r.story())
					}
					if put.Location = "B-1"; c.says != "" {
						_, err := r.ask(door.Floor, door.Ask{ID: id, Cmd: put})
						if fault.KindOf(err) != fault.Rejected || !strings.Contains(err.Error(), c.says) {
							t.Errorf("%v", err)
						}
					}
					put.Location = c.to
					r.must(door.Floor, id, put)
					settle(time.Minute)
					for _, p := range r.putAways() { // what is left of them
						put := r.claimed(p.Task)
						put.Location = p.Steps[0].To.Location
						r.must(door.Floor, p.Task, put)
						settle(time.Minute)
					}
				}
				if st := r.stockOf("A"); c.at != "" {
					at := inventory.Place{Location: c.at, Lot: "J1", LPN: c.lpn}
					if sh, _ := st.Shelf(at); sh.Held != c.held || sh.Free != c.free {
						t.Errorf("%+v of %+v", sh, st.Shelves)
					}
				}
				if got := r.putAways(); len(got) > 0 {
					t.Errorf("%+v", got)
				}
				r.books("A")
				r.noLetters()
			})
		})
	}
}
