package ups_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/paklog/hub/adapters/internal/simhttp"
	"github.com/paklog/hub/adapters/ups"
	"github.com/paklog/hub/adapters/ups/upssim"
	"github.com/paklog/hub/core/fault"
	"github.com/paklog/hub/core/ship"
)

// executor does for one label what the port's contract asks of its caller.
type executor struct {
	carrier *ups.Client
	clk     *clock
	settle  time.Duration // how long "not found" must hold before it counts
}

// label buys until a label is in hand. It ends because the faults are drawn, not for ever.
func (e executor) label(ctx context.Context, p ship.Parcel) (ship.Label, error) {
	for range 200 {
		l, err := e.carrier.Buy(ctx, p)
		switch fault.KindOf(err) {
		case fault.Unknown:
			if l, err = e.resolve(ctx, p); err != nil || l.TrackingNumber != "" {
				return l, err
			}
			continue
		case fault.Transient, fault.Throttled, fault.Unavailable:
			e.clk.Advance(max(fault.AfterOf(err), time.Second))
			continue
		}
		return l, err // bought, or refused for good
	}
	return ship.Label{}, fmt.Errorf("%s: no end in sight", p.Reference)
}

// resolve returns the label that an Unknown purchase left, or none.
func (e executor) resolve(ctx context.Context, p ship.Parcel) (ship.Label, error) {
	for nothing := 0; nothing < 2; {
		found, err := e.carrier.Resolve(ctx, p)
		switch {
		case err == nil && len(found) > 0:
			return found[0], nil
		case err == nil:
			nothing++
			e.clk.Advance(e.settle)
		case fault.KindOf(err) == fault.Invalid || fault.KindOf(err) == fault.Rejected:
			return ship.Label{}, err
		default:
			e.clk.Advance(max(fault.AfterOf(err), time.Second))
		}
	}
	return ship.Label{}, nil
}

// run buys labels from a carrier that fails in every way at once and shows its
// labels to recovery a minute late. It returns what is wrong in truth.
func run(t *testing.T, seed uint64, settle time.Duration) (wrong []string) {
	t.Helper()
	clk := newClock()
	sim := newSim(t, upssim.Options{
		Now: clk.Now, Seed: seed, RecoveryLag: time.Minute, TrackingLag: 30 * time.Second, RatePerSecond: 50,
		Faults: map[upssim.Fault]int{
			upssim.AnswerLost: 120, upssim.DropBefore: 60, upssim.LateError: 60, simhttp.GatewayError: 60, upssim.ServerError: 40,
			simhttp.Outage: 40, simhttp.TooMany: 40, upssim.Truncated: 60, simhttp.HTML: 40, simhttp.Doubled: 40, simhttp.Revoke: 40,
			simhttp.LoneObjects: 60, simhttp.ExtraMembers: 60,
		},
	})
	e := executor{carrier: newClient(t, serve(t, sim), clk.Now, func(c *ups.Config) { c.TokenRetry = time.Microsecond }), clk: clk, settle: settle}
	inHand := map[string]ship.Label{}
	for i := range 40 {
		p := goodParcel(ship.ReferenceOf(fmt.Sprintf("%d/%d", seed, i)))
		l, err := e.label(t.Context(), p)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		inHand[p.Reference] = l
	}
	truth := sim.Truth()
	for ref, l := range inHand {
		if n := truth.Standing(ref); n != 1 {
			wrong = append(wrong, fmt.Sprintf("seed %d: %d labels stand under %s, want 1", seed, n, ref))
		}
		for _, b := range truth.Labels {
			if b.TrackingNumber == l.TrackingNumber && b.References[0] != ref {
				wrong = append(wrong, fmt.Sprintf("seed %d: %s holds the label of %s", seed, ref, b.References[0]))
			}
		}
	}
	return wrong
}

func TestNeverTwoLabelsWhateverTheCarrierDoes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		for _, w := range run(t, seed, 2*time.Minute) {
			t.Error(w)
		}
	}
}

// The wait between the two questions is not decoration.
func TestAskingTwiceAtOnceWouldBuyTwice(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		if len(run(t, seed, time.Millisecond)) > 0 {
			return
		}
	}
	t.Error("no seed bought a second label: the simulator does not show labels late any more")
}
