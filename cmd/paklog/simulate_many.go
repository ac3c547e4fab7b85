package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/paklog/hub/routes/simulate"
)

// many runs many seeds and prints which fault struck which step how often. A cell that none struck is a
// finding: it says nothing of what would happen there.
func (s *simulation) many(ctx context.Context, out, progress io.Writer) error {
	last := time.Now()
	done := 0
	each := func(*simulate.Result) {
		done++
		if now := time.Now(); !s.quiet && now.Sub(last) > 10*time.Second {
			last = now
			fmt.Fprintf(progress, "%d of %d seeds\n", done, s.seeds)
		}
	}
	t, err := simulate.Many(ctx, s.cfg, s.cfg.Seed, s.seeds, s.parallel, each)
	cells, points := t.Empty()
	if s.cfg.Faults.Crashes == 0 {
		cells, points = nil, nil
	}
	if s.json {
		hits := map[string]map[string]int{}
		for c, n := range t.Hits {
			if hits[c.Step] == nil {
				hits[c.Step] = map[string]int{}
			}
			hits[c.Step][c.Fault] = n
		}
		if jerr := writeJSON(out, struct {
			*simulate.Tally
			Hits    map[string]map[string]int `json:"hits"`
			Empty   []simulate.Cell           `json:"empty"`
			Failure string                    `json:"failure,omitempty"`
		}{t, hits, cells, text(err)}); jerr != nil {
			return jerr
		}
	} else if err := manyTable(out, t); err != nil {
		return err
	}
	if err != nil {
		return s.failed(out, err)
	}
	for _, c := range cells {
		fmt.Fprintf(progress, "no %s at %s\n", c.Fault, c.Step)
	}
	for _, p := range points {
		fmt.Fprintf(progress, "no crash at %s\n", p)
	}
	if len(cells)+len(points) > 0 {
		return exitFindings
	}
	return nil
}

func manyTable(out io.Writer, t *simulate.Tally) error {
	kinds := simulate.Kinds()
	w := newTable(out, append([]string{"step"}, kinds...)...)
	for _, step := range t.Steps {
		row := []any{step}
		for _, k := range kinds {
			row = append(row, t.Hits[simulate.Cell{Step: step, Fault: k}])
		}
		w.row(row...)
	}
	if err := w.flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	w = newTable(out, "crash at", "times")
	for _, p := range simulate.CrashPoints() {
		w.row(p, t.Points[p])
	}
	if err := w.flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d seeds, %d orders (%d at least), %d crashes (%d at least), %d events; %s, %.2f s a seed\n",
		t.Seeds, t.Orders, t.FewestOrders, t.Crashes, t.FewestCrashes, t.Events, t.Took.Round(time.Second), t.Took.Seconds()/float64(max(1, t.Seeds)))
	return err
}
