package routes

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/task"
)

// What is scanned in the place of something else is refused where it was said, and nothing is
// written: a shelf for a tote, a box that there is none of.
func TestWhatIsNoToteAndNoBoxIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, byPeople)
		r.stock("A", 20, "P-1")
		r.place("SO-1", "A", 3)
		settle(time.Minute)
		const id = "T1-SO-1"
		r.must(door.Floor, id, task.Claim{Worker: "kim", Lease: time.Hour})
		r.refused(door.Floor, id, pick.Confirm{Step: 1, Qty: 1, Tote: "P-1", Worker: "kim"}, fault.Rejected, "tote")
		r.refused(door.Floor, id, pick.Short{Step: 1, Found: 1, Tote: "P-1", Worker: "kim", Reason: "not_found"}, fault.Rejected, "tote")
		r.must(door.Floor, id, pick.Confirm{Step: 1, Qty: 3, Tote: "TOTE-1", Worker: "kim"})
		settle(time.Minute)
		whole := pack.CloseCarton{Box: "CRATE", Packer: "kim", Contents: []pack.Content{{Line: 1, Item: "A", Tote: "TOTE-1", Qty: 3}}}
		r.refused(door.Floor, "P1-SO-1", whole, fault.Rejected, "box")
		r.refused(door.Floor, "P1-SO-1", pack.OpenCarton{Box: "CRATE", Packer: "kim"}, fault.Rejected, "box")
		whole.Box = ""
		r.must(door.Floor, "P1-SO-1", whole) // in its own packaging
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		r.books("A")
		r.noLetters()
	})
}

// Nothing comes in under the number of a carton that has left.
func TestNothingIsAnnouncedOnWhatHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.stock("A", 20, "P-1")
		r.dock()
		r.place("SO-1", "A", 3)
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		gone := events[pack.CartonClosed](r)[0].Carton
		c := expects("A", 5, "A", 2)
		c.Lines[1].LPN = gone
		r.refused(door.Receipts, "ASN-1", c, fault.Rejected, "lines[1].lpn")
		c.Lines[1].LPN = ""
		r.must(door.Receipts, "ASN-1", c)
		r.must(door.Receipts, "ASN-1", receiving.Arrive{Dock: "DOCK"})
		c.Lines[1].LPN = gone
		r.refused(door.Receipts, "ASN-1", receiving.Change{Announcement: c.Announcement}, fault.Rejected, "lines[1].lpn")
		blind := came("A", 1)
		blind.LPN = gone
		r.refused(door.Receipts, "ASN-1", blind, fault.Rejected, "lpn")
		settle(time.Minute)
		if n := r.stockOf("A").OnHand(); n != 17 {
			t.Errorf("%d are there, 20 came and 3 left", n)
		}
		r.books("A")
		r.noLetters()
	})
}
