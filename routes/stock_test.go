package routes

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/event"
	"github.com/paklog/hub/core/facility"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pick"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/replenish"
	"github.com/paklog/hub/core/reservation"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/core/task"
)

// still keeps the floor from working: orders stay where they were given a place.
func still(c *FlowConfig) { c.Wave.Manual, c.Auto = true, AutoConfig{} }

func (r *rig) stockOf(sku string) inventory.Stock {
	r.t.Helper()
	return foldOf(r, inventory.Fold, keyOf(site, sku).Stream())
}

func (r *rig) reservation(id string) reservation.Reservation {
	r.t.Helper()
	return foldOf(r, reservation.Fold, reservation.StreamOf(site, id))
}

// events are those of one type, in order.
func events[E event.Event](r *rig) []E {
	r.t.Helper()
	var out []E
	var zero E
	r.each(func(rec *journal.Record) {
		if rec.Type == zero.EventType() {
			e, err := decodeEvent(r.hub.Registry(), rec)
			if err != nil {
				r.t.Fatal(err)
			}
			out = append(out, e.(E))
		}
	})
	return out
}

func (r *rig) refused(name, id string, cmd any, kind fault.Kind, place string) {
	r.t.Helper()
	if _, err := r.ask(name, door.Ask{ID: id, Cmd: cmd}); fault.KindOf(err) != kind || fault.PlaceOf(err) != place {
		r.t.Errorf("%T of %s: %s at %q, expected %s at %q: %v", cmd, id, fault.KindOf(err), fault.PlaceOf(err), kind, place, err)
	}
}

func urgent(number string, priority int, of ...any) order.Place {
	p := place(number, lines(of...))
	p.Priority = priority
	return p
}

func TestAReservationEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.stock("A", 10, "P-1")
		for _, kind := range []string{reservation.Soft, reservation.Hard} {
			c := reservation.Place{ID: kind, BookKey: keyOf(site, "A"), Kind: kind, Qty: 6, Expires: time.Now().Add(time.Hour)}
			r.must(door.Stock, kind, c)
			if again := r.must(door.Stock, kind, c); again.Created {
				t.Error("it was placed twice")
			}
			r.refused(door.Stock, "X", reservation.Place{ID: "X", BookKey: keyOf(site, "A"), Kind: kind, Qty: 5, Expires: time.Now().Add(time.Hour)}, fault.Rejected, "qty")
			r.place("SO-"+kind, "A", 8)
			settle(time.Minute)
			if o := r.order("SO-" + kind); o.Totals().Allocated != 4 || o.Totals().Backordered != 4 {
				t.Fatalf("%+v", o.Totals())
			}
			r.must(door.Stock, kind, reservation.Extend{Expires: time.Now().Add(2 * time.Hour)})
			settle(90 * time.Minute)
			if got := r.reservation(kind); got.Qty != 6 {
				t.Fatalf("an extended one ended at its old end: %+v", got)
			}
			settle(time.Hour)
			if got := r.reservation(kind); got.Qty != 0 || got.Ended != reservation.Expired {
				t.Fatalf("%+v", got)
			}
			// What it held went to the order that waited.
			if o := r.order("SO-" + kind); o.Totals().Allocated != 8 || r.stockOf("A").AvailableToPromise() != 2 {
				t.Fatalf("%+v, %d may be promised", o.Totals(), r.stockOf("A").AvailableToPromise())
			}
			r.must(door.Orders, "SO-"+kind, order.Cancel{Reason: "test"})
			settle(time.Minute)
			r.refused(door.Stock, kind, reservation.Reduce{Reason: "x"}, fault.Rejected, "reservation")
		}
		r.noLetters()
	})
}

func TestAnOrderTakesTheReservationThatItNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.stock("A", 4, "P-1", "P-2")
		end := time.Now().Add(time.Hour)
		r.must(door.Stock, "CART", reservation.Place{ID: "CART", BookKey: keyOf(site, "A"), Kind: reservation.Hard, Qty: 6, Expires: end})
		r.must(door.Stock, "QUOTE", reservation.Place{ID: "QUOTE", BookKey: keyOf(site, "A"), Qty: 2, Expires: end})
		other := place("OTHER", lines("A", 1))
		r.must(door.Orders, "OTHER", other)
		named := place("NAMED", lines("A", 7))
		named.Refs = []order.Ref{{Kind: "reservation", Value: "CART"}, {Kind: "reservation", Value: "QUOTE"}, {Kind: "reservation", Value: "GONE"}}
		r.must(door.Orders, "NAMED", named)
		settle(time.Minute)
		if o := r.order("NAMED"); o.Totals().Allocated != 7 {
			t.Fatalf("%+v\n%s", o.Totals(), r.story())
		}
		if o := r.order("OTHER"); o.Totals().Backordered != 1 {
			t.Errorf("%+v", o.Totals())
		}
		cart, quote := r.reservation("CART"), r.reservation("QUOTE")
		if cart.Ended != reservation.Consumed || quote.Qty != 1 {
			t.Errorf("%+v %+v", cart, quote)
		}
		for _, e := range events[inventory.StockReassigned](r) {
			if e.From.Hold != "CART" || e.To.Order != "NAMED" || e.Reason != "reservation" {
				t.Errorf("%+v", e)
			}
		}
		// One that ships whole leaves what does not make it whole.
		whole := place("WHOLE", lines("A", 2))
		whole.Policy, whole.Refs = order.AllOrNothing, []order.Ref{{Kind: "reservation", Value: "QUOTE"}}
		r.must(door.Orders, "WHOLE", whole)
		settle(time.Minute)
		if r.reservation("QUOTE").Qty != 1 || r.order("WHOLE").Totals().Backordered != 2 {
			t.Errorf("%+v %+v", r.reservation("QUOTE"), r.order("WHOLE").Totals())
		}
		r.noLetters()
	})
}

func TestAnUrgentOrderTakesFromOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still, func(c *FlowConfig) { c.Steal = true })
		r.stock("A", 10, "P-1")
		r.must(door.Stock, "CART", reservation.Place{ID: "CART", BookKey: keyOf(site, "A"), Qty: 2, Priority: 5, Expires: time.Now().Add(time.Hour)})
		for number, c := range map[string]order.Place{"LOW": urgent("LOW", 1, "A", 4), "MID": urgent("MID", 2, "A", 2), "HIGH": urgent("HIGH", 9, "A", 2)} {
			r.must(door.Orders, number, c)
		}
		settle(time.Minute)
		r.must(door.Orders, "NOW", urgent("NOW", 6, "A", 5))
		settle(time.Minute)
		want := map[string][2]int64{"NOW": {5, 0}, "LOW": {0, 4}, "MID": {1, 1}, "HIGH": {2, 0}}
		for number, w := range want {
			if got := r.order(number).Totals(); got.Allocated != w[0] || got.Backordered != w[1] {
				t.Errorf("%s: %+v, expected %v\n%s", number, got, w, r.storyOf(number))
			}
		}
		for _, e := range events[inventory.StockReassigned](r) {
			if e.To.Order != "NOW" || e.Reason != "priority" || e.ToPriority != 6 || e.FromPriority >= 6 {
				t.Errorf("%+v", e)
			}
		}
		// The next takes of the reservation too, and nothing of who is more urgent.
		r.must(door.Orders, "TOP", urgent("TOP", 8, "A", 20))
		settle(time.Minute)
		if got := r.order("TOP").Totals(); got.Allocated != 8 || got.Backordered != 12 || r.reservation("CART").Ended != "priority" {
			t.Errorf("%+v, %+v\n%s", got, r.reservation("CART"), r.storyOf("TOP"))
		}
		// One that ships whole robs nobody in vain.
		all := urgent("ALL", 9, "A", 20)
		all.Policy = order.AllOrNothing
		r.must(door.Orders, "ALL", all)
		settle(time.Minute)
		if got := r.order("TOP").Totals(); got.Allocated != 8 || r.order("ALL").Totals().Backordered != 20 {
			t.Errorf("%+v", got)
		}
		r.books("A")
		r.noLetters()
	})
}

func TestNobodyTakesFromOthersUnlessTheOperatorSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.stock("A", 3, "P-1")
		r.place("LOW", "A", 3)
		settle(time.Minute)
		r.must(door.Orders, "NOW", urgent("NOW", 9, "A", 3))
		settle(time.Minute)
		if got := r.order("LOW").Totals(); got.Allocated != 3 {
			t.Errorf("%+v", got)
		}
	})
}

func TestLotsLastAsLongAsAnybodyDemands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still, func(c *FlowConfig) { c.ShelfLife = map[string]int{"BIGSHOP": 60, "STORE-9": 90} })
		day := func(n int) inventory.Date {
			return inventory.Date(time.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly))
		}
		r.must(door.Master, "MILK", item.Register{Spec: item.Spec{
			Units: []item.Unit{{UOM: item.Each, Factor: 1}}, Tracking: item.Tracking{Lot: true, Expiry: true}, ShelfLife: item.ShelfLife{Receive: 5, Ship: 10},
		}})
		r.stockOnly("MILK", 0, "P-1")
		for lot, n := range map[string]int{"L7": 7, "L30": 30, "L70": 70, "L95": 95} {
			r.must(door.Stock, "MILK", inventory.Receive{Place: inventory.Place{Location: "P-1", Lot: lot}, Qty: 10, Expiry: day(n)})
		}
		r.refused(door.Stock, "MILK", inventory.Receive{Place: inventory.Place{Location: "P-1", Lot: "L4"}, Qty: 10, Expiry: day(4)}, fault.Rejected, "expiry")
		for number, c := range map[string]struct {
			change func(*order.Place)
			lot    string
			by     string
		}{
			"SO-ITEM":     {func(*order.Place) {}, "L30", inventory.ByItem},
			"SO-CUSTOMER": {func(p *order.Place) { p.Source.Partner = "BIGSHOP" }, "L70", inventory.ByCustomer},
			"SO-STORE":    {func(p *order.Place) { p.Source.Partner, p.ShipTo.Code = "BIGSHOP", "STORE-9" }, "L95", inventory.ByCustomer},
			"SO-LINE":     {func(p *order.Place) { p.Lines[0].MinExpiry = string(day(40)) }, "L70", inventory.ByLine},
		} {
			p := place(number, lines("MILK", 1))
			c.change(&p)
			r.must(door.Orders, number, p)
			settle(time.Minute)
			found := false
			for _, e := range events[inventory.StockAllocated](r) {
				if e.Order == number {
					found = true
					if e.Lot != c.lot || e.Why.Strategy != inventory.FEFO || e.Why.MinExpiryBy != c.by || e.Why.MinExpiry == "" || len(e.Why.Skipped) == 0 {
						t.Errorf("%s: %+v", number, e)
					}
				}
			}
			if !found {
				t.Errorf("%s was given no place\n%s", number, r.storyOf(number))
			}
		}
	})
}

func TestWhatIsBlockedIsNeitherReceivedNorGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.stock("A", 5, "P-1")
		blocked, free := spec(200*measure.Gram), spec(200*measure.Gram)
		blocked.Status = item.Blocked
		r.must(door.Master, "A", item.Change{Spec: blocked})
		r.refused(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 1}, fault.Rejected, "item")
		r.place("SO-1", "A", 2)
		settle(time.Minute)
		if got := r.order("SO-1").Totals(); got.Backordered != 2 {
			t.Fatalf("%+v", got)
		}
		r.must(door.Master, "A", item.Change{Spec: free})
		settle(time.Minute)
		if got := r.order("SO-1").Totals(); got.Allocated != 2 {
			t.Errorf("%+v\n%s", got, r.story())
		}
		r.refused(door.Master, "A", item.Change{Spec: func() item.Spec { s := spec(1); s.Rotation = "nearest"; return s }()}, fault.Invalid, "rotation")
	})
}

func TestGoodsLieWhereTheyMayAndFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		r.must(door.Master, "east", facility.Register{Spec: facility.Spec{
			Zones: []facility.Zone{{Code: "COLD", StorageType: "cold", Capacity: location.Capacity{Units: 8}}, {Code: "DRY", StorageType: "dry"}},
		}})
		for code, l := range map[string]location.Spec{
			"C-1": {Purpose: location.Pick, Zone: "COLD"}, "D-1": {Purpose: location.Pick, Zone: "DRY"},
			"S-1": {Purpose: location.Pick, Zone: "COLD", Slot: location.Slot{Owner: "acme", Item: "PEAS", Max: 5}},
		} {
			r.must(door.Master, code, location.Register{Spec: l})
		}
		ice := spec(1)
		ice.StorageType = "cold"
		r.must(door.Master, "ICE", item.Register{Spec: ice})
		in := func(code string, qty int64) inventory.Receive {
			return inventory.Receive{Place: inventory.Place{Location: code}, Qty: qty}
		}
		r.refused(door.Master, "X-1", location.Register{Spec: location.Spec{Purpose: location.Pick, Zone: "HOT"}}, fault.Rejected, "zone")
		r.refused(door.Master, "west", facility.Register{Scope: scope.Scope{Tenant: "t", Owner: "-", Facility: "west"}}, fault.Invalid, "facility")
		r.refused(door.Stock, "ICE", in("D-1", 1), fault.Rejected, "location")
		r.refused(door.Stock, "ICE", in("S-1", 1), fault.Rejected, "location")
		r.refused(door.Stock, "ICE", in("C-1", 9), fault.Rejected, "qty")
		r.must(door.Stock, "ICE", in("C-1", 8))
		r.refused(door.Stock, "ICE", in("C-1", 1), fault.Rejected, "qty")
		r.refused(door.Stock, "ICE", inventory.Transfer{From: inventory.Place{Location: "C-1"}, To: inventory.Place{Location: "D-1"}, Qty: 1}, fault.Rejected, "location")
		// Opening stock is what lies there, whether it fits or not.
		open := in("C-1", 3)
		open.From = inventory.Opening
		r.must(door.Stock, "ICE", open)
	})
}

func TestAShortBecomesACountAndTheCountSetsTheBooksRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) { c.Auto.ShortOneIn, c.Auto.Pack = 1, false })
		r.stock("A", 5, "P-1", "P-2")
		r.place("SO-1", "A", 3)
		settle(time.Minute)
		opened := events[count.Opened](r)
		if len(opened) == 0 || opened[0].Cause != count.CauseShort || !opened[0].Blind || opened[0].Expected != 0 {
			t.Fatalf("%+v\n%s", opened, r.story())
		}
		c := opened[0]
		tk := foldOf(r, task.Fold, task.StreamOf(site, c.Task))
		if tk.Kind != task.KindCount || tk.Status != task.StatusOpen || tk.Steps[0].From != c.Place {
			t.Fatalf("%+v", tk)
		}
		r.must(door.Floor, c.Task, task.Claim{Worker: "jo", Lease: time.Hour})
		r.refused(door.Floor, c.Task, task.Complete{Worker: "jo", Claim: 1}, fault.Rejected, "task")
		r.refused(door.Stock, c.ID, count.Tally{Counted: 1, By: "al"}, fault.Rejected, "worker")
		r.must(door.Orders, "SO-1", order.Cancel{Reason: "or it were picked short again"})
		settle(time.Minute)
		r.must(door.Stock, c.ID, count.Tally{Counted: 1, By: "jo"})
		settle(time.Minute)
		st := r.stockOf("A")
		sh, _ := st.Shelf(c.Place)
		if sh.Total() != 1 || sh.Suspect != 0 || sh.Counting {
			t.Errorf("%+v", sh)
		}
		if tk := foldOf(r, task.Fold, task.StreamOf(site, c.Task)); tk.Status != task.StatusCompleted {
			t.Errorf("%+v", tk)
		}
		r.refused(door.Stock, c.ID, count.Tally{Counted: 1, By: "al"}, fault.Rejected, "count")
		r.refused(door.Stock, "C-NONE", count.Tally{Counted: 1, By: "al"}, fault.Rejected, "count")
		r.noLetters()
	})
}

func TestACountIsConfirmedByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still, func(c *FlowConfig) { c.Count = CountConfig{Tolerance: 1, Recounts: 1} })
		r.stock("A", 20, "P-1")
		at := inventory.Place{Location: "P-1"}
		open := count.Open{BookKey: keyOf(site, "A"), Place: at, ID: "C-1", Cause: count.CauseCycle}
		r.must(door.Stock, "C-1", open)
		open.ID = "C-2"
		if v := r.must(door.Stock, "C-2", open); v.Created || !strings.Contains(string(v.Body), `"C-1"`) {
			t.Errorf("a place is counted twice at a time: %s", v.Body)
		}
		r.must(door.Stock, "C-1", count.Tally{Counted: 15, By: "jo"})
		if st := r.stockOf("A"); st.OnHand() != 20 {
			t.Errorf("one look was believed: %+v", st)
		}
		r.refused(door.Stock, "C-1", count.Tally{Counted: 15, By: "jo"}, fault.Rejected, "by")
		r.must(door.Stock, "C-1", count.Tally{Counted: 15, By: "al"})
		if st := r.stockOf("A"); st.OnHand() != 15 || st.Shelves[0].Counted.IsZero() {
			t.Errorf("%+v", st)
		}
		// Within the tolerance one is enough, and the place may be counted again.
		open.ID = "C-3"
		r.must(door.Stock, "C-3", open)
		r.must(door.Stock, "C-3", count.Tally{Counted: 14, By: "jo"})
		open.ID = "C-4"
		r.must(door.Stock, "C-4", open)
		r.must(door.Stock, "C-4", count.Cancel{Reason: "mistake"})
		if st := r.stockOf("A"); st.OnHand() != 14 {
			t.Errorf("%+v", st)
		}
		for _, e := range events[task.Created](r) {
			if tk := foldOf(r, task.Fold, e.Stream()); tk.Status != task.StatusCompleted && tk.Status != task.StatusCancelled {
				t.Errorf("a task of a count did not end: %+v", tk)
			}
		}
	})
}

func TestAQuarantineTakesFromOrdersAndTheyFindOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		tracked := spec(1)
		tracked.Tracking.Lot = true
		r.must(door.Master, "A", item.Register{Spec: tracked})
		r.stockOnly("A", 0, "P-1", "P-2")
		for _, p := range []inventory.Place{{Location: "P-1", Lot: "BAD"}, {Location: "P-2", Lot: "GOOD"}} {
			r.must(door.Stock, "A", inventory.Receive{Place: p, Qty: 10})
		}
		r.place("SO-1", "A", 4)
		settle(time.Minute)
		v := r.must(door.Stock, "A", inventory.Quarantine{Place: inventory.Place{Lot: "BAD"}, Reason: "recall", By: "qa"})
		var got quarantined
		if err := json.Unmarshal(v.Body, &got); err != nil || got.Left != 0 || !slices.Equal(got.TakenBack, []string{"SO-1"}) {
			t.Fatalf("%+v, %v: %s", got, err, v.Body)
		}
		settle(time.Minute)
		st := r.stockOf("A")
		bad, _ := st.Shelf(inventory.Place{Location: "P-1", Lot: "BAD"})
		good, _ := st.Shelf(inventory.Place{Location: "P-2", Lot: "GOOD"})
		if bad.Held != 10 || good.Allocated != 4 || r.order("SO-1").Totals().Allocated != 4 {
			t.Fatalf("%+v %+v\n%s", bad, good, r.storyOf("SO-1"))
		}
		r.must(door.Stock, "A", inventory.Quarantine{Place: inventory.Place{Lot: "BAD"}, Reason: "passed", Release: true})
		if st := r.stockOf("A"); st.AvailableToPromise() != 16 {
			t.Errorf("%+v", st)
		}
		r.refused(door.Stock, "A", inventory.Quarantine{Reason: "recall"}, fault.Invalid, "lot")
		r.refused(door.Stock, "A", inventory.Quarantine{Place: inventory.Place{Lot: "NONE"}, Reason: "passed", Release: true}, fault.Rejected, "lot")
		r.noLetters()
	})
}

func TestReasonCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still, func(c *FlowConfig) { c.Reasons = []string{"damage", "found"} })
		r.stock("A", 5, "P-1")
		at := inventory.Place{Location: "P-1"}
		r.refused(door.Stock, "A", inventory.Adjust{Place: at, Stage: inventory.Free, Delta: 1, Reason: "because"}, fault.Rejected, "reason")
		r.refused(door.Stock, "A", inventory.Settle{Place: at, Counted: 4, Reason: "because"}, fault.Rejected, "reason")
		r.must(door.Stock, "A", inventory.Adjust{Place: at, Stage: inventory.Free, Delta: 1, Reason: "found"})
		r.must(door.Stock, "A", inventory.Settle{Place: at, Counted: 4, Reason: "damage"})
		if got := r.stockOf("A").OnHand(); got != 4 {
			t.Errorf("%d on hand", got)
		}
	})
}

// face is a building with one pick face, P-1, and bulk behind it.
func face(r *rig, bulk int64) {
	r.t.Helper()
	cases := spec(1)
	r.must(door.Master, "A", item.Register{Spec: cases})
	r.must(door.Master, "B-1", location.Register{Spec: location.Spec{Purpose: location.Bulk}})
	r.must(door.Master, "P-1", location.Register{Spec: location.Spec{Purpose: location.Pick, Slot: location.Slot{Owner: "acme", Item: "A", Min: 4, Max: 20}}})
	if bulk > 0 {
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "B-1"}, Qty: bulk})
	}
	settle(time.Minute)
}

func TestAFaceIsFilledWhenItFallsBelowItsLeast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		face(r, 60)
		asked := events[inventory.ReplenishmentAsked](r)
		if len(asked) != 1 || asked[0].Kind != replenish.MinMax || asked[0].Qty != 18 || asked[0].Min != 4 { // three cases of six
			t.Fatalf("%+v\n%s", asked, r.story())
		}
		id := asked[0].Task
		// What is on its way is not asked for again.
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "B-1"}, Qty: 1})
		settle(time.Minute)
		if n := len(events[inventory.ReplenishmentAsked](r)); n != 1 {
			t.Fatalf("asked %d times", n)
		}
		r.must(door.Floor, id, task.Claim{Worker: "jo", Lease: time.Hour})
		r.refused(door.Floor, id, task.Complete{Worker: "jo", Claim: 1}, fault.Rejected, "task")
		r.refused(door.Floor, id, replenish.Moved{Worker: "jo", Claim: 1, Moved: []int64{1, 2}}, fault.Invalid, "moved")
		r.refused(door.Floor, id, replenish.Moved{Worker: "jo", Claim: 1, Moved: []int64{19}}, fault.Invalid, "moved[0]")
		r.refused(door.Floor, id, replenish.Moved{Worker: "al", Claim: 1}, fault.Rejected, "claim")
		r.must(door.Floor, id, replenish.Moved{Worker: "jo", Claim: 1, Moved: []int64{12}})
		settle(time.Minute)
		st := r.stockOf("A")
		p, _ := st.Shelf(inventory.Place{Location: "P-1"})
		b, _ := st.Shelf(inventory.Place{Location: "B-1"})
		if p.Free != 12 || b.Free != 49 || !b.Counting { // and what was not found is counted
			t.Fatalf("%+v %+v", p, b)
		}
		if len(events[count.Opened](r)) != 1 {
			t.Error("nobody counts where less was found")
		}
		r.noLetters()
	})
}

func TestReplenishmentByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) { c.Wave.Manual = true })
		face(r, 60)
		if p, _ := r.stockOf("A").Shelf(inventory.Place{Location: "P-1"}); p.Free != 18 {
			t.Fatalf("the worker brought %d", p.Free)
		}
		if v := r.must(door.Stock, "P-1", replenish.Start{Location: "P-1", Kind: replenish.MinMax}); v.Created {
			t.Errorf("a full face was filled: %s", v.Body)
		}
		r.must(door.Stock, "P-1", replenish.Start{Location: "P-1", Kind: replenish.TopOff})
		r.must(door.Stock, "P-1", replenish.Start{Location: "P-1", Kind: replenish.Demand, Wanted: 50})
		settle(time.Minute)
		if p, _ := r.stockOf("A").Shelf(inventory.Place{Location: "P-1"}); p.Free != 50 {
			t.Errorf("%d lie in the face", p.Free)
		}
		r.refused(door.Stock, "P-1", replenish.Start{Location: "P-1", Kind: "sometimes"}, fault.Invalid, "kind")
		r.refused(door.Stock, "B-1", replenish.Start{Location: "B-1", Kind: replenish.TopOff}, fault.Rejected, "location")
		r.refused(door.Stock, "X-1", replenish.Start{Location: "X-1", Kind: replenish.TopOff}, fault.Rejected, "location")
		r.noLetters()
	})
}

func TestAPickerBeforeAnEmptyFaceIsHelpedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) { c.Auto = AutoConfig{Pick: false} })
		face(r, 0)
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 5})
		r.place("SO-1", "A", 5)
		settle(time.Minute)
		r.must(door.Stock, "A", inventory.Receive{Place: inventory.Place{Location: "B-1"}, Qty: 30})
		settle(time.Minute)
		for _, e := range events[task.Created](r) {
			if e.Kind == task.KindReplenish {
				r.must(door.Floor, e.Task, task.Claim{Worker: "mo", Lease: time.Hour})
				r.must(door.Floor, e.Task, replenish.Moved{Worker: "mo", Claim: 1, Moved: []int64{0}}) // he was called away
			}
		}
		r.must(door.Stock, "A", inventory.Settle{Place: inventory.Place{Location: "B-1"}, Counted: 30, Reason: "count"})
		for _, e := range events[task.Created](r) {
			if e.Kind == task.KindPick {
				r.must(door.Floor, e.Task, task.Claim{Worker: "jo", Lease: time.Hour})
				r.must(door.Floor, e.Task, pick.Short{Step: 1, Worker: "jo", Reason: "not_found"})
			}
		}
		settle(time.Minute)
		var kinds []string
		for _, e := range events[inventory.ReplenishmentAsked](r) {
			kinds = append(kinds, e.Kind)
		}
		if !slices.Contains(kinds, replenish.Emergency) {
			t.Errorf("%v\n%s", kinds, r.story())
		}
		r.noLetters()
	})
}

func TestSerialNumbersGoTheWayOfTheirGoods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) { c.Auto.Pick = false })
		tracked := spec(200 * measure.Gram)
		tracked.Tracking.Serial = true
		r.must(door.Master, "CAM", item.Register{Spec: tracked})
		r.stockOnly("CAM", 0, "P-1")
		in := func(serials ...string) inventory.Receive {
			return inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: int64(len(serials)), Serials: serials}
		}
		r.must(door.Stock, "CAM", in("S1", "S2", "S3"))
		r.refused(door.Stock, "CAM", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 1}, fault.Invalid, "serials")
		r.place("SO-1", "CAM", 2)
		settle(time.Minute)
		made := events[task.Created](r)
		if len(made) != 1 {
			t.Fatalf("%+v", made)
		}
		id := made[0].Task
		r.must(door.Floor, id, task.Claim{Worker: "jo", Lease: time.Hour})
		r.refused(door.Floor, id, pick.Confirm{Step: 1, Qty: 2, Tote: "T", Worker: "jo"}, fault.Rejected, "serials")
		r.refused(door.Floor, id, pick.Confirm{Step: 1, Qty: 2, Tote: "T", Worker: "jo", Serials: []string{"S1", "S9"}}, fault.Rejected, "serials[1]")
		r.refused(door.Floor, id, pick.Short{Step: 1, Found: 1, Tote: "T", Worker: "jo", Reason: "not_found"}, fault.Rejected, "found")
		r.must(door.Floor, id, pick.Confirm{Step: 1, Qty: 2, Tote: "T", Worker: "jo", Serials: []string{"S1", "S3"}})
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		shipped := events[inventory.StockShipped](r)
		if len(shipped) != 1 || !slices.Equal(shipped[0].Serials, []string{"S1", "S3"}) {
			t.Errorf("%+v", shipped)
		}
		// What left may come back, and what is here may not come again.
		r.must(door.Stock, "CAM", in("S1"))
		r.refused(door.Stock, "CAM", in("S4", "S2"), fault.Rejected, "serials[1]")
		r.refused(door.Stock, "CAM", inventory.Adjust{Place: inventory.Place{Location: "P-1"}, Stage: inventory.Free, Delta: -1, Reason: "lost", Serials: []string{"S3"}}, fault.Rejected, "serials[0]")
		r.refused(door.Stock, "CAM", inventory.Adjust{Place: inventory.Place{Location: "P-1"}, Stage: inventory.Free, Delta: -1, Reason: "lost"}, fault.Invalid, "serials")
		r.must(door.Stock, "CAM", inventory.Adjust{Place: inventory.Place{Location: "P-1"}, Stage: inventory.Free, Delta: -1, Reason: "lost", Serials: []string{"S2"}})
		r.books("CAM")
		r.noLetters()
	})
}

// A unit that is held or damaged is not picked, whoever scans it, until it is good again.
func TestASerialNumberThatIsNotGoodIsNotPicked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) { c.Auto.Pick = false })
		tracked := spec(200 * measure.Gram)
		tracked.Tracking.Serial = true
		r.must(door.Master, "CAM", item.Register{Spec: tracked})
		r.stockOnly("CAM", 0, "B-1", "Q-1", "S-1")
		b, q, s := inventory.Place{Location: "B-1"}, inventory.Place{Location: "Q-1"}, inventory.Place{Location: "S-1"}
		r.must(door.Stock, "CAM", inventory.Receive{Place: b, Qty: 3, Serials: []string{"G1", "G2", "G3"}})
		r.must(door.Receipts, "R-1", receiving.Receive{Place: q, Item: "CAM", Qty: 1, Condition: receiving.Damaged, Reason: "dent", By: "al", Serials: []string{"BAD1"}})
		r.must(door.Receipts, "R-1", receiving.Receive{Place: s, Item: "CAM", Qty: 2, Condition: receiving.OnHold, Reason: "look", By: "al", Serials: []string{"H1", "H2"}})
		r.refused(door.Stock, "CAM", inventory.Receive{Place: b, Qty: 1, Serials: []string{"BAD1"}}, fault.Rejected, "serials[0]")

		// One of three becomes held: which, somebody must say.
		r.refused(door.Stock, "CAM", inventory.ChangeStatus{Place: b, From: inventory.Free, To: inventory.Held, Qty: 1, Reason: "odd"}, fault.Rejected, "serials")
		r.refused(door.Stock, "CAM", inventory.ChangeStatus{Place: b, From: inventory.Free, To: inventory.Held, Qty: 1, Reason: "odd", Serials: []string{"BAD1"}}, fault.Rejected, "serials[0]")
		r.refused(door.Stock, "CAM", inventory.Quarantine{Place: b, Reason: "odd", Serials: []string{"H1"}}, fault.Rejected, "serials[0]")
		r.must(door.Stock, "CAM", inventory.Quarantine{Place: b, Reason: "odd", Serials: []string{"G3"}})
		// One of those that a receipt holds is passed.
		r.refused(door.Receipts, "R-1", receiving.Judge{Line: 1, Qty: 1, Pass: true, Reason: "dry", By: "al"}, fault.Rejected, "serials")
		r.refused(door.Receipts, "R-1", receiving.Judge{Line: 1, Qty: 1, Pass: true, Reason: "dry", By: "al", Serials: []string{"G1"}}, fault.Rejected, "serials[0]")
		r.must(door.Receipts, "R-1", receiving.Judge{Line: 1, Qty: 1, Pass: true, Reason: "dry", By: "al", Serials: []string{"H2"}})
		r.refused(door.Stock, "CAM", inventory.Adjust{Place: b, Stage: inventory.Free, Delta: -1, Reason: "lost", Serials: []string{"G3"}}, fault.Rejected, "serials[0]")
		r.refused(door.Stock, "CAM", inventory.Adjust{Place: q, Stage: inventory.Damaged, Delta: -1, Reason: "scrap", Serials: []string{"G1"}}, fault.Rejected, "serials[0]")

		r.place("SO-1", "CAM", 2)
		settle(time.Minute)
		id := events[task.Created](r)[0].Task
		r.must(door.Floor, id, task.Claim{Worker: "jo", Lease: time.Hour})
		for _, bad := range []string{"BAD1", "H1", "G3"} {
			r.refused(door.Floor, id, pick.Confirm{Step: 1, Qty: 1, Tote: "T", Worker: "jo", Serials: []string{bad}}, fault.Rejected, "serials[0]")
		}
		r.must(door.Stock, "CAM", inventory.Quarantine{Place: b, Release: true, Reason: "fine", Serials: []string{"G3"}})
		r.must(door.Floor, id, pick.Confirm{Step: 1, Qty: 2, Tote: "T", Worker: "jo", Serials: []string{"G3", "H2"}})
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		r.must(door.Stock, "CAM", inventory.Adjust{Place: q, Stage: inventory.Damaged, Delta: -1, Reason: "scrap", Serials: []string{"BAD1"}})
		// Of the last that is held there is no doubt which it is.
		r.must(door.Receipts, "R-1", receiving.Judge{Line: 1, Pass: true, Reason: "dry", By: "al"})
		r.refused(door.Stock, "CAM", inventory.Quarantine{Place: s, Release: true, Reason: "fine", Serials: []string{"H1"}}, fault.Invalid, "serials")
		r.must(door.Stock, "CAM", inventory.Adjust{Place: s, Stage: inventory.Free, Delta: -1, Reason: "lost", Serials: []string{"H1"}})
		r.books("CAM")
		r.noLetters()
	})
}

// Books that are older than the status of serial numbers have those of held units as good ones:
// they are released, and written off, as ever.
func TestAnOlderSerialNumberWithoutStatusCountsAsGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		tracked := spec(1)
		tracked.Tracking.Serial = true
		r.must(door.Master, "CAM", item.Register{Spec: tracked})
		r.stockOnly("CAM", 0, "B-1")
		at := inventory.Place{Location: "B-1"}
		r.must(door.Stock, "CAM", inventory.Receive{Place: at, Qty: 3, Serials: []string{"S1", "S2", "S3"}})
		k := keyOf(site, "CAM")
		r.must(door.Stock, "CAM", inventory.Quarantine{Place: at, Reason: "leak", Serials: []string{"S1", "S2"}})
		u := &journal.Unit{}
		for _, serial := range []string{"S1", "S2"} {
			u.Postings = append(u.Postings,
				journal.Posting{Book: k.Book(), Account: inventory.SerialState(inventory.SerialHeld, serial), Amount: -1},
				journal.Posting{Book: k.Book(), Account: inventory.SerialState(inventory.SerialShelf, serial), Amount: 1})
		}
		if _, err := r.bus.Submit(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		r.must(door.Stock, "CAM", inventory.Adjust{Place: at, Stage: inventory.Held, Delta: -1, Reason: "scrap", Serials: []string{"S1"}})
		r.must(door.Stock, "CAM", inventory.Quarantine{Place: at, Release: true, Reason: "dry"})
		if st := r.stockOf("CAM"); st.Free() != 2 {
			t.Errorf("%+v", st)
		}
		r.books("CAM")
	})
}

// An item that is not tracked may have units with serial numbers; a pick names those that lie there,
// and no other.
func TestASerialNumberThatNeverCameInIsRefusedAtThePick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) { c.Auto.Pick = false })
		r.must(door.Master, "MUG", item.Register{Spec: spec(200 * measure.Gram)})
		r.stockOnly("MUG", 0, "P-1")
		r.must(door.Stock, "MUG", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 2, Serials: []string{"S1", "S2"}})
		r.must(door.Stock, "MUG", inventory.Receive{Place: inventory.Place{Location: "P-1"}, Qty: 2})
		r.place("SO-1", "MUG", 3)
		settle(time.Minute)
		id := events[task.Created](r)[0].Task
		r.must(door.Floor, id, task.Claim{Worker: "jo", Lease: time.Hour})
		r.refused(door.Floor, id, pick.Confirm{Step: 1, Qty: 1, Tote: "T", Worker: "jo", Serials: []string{"S9"}}, fault.Rejected, "serials[0]")
		r.must(door.Floor, id, pick.Confirm{Step: 1, Qty: 1, Tote: "T", Worker: "jo", Serials: []string{"S2"}})
		r.refused(door.Floor, id, pick.Confirm{Step: 1, Qty: 2, Tote: "T", Worker: "jo"}, fault.Rejected, "tote")
		r.must(door.Floor, id, pick.Confirm{Step: 1, Qty: 2, Tote: "U", Worker: "jo"})
		settle(time.Minute)
		r.status("SO-1", order.StatusShipped)
		r.books("MUG")
		r.noLetters()
	})
}

func TestTheSimulatedWorkersScanSerialNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(c *FlowConfig) { c.Auto.ShortOneIn = 2 })
		tracked := spec(3 * measure.Kilogram)
		tracked.Tracking.Serial = true
		r.must(door.Master, "CAM", item.Register{Spec: tracked})
		r.stockOnly("CAM", 0, "P-1", "P-2")
		for _, p := range []string{"P-1", "P-2"} {
			r.must(door.Stock, "CAM", inventory.Receive{Place: inventory.Place{Location: p}, Qty: 4, Serials: []string{p + "a", p + "b", p + "c", p + "d"}})
		}
		if err := r.hub.Pause(t.Context(), "pack", "test"); err != nil {
			t.Fatal(err)
		}
		r.place("SO-1", "CAM", 5) // several cartons of ten kilograms at most
		r.place("SO-2", "CAM", 2)
		settle(time.Minute)
		r.must(door.Orders, "SO-2", order.Cancel{Reason: "customer"})
		if err := r.hub.Resume(t.Context(), "pack", "test"); err != nil {
			t.Fatal(err)
		}
		settle(time.Hour)
		seen := map[string]bool{}
		for _, e := range events[inventory.StockShipped](r) {
			if int64(len(e.Serials)) != e.Qty {
				t.Errorf("%+v", e)
			}
			for _, s := range e.Serials {
				if seen[s] {
					t.Errorf("%s left twice", s)
				}
				seen[s] = true
			}
		}
		if len(seen) == 0 {
			t.Errorf("nothing left\n%s", r.story())
		}
		r.books("CAM")
		r.noLetters()
	})
}

func TestTwoLinesOfAnUrgentOrderTakeOnceWhatThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still, func(c *FlowConfig) { c.Steal = true })
		r.stock("A", 4, "P-1")
		r.place("LOW", "A", 4)
		settle(time.Minute)
		r.must(door.Orders, "NOW", urgent("NOW", 5, "A", 3, "A", 3))
		settle(time.Minute)
		o := r.order("NOW")
		if o.Lines[0].Allocated != 3 || o.Lines[1].Allocated != 1 || o.Lines[1].Backordered != 2 || r.order("LOW").Totals().Backordered != 4 {
			t.Errorf("%+v\n%s", o.Lines, r.story())
		}
		r.books("A")
		r.noLetters()
	})
}

func TestALotIsHeldBackOnceItHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, still)
		tracked := spec(1)
		tracked.Tracking = item.Tracking{Lot: true, Expiry: true}
		r.must(door.Master, "MILK", item.Register{Spec: tracked})
		r.stockOnly("MILK", 0, "P-1")
		day := func(n int) inventory.Date {
			return inventory.Date(time.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly))
		}
		for lot, n := range map[string]int{"OLD": 2, "NEW": 30} {
			r.must(door.Stock, "MILK", inventory.Receive{Place: inventory.Place{Location: "P-1", Lot: lot}, Qty: 10, Expiry: day(n)})
		}
		r.place("SO-1", "MILK", 4) // is given the old lot, and nobody picks it
		settle(50 * time.Hour)
		if st := r.stockOf("MILK"); st.AvailableToPromise() != 16 {
			t.Fatalf("held back on its last day: %+v", st)
		}
		settle(24 * time.Hour)
		st := r.stockOf("MILK")
		old, _ := st.Shelf(inventory.Place{Location: "P-1", Lot: "OLD"})
		fresh, _ := st.Shelf(inventory.Place{Location: "P-1", Lot: "NEW"})
		if old.Held != 10 || fresh.Allocated != 4 || st.AvailableToPromise() != 6 || r.order("SO-1").Totals().Allocated != 4 {
			t.Errorf("%+v %+v\n%s", old, fresh, r.storyOf("SO-1"))
		}
		// What comes in expired is never promised for long.
		r.must(door.Stock, "MILK", inventory.Receive{Place: inventory.Place{Location: "P-1", Lot: "SOUR"}, Qty: 3, Expiry: day(-1)})
		settle(time.Minute)
		if got := r.stockOf("MILK").AvailableToPromise(); got != 6 {
			t.Errorf("%d may be promised", got)
		}
		r.books("MILK")
		r.noLetters()
	})
}
