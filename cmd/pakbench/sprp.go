package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/core/route"
)

// tourTime is when a search with scattered storage is stopped: what is left of the 50 ms
// that an order may take is for the part of the search that was under way.
const tourTime = 42 * time.Millisecond

// sprpPlan is the published instances of one measurement.
type sprpPlan struct {
	scattered bool
	sets      []sprpSet
}

// sprpSet is files by the beginning of their names, with a number of blocks.
type sprpSet struct {
	blocks int
	prefix string
	table  string // of published lengths
}

var (
	sprpOne       = sprpPlan{sets: []sprpSet{{1, "unit_F1_", "results_SPRP.csv"}}}
	sprpTwo       = sprpPlan{sets: []sprpSet{{2, "unit_F1_", "results_SPRP_two_block.csv"}}}
	sprpScattered = sprpPlan{scattered: true, sets: []sprpSet{
		{1, "unit_", "results_SPRP-SS.csv"}, {1, "varying_", "results_SPRP-SS.csv"}, {2, "unit_", "results_SPRP-SS_two_block.csv"},
	}}
	sprpVarying = sprpPlan{scattered: true, sets: []sprpSet{{2, "varying_", "results_SPRP-SS_two_block.csv"}}}
)

// sprp solves published picker routing instances once each.
type sprp struct {
	plan  sprpPlan
	cases []sprpCase
}

type sprpCase struct {
	in        route.Instance
	published int64
}

func openSPRP(plan sprpPlan) func(context.Context, *config) (probe, error) {
	return func(_ context.Context, c *config) (probe, error) {
		s := &sprp{plan: plan}
		for _, set := range plan.sets {
			if err := s.load(filepath.Join(c.data, "wms-instances", "sprp"), set); err != nil {
				return nil, err
			}
		}
		return s, nil
	}
}

func (s *sprp) load(dir string, set sprpSet) error {
	published, err := publishedLengths(filepath.Join(dir, "results", set.table))
	if errors.Is(err, fs.ErrNotExist) {
		return cannot("no SPRP instances in %s; -data names the folder that holds wms-instances", dir)
	}
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "instances", set.prefix+"*.txt"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if s.plan.scattered && strings.Contains(filepath.Base(file), "_F1_") {
			continue // one position an article: another measurement
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		in, err := route.ReadSPRP(text, set.blocks)
		if err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		length, known := published[filepath.Base(file)]
		if !known {
			return fmt.Errorf("%s has no published length in %s", file, set.table)
		}
		s.cases = append(s.cases, sprpCase{in, length})
	}
	if len(s.cases) == 0 {
		return cannot("no instances %s*.txt in %s", set.prefix, dir)
	}
	return nil
}

// tableOf reads a published table, its header first.
func tableOf(file string) ([][]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("reading %s: it is empty", file)
	}
	return rows, nil
}

// publishedLengths reads a table of results by file name. The one-block tables have
// the parts of the name in columns.
func publishedLengths(file string) (map[string]int64, error) {
	rows, err := tableOf(file)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for i, row := range rows[1:] {
		get := func(column string) string {
			if n := slices.Index(rows[0], column); n >= 0 {
				return row[n]
			}
			return ""
		}
		name, value := get("filename"), get("objective")
		if name == "" {
			kind := "varying"
			if get("unit demand") == "true" {
				kind = "unit"
			}
			name = fmt.Sprintf("%s_F%s_m%s_C%s_a%s_%s.txt", kind, get("alpha"), get("num aisles"), get("num cells"), get("num articles"), get("random seed"))
			value = get("GS MIP cost")
		}
		if out[name], err = strconv.ParseInt(value, 10, 64); err != nil {
			return nil, fmt.Errorf("reading %s, row %d: %q is no length", file, i+2, value)
		}
	}
	return out, nil
}

// tours is what one way to solve gave over all cases, as gaps in percent.
type tours struct{ sum, worst float64 }

func (t *tours) add(length, best float64) {
	gap := 100 * (length - best) / best
	t.sum += gap
	t.worst = max(t.worst, gap)
}

func (s *sprp) round(ctx context.Context) (sample, error) {
	var ours, sShape, largestGap tours
	var took, slowest time.Duration
	var proven, low int
	for _, c := range s.cases {
		if err := ctx.Err(); err != nil {
			return sample{}, err
		}
		length, bound, spent, err := s.solve(c.in.Problem)
		if err != nil {
			return sample{}, fmt.Errorf("solving %s: %w", c.in.Name, err)
		}
		took += spent
		slowest = max(slowest, spent)
		value := func(v int64) float64 {
			f, _ := strconv.ParseFloat(c.in.Distance(v), 64) // a number by construction
			return f
		}
		best := float64(c.published)
		if value(bound) > best {
			best = value(bound) // no tour that fills the order is as short as was published
			low++
		}
		if length == bound {
			proven++
		}
		ours.add(value(length), best)
		at := route.Nearest(c.in.Problem)
		sShape.add(value(route.SShape(c.in.Problem.Warehouse, at)), best)
		largestGap.add(value(route.LargestGap(c.in.Problem.Warehouse, at)), best)
	}
	n := float64(len(s.cases))
	out := sample{value: n / took.Seconds(), counts: map[string]float64{
		"instances": n, "gap_pct": ours.sum / n, "worst_gap_pct": ours.worst,
		"us_per_instance": float64(took.Microseconds()) / n, "slowest_us": float64(slowest.Microseconds()),
		"baseline_gap_pct": sShape.sum / n, "largest_gap_gap_pct": largestGap.sum / n, "proven": float64(proven),
	}}
	if low > 0 {
		out.counts["published_too_low"] = float64(low)
		out.notes = append(out.notes, fmt.Sprintf("%d published lengths are below a proven bound; the gap is to the bound there", low))
	}
	return out, nil
}

// solve is a tour's length, its bound, and the processor time that it took: the wall's time
// would count who else works here.
func (s *sprp) solve(p route.Problem) (length, bound int64, took time.Duration, err error) {
	if !s.plan.scattered {
		return exactTour(p)
	}
	from := cpuTime()
	a, err := route.Solve(p, 1, func(int64) bool { return cpuTime()-from > tourTime })
	return a.Length, a.Bound, cpuTime() - from, err
}

// exactTour is the median of several runs, workspace and order of stops included.
func exactTour(p route.Problem) (length, bound int64, took time.Duration, err error) {
	r, err := route.NewRouter(p.Warehouse)
	if err != nil {
		return 0, 0, 0, err
	}
	var at []route.Position
	for _, s := range p.Stock {
		at = append(at, s.Position)
	}
	var runs []time.Duration
	for range 15 {
		from := time.Now()
		_, length = r.Tour(at)
		runs = append(runs, time.Since(from))
	}
	slices.Sort(runs)
	return length, length, runs[len(runs)/2], nil
}

func (s *sprp) Close() error { return nil }
