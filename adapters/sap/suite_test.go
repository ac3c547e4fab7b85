package sap_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/sap"
	"github.com/paklog/hub/adapters/sap/sapsim"
	"github.com/paklog/hub/core/erp"
	"github.com/paklog/hub/core/erp/erptest"
	mapping "github.com/paklog/hub/transforms/sap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ops = map[erptest.Op]sapsim.Op{
	erptest.Read: sapsim.OpHeader, erptest.Items: sapsim.OpItems, erptest.Pick: sapsim.OpPick, erptest.Part: sapsim.OpPickOne, erptest.Issue: sapsim.OpIssue,
	erptest.List: sapsim.OpHeaders, erptest.ShipTo: sapsim.OpPartner, erptest.Book: sapsim.OpCreate, erptest.Find: sapsim.OpCreated, erptest.Undo: sapsim.OpReverse,
}

// inOps are the same of inbound deliveries.
var inOps = map[erptest.Op]sapsim.Op{
	erptest.Read: sapsim.OpInHeader, erptest.Items: sapsim.OpInItems, erptest.Pick: sapsim.OpPutaway, erptest.Part: sapsim.OpPutawayOne, erptest.Issue: sapsim.OpReceipt,
	erptest.List: sapsim.OpInHeaders, erptest.Undo: sapsim.OpInReverse,
}

func newClient(t *testing.T, url string, now func() time.Time, change ...func(*sap.Config)) *sap.Client {
	t.Helper()
	cfg := sap.Config{
		Connection: "erp.main", BaseURL: url + "/sap/opu/odata/sap", User: sapsim.User, Client: sapsim.Client, Timeout: time.Minute, Now: now,
		Password: func() (string, error) { return sapsim.Password, nil },
		Stocks:   map[string]mapping.Stock{erptest.Site: {Plant: "1710", Location: "171A"}},
		Movements: map[string]mapping.MovementType{
			erp.Gain: {Code: "05", Type: "701"}, erp.Loss: {Code: "03", Type: "702"}, erp.HeldGain: {Code: "05", Type: "707"}, erp.HeldLoss: {Code: "03", Type: "708"},
			erp.Hold: {Code: "04", Type: "344"}, erp.Free: {Code: "04", Type: "343"},
		},
	}
	for _, c := range change {
		c(&cfg)
	}
	c, err := sap.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func newSAP(t *testing.T, o sapsim.Options) (*sapsim.Sim, *sap.Client, *simtest.Clock) {
	t.Helper()
	clk := simtest.NewClock()
	o.Now = clk.Now
	sim := sapsim.New(o)
	return sim, newClient(t, simtest.Serve(t, sim), clk.Now), clk
}

func wanted(qty []int64) (items []sapsim.Wanted) {
	for i, n := range qty {
		items = append(items, sapsim.Wanted{Material: string(rune('A' + i)), Qty: n})
	}
	return append(items, sapsim.Wanted{Material: "a note", Qty: 1, Text: true})
}

func want(s *sapsim.Sim, qty ...int64) string { return s.Want(wanted(qty)...) }

func comes(s *sapsim.Sim, qty ...int64) string {
	return s.Announce(sapsim.Terms{Over: 10, Sales: "4500000001"}, wanted(qty)...)
}

// In one page and in pages of two, with numbers that are shown with zeros in front and without.
func TestSAPIsAnERP(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]sapsim.Options{"plain": {}, "padded, in pages": {Padded: true, PageSize: 2}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rigOf := func(t *testing.T, ops map[erptest.Op]sapsim.Op, want func(*sapsim.Sim, ...int64) string) erptest.Rig {
				clk := simtest.NewClock()
				o := o
				o.Now, o.SlowFor, o.SessionLife = clk.Now, time.Minute, 30*time.Minute
				sim := sapsim.New(o)
				url := simtest.Serve(t, sim)
				return erptest.Rig{
					ERP:         newClient(t, url, clk.Now),
					Unreachable: newClient(t, simtest.Nobody(t), clk.Now),
					Impatient:   newClient(t, url, clk.Now, func(c *sap.Config) { c.Timeout = time.Second }),
					BadSecret:   newClient(t, url, clk.Now, func(c *sap.Config) { c.Password = func() (string, error) { return "wrong", nil } }),
					Want:        func(qty ...int64) string { return want(sim, qty...) },
					Missing:     "89999999", Now: clk.Now, Advance: clk.Advance, SessionLife: o.SessionLife,
					Trouble: func(op erptest.Op, x erptest.Trouble) { sim.Inject(ops[op], simtest.ShopFaults[x]) },
					Meddle: func(op erptest.Op, number string) {
						sim.Meanwhile(ops[op], func(h *sapsim.Hand) { h.Touch(number) })
					},
					Open:     func(number string, open bool) { sim.By(func(h *sapsim.Hand) { h.Lock(number, open) }) },
					ByHand:   func(number string) { sim.By(func(h *sapsim.Hand) { h.Issue(number) }) },
					Close:    func(closed bool) { sim.By(func(h *sapsim.Hand) { h.Close(closed) }) },
					Posted:   func(number string) int { return sim.Truth(number).Issues },
					Left:     func(number string) map[string]int64 { return sim.Truth(number).Left },
					Undone:   func(number string) int { return sim.Truth(number).Undone },
					Arrived:  func(op erptest.Op) int { return sim.Calls(ops[op]) },
					Sessions: sim.Sessions,
					Booked: func(key string) int {
						n := 0
						for _, m := range sim.Moves() {
							if m.Reference == key && m.Material == "A" && m.Qty == 3 && m.Batch == "L1" && m.Plant == "1710" {
								n++
							}
						}
						return n
					},
				}
			}
			rig := func(t *testing.T) erptest.Rig { return rigOf(t, ops, want) }
			erptest.Run(t, rig)
			t.Run("taking a goods issue back", func(t *testing.T) {
				t.Parallel()
				erptest.RunReverser(t, erp.DoIssue, rig)
			})
			t.Run("taking a goods receipt back", func(t *testing.T) {
				t.Parallel()
				erptest.RunReverser(t, erp.DoReceipt, func(t *testing.T) erptest.Rig { return rigOf(t, inOps, comes) })
			})
			t.Run("as a receiver", func(t *testing.T) {
				t.Parallel()
				erptest.RunReceiver(t, func(t *testing.T) erptest.Rig { return rigOf(t, inOps, comes) })
			})
			t.Run("as a source", func(t *testing.T) {
				t.Parallel()
				erptest.RunSource(t, rig)
			})
			t.Run("told of adjustments", func(t *testing.T) {
				t.Parallel()
				erptest.RunMover(t, rig)
			})
		})
	}
}
