package simulate

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"testing"
)

// seedsInTest is how many warehouses a test run works through: each is one of make torture-core.
const seedsInTest = 200

func TestSeedsKeepTheirPromises(t *testing.T) {
	if testing.Short() {
		if tally, err := Many(t.Context(), small(0), 100, 4, 2, nil); err != nil || tally.Seeds != 4 || tally.FewestCrashes < 3 {
			t.Errorf("%+v: %v", tally, err)
		}
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // garbage is most of what a run makes
	tally, err := Many(t.Context(), Config{Orders: 500, Lines: 1, Items: 40, Faults: AllFaults()}, 100, seedsInTest, runtime.GOMAXPROCS(0), nil)
	if err != nil {
		t.Fatal(err)
	}
	if tally.Seeds != seedsInTest || tally.FewestOrders < 500 || tally.FewestCrashes < 5 {
		t.Errorf("%d of %d seeds, %d orders and %d crashes at least", tally.Seeds, seedsInTest, tally.FewestOrders, tally.FewestCrashes)
	}
	cells, points := tally.Empty()
	for _, c := range cells {
		t.Errorf("no %s at %s", c.Fault, c.Step)
	}
	for _, p := range points {
		t.Errorf("no crash at %s", p)
	}
}

func TestTheTableNamesWhatNoFaultStruck(t *testing.T) {
	tally := Tally{Steps: []string{"task", doors[0]}, Hits: map[Cell]int{}, Points: map[string]int{}}
	for _, k := range Kinds() {
		tally.Hits[Cell{"task", k}] = 1
		tally.Hits[Cell{doors[0], k}] = 1
	}
	delete(tally.Hits, Cell{"task", Late})
	delete(tally.Hits, Cell{doors[0], Late}) // which cannot be
	cells, points := tally.Empty()
	if len(cells) != 1 || cells[0] != (Cell{"task", Late}) || len(points) != len(crashPoints) {
		t.Errorf("%v, %d points", cells, len(points))
	}
}

func TestManyEndWithTheFirstThatFails(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Many(ctx, small(0), 1, 5, 2, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}
