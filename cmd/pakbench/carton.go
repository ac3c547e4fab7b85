package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/paklog/hub/core/carton"
)

// containerSets are BR1 to BR7 of Bischoff and Ratcliff, 100 instances each.
var containerSets = []string{"BR1.txt", "BR2.txt", "BR3.txt", "BR4.txt", "BR5.txt", "BR6.txt", "BR7.txt"}

// containers loads published containers once each, each box fully supported.
type containers struct {
	limit time.Duration
	cases []containerCase
}

type containerCase struct {
	set       int
	problem   carton.Problem
	bestKnown int64 // volume; those that published it do not say whether boxes are supported
}

func openContainers(_ context.Context, c *config) (probe, error) {
	dir := filepath.Join(c.data, "wms-instances", "cartonisation", "data")
	best, err := bestLoadings(filepath.Join(dir, "box", "data_knapsack_bischoff1995_davies1999.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cannot("no container-loading instances in %s; -data names the folder that holds wms-instances", dir)
	}
	if err != nil {
		return nil, err
	}
	out := &containers{limit: time.Duration(c.seconds * float64(time.Second))}
	for set, name := range containerSets {
		path := filepath.Join(dir, "box_raw", "bischoff1995", name)
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		problems, err := carton.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		step := 1
		if c.perSet > 0 {
			step = max(1, len(problems)/c.perSet)
		}
		// From the middle of each stretch, so that the first, which are easier, count as the others.
		for i := step / 2; i < len(problems); i += step {
			key := fmt.Sprintf("bischoff1995/%s_%d", name, problems[i].ID)
			if best[key] == 0 {
				return nil, fmt.Errorf("%s has no published value", key)
			}
			out.cases = append(out.cases, containerCase{set, problems[i], best[key]})
		}
	}
	return out, nil
}

// bestLoadings reads the table of best known volumes by file and instance.
func bestLoadings(file string) (map[string]int64, error) {
	rows, err := tableOf(file)
	if err != nil {
		return nil, err
	}
	path, value := slices.Index(rows[0], "Path"), slices.Index(rows[0], "Best known solution value")
	if path < 0 || value < 0 {
		return nil, fmt.Errorf("reading %s: its columns are %q", file, rows[0])
	}
	out := map[string]int64{}
	for i, row := range rows[1:] {
		if out[row[path]], err = strconv.ParseInt(row[value], 10, 64); err != nil {
			return nil, fmt.Errorf("reading %s, row %d: %q is no volume", file, i+2, row[value])
		}
	}
	return out, nil
}

func (c *containers) round(ctx context.Context) (sample, error) {
	var utilisation, gap, worstGap, baseline, bound float64
	var took time.Duration
	infeasible := 0
	sum, n := make([]float64, len(containerSets)), make([]float64, len(containerSets))
	lowest := 100.0
	for _, k := range c.cases {
		if err := ctx.Err(); err != nil {
			return sample{}, err
		}
		// Processor time: the wall's would count who else works here.
		from := cpuTime()
		a := carton.Load(k.problem, carton.Options{Stop: func() bool { return cpuTime()-from >= c.limit }})
		took += cpuTime() - from
		if err := carton.Check(k.problem, a.Placements); err != nil {
			infeasible++
			continue
		}
		share := func(v int64) float64 { return 100 * float64(v) / float64(k.problem.Container.Volume()) }
		below := func(v int64) float64 { return 100 * float64(k.bestKnown-v) / float64(k.bestKnown) }
		utilisation += share(a.Volume)
		lowest = min(lowest, share(a.Volume))
		gap += below(a.Volume)
		worstGap = max(worstGap, below(a.Volume))
		bound += 100 * float64(a.Bound-a.Volume) / float64(a.Bound)
		baseline += below(carton.FirstFit(k.problem).Volume)
		sum[k.set] += share(a.Volume)
		n[k.set]++
	}
	count := float64(len(c.cases) - infeasible)
	if count == 0 {
		return sample{}, fmt.Errorf("all %d loadings are infeasible", infeasible)
	}
	out := sample{value: utilisation / count, counts: map[string]float64{
		"instances": float64(len(c.cases)), "utilisation_pct": utilisation / count, "worst_utilisation_pct": lowest,
		"gap_pct": gap / count, "worst_gap_pct": worstGap, "bound_gap_pct": bound / count, "baseline_gap_pct": baseline / count,
		"us_per_instance": float64(took.Microseconds()) / float64(len(c.cases)), "infeasible": float64(infeasible),
	}}
	for i, name := range containerSets {
		out.notes = append(out.notes, fmt.Sprintf("%s %.2f %%", name[:3], sum[i]/max(1, n[i])))
	}
	return out, nil
}

func (c *containers) Close() error { return nil }
