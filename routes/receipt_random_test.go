package routes

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/paklog/hub/core/door"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/location"
	"github.com/paklog/hub/core/putaway"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/returns"
	"github.com/paklog/hub/core/task"
)

// seedsOfReceipts is how many docks the random test runs.
const seedsOfReceipts = 30

// TestWhatReceiptsSayIsWhatCameIn lets goods be received, scanned, said twice, judged, put where the
// task says or elsewhere, moved by hand, held back and sent back in any order. Whatever the doors
// grant or refuse: stock in is what receipts and returns say came, no place ever holds more than
// fits, an act of one name counts once, and what is good ends on a shelf or waits for room.
func TestWhatReceiptsSayIsWhatCameIn(t *testing.T) {
	asked, refused, happened := 0, 0, map[string]int{}
	for seed := range uint64(seedsOfReceipts) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 7))
				r := newRig(t, still, func(c *FlowConfig) {
					c.Receiving = ReceivingConfig{
						Tolerance: map[string]int{"acme": 200}, Over: []string{receiving.RefuseOver, receiving.HoldOver}[seed%2],
						NoBlind: seed%5 == 0, PromiseAtDock: seed%3 == 0,
					}
					c.Auto.Pick = seed%4 == 0
				})
				r.dock("A", "B")
				r.must(door.Master, "DOCK-2", location.Register{Spec: location.Spec{Purpose: location.Staging}})
				bounds := map[string]int64{}
				for i := range 6 {
					code := fmt.Sprint("S-", i)
					bounds[code] = 3 + rnd.Int64N(12)
					s := location.Spec{Purpose: []string{location.Pick, location.Bulk}[i%2], Sequence: int64(i), Capacity: location.Capacity{Units: bounds[code]}}
					if i%3 == 0 {
						s.Mix = location.OneItem
					}
					r.must(door.Master, code, location.Register{Spec: s})
				}
				if seed%2 == 1 {
					bounds["Q-1"] = 8
					r.must(door.Master, "Q-1", location.Register{Spec: location.Spec{Purpose: location.Quarantine, Capacity: location.Capacity{Units: 8}}})
				}
				asn := expects("A", 20, "B", 15, "A", 5, "B", 4)
				asn.Lines[2].LPN, asn.Lines[3].LPN = "P-1", "P-1"
				r.must(door.Receipts, "R-1", asn)
				r.must(door.Receipts, "R-1", receiving.Arrive{Dock: "DOCK"})
				pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
				byHand, acts := map[string]int64{}, map[string]int{}
				for range 60 {
					sku, qty := pick("A", "B"), 1+rnd.Int64N(6)
					name, id, cmd := door.Receipts, pick("R-1", "R-1", "R-2"), any(nil)
					act := ""
					switch rnd.IntN(12) {
					case 0, 1, 2:
						c := receiving.Receive{Item: sku, Qty: qty, Place: inventory.Place{Location: pick("DOCK", "DOCK", "DOCK-2", "S-1")}, Entry: pick("", "E1", "E2", "E3"), Reason: "r"}
						c.Condition = pick(receiving.Good, receiving.Good, receiving.Damaged, receiving.OnHold)
						if c.Entry != "" {
							act = id + c.Entry
						}
						cmd = c
					case 3:
						cmd = receiving.ReceiveLPN{LPN: "P-1"}
					case 4:
						cmd = receiving.Judge{Line: 1 + rnd.IntN(4), Qty: rnd.Int64N(4), Pass: rnd.IntN(3) > 0, Reason: "r", By: "al"}
					case 5, 6, 7:
						open := r.putAways()
						if len(open) == 0 {
							continue
						}
						x := open[rnd.IntN(len(open))]
						if _, err := r.ask(door.Floor, door.Ask{ID: x.Task, Cmd: task.Claim{Worker: "jo", Lease: time.Hour}}); err != nil {
							continue
						}
						name, id = door.Floor, x.Task
						c := putaway.Put{Worker: "jo", Claim: foldOf(r, task.Fold, task.StreamOf(site, x.Task)).Claims, Location: x.Steps[0].To.Location}
						if rnd.IntN(3) == 0 {
							c.Location, c.Reason = pick(fmt.Sprint("S-", rnd.IntN(6)), "Q-1"), "nearer"
						}
						if rnd.IntN(3) == 0 {
							c.Qty = 1 + rnd.Int64N(x.Steps[0].Qty)
						}
						cmd = c
					case 8:
						name, id = door.Stock, sku
						cmd = inventory.Transfer{From: inventory.Place{Location: pick("DOCK", "S-0", "S-1")}, To: inventory.Place{Location: pick("S-2", "S-3", "DOCK")}, Qty: qty}
					case 9:
						name, id = door.Stock, sku
						cmd = inventory.Quarantine{Place: inventory.Place{Location: pick("DOCK", "S-1")}, Reason: "leak", Release: rnd.IntN(2) == 0}
					case 10:
						name, id = door.Stock, sku
						cmd = inventory.Receive{Place: inventory.Place{Location: fmt.Sprint("S-", rnd.IntN(6))}, Qty: qty}
					case 11:
						id = "B-1"
						if cmd = blind(sku, qty, ""); rnd.IntN(2) == 0 {
							cmd = returns.Dispose{Line: 1, To: pick(returns.Dispositions()...), Qty: rnd.Int64N(3), Reason: "r", By: "al"}
						}
					}
					asked++
					got, err := r.ask(name, door.Ask{ID: id, Cmd: cmd})
					switch k := fault.KindOf(err); {
					case err == nil && got.Created:
						if c, ok := cmd.(inventory.Receive); ok {
							byHand[id] += c.Qty
						}
						if act != "" {
							acts[act]++
						}
					case err != nil && k != fault.Rejected && k != fault.Invalid:
						t.Fatalf("%T of %s: %v", cmd, id, err)
					case err != nil:
						refused++
					}
					if rnd.IntN(3) == 0 {
						settle(time.Duration(rnd.IntN(90)) * time.Second)
					}
					lies := map[string]int64{}
					for _, sku := range []string{"A", "B"} {
						for _, sh := range r.stockOf(sku).Shelves {
							lies[sh.Location] += sh.Total()
						}
					}
					for code, most := range bounds {
						if lies[code] > most {
							t.Fatalf("%d lie in %s, where %d fit, after %T", lies[code], code, most, cmd)
						}
					}
				}
				settle(20 * time.Minute)
				came := map[string]int64{}
				for _, id := range []string{"R-1", "R-2"} {
					for _, l := range r.receipt(id).Lines {
						came[l.Item] += l.Got()
					}
				}
				for _, l := range r.returned("B-1").Lines {
					came[l.Item] += l.Got
				}
				for _, sku := range []string{"A", "B"} {
					if in := r.stockOf(sku).In; in != came[sku]+byHand[sku] {
						t.Errorf("%d of %s came in: receipts and returns say %d, and %d came by hand", in, sku, came[sku], byHand[sku])
					}
				}
				for name, n := range acts {
					if n > 1 {
						t.Errorf("entry %s was received %d times", name, n)
					}
				}
				// What tasks are to take is there, and what they bring fits.
				takes := map[string]int64{}
				for _, x := range r.putAways() {
					for _, st := range x.Steps {
						takes[st.Item+" "+st.From.Location+" "+st.From.LPN] += st.Qty
					}
				}
				for _, sku := range []string{"A", "B"} {
					for _, sh := range r.stockOf(sku).Shelves {
						key := sku + " " + sh.Location + " " + sh.LPN
						if there := sh.Received + sh.Free + sh.Held + sh.Damaged; takes[key] > there {
							t.Errorf("tasks take %d of %s, and %d are there", takes[key], key, there)
						}
						if sh.Location == "Q-1" && sh.Free > 0 && seed%3 != 0 {
							t.Errorf("%d of %s are promised in quarantine", sh.Free, sku)
						}
						delete(takes, key)
					}
				}
				if len(takes) > 0 {
					t.Errorf("tasks take what is not there: %v", takes)
				}
				r.knowsItsShelves()
				r.books("A", "B")
				r.noLetters()
				for typ, n := range r.count() {
					happened[typ] += n
				}
			})
		})
	}
	for _, typ := range []string{
		"receipt.Received", "receipt.Judged", "receipt.ReturnReceived", "receipt.ReturnDisposed", "receipt.Moved", "stock.PutAwayDirected", "stock.PutAwayDeferred", "stock.PutAway",
		"stock.Transferred", "stock.StatusChanged", "task.Cancelled",
	} {
		if happened[typ] == 0 {
			t.Errorf("%s never happened: the mixture says nothing of it", typ)
		}
	}
	if refused*10 < asked || refused > asked*9/10 {
		t.Errorf("%d of %d were refused: the mixture says little", refused, asked)
	}
}
