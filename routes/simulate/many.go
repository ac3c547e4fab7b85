package simulate

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/paklog/hub/routes/bus"
)

// Tally is what many seeds came to together.
type Tally struct {
	Seeds   int `json:"seeds"`
	Orders  int `json:"orders"`
	Events  int `json:"events"`
	Crashes int `json:"crashes"`
	// Fewest of one seed.
	FewestOrders  int `json:"fewest_orders"`
	FewestCrashes int `json:"fewest_crashes"`

	Steps  []string       `json:"steps"` // of the flow, the rows of the table
	Hits   map[Cell]int   `json:"-"`
	Points map[string]int `json:"crash_points"`
	Took   time.Duration  `json:"took_ns"`
}

// Many runs seeds from first on, so many at once, and ends with the first failure. Each, when
// set, is told of each result; from one goroutine at a time.
func Many(ctx context.Context, cfg Config, first uint64, seeds, atOnce int, each func(*Result)) (*Tally, error) {
	began := time.Now()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	t := &Tally{Hits: map[Cell]int{}, Points: map[string]int{}}
	var mu sync.Mutex
	var failed error
	next := make(chan uint64)
	var all sync.WaitGroup
	for range max(1, atOnce) {
		all.Go(func() {
			for seed := range next {
				c := cfg
				c.Seed = seed
				res, err := Run(ctx, c)
				mu.Lock()
				switch {
				case err != nil && failed == nil && !errors.Is(err, context.Canceled):
					failed = err
					stop()
				case err == nil:
					t.add(res)
					if each != nil {
						each(res)
					}
				}
				mu.Unlock()
			}
		})
	}
	for i := range seeds {
		if ctx.Err() != nil {
			break
		}
		next <- first + uint64(i)
	}
	close(next)
	all.Wait()
	t.Took = time.Since(began)
	if failed == nil {
		failed = context.Cause(ctx)
	}
	return t, failed
}

func (t *Tally) add(r *Result) {
	t.Seeds++
	t.Orders += r.Orders
	t.Events += r.Events
	crashes := 0
	for _, h := range r.Faults {
		t.Hits[h.Cell] += h.N
		if h.Fault == CrashBefore || h.Fault == CrashAfter {
			crashes += h.N
		}
	}
	for p, n := range r.Points {
		t.Points[p] += n
		crashes += n
	}
	t.Crashes += crashes
	if t.Seeds == 1 {
		t.FewestOrders, t.FewestCrashes = r.Orders, crashes
	}
	t.FewestOrders, t.FewestCrashes = min(t.FewestOrders, r.Orders), min(t.FewestCrashes, crashes)
	t.Steps = r.FlowSteps
}

// Empty are the cells of the table that no fault struck, and the crash points that none died at.
func (t *Tally) Empty() (cells []Cell, points []bus.Step) {
	for _, step := range t.Steps {
		for _, kind := range Kinds() {
			if c := (Cell{step, kind}); t.Hits[c] == 0 && !slices.Contains(never, c) {
				cells = append(cells, c)
			}
		}
	}
	for _, p := range crashPoints {
		if t.Points[string(p)] == 0 {
			points = append(points, p)
		}
	}
	return cells, points
}

// never are the cells that cannot be: nobody stands behind a door and is late, and the clock
// does not move within a call.
var never = func() []Cell {
	var out []Cell
	for _, d := range doors {
		out = append(out, Cell{d, Late}, Cell{d, Jump})
	}
	return out
}()

// CrashPoints are the named steps at which a hub is killed, beside its writes.
func CrashPoints() []string {
	out := make([]string, len(crashPoints))
	for i, p := range crashPoints {
		out[i] = string(p)
	}
	return out
}
