package usps_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simcarrier"
	"github.com/paklog/hub/adapters/internal/simhttp"
	"github.com/paklog/hub/adapters/internal/simtest"
	"github.com/paklog/hub/adapters/usps"
	"github.com/paklog/hub/adapters/usps/uspssim"
	"github.com/paklog/hub/core/ship/carriertest"
)

// A process that dies at any call of a purchase, before USPS acts or after, and at any
// call of the question about it, leaves one label with whoever comes after it. USPS
// itself is started again too: what it knows of keys is in its truth.
func TestAProcessThatDiesAtAnyCallLeavesOneLabel(t *testing.T) {
	t.Parallel()
	ops := []uspssim.Op{uspssim.OpToken, uspssim.OpPay, uspssim.OpLabel, uspssim.OpReprint}
	for _, op := range ops {
		for _, how := range []simhttp.Fault{simhttp.DropBefore, simhttp.AnswerLost} {
			for _, guard := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, guarded %t", op, how, guard), func(t *testing.T) {
					t.Parallel()
					died(t, op, how, guard)
				})
			}
		}
	}
}

func died(t *testing.T, op uspssim.Op, how simhttp.Fault, guard bool) {
	t.Helper()
	clk := simtest.NewClock()
	file, tokens := filepath.Join(t.TempDir(), "truth.jsonl"), t.TempDir()
	life := func(faults map[uspssim.Op][]simhttp.Fault) (*usps.Client, *uspssim.Sim) {
		sim := newSim(t, uspssim.Options{Now: clk.Now, TruthFile: file, Guard: guard})
		for op, f := range faults {
			sim.Inject(op, f...)
		}
		return newClient(t, simtest.Serve(t, sim), clk.Now, func(c *usps.Config) { c.TokenDir, c.TokenRetry = tokens, time.Microsecond }), sim
	}
	p := goodParcel("ref-1")
	faults := map[uspssim.Op][]simhttp.Fault{op: {how, how, how}} // a token is asked for three times
	if op == uspssim.OpReprint {
		faults[uspssim.OpLabel] = []simhttp.Fault{simhttp.AnswerLost}
	}
	c, sim := life(faults)
	if _, err := c.Buy(t.Context(), p); err == nil {
		t.Fatal("nothing was lost")
	}
	if op == uspssim.OpReprint {
		if _, err := c.Resolve(t.Context(), p); err == nil {
			t.Fatal("the question was answered")
		}
	}
	sim.Close()
	// Whoever comes after knows that a purchase had begun, and asks before it buys.
	c, sim = life(nil)
	e := carriertest.Executor{Carrier: c, Advance: clk.Advance, Settle: time.Minute}
	l, err := e.Again(t.Context(), p)
	if err != nil || len(l.Image) == 0 {
		t.Fatalf("%+v, %v", l, err)
	}
	truth, err := simcarrier.ReadTruth(file)
	if err != nil || truth.Bought("ref-1") != 1 || truth.Standing("ref-1") != 1 || truth.Labels[0].TrackingNumber != l.TrackingNumber {
		t.Errorf("%+v, %v", truth.Labels, err)
	}
	if n := sim.Calls(uspssim.OpLabel); n > 1 {
		t.Errorf("%d purchases after the death", n)
	}
}
