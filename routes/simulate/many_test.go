package simulate

import (
	"context"
	"errors"
	"testing"
)

// seedsInTest is how many warehouses a test run works through.
const seedsInTest = 24

func TestSeedsKeepTheirPromises(t *testing.T) {
	seeds := seedsInTest
	if testing.Short() {
		seeds = 4
	}
	tally, err := Many(t.Context(), small(0), 100, seeds, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	if tally.Seeds != seeds || tally.FewestCrashes < 3 {
		t.Errorf("%d of %d seeds, %d crashes at least", tally.Seeds, seeds, tally.FewestCrashes)
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
