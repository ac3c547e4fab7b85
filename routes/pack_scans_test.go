package routes

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/item"
	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/core/label"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
)

// packer is a rig whose packing P1-SO-1 waits for a packer: 6 of A, which comes in cases
// of 6 under a barcode of their own, and 2 of B.
func packer(t *testing.T, change ...func(*FlowConfig)) *rig {
	r := newRig(t, append([]func(*FlowConfig){func(c *FlowConfig) {
		c.Auto.Pack = false
		c.Pack = PackConfig{Verify: VerifyAll, Scale: pack.Scale{Absolute: 50 * measure.Gram}}
	}}, change...)...)
	s := spec(200 * measure.Gram)
	s.Codes = []item.Code{{Kind: "gtin", Value: "614141000012"}, {Kind: "gtin", Value: "10614141000019", UOM: item.Case}}
	r.must(door.Master, "A", item.Register{Spec: s})
	r.stockOnly("A", 20, "P-1")
	r.stock("B", 20, "P-2")
	r.place("SO-1", "A", 6, "B", 2)
	settle(time.Minute)
	return r
}

func (r *rig) packing(id string) pack.Packing { return foldOf(r, pack.Fold, pack.StreamOf(site, id)) }

func TestCartonsAreScanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := packer(t)
		const id = "P1-SO-1"
		refused := func(place string, cmd any) {
			t.Helper()
			if _, err := r.ask(door.Floor, door.Ask{ID: id, Cmd: cmd}); fault.KindOf(err) != fault.Rejected || fault.PlaceOf(err) != place {
				t.Errorf("%+v: %v at %q", cmd, err, fault.PlaceOf(err))
			}
		}
		refused("contents", pack.CloseCarton{Box: "S", Contents: []pack.Content{{Line: 1, Item: "A", Tote: "T1-SO-1", Qty: 1}}})
		refused("carton", pack.Scan{Code: "A"})
		refused("box", pack.OpenCarton{Box: "CRATE", Packer: "jo"})
		r.must(door.Floor, id, pack.OpenCarton{Box: "S", Packer: "jo"})
		refused("code", pack.Scan{Code: "4006381333931"})
		refused("qty", pack.Scan{Code: "10614141000019", Qty: 2})
		refused("code", pack.Scan{Code: "B", Item: "A"})
		refused("code", pack.Scan{Code: "(01)00614141000013"})      // misread: its check digit is wrong
		refused("code", pack.Scan{Code: "(00)106141412345678908"})  // a carton
		refused("lot", pack.Scan{Code: "(01)00614141000012(10)L9"}) // of a lot that was not picked
		refused("lot", pack.Scan{Code: "(01)00614141000012(10)L9", Lot: "L8"})
		r.must(door.Floor, id, pack.Scan{Code: "00614141000012"}) // the GTIN-12 as a scanner sends it
		refused("qty", pack.Scan{Code: "10614141000019"})         // a case, and 5 are left
		r.must(door.Floor, id, pack.Take{})
		r.must(door.Floor, id, pack.Scan{Code: "10614141000019"})
		r.must(door.Floor, id, pack.Close{Weight: 1500 * measure.Gram, Packer: "jo"}) // 1200 and 100 of the box
		if b := r.packing(id).Begun; len(b) != 1 || b[0].Refused == nil || b[0].Refused.Expected != 1300*measure.Gram {
			t.Fatalf("%+v", b)
		}
		refused("override.by", pack.Close{Weight: 1500 * measure.Gram, Packer: "jo", Override: pack.Override{By: "jo", Reason: "wet"}})
		r.must(door.Floor, id, pack.Close{Weight: 1500 * measure.Gram, Packer: "jo", Override: pack.Override{By: "al", Reason: "wet"}})
		r.must(door.Floor, id, pack.OpenCarton{Box: "S", Packer: "jo"})
		r.must(door.Floor, id, pack.Scan{Code: "B", Qty: 2})
		r.must(door.Floor, id, pack.Close{Packer: "jo"})
		settle(time.Hour)
		r.status("SO-1", order.StatusShipped)
		weights := map[measure.Mass]bool{}
		for _, e := range events[pack.CartonClosed](r) {
			weights[e.Weight] = true
		}
		if !weights[1500*measure.Gram] || !weights[500*measure.Gram] { // measured; 400 and the box
			t.Errorf("cartons weigh %v", weights)
		}
		r.books("A", "B")
		r.once()
		r.noLetters()
	})
}

// A carton is opened again until it has a label; what lay in it may go into another, and
// its own number is forgotten with it.
func TestACartonIsRepacked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := packer(t)
		const id = "P1-SO-1"
		r.carrier.next(fails(fault.Transient, time.Hour)) // the label takes a while
		r.must(door.Floor, id, pack.OpenCarton{Box: "S"})
		r.must(door.Floor, id, pack.Scan{Item: "A", Qty: 6})
		r.must(door.Floor, id, pack.Scan{Item: "B", Qty: 2})
		r.must(door.Floor, id, pack.Close{})
		settle(time.Second)
		first := r.packing(id).Cartons[0].Carton
		if got := r.order("SO-1").Totals(); got.Packed != 8 {
			t.Fatalf("packed %+v", got)
		}
		r.must(door.Floor, id, pack.Reopen{Carton: first, By: "jo", Reason: "damaged"})
		if got := r.order("SO-1").Totals(); got.Packed != 0 || got.Picked != 8 {
			t.Fatalf("after it was opened again: %+v", got)
		}
		r.must(door.Floor, id, pack.OpenCarton{Box: "S"})
		second := r.packing(id).Begun[1].Carton
		r.must(door.Floor, id, pack.Move{From: first, To: second})
		r.must(door.Floor, id, pack.Close{Carton: second})
		settle(2 * time.Hour)
		r.status("SO-1", order.StatusShipped)
		if n := r.carrier.standing(); n != 1 {
			t.Errorf("%d labels stand", n)
		}
		l := foldOf(r, label.Fold, label.StreamOf(site, second))
		if l.Status != label.StatusBought {
			t.Errorf("the label of the second carton is %s", l.Status)
		}
		if _, err := r.ask(door.Floor, door.Ask{ID: id, Cmd: pack.Reopen{Carton: second}}); fault.KindOf(err) != fault.Rejected {
			t.Errorf("a carton that has left is opened: %v", err)
		}
		r.books("A", "B")
		r.once()
		r.noLetters()
	})
}

// What lies in an open carton when its order is cancelled goes back to its shelf.
func TestACancelledOrderIsUnpackedFromOpenCartons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := packer(t)
		const id = "P1-SO-1"
		r.must(door.Floor, id, pack.OpenCarton{Box: "S"})
		r.must(door.Floor, id, pack.Scan{Item: "A", Qty: 4})
		r.must(door.Orders, "SO-1", order.Cancel{Reason: "customer", Lines: []int{1}})
		settle(time.Minute)
		if p := r.packing(id); p.Status != pack.StatusCancelled {
			t.Errorf("the packing is %s", p.Status)
		}
		for _, cmd := range []any{pack.Scan{Item: "B", Qty: 1}, pack.Close{}, pack.OpenCarton{}} {
			if _, err := r.ask(door.Floor, door.Ask{ID: id, Cmd: cmd}); fault.KindOf(err) != fault.Rejected {
				t.Errorf("%T after that: %v", cmd, err)
			}
		}
		r.must(door.Floor, "P2-SO-1", pack.OpenCarton{Box: "S"})
		r.must(door.Floor, "P2-SO-1", pack.Scan{Code: "B", Qty: 2})
		r.must(door.Floor, "P2-SO-1", pack.Close{})
		settle(time.Hour)
		if s := r.stockOf("A"); s.Free() != 20 || s.Picked != 0 {
			t.Errorf("%d free, %d picked", s.Free(), s.Picked)
		}
		r.status("SO-1", order.StatusShipped)
		r.books("A", "B")
		r.once()
		r.noLetters()
	})
}

// The process dies after each unit while cartons are scanned, refused, opened again and
// closed; whoever got no answer asks again under his key.
func TestACrashAfterAnyUnitOfThePackingChangesNothing(t *testing.T) {
	steps := []any{
		pack.OpenCarton{Box: "S", Packer: "jo"}, pack.Scan{Code: "10614141000019"}, pack.Close{Weight: 2 * measure.Kilogram},
		pack.Scan{Item: "B", Qty: 1}, pack.Close{}, pack.OpenCarton{Box: "S"}, pack.Scan{Item: "B", Qty: 1}, pack.Close{},
	}
	for n := 0; n < 40; n++ {
		ended := false
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := packer(t)
				r.batch = 1
				r.restart()
				r.crash(n)
				for i, cmd := range steps {
					ask := door.Ask{ID: "P1-SO-1", Cmd: cmd, Key: &door.Key{Scope: "test", ID: fmt.Sprint(i), Hash: [32]byte{byte(i)}}}
					if _, err := r.ask(door.Floor, ask); err != nil {
						if r.bus.Err() == nil {
							t.Fatalf("%T: %v", cmd, err)
						}
						r.restart()
						if _, again := r.ask(door.Floor, ask); again != nil {
							t.Fatalf("%T: first %v, again %v", cmd, err, again)
						}
					}
				}
				settle(10 * time.Minute)
				ended = r.bus.Err() == nil
				if !ended {
					r.restart()
					settle(time.Hour)
				}
				r.status("SO-1", order.StatusShipped)
				if r.carrier.standing() != 2 {
					t.Errorf("%d labels stand", r.carrier.standing())
				}
				r.books("A", "B")
				r.once()
				r.noLetters()
			})
		})
		if t.Failed() {
			return
		}
		if ended && n > 12 {
			return
		}
	}
}

// What goes wrong is told to the packer in words.
func TestRefusalsAreSentences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := packer(t)
		r.must(door.Floor, "P1-SO-1", pack.OpenCarton{Box: "S"})
		_, err := r.ask(door.Floor, door.Ask{ID: "P1-SO-1", Cmd: pack.Scan{Code: "4006381333931"}})
		if !strings.Contains(fmt.Sprint(err), "put this one aside") {
			t.Error(err)
		}
		r.each(func(rec *journal.Record) {
			if strings.HasPrefix(rec.Type, "pack.") && rec.Topic != onPacks {
				t.Errorf("%s on %s", rec.Type, rec.Topic)
			}
		})
	})
}
