package simulate

import (
	"strings"
	"testing"

	"github.com/paklog/hub/core/journal"
	"github.com/paklog/hub/routes"
)

// past is the journal of a day that was simulated.
func past(t *testing.T, seed uint64) (*run, journal.Pos) {
	t.Helper()
	c := Config{Seed: seed, Orders: 80, Items: 30, Workers: 4, Faults: FloorFaults()}
	if err := c.defaults(); err != nil {
		t.Fatal(err)
	}
	r, err := newRun(t.Context(), c)
	if err == nil {
		err = r.all()
	}
	if err != nil {
		t.Fatal(err)
	}
	last, err := r.store.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r, last
}

func TestAForkGoesOnWithTheSameArrivals(t *testing.T) {
	r, last := past(t, 11)
	for _, at := range []journal.Pos{0, last / 4, last / 2} {
		f, err := ReadFork(t.Context(), r.store, at, r.flows())
		if err != nil {
			t.Fatal(err)
		}
		if f.Arrivals == 0 || f.Until.Before(f.Time) {
			t.Fatalf("position %d: %d arrivals from %s to %s", at, f.Arrivals, f.Time, f.Until)
		}
		same, err := WhatIf(t.Context(), f, Config{Seed: 5, Workers: 4}, []string{"steal=false"})
		if err != nil {
			t.Fatal(err)
		}
		if same.Old.Hash != same.New.Hash {
			t.Errorf("position %d: nothing was changed, and it went another way", at)
		}
		if same.Old.Shipped == 0 || same.Old.TravelM == 0 {
			t.Errorf("position %d: nothing happens: %+v", at, same.Old.Summary)
		}
		other, err := WhatIf(t.Context(), f, Config{Seed: 5, Workers: 4}, []string{"wave.size=1", "wave.timeout=1m"})
		if err != nil {
			t.Fatal(err)
		}
		if other.Old.Hash != same.Old.Hash {
			t.Errorf("position %d: the old policy went another way beside another new one", at)
		}
		if other.New.Waves <= other.Old.Waves || other.New.Orders != other.Old.Orders {
			t.Errorf("position %d: waves of one order: %d waves of %d orders, before %d of %d", at, other.New.Waves, other.New.Orders, other.Old.Waves, other.Old.Orders)
		}
	}
	// What it reads stays as it is.
	if now, err := r.store.Last(t.Context()); err != nil || now != last {
		t.Errorf("the journal that was forked stands at %d, it did at %d: %v", now, last, err)
	}
}

func TestAForkIsRefused(t *testing.T) {
	r, last := past(t, 12)
	if _, err := ReadFork(t.Context(), r.store, last, r.flows()); err == nil || !strings.Contains(err.Error(), "nothing came") {
		t.Errorf("at the end: %v", err)
	}
	f, err := ReadFork(t.Context(), r.store, last/2, r.flows())
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]string{nil, {"colour=red"}, {"wave.size=many"}} {
		if _, err := WhatIf(t.Context(), f, Config{}, bad); err == nil {
			t.Errorf("%v was tried", bad)
		}
	}
}

// Whatever the configuration that is forked says, nothing of it reaches outside.
func TestAForkHasNoWayOut(t *testing.T) {
	r, _ := past(t, 13)
	out := r.flows()
	out.Carriers = []routes.CarrierConfig{{Name: "real", Service: "1"}} // without a port: a call would panic
	f, err := ReadFork(t.Context(), r.store, 0, out)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Seed: 1, Workers: 4, Fork: f}
	if err := c.defaults(); err != nil {
		t.Fatal(err)
	}
	forked, err := newRun(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range forked.flows().Carriers {
		if x.Port != forked.floor.carrier {
			t.Errorf("connection %s speaks to %v", x.Name, x.Port)
		}
	}
	if err := forked.all(); err != nil {
		t.Fatal(err)
	}
	if forked.check.types["label.Bought"] == 0 {
		t.Error("no label was bought from the ledger in memory")
	}
}
